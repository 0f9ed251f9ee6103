//! From text to checked types. Each parser says what it accepts; the reader collects every problem.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use rebalancer_core::policy::ForecastHorizon;
use rebalancer_core::unit::NotAQuantity;

use super::layers::{Raw, Source};
use super::problem::{Given, Problem};
use super::shown::{showable, unquoted};
use super::variable;

/// Reads settings and collects what is wrong with them.
pub(crate) struct Reader<'a> {
    raw: &'a Raw,
    problems: Vec<Problem>,
}

/// What would have been accepted.
pub(crate) type Expected = String;

impl<'a> Reader<'a> {
    pub(crate) const fn new(raw: &'a Raw) -> Self {
        Self { raw, problems: Vec::new() }
    }

    /// The parsed value of a variable that is set; a problem is noted and gives `None`.
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Expected>,
    ) -> Option<T> {
        let given = self.raw.get(name)?;
        match parse(given) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.problem(name, showable(name, given), expected);
                None
            }
        }
    }

    /// The same for a variable that must be set, or has a default.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Expected>,
    ) -> Option<T> {
        if self.raw.get(name).is_none() {
            let help = variable::find(name).map_or("", |variable| variable.help);
            self.problem(name, Given::Nothing, help.to_owned());
        }
        self.optional(name, parse)
    }

    /// Notes a problem; the same one, found again, is noted once.
    pub(crate) fn problem(&mut self, name: &str, given: Given, expected: Expected) {
        let problem = Problem::new(name, given, expected);
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Something is wrong with this one.
    pub(crate) fn has_problem(&self, name: &str) -> bool {
        self.problems.iter().any(|problem| problem.variable == name)
    }

    /// The value as text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.raw.get(name)
    }

    /// Where the value comes from; `None` when there is none.
    pub(crate) fn source(&self, name: &str) -> Option<Source> {
        self.raw.source(name)
    }

    /// The settings, if nothing was wrong.
    pub(crate) fn finish<T>(self, settings: Option<T>) -> Result<T, Vec<Problem>> {
        match settings {
            Some(settings) if self.problems.is_empty() => Ok(settings),
            Some(_) | None => Err(self.problems),
        }
    }
}

/// A number of one of the checked quantities.
pub(crate) fn quantity<T: TryFrom<f64, Error = NotAQuantity>>(text: &str) -> Result<T, Expected> {
    let number = f64::from_str(unquoted(text)).map_err(|_| "a number, such as 1.5".to_owned())?;
    T::try_from(number).map_err(|error| error.accepted.to_owned())
}

/// A whole number of 0 or more.
pub(crate) fn count(text: &str) -> Result<usize, Expected> {
    unquoted(text).parse().map_err(|_| "a whole number of 0 or more".to_owned())
}

/// A pod's priority.
pub(crate) fn priority(text: &str) -> Result<i32, Expected> {
    unquoted(text).parse().map_err(|_| "a whole number from -2147483648 to 2147483647".to_owned())
}

/// A whole number of 1 or more.
pub(crate) fn positive(text: &str) -> Result<NonZeroUsize, Expected> {
    unquoted(text).parse().map_err(|_| "a whole number of 1 or more".to_owned())
}

/// A duration with units.
pub(crate) fn duration(text: &str) -> Result<SignedDuration, Expected> {
    let expected = || "a duration of 0 or more with its unit, such as 30s, 5m or 1m30s".to_owned();
    let duration = unquoted(text).parse::<SignedDuration>().map_err(|_| expected())?;
    if duration.is_negative() { Err(expected()) } else { Ok(duration) }
}

/// How far to look ahead; `off` for not at all.
pub(crate) fn horizon(text: &str) -> Result<Option<ForecastHorizon>, Expected> {
    if unquoted(text) == "off" {
        return Ok(None);
    }
    let expected = || "off, or a duration between 30m and 24h".to_owned();
    let given = duration(text).map_err(|_| expected())?;
    ForecastHorizon::new(given).map(Some).map_err(|_| expected())
}

/// A duration within these bounds.
pub(crate) fn duration_within(
    least: Duration,
    most: Duration,
) -> impl Fn(&str) -> Result<Duration, Expected> {
    move |text| {
        let given = Duration::try_from(duration(text)?).unwrap_or_default();
        if (least..=most).contains(&given) {
            Ok(given)
        } else {
            Err(format!("a duration between {} and {}", shown(least), shown(most)))
        }
    }
}

/// As it would be written in a setting.
fn shown(duration: Duration) -> String {
    SignedDuration::try_from(duration)
        .map_or_else(|_| format!("{duration:?}"), |duration| format!("{duration:#}"))
}

/// Yes or no, as people write it.
pub(crate) fn truth(text: &str) -> Result<bool, Expected> {
    match unquoted(text).to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("true or false".to_owned()),
    }
}

/// One of these words.
pub(crate) fn one_of<T: Copy>(words: &[(&str, T)]) -> impl Fn(&str) -> Result<T, Expected> {
    move |text| {
        let given = unquoted(text);
        words.iter().find(|(word, _)| word.eq_ignore_ascii_case(given)).map(|(_, value)| *value).ok_or_else(
            || {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                format!("one of {}", known.join(", "))
            },
        )
    }
}

/// A name that Kubernetes accepts for a namespace or container (RFC 1123 label).
pub(crate) fn label(text: &str) -> Result<String, Expected> {
    name_of(text, 63, false, "a DNS label: at most 63 lower case letters, digits and '-', not '-' at an end")
}

/// A name that Kubernetes accepts for a workload (RFC 1123 subdomain).
pub(crate) fn subdomain(text: &str) -> Result<String, Expected> {
    name_of(
        text,
        253,
        true,
        "a Kubernetes name: at most 253 lower case letters, digits, '-' and '.', not at an end",
    )
}

fn name_of(text: &str, most: usize, dots: bool, expected: &str) -> Result<String, Expected> {
    let text = unquoted(text);
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inside = |c: char| plain(c) || c == '-' || (dots && c == '.');
    let valid = text.len() <= most
        && text.chars().all(inside)
        && text.chars().next().is_some_and(plain)
        && text.chars().next_back().is_some_and(plain);
    if valid { Ok(text.to_owned()) } else { Err(expected.to_owned()) }
}

/// A label selector, as far as it can be checked without the API server.
pub(crate) fn label_selector(text: &str) -> Result<String, Expected> {
    let expected = || "a label selector, such as app=consumer,tier!=test or app in (a,b)".to_owned();
    let text = unquoted(text);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./=!,() ".contains(c);
    let nested = text.chars().try_fold(0_u32, |open, c| match c {
        '(' if open == 0 => Some(1),
        '(' => None,
        ')' => open.checked_sub(1),
        _ => Some(open),
    });
    let sets = text.matches(" in ").count() + text.matches(" notin ").count();
    let valid = text.chars().all(allowed) && nested == Some(0) && sets == text.matches('(').count();
    if valid { Ok(text.to_owned()) } else { Err(expected()) }
}

/// The beginning of a Kubernetes name.
pub(crate) fn name_prefix(text: &str) -> Result<String, Expected> {
    subdomain(&format!("{}x", unquoted(text)))
        .map(|_| unquoted(text).to_owned())
        .map_err(|_| "the beginning of a Kubernetes name, such as keda-hpa-".to_owned())
}

/// Names of a list, separated by commas; `none` for none of them.
pub(crate) fn some_of<T: Ord>(
    text: &str,
    named: impl Fn(&str) -> Option<T>,
    names: &[&str],
) -> Result<BTreeSet<T>, Expected> {
    let text = unquoted(text);
    if text.eq_ignore_ascii_case("none") {
        return Ok(BTreeSet::new());
    }
    let found: Option<BTreeSet<T>> = text.split(',').map(|name| named(name.trim())).collect();
    found.ok_or_else(|| format!("none, or some of {}, separated by commas", names.join(", ")))
}

/// Text that may be quoted.
pub(crate) fn text(text: &str) -> Result<String, Expected> {
    Ok(unquoted(text).to_owned())
}
