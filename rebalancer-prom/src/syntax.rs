//! Whether a query can be read, before anybody is asked. Pure.

use promql_parser::parser;
use promql_parser::parser::value::ValueType;

use brackets::{arguments, balanced};

use crate::query::PromQl;
use crate::text::{WORDS, excerpt};

mod brackets;

/// The parser nests as deep as its text is long, on our stack. No query for pods comes near.
pub(crate) const LONGEST: usize = 10_000;
/// How much of the part that can't be read is shown, in characters.
const NEAR: usize = 60;
/// How deep in brackets the part that can't be read is looked for.
const DEEPEST: usize = 20;

/// The language that the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// PromQL, as of Prometheus 3: grammar, functions with the types of their arguments, and the type of the result. Of
    /// a query over 10,000 bytes, only brackets and quotes are checked.
    #[default]
    Prometheus,
    /// VictoriaMetrics' own, which has more functions, operators and short forms than can be known here: only brackets
    /// and quotes are checked.
    MetricsQl,
}

/// Where a query can't be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// This part is not of the language.
    #[error("character {at}, near '{near}': {problem}")]
    Unreadable {
        /// Where the part begins, in characters, from 1.
        at: usize,
        /// The part, cut.
        near: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The query as a whole gives something else than one value for each series.
    #[error("it gives a {came}, expected an instant vector")]
    Shape {
        /// What it gives.
        came: &'static str,
    },
}

/// Checks a query, whose placeholders are filled, without asking the server.
///
/// It knows the language but not the data: metrics and labels may still not exist.
///
/// # Errors
/// With the smallest part of the query that can't be read, or when the result would be no instant vector.
///
/// ```
/// use rebalancer_prom::query::{Dialect, Matchers, Placeholders, Window, check, fill};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let names = Placeholders {
/// #     namespace: "shop".into(),
/// #     container: "worker".into(),
/// #     workload: "orders".into(),
/// #     window: Window::new(std::time::Duration::from_secs(300))?,
/// #     matchers: Matchers::default(),
/// # };
/// let query = fill("sum by (pod) (rate(read_total))", &names)?;
/// let error = check(&query, Dialect::Prometheus).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "character 15, near 'rate(read_total)': expected type matrix in call to function 'rate', got vector"
/// );
/// // VictoriaMetrics takes the step for the window.
/// check(&query, Dialect::MetricsQl)?;
/// # Ok(())
/// # }
/// ```
pub fn check(query: &PromQl, dialect: Dialect) -> Result<(), SyntaxError> {
    let text = query.as_str();
    balanced(text)?;
    match dialect {
        Dialect::Prometheus if text.len() <= LONGEST => promql(text),
        Dialect::Prometheus | Dialect::MetricsQl => Ok(()),
    }
}

fn promql(text: &str) -> Result<(), SyntaxError> {
    match parser::parse(text).map(|expression| expression.value_type()) {
        Ok(ValueType::Vector) => Ok(()),
        Ok(ValueType::Scalar) => Err(SyntaxError::Shape { came: "scalar" }),
        Ok(ValueType::Matrix) => Err(SyntaxError::Shape { came: "matrix (a range)" }),
        Ok(ValueType::String) => Err(SyntaxError::Shape { came: "string" }),
        Err(problem) if is_our_own_gap(&problem) => Ok(()),
        Err(problem) => Err(smallest(text, problem)),
    }
}

/// What real servers were seen to accept, and this parser does not know: a function that Prometheus 3 has renamed, and
/// quoting within RE2. To refuse a good query is worse than to let the server find a bad one.
fn is_our_own_gap(problem: &str) -> bool {
    problem.contains("'holt_winters'") || (problem.starts_with("illegal regex") && problem.contains("\\Q"))
}

/// The smallest part that can't be read by itself. The parser does not say where it stopped, so parts are tried from the
/// outside in: what stands between brackets is an expression too.
fn smallest(text: &str, problem: String) -> SyntaxError {
    let (mut at, mut part, mut problem) = (0, text, problem);
    for _ in 0..DEEPEST {
        let arguments = arguments(part).into_iter();
        let Some((inner, why)) =
            arguments.filter_map(|range| Some((range.clone(), broken(part.get(range)?)?))).next()
        else {
            break;
        };
        at += inner.start;
        part = part.get(inner).unwrap_or_default();
        problem = why;
    }
    let blank = part.len() - part.trim_start().len();
    SyntaxError::new(text, at + blank, part, &problem)
}

fn broken(argument: &str) -> Option<String> {
    if argument.trim().is_empty() { None } else { parser::parse(argument).err() }
}

impl SyntaxError {
    /// About the part that begins at this byte of the query.
    fn new(text: &str, byte: usize, part: &str, problem: &str) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let problem = match problem {
            // The parser's words for everything that its grammar does not have.
            "invalid promql query" => "this is not PromQL".to_owned(),
            other => excerpt(other, WORDS),
        };
        Self::Unreadable { at: before.chars().count() + 1, near: excerpt(part, NEAR), problem }
    }
}

#[cfg(test)]
mod tests;
