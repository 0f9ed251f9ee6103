//! Which series a query reads, so that it can be told which of them the server has. Pure.

use std::fmt;
use std::time::Duration;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use crate::query::PromQl;
use crate::syntax::LONGEST;
use crate::template::quoted;

/// The series that one part of a query reads: a metric's name, and what is asked of its labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selector {
    metric: String,
    /// A label, and the whole requirement as PromQL.
    labels: Vec<(String, String)>,
    /// How far back it reads; `None` when it reads the newest samples.
    range: Option<Duration>,
}

impl Selector {
    /// All series of a metric, such as `up`.
    #[must_use]
    pub fn of_metric(metric: &str) -> Self {
        Self { metric: metric.to_owned(), labels: Vec::new(), range: None }
    }

    /// How far back it reads, for a rate or the like; `None` when it reads the newest samples.
    #[must_use]
    pub const fn range(&self) -> Option<Duration> {
        self.range
    }

    /// Where this label has just this value.
    #[must_use]
    pub fn with(&self, label: &str, value: &str) -> Self {
        let mut with = self.without(label);
        with.labels.push((label.to_owned(), format!("{label}={}", quoted(value))));
        with
    }

    /// The metric's name.
    #[must_use]
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Something is asked of this label.
    #[must_use]
    pub fn asks_for(&self, label: &str) -> bool {
        self.labels.iter().any(|(name, _)| name == label)
    }

    /// The same whatever this label is.
    #[must_use]
    pub fn without(&self, label: &str) -> Self {
        let labels = self.labels.iter().filter(|(name, _)| name != label).cloned().collect();
        Self { metric: self.metric.clone(), labels, range: self.range }
    }

    /// The same whatever all labels but this one are.
    #[must_use]
    pub fn only(&self, label: &str) -> Self {
        let labels = self.labels.iter().filter(|(name, _)| name == label).cloned().collect();
        Self { metric: self.metric.clone(), labels, range: self.range }
    }

    /// The same whatever any label is.
    #[must_use]
    pub fn of_any_label(&self) -> Self {
        Self::of_metric(&self.metric)
    }

    fn of(vector: &VectorSelector, range: Option<Duration>) -> Option<Self> {
        // Alternatives (`or` between matchers) are VictoriaMetrics' own; what is not understood is not asked.
        if !vector.matchers.or_matchers.is_empty() {
            return None;
        }
        let labels =
            vector.matchers.matchers.iter().map(|matcher| (matcher.name.clone(), requirement(matcher)));
        Some(Self { metric: vector.name.clone()?, labels: labels.collect(), range })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.metric)?;
        if self.labels.is_empty() {
            return Ok(());
        }
        let labels: Vec<&str> = self.labels.iter().map(|(_, requirement)| requirement.as_str()).collect();
        write!(f, "{{{}}}", labels.join(", "))
    }
}

pub(crate) fn requirement(matcher: &Matcher) -> String {
    let operator = match matcher.op {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Re(_) => "=~",
        MatchOp::NotRe(_) => "!~",
    };
    format!("{}{operator}{}", matcher.name, quoted(&matcher.value))
}

/// What a query reads, each once and in the order of its text; empty where the query is beyond PromQL.
#[must_use]
pub fn selectors(query: &PromQl) -> Vec<Selector> {
    // The parser nests as deep as its text is long.
    let Some(expression) = Some(query.as_str()).filter(|text| text.len() <= LONGEST) else {
        return Vec::new();
    };
    let mut found = Found(Vec::new());
    match parser::parse(expression).map(|expression| walk_expr(&mut found, &expression)) {
        Ok(Ok(_)) => found.0,
        Ok(Err(())) | Err(_) => Vec::new(),
    }
}

struct Found(Vec<Selector>);

impl ExprVisitor for Found {
    type Error = ();

    #[expect(clippy::wildcard_enum_match_arm, reason = "the walk itself goes into all other expressions")]
    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, ()> {
        let selector = match expression {
            Expr::VectorSelector(vector) => Selector::of(vector, None),
            Expr::MatrixSelector(matrix) => Selector::of(&matrix.vs, Some(matrix.range)),
            _ => None,
        };
        if let Some(selector) = selector
            && !self.0.contains(&selector)
        {
            self.0.push(selector);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{self, Matchers, Placeholders, Preset, Window};

    fn names() -> Placeholders {
        Placeholders {
            namespace: "shop".into(),
            container: "work\"er".into(),
            workload: "orders.eu".into(),
            window: Window::new(Duration::from_secs(300)).unwrap(),
            matchers: Matchers::default(),
        }
    }

    fn shown(query: &PromQl) -> Vec<String> {
        selectors(query).iter().map(ToString::to_string).collect()
    }

    fn of(text: &str) -> Vec<String> {
        shown(&query::fill(text, &names()).unwrap())
    }

    #[test]
    fn a_query_reads_each_of_its_selectors_once() {
        assert_eq!(
            of(
                r#"sum by (pod) (rate(a_total{pod=~"{{workload}}-.*"}[5m])) + b{x!~"y"} / on (pod) b{x!~"y"} - c offset 5m"#
            ),
            [r#"a_total{pod=~"orders\\.eu-.*"}"#, r#"b{x!~"y"}"#, "c"]
        );
        assert_eq!(of("max_over_time(a[5m:1m])"), ["a"]);
        assert_eq!(of("vector(1)"), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_promql_reads_nothing_that_is_known() {
        assert_eq!(of("sum(rate(a)) by (pod) keep_metric_names"), Vec::<String>::new());
        assert_eq!(of(r#"{__name__=~"a|b"}"#), Vec::<String>::new());
        assert_eq!(of(&"(".repeat(50_000)), Vec::<String>::new());
    }

    #[test]
    fn labels_can_be_left_away() {
        let cpu = selectors(&query::cpu(&names())).remove(0);
        assert_eq!(cpu.metric(), "container_cpu_usage_seconds_total");
        assert!(cpu.asks_for("container") && !cpu.asks_for("image"));
        assert_eq!(
            cpu.without("container").to_string(),
            r#"container_cpu_usage_seconds_total{namespace="shop", pod!=""}"#
        );
        assert_eq!(
            cpu.only("namespace").to_string(),
            "container_cpu_usage_seconds_total{namespace=\"shop\"}"
        );
        assert_eq!(cpu.of_any_label().to_string(), "container_cpu_usage_seconds_total");
        let other = cpu.only("pod").with("pod", "a\"b").with("exported_pod", "c").to_string();
        assert_eq!(other, r#"container_cpu_usage_seconds_total{pod="a\"b", exported_pod="c"}"#);
        assert_eq!(cpu.range(), Some(Duration::from_secs(300)));
        assert_eq!(selectors(&query::memory(&names()))[0].range(), None);
        assert!(cpu.to_string().contains(r#"container="work\"er""#), "{cpu}");
    }

    #[test]
    fn every_query_that_is_ready_tells_what_it_reads() {
        let names = names();
        for query in [query::cpu(&names), query::memory(&names), query::cpu_requests(&names)] {
            assert_eq!(selectors(&query).len(), 1, "{query}");
        }
        for preset in [Preset::JmxExporter, Preset::Librdkafka] {
            for query in [query::lag(preset, &names), query::partition_load(preset, &names)] {
                assert!(!selectors(&query).is_empty(), "{query}");
            }
        }
    }
}
