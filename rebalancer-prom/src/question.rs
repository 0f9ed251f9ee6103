//! What a metric server is asked: a query, and the times at which it is evaluated.

use std::fmt;
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
    /// There is no `limit` on the number of series. Prometheus 3 cuts the answer there and says so in a warning, but
    /// other servers of the same API have limits of their own meaning: Prometheus 2 and VictoriaMetrics take no notice,
    /// CloudWatch refuses more than 500. What can't be told from a whole answer everywhere is not asked for; our own
    /// limit on the size of an answer can.
    pub(crate) fn form(&self, limit: Duration) -> Vec<(&'static str, String)> {
        let timeout = format!("{}ms", limit.as_millis().max(1));
        let mut form = vec![("query", self.promql.as_str().to_owned()), ("timeout", timeout)];
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
