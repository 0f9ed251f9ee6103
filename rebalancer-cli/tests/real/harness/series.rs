//! One series of a known history.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Counters have run for a while, so that no rate is cut at zero.
const UPTIME: f64 = 86_400.0;
/// When an offset becomes known, in seconds from now, and what librdkafka tells before.
const KNOWN: i64 = -120;
const UNKNOWN: f64 = -1001.0;

/// What its values are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    Gauge(f64),
    /// Increase per second.
    Counter(f64),
    /// The same, after an offset that is not known until [`KNOWN`].
    Offset(f64),
    /// Values one after the other, the first at this second from now; NaN is no sample at all.
    Recorded {
        values: &'static [f64],
        from: i64,
        step: i64,
    },
}

impl Shape {
    /// The value so many seconds from now.
    pub(crate) fn at(self, second: i64) -> f64 {
        match self {
            Self::Gauge(value) => value,
            Self::Offset(_) if second < KNOWN => UNKNOWN,
            Self::Recorded { values, from, step } => {
                let place = usize::try_from((second - from) / step);
                place.ok().and_then(|place| values.get(place)).copied().unwrap_or(f64::NAN)
            }
            Self::Counter(rate) | Self::Offset(rate) => rate * (UPTIME + seconds(second)),
        }
    }
}

/// A series, with samples only in its span, in seconds from now.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) shape: Shape,
    pub(crate) span: RangeInclusive<i64>,
}

impl Series {
    /// There is a sample at this second from now.
    pub(crate) fn has(&self, second: i64) -> bool {
        !(matches!(self.shape, Shape::Recorded { .. }) && self.shape.at(second).is_nan())
    }

    /// It says something of this pod.
    pub(crate) fn is_of(&self, pod: &str) -> bool {
        self.labels.get("pod").is_some_and(|name| name == pod)
    }
}

#[expect(clippy::cast_precision_loss, reason = "times and counts in tests are far below 2^52")]
pub(crate) const fn seconds(whole: i64) -> f64 {
    whole as f64
}
