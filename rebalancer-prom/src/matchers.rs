//! What the series of every query that is ready must match besides the fleet's names. Pure.

use std::fmt;

use promql_parser::parser::{self, Expr};

use crate::selector::requirement;
use crate::text::{WORDS, excerpt};

/// Labels that are known from the fleet's own names.
const OF_FLEET: [&str; 4] = ["__name__", "namespace", "pod", "container"];

/// Label matchers, such as `cluster="eu", region=~"eu-.*"`; none by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matchers(Vec<(String, String)>);

/// Why a text is no list of label matchers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchersError {
    /// It can't be read.
    #[error("label matchers as in PromQL, separated by commas, such as cluster=\"eu\": {problem}")]
    Unreadable {
        /// What is wrong.
        problem: String,
    },
    /// The fleet's own names say what this label is.
    #[error("no matcher for {label}: the settings of the fleet's names say what it is")]
    OfFleet {
        /// The label.
        label: String,
    },
}

impl Matchers {
    /// Reads matchers, with or without braces around them.
    ///
    /// # Errors
    /// When the text is nothing of the kind, or has a matcher for a label that the fleet's names give.
    ///
    /// ```
    /// use rebalancer_prom::query::Matchers;
    ///
    /// # fn main() -> Result<(), rebalancer_prom::query::MatchersError> {
    /// let matchers = Matchers::parse("cluster='eu', region=~\"eu-.*\"")?;
    /// assert_eq!(matchers.to_string(), "cluster=\"eu\", region=~\"eu-.*\"");
    /// assert!(Matchers::parse("eu").is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn parse(text: &str) -> Result<Self, MatchersError> {
        let unreadable = |problem: &str| MatchersError::Unreadable { problem: excerpt(problem, WORDS) };
        let text = text.trim();
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        // Braces within would end the selector that it is tried in.
        let expression = parser::parse(&format!("x{{{inner}}}")).map_err(|problem| {
            // The parser's words for a second name.
            match problem.contains("metric name") {
                true => MatchersError::OfFleet { label: "__name__".to_owned() },
                false => unreadable(&problem),
            }
        })?;
        let Expr::VectorSelector(vector) = expression else {
            return Err(unreadable("this is more than matchers"));
        };
        if vector.offset.is_some() || vector.at.is_some() || !vector.matchers.or_matchers.is_empty() {
            return Err(unreadable("this is more than matchers"));
        }
        let matchers = vector.matchers.matchers;
        if matchers.is_empty() {
            return Err(unreadable("there is none"));
        }
        match matchers.iter().find(|matcher| OF_FLEET.contains(&matcher.name.as_str())) {
            Some(matcher) => Err(MatchersError::OfFleet { label: matcher.name.clone() }),
            None => Ok(Self(
                matchers.iter().map(|matcher| (matcher.name.clone(), requirement(matcher))).collect(),
            )),
        }
    }

    /// The labels that they are about.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(label, _)| label.as_str())
    }

    /// As they follow other matchers.
    pub(crate) fn after_others(&self) -> String {
        if self.0.is_empty() { String::new() } else { format!(", {self}") }
    }
}

impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (_, requirement)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{requirement}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        Matchers::parse(text).map(|matchers| matchers.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn matchers_are_those_of_promql() {
        for (text, expected) in [
            (r#"cluster="eu""#, r#"cluster="eu""#),
            (r#" {cluster="eu", } "#, r#"cluster="eu""#),
            ("cluster='eu',region!~`a|b`", r#"cluster="eu", region!~"a|b""#),
            (r#"cluster="a\"} or up{b=\"""#, r#"cluster="a\"} or up{b=\"""#),
            (r#"cluster="""#, r#"cluster="""#),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn nothing_else_gets_into_a_query() {
        for text in [
            "",
            "eu",
            "{}",
            "cluster=eu",
            r#"cluster="eu"} or up{b="c""#,
            r#"cluster="eu"} offset 5m #"#,
            r#"cluster="eu" or region="x""#,
            r#"cluster=~"(""#,
            "cluster=\"eu",
        ] {
            assert!(shown(text).is_err(), "{text}: {:?}", shown(text));
        }
        for label in ["namespace", "pod", "container", "__name__"] {
            let error = shown(&format!(r#"cluster="eu", {label}="x""#)).unwrap_err();
            assert!(error.contains(label), "{error}");
        }
    }
}
