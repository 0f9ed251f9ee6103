//! The envelope of `/api/v1/query` and `/api/v1/query_range`, in types that hold just what is wanted: whole maps of labels cost five times
//! the time and memory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use rebalancer_core::port::MetricsError;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};

use crate::text::{LABELS, MESSAGE, WORDS, excerpt, glimpse};

/// Prometheus 2.48 to 2.5x sends remarks on style among the warnings, with this prefix; later versions send them as
/// `infos`. They say nothing about the answer being whole.
const REMARK: &str = "PromQL info:";

#[derive(Debug, Deserialize)]
struct Answer<R> {
    status: Status,
    data: Option<Data<R>>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
    warnings: Option<Vec<String>>,
    /// VictoriaMetrics: a storage node did not answer.
    #[serde(rename = "isPartial")]
    is_partial: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Success,
    Error,
}

#[derive(Debug, Deserialize)]
struct Data<R> {
    #[serde(rename = "resultType")]
    result_type: ResultType,
    result: R,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ResultType {
    Vector,
    Matrix,
    Scalar,
    String,
}

/// One sample of a vector.
#[derive(Debug, Deserialize)]
pub(super) struct Series<L> {
    pub(super) metric: L,
    value: (IgnoredAny, Number),
}

impl<L> Series<L> {
    /// The value, which may be no number.
    pub(super) fn number(&self) -> f64 {
        self.value.1.0
    }
}

/// One series of a matrix: times in seconds since the epoch, with their values.
#[derive(Debug, Deserialize)]
pub(super) struct Track<L> {
    pub(super) metric: L,
    values: Vec<(f64, Number)>,
}

impl<L> Track<L> {
    /// Times and values. A value may be no number.
    pub(super) fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.values.iter().map(|(time, number)| (*time, number.0))
    }
}

// A missing label and an empty one are the same thing in Prometheus, so an absent label reads as "".

#[derive(Debug, Deserialize)]
pub(super) struct PodLabel<'a> {
    #[serde(borrow, default)]
    pub(super) pod: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PartitionLabels<'a> {
    #[serde(borrow, default)]
    pub(super) topic: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) partition: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) pod: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(super) struct HpaLabels<'a> {
    #[serde(borrow, default)]
    pub(super) horizontalpodautoscaler: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) metric_target_type: Cow<'a, str>,
}

/// A number that is sent as a text: "1.5", "1e-3", "NaN", "+Inf".
#[derive(Debug)]
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sample value such as \"1.5\"")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                let number = text.parse();
                number.map(Number).map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// The samples of an instant vector, after every check on the envelope.
pub(super) fn vector<'a, L: Deserialize<'a>>(body: &'a [u8]) -> Result<Vec<Series<L>>, MetricsError> {
    read(body, ResultType::Vector)
}

/// The series of a range, after every check on the envelope.
pub(super) fn matrix<'a, L: Deserialize<'a>>(body: &'a [u8]) -> Result<Vec<Track<L>>, MetricsError> {
    read(body, ResultType::Matrix)
}

fn read<'a, R: Deserialize<'a>>(body: &'a [u8], expected: ResultType) -> Result<R, MetricsError> {
    match serde_json::from_slice::<Answer<R>>(body) {
        Ok(answer) => answer.result(expected),
        Err(error) => Err(explain(body, expected, &error)),
    }
}

/// What is wrong with an answer whose samples can't be read. The envelope alone may know a better reason.
fn explain(body: &[u8], expected: ResultType, error: &serde_json::Error) -> MetricsError {
    let envelope = serde_json::from_slice::<Answer<IgnoredAny>>(body);
    match envelope.map(|answer| answer.result(expected)) {
        Ok(Err(reason)) => reason,
        Ok(Ok(IgnoredAny)) | Err(_) => malformed(format!(
            "expected the JSON of a query API, but {}; it begins with: {}",
            excerpt(&error.to_string(), WORDS),
            glimpse(body)
        )),
    }
}

/// The labels of the first series that has none of this name, for an error: a map of labels is too dear otherwise.
pub(super) fn labels_without(name: &str, body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Labelled<'a> {
        #[serde(borrow)]
        metric: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    }
    let answer = serde_json::from_slice::<Answer<Vec<Labelled<'_>>>>(body);
    let series = answer.ok().and_then(|answer| answer.data).map(|data| data.result).unwrap_or_default();
    let without = series.iter().find(|series| series.metric.get(name).is_none_or(|value| value.is_empty()));
    let labels = without.map(|series| &series.metric).into_iter().flatten();
    let labels: Vec<_> = labels.map(|(name, value)| format!("{name}={value:?}")).collect();
    excerpt(&format!("{{{}}}", labels.join(", ")), LABELS)
}

/// The server's own words in an answer that reports an error, if it is one.
pub(crate) fn server_error(body: &[u8]) -> Option<String> {
    let answer: Answer<IgnoredAny> = serde_json::from_slice(body).ok()?;
    (answer.status == Status::Error).then(|| answer.words())
}

/// The message may hold labels, which may hold anything.
pub(super) fn malformed(message: impl AsRef<str>) -> MetricsError {
    MetricsError::Malformed { message: excerpt(message.as_ref(), MESSAGE) }
}

impl<R> Answer<R> {
    fn result(self, expected: ResultType) -> Result<R, MetricsError> {
        if self.status == Status::Error {
            return Err(self.failure());
        }
        if let Some(message) = self.gap() {
            return Err(MetricsError::Incomplete { message });
        }
        let data = self
            .data
            .ok_or_else(|| malformed("an answer without 'data' came, expected the JSON of a query API"))?;
        if data.result_type != expected {
            let (came, expected) = (data.result_type.name(), expected.name());
            return Err(malformed(format!("{came} came, expected {expected}")));
        }
        Ok(data.result)
    }

    /// An error within a 200: some proxies do that. The server's type says whether the query is to blame.
    fn failure(&self) -> MetricsError {
        let message = self.words();
        match self.error_type.as_deref() {
            Some("timeout" | "canceled" | "unavailable" | "internal") => {
                MetricsError::Unavailable { message }
            }
            _ => MetricsError::Refused { message },
        }
    }

    fn words(&self) -> String {
        let kind = self.error_type.as_deref().unwrap_or("error");
        let error = self.error.as_deref().unwrap_or("(no text)");
        excerpt(&format!("{kind}: {error}"), WORDS)
    }

    /// Why the answer is not whole, if it is not.
    fn gap(&self) -> Option<String> {
        let warnings = self.warnings.iter().flatten().filter(|text| !text.starts_with(REMARK));
        let mut reasons: Vec<&str> = warnings.map(String::as_str).collect();
        if self.is_partial == Some(true) {
            reasons.insert(0, "isPartial: some storage nodes did not answer");
        }
        (!reasons.is_empty()).then(|| excerpt(&reasons.join("; "), WORDS))
    }
}

impl ResultType {
    fn name(self) -> &'static str {
        match self {
            Self::Vector => "an instant vector",
            Self::Matrix => "a matrix (a range)",
            Self::Scalar => "a scalar",
            Self::String => "a string",
        }
    }
}
