//! What is wrong with the configuration, for people.

use std::fmt;

/// One variable with a value that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The entry of WORKLOADS_FILE that it is in, when it is about one.
    pub(crate) entry: Option<String>,
    /// The variable.
    pub(crate) variable: String,
    /// What was given for it.
    pub(crate) given: Given,
    /// What is accepted, or what to do.
    pub(crate) expected: String,
}

/// A value, as far as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    /// It is not set.
    Nothing,
    /// It is set, and is or may hold a secret.
    Hidden,
    /// It is set.
    Value(String),
}

impl Problem {
    /// A problem that is about no entry of a file.
    pub(crate) fn new(variable: &str, given: Given, expected: String) -> Self {
        Self { entry: None, variable: variable.to_owned(), given, expected }
    }

    /// The same, in this entry.
    pub(crate) fn within(self, entry: &str) -> Self {
        Self { entry: Some(entry.to_owned()), ..self }
    }
}

impl Given {
    /// The value, when there is one to show.
    pub(crate) fn shown(&self) -> Option<&str> {
        match self {
            Self::Nothing | Self::Hidden => None,
            Self::Value(value) => Some(value),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entry, variable, given, expected } = self;
        if let Some(entry) = entry {
            write!(f, "{entry}: ")?;
        }
        match given {
            Given::Nothing => write!(f, "{variable} is not set: {expected}"),
            Given::Hidden => write!(f, "{variable}: expected {expected}"),
            Given::Value(value) => write!(f, "{variable}={value:?}: expected {expected}"),
        }
    }
}
