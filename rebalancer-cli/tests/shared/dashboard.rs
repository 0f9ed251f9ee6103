//! The Grafana dashboard as a list of what it asks, with Grafana's variables filled in.

use serde_json::Value;

/// How Grafana asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A value now.
    Instant,
    /// Values over the time that is shown.
    Range,
    /// The values of this label, over the time that is shown.
    LabelValues(String),
}

/// One query of the dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    /// Title of the panel, or name of the annotation or variable.
    pub(crate) of: String,
    /// PromQL with variables; of a variable, the selector.
    pub(crate) expr: String,
    pub(crate) asked: Asked,
}

/// Values of variables, by name.
pub(crate) type Values<'a> = [(&'a str, &'a str)];

/// The file.
pub(crate) fn dashboard() -> Value {
    serde_json::from_str(include_str!("../../../deploy/grafana/pod-rebalancer.json")).unwrap()
}

/// Its panels, also those inside of collapsed rows.
pub(crate) fn panels(dashboard: &Value) -> Vec<&Value> {
    let outer = list(dashboard, "/panels");
    let inner = outer.iter().flat_map(|panel| list(panel, "/panels"));
    outer.iter().copied().chain(inner).filter(|panel| panel["type"] != "row").collect()
}

/// All its queries: of panels, annotations and variables.
pub(crate) fn queries(dashboard: &Value) -> Vec<Query> {
    let panels = panels(dashboard);
    let of_panels = panels.iter().flat_map(|panel| {
        list(panel, "/targets").into_iter().map(|target| {
            let asked = if target["instant"] == true { Asked::Instant } else { Asked::Range };
            Query { of: text(&panel["title"]), expr: text(&target["expr"]), asked }
        })
    });
    let annotations = list(dashboard, "/annotations/list").into_iter();
    let of_annotations = annotations.filter(|annotation| annotation["expr"].is_string()).map(|annotation| {
        Query { of: text(&annotation["name"]), expr: text(&annotation["expr"]), asked: Asked::Range }
    });
    let variables = list(dashboard, "/templating/list").into_iter();
    let of_variables = variables.filter(|variable| variable["type"] == "query").map(|variable| {
        let (selector, label) = label_values(&text(&variable["query"]["query"]));
        Query { of: text(&variable["name"]), expr: selector, asked: Asked::LabelValues(label) }
    });
    of_panels.chain(of_annotations).chain(of_variables).collect()
}

/// The text with each `$name` and `${name}` replaced, the longest name first.
///
/// # Panics
/// When a `$` is left: a variable that nobody knows.
pub(crate) fn filled(text: &str, values: &Values<'_>) -> String {
    let mut values = values.to_vec();
    values.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let filled = values.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value)
    });
    assert!(!filled.contains('$'), "an unknown variable in '{text}'");
    filled
}

/// `label_values(SELECTOR, LABEL)` of Grafana's Prometheus data source.
fn label_values(query: &str) -> (String, String) {
    let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
    let (selector, label) = inner.and_then(|inner| inner.rsplit_once(',')).unwrap_or_else(|| {
        panic!("'{query}' is no label_values(SELECTOR, LABEL)");
    });
    (selector.trim().to_owned(), label.trim().to_owned())
}

fn list<'a>(value: &'a Value, pointer: &str) -> Vec<&'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten().collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
