//! What a query is filled with: the fleet's names and the window.

use std::fmt;
use std::time::Duration;

use crate::matchers::Matchers;
use crate::promql::QueryError;

/// A look-back window, at least one millisecond. Displays as a PromQL duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window(Duration);

impl Window {
    /// Checks the length; fractions of a millisecond are cut off.
    ///
    /// # Errors
    /// When it is shorter than a millisecond.
    pub fn new(length: Duration) -> Result<Self, QueryError> {
        if length.as_millis() == 0 { Err(QueryError::Window) } else { Ok(Self(length)) }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        match (millis % 60_000, millis % 1_000) {
            (0, _) => write!(f, "{}m", millis / 60_000),
            (_, 0) => write!(f, "{}s", millis / 1_000),
            (_, _) => write!(f, "{millis}ms"),
        }
    }
}

/// What fills a query: the fleet's names as they are, unescaped, and the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholders {
    /// `{{namespace}}`.
    pub namespace: String,
    /// `{{container}}`: the container that does the work.
    pub container: String,
    /// `{{workload}}`: the deployment, stateful set or the like.
    pub workload: String,
    /// `{{window}}`: for rates.
    pub window: Window,
    /// What the series of every query that is ready must match besides; nothing by default.
    pub matchers: Matchers,
}
