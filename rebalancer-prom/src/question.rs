//! What a metric server is asked: a query, and the times at which it is evaluated.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use jiff::Timestamp;
use rebalancer_core::port::MetricsError;

use crate::grid::Grid;
use crate::query::PromQl;
use crate::text::{QUERY, excerpt};

/// One question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// What it is called in logs and errors.
    pub(crate) name: &'a str,
    pub(crate) promql: &'a PromQl,
    pub(crate) times: Times,
}

/// When a query is evaluated.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Times {
    /// Once: an instant query.
    At(Timestamp),
    /// At several times: a range query.
    On(Grid),
}

impl Question<'_> {
    /// The form that is sent. Its `timeout` tells the server to stop working when nobody listens any more.
    ///
    /// Its `limit` asks for one series more than may come. Prometheus 3 cuts the answer there and says so in a warning,
    /// but other servers of the same API may cut in silence: an answer that has the one more is too long or cut, and
    /// one that has not is whole. Without a limit of the user's none is sent: Prometheus 2 and VictoriaMetrics take no
    /// notice of it, but CloudWatch refuses more than 500.
    pub(crate) fn form(&self, limit: Duration, series: Option<NonZeroUsize>) -> Vec<(&'static str, String)> {
        let timeout = format!("{}ms", limit.as_millis().max(1));
        let mut form = vec![("query", self.promql.as_str().to_owned()), ("timeout", timeout)];
        form.extend(series.map(|series| ("limit", series.saturating_add(1).to_string())));
        match self.times {
            Times::At(at) => form.push(("time", format!("{:.3}", at.as_duration().as_secs_f64()))),
            Times::On(grid) => form.extend(grid.parameters()),
        }
        form
    }

    /// The error with the query that it is about. Whatever keeps a server from answering is not about a query.
    pub(crate) fn show_in(&self, error: MetricsError) -> MetricsError {
        let query = excerpt(self.promql.as_str(), QUERY);
        let show = |message: String| format!("{message}; the query '{}' is: {query}", self.name);
        match error {
            MetricsError::Unavailable { message } => MetricsError::Unavailable { message },
            MetricsError::Refused { message } => MetricsError::Refused { message: show(message) },
            MetricsError::Incomplete { message } => MetricsError::Incomplete { message: show(message) },
            error @ (MetricsError::Ambiguous { .. } | MetricsError::Offsets { .. }) => error,
            MetricsError::Malformed { message } => MetricsError::Malformed { message: show(message) },
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => write!(f, "{at}"),
            Self::On(grid) => write!(f, "{grid}"),
        }
    }
}
