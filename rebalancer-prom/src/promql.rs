//! A query as it is sent, and what is wrong with one.

use std::fmt;

/// A finished query. There is no way to make one from text that has not been through [`fill`](crate::query::fill).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromQl {
    text: String,
    keeps_labels: bool,
}

impl PromQl {
    /// One whose answer has the labels that are its aggregation's, each pod once.
    pub(crate) fn new(text: String) -> Self {
        Self { text, keeps_labels: false }
    }

    /// One whose answer has all labels but those of copies and parts, so that strangers are seen.
    pub(crate) fn keeping_labels(text: String) -> Self {
        Self { text, keeps_labels: true }
    }

    /// The text of the query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) const fn keeps_labels(&self) -> bool {
        self.keeps_labels
    }
}

impl fmt::Display for PromQl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a query can't be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The template has no text.
    #[error("the query is empty")]
    Empty,
    /// A placeholder that does not exist.
    #[error(
        "{{{{{placeholder}}}}} is no placeholder; there are {{{{namespace}}}}, {{{{container}}}}, {{{{workload}}}} and {{{{window}}}}"
    )]
    Unknown {
        /// What stands between the braces.
        placeholder: String,
    },
    /// A placeholder is not closed.
    #[error("'{{{{' without '}}}}' near '{near}'")]
    Unclosed {
        /// The text after the braces.
        near: String,
    },
    /// A name outside of quotes, where its value would be read as PromQL.
    #[error("{{{{{placeholder}}}}} must stand between double quotes, as in \"{{{{{placeholder}}}}}\"")]
    Unquoted {
        /// The placeholder.
        placeholder: String,
    },
    /// PromQL has no duration below one millisecond.
    #[error("the window must be at least one millisecond")]
    Window,
}
