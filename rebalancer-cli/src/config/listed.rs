//! The file that lists workloads: what is written there, as text, and what can't stand there.
//!
//! ```yaml
//! workloads:
//!   - DEPLOYMENT_NAME: orders
//!   - DEPLOYMENT_NAME: payments
//!     REBALANCE_TOP_K_PODS: 1
//! ```
//!
//! A value without quotes is taken letter by letter, whatever YAML may call its type: `0123` keeps its zero.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::{Error as YamlError, UserMessageFormatter};

use super::file;
use super::parse::{self, Expected};
use super::problem::{Given, Problem};
use super::shown::showable;
use super::variable;

/// They are handled one after the other, so that more would take hours.
const MOST: usize = 1000;

/// Names that have less in common than this are different words.
const ALIKE: f64 = 0.8;

/// One entry: values by variable name, and what has no place in it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) values: BTreeMap<String, String>,
    pub(super) misplaced: Vec<Problem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    workloads: Vec<BTreeMap<String, Option<String>>>,
}

/// The entries of a file, in its order.
///
/// # Errors
/// What would have been accepted, when there is no such file, or no list of workloads in it.
pub(super) fn read(path: &str) -> Result<Vec<Entry>, Expected> {
    let bytes =
        file::read(&parse::text(path)?).map_err(|error| format!("a file that can be read: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|_| "a file with text in UTF-8".to_owned())?;
    entries(&text)
}

/// The entries in a text.
///
/// # Errors
/// What would have been accepted, and where something else is.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, Expected> {
    // A snippet would show what may be a secret.
    let options = serde_saphyr::options! { with_snippet: false };
    let written: Written = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        format!("YAML with a list 'workloads' of variables and values, but {}", mistake(&error))
    })?;
    if written.workloads.is_empty() || written.workloads.len() > MOST {
        return Err(format!("a file with 1 to {MOST} workloads, but there are {}", written.workloads.len()));
    }
    Ok(written.workloads.into_iter().map(Entry::of).collect())
}

/// The parser's words where they quote no value, which may be a secret; otherwise what kind of mistake it is, and where.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "another crate's enum: any other kind has the general sentence"
)]
fn mistake(error: &YamlError) -> String {
    let kind = match error.without_snippet() {
        YamlError::Eof { .. }
        | YamlError::Unexpected { .. }
        | YamlError::UnknownAnchor { .. }
        | YamlError::SerdeMissingField { .. }
        | YamlError::SerdeUnknownField { .. }
        | YamlError::DuplicateMappingKey { .. } => {
            return error.render_with_formatter(&UserMessageFormatter).escape_debug().to_string();
        }
        YamlError::SerdeInvalidType { .. } | YamlError::SerdeInvalidValue { .. } => "a value of another type",
        _ => "no valid YAML",
    };
    match error.location().filter(|at| at.line() > 0) {
        Some(at) => format!("{kind} at line {}, column {}", at.line(), at.column()),
        None => kind.to_owned(),
    }
}

impl Entry {
    /// Null and empty are not set, so that they don't hide the layer below.
    fn of(written: BTreeMap<String, Option<String>>) -> Self {
        let (mut values, mut problems) = (BTreeMap::new(), Vec::new());
        for (name, value) in written {
            let value = value.filter(|value| !value.trim().is_empty());
            match (misplaced(&name, value.as_deref()), value) {
                (Some(problem), _) => problems.push(problem),
                (None, Some(value)) => drop(values.insert(name, value)),
                (None, None) => {}
            }
        }
        Self { values, misplaced: problems }
    }
}

/// Why a variable can't stand in an entry.
fn misplaced(name: &str, value: Option<&str>) -> Option<Problem> {
    match variable::find(name) {
        Some(variable) if variable.of_run => {
            let given = value.map_or(Given::Hidden, |value| showable(name, value));
            let expected = "it in the environment or as a flag, since it is for the whole run".to_owned();
            Some(Problem::new(name, given, expected))
        }
        Some(_) => None,
        None => {
            let meant = nearest(name).map_or_else(String::new, |known| format!(", such as {known}"));
            let expected = format!("a variable that 'rebalancer --help' lists{meant}");
            // What stands there may be a secret under a misspelt name.
            Some(Problem::new(&name.escape_debug().to_string(), Given::Hidden, expected))
        }
    }
}

/// The known variable that is most like this one, if any is.
fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase().replace('-', "_");
    let likeness = |known: &str| strsim::jaro(&name, known);
    let nearest = variable::all().max_by(|a, b| likeness(a.name).total_cmp(&likeness(b.name)))?;
    (likeness(nearest.name) > ALIKE).then_some(nearest.name)
}
