//! A query as it is sent, and what is wrong with one.

use std::fmt;

/// A finished query. There is no way to make one from text that has not been through [`fill`](crate::query::fill).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromQl {
    text: String,
    keeps: Keeps,
}

/// Which labels the answer to a query has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    /// Those of its aggregation, each pod once.
    Aggregated,
    /// All but those of copies and parts.
    Labels,
    /// All but those of copies: a pod comes once for each of its containers.
    Containers(Parts),
}

/// What the series of a pod's containers, before and after a restart, are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    /// Each carried a part of what the pod did.
    Added,
    /// One has taken the other's place.
    Successive,
}

impl PromQl {
    /// One whose answer has the labels that are its aggregation's, each pod once.
    pub(crate) fn new(text: String) -> Self {
        Self { text, keeps: Keeps::Aggregated }
    }

    /// One whose answer has all labels but those of copies and parts, so that strangers are seen.
    pub(crate) fn keeping_labels(text: String) -> Self {
        Self { text, keeps: Keeps::Labels }
    }

    /// One whose answer tells the containers of a pod apart too.
    pub(crate) fn by_container(text: String, parts: Parts) -> Self {
        Self { text, keeps: Keeps::Containers(parts) }
    }

    /// The text of the query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) const fn keeps_labels(&self) -> bool {
        match self.keeps {
            Keeps::Aggregated => false,
            Keeps::Labels | Keeps::Containers(_) => true,
        }
    }

    /// What the containers of a pod are to each other, where the answer tells them apart.
    pub(crate) const fn parts(&self) -> Option<Parts> {
        match self.keeps {
            Keeps::Aggregated | Keeps::Labels => None,
            Keeps::Containers(parts) => Some(parts),
        }
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
