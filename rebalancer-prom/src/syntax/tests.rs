use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::query::{self, Matchers, Placeholders, Preset, Window, fill};

fn names() -> Placeholders {
    Placeholders {
        namespace: "shop".into(),
        container: "worker".into(),
        workload: "orders".into(),
        window: Window::new(Duration::from_secs(300)).unwrap(),
        matchers: Matchers::default(),
    }
}

fn checked(text: &str, dialect: Dialect) -> Result<(), String> {
    check(&PromQl::new(text.to_owned()), dialect).map_err(|error| error.to_string())
}

fn problem(text: &str) -> String {
    checked(text, Dialect::Prometheus).unwrap_err()
}

#[test]
fn what_prometheus_reads_is_fine() {
    for text in [
        "up",
        "sum by (pod) (rate(x_total{n=\"a(\", m=~'b.*|c'}[5m])) # (\n",
        "sum(rate(x[5m])) by (pod, on)",
        "max by (pod) (a) * on (pod) group_left () b unless c",
        "histogram_quantile(0.9, sum by (le, pod) (rate(x_bucket[5m])))",
        "label_replace(x, \"pod\", \"$1\", \"p\", \"(.*)\")",
        "avg_over_time(sum by (pod) (x)[5m:])",
        "x @ end() offset -1m > bool 1",
        "{\"my.metric\", `my label`=\"a\"}",
        "{__name__=~\"a.*\"}",
        "holt_winters(x[5m], 0.1, 0.2)",
        "x{a=~\"\\\\Qa.b\\\\E\"}",
    ] {
        assert_eq!(checked(text, Dialect::Prometheus), Ok(()), "{text}");
    }
}

#[test]
fn built_in_queries_are_fine() {
    let odd = Placeholders { workload: "a.b\"c".into(), ..names() };
    for names in [names(), odd] {
        for built_in in [
            query::cpu(&names),
            query::cpu_requests(&names),
            query::hpa_target(&names, "hpa-"),
            query::partition_load(Preset::JmxExporter, &names),
            query::partition_load(Preset::Librdkafka, &names),
        ] {
            assert_eq!(check(&built_in, Dialect::Prometheus), Ok(()), "{built_in}");
            assert_eq!(check(&built_in, Dialect::MetricsQl), Ok(()), "{built_in}");
        }
    }
}

#[test]
fn placeholders_are_filled_before_the_query_is_read() {
    let filled = fill("sum by (pod) (rate(x{n=\"{{namespace}}\"}[{{window}}]))", &names()).unwrap();
    assert_eq!(check(&filled, Dialect::Prometheus), Ok(()));
}

#[test]
fn the_smallest_part_that_can_not_be_read_is_named_with_its_place() {
    for (text, expected) in [
        ("foo bar", "character 1, near 'foo bar': this is not PromQL"),
        ("sum by (pod) (rate(x[5m]) foo)", "character 15, near 'rate(x[5m]) foo': this is not PromQL"),
        (
            "sum by (pod, instance) ( rate(x) )",
            "character 26, near 'rate(x)': expected type matrix in call to function 'rate', got vector",
        ),
        ("topk(3, sum by (on) (müll(x)))", "character 22, near 'müll(x)': unexpected character: 'ü'"),
        (
            "max(a) + min(clamp_max(b, rat(c[5m])))",
            "character 27, near 'rat(c[5m])': unknown function with name 'rat'",
        ),
        ("sum(x[5x])", "character 5, near 'x[5x]': bad number or duration syntax: 5x"),
        (
            "sum(x{a=b})",
            "character 5, near 'x{a=b}': unexpected identifier 'b' in label matching, expected string",
        ),
        ("sum(up{a=~\"(\"})", "character 5, near 'up{a=~\"(\"}': illegal regex for ("),
        ("sum(up +)", "character 5, near 'up +': this is not PromQL"),
        ("sum(rate(x[5m])", "character 4, near '(rate(x[5m])': '(' is not closed"),
        ("rate(x[5m)])", "character 10, near ')])': ')' where '[' is still open"),
        ("up)", "character 3, near ')': ')' without '(' before it"),
        ("sum(up{a=\"b})", "character 10, near '\"b})': the quote is not closed"),
        ("up # it's fine\n + )", "character 19, near ')': ')' without '(' before it"),
        (" # only words", "character 2, near '# only words': no expression found in input"),
    ] {
        assert_eq!(problem(text), expected, "{text}");
    }
}

#[test]
fn a_query_that_gives_something_else_than_a_vector_is_refused() {
    for (text, came) in
        [("x[5m]", "matrix (a range)"), ("1 + 1", "scalar"), ("scalar(x)", "scalar"), ("\"x\"", "string")]
    {
        assert_eq!(problem(text), format!("it gives a {came}, expected an instant vector"));
    }
}

#[test]
fn what_only_victoriametrics_knows_is_left_to_it() {
    for text in [
        "rate(x)",
        "median_over_time(x[5m])",
        "x default 0",
        "sum(rate(x[5m])) by (pod) keep_metric_names",
        "WITH (f(a) = sum by (pod) (a)) f(rate(x[1i]))",
        "{a=\"b\" or c=\"d\"}",
        "x{a=\"b\"} > 1Ki",
    ] {
        assert_eq!(checked(text, Dialect::MetricsQl), Ok(()), "{text}");
    }
    assert_eq!(
        checked("rate(x", Dialect::MetricsQl).unwrap_err(),
        "character 5, near '(x': '(' is not closed"
    );
}

#[test]
fn a_query_is_shown_in_one_short_line() {
    let words = problem(&format!("foo bar\n{}", "x".repeat(5000)));
    assert!(words.starts_with("character 1, near 'foo bar xxx") && words.chars().count() < 150, "{words}");
}

#[test]
fn deep_and_long_queries_do_not_exhaust_the_stack() {
    let deep = |depth| format!("{}x{}", "(".repeat(depth), ")".repeat(depth));
    let wrong = |depth| format!("{}x y{}", "(".repeat(depth), ")".repeat(depth));
    for depth in [1, 100, 4_999, 100_000] {
        assert_eq!(checked(&deep(depth), Dialect::Prometheus), Ok(()), "{depth}");
        let found = checked(&wrong(depth), Dialect::Prometheus);
        assert_eq!(found.is_err(), depth < 4_999, "{depth}");
    }
    assert_eq!(checked(&format!("x{}", "+x".repeat(4_999)), Dialect::Prometheus), Ok(()));
    assert_eq!(checked(&format!("{}x", "-".repeat(9_000)), Dialect::Prometheus), Ok(()));
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in any::<String>()) {
        let _ = (checked(&text, Dialect::Prometheus), checked(&text, Dialect::MetricsQl));
    }

    #[test]
    fn almost_promql_is_never_too_odd(
        words in proptest::collection::vec(
            prop_oneof![
                Just("sum"), Just("by"), Just("("), Just(")"), Just("{"), Just("}"), Just("["), Just("]"),
                Just(","), Just("x"), Just("="), Just("=~"), Just("\"a\""), Just("'"), Just("5m"), Just("1"),
                Just("+"), Just("offset"), Just("@"), Just("#"), Just("\n"), Just("ü"), Just("\\"), Just("rate"),
                Just(":"), Just("-"), Just("!"), Just("bool"), Just("on"), Just("`"),
            ],
            0..30,
        ),
    ) {
        let text = words.join(" ");
        if let Err(SyntaxError::Unreadable { at, .. }) =
            check(&PromQl::new(text.clone()), Dialect::Prometheus)
        {
            prop_assert!(at <= text.chars().count() + 1);
        }
    }
}
