//! Disruption budgets, `policy/v1`.

use std::collections::BTreeMap;

use rebalancer_core::fleet::{DisruptionBudget, Requirement, Selector};
use rebalancer_core::port::InventoryError;
use serde::Deserialize;

use super::{count, incomplete, is_current};
use crate::answer::OnlyJson;

/// A disruption budget as the server sends it, as far as it matters here.
#[derive(Clone, Deserialize)]
pub(crate) struct RawBudget {
    pub(crate) metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

impl OnlyJson for RawBudget {}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) name: Option<String>,
    pub(crate) resource_version: Option<String>,
    generation: Option<i64>,
}

#[derive(Clone, Deserialize, Default)]
#[serde(default)]
struct Spec {
    selector: Option<LabelSelector>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LabelSelector {
    match_labels: Option<BTreeMap<String, String>>,
    match_expressions: Option<Vec<Expression>>,
}

#[derive(Clone, Deserialize)]
struct Expression {
    key: String,
    operator: String,
    values: Option<Vec<String>>,
}

#[derive(Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    observed_generation: Option<i64>,
    disruptions_allowed: Option<i64>,
}

/// Takes what the core wants to know of a disruption budget.
///
/// # Errors
/// When it has no name, or a selector that can't be understood: whom it covers could not be known.
pub(crate) fn budget(raw: RawBudget) -> Result<DisruptionBudget, InventoryError> {
    let RawBudget { metadata, spec, status } = raw;
    let name = metadata.name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| incomplete("disruption budget", "", "a name"))?;
    let selector = spec.selector.map_or(Ok(Selector::Nothing), |selector| all(selector, &name))?;
    let allowed = count(status.disruptions_allowed, 0);
    Ok(DisruptionBudget {
        name,
        selector,
        allowed: allowed.unwrap_or(0),
        status_is_current: allowed.is_some() && is_current(metadata.generation, status.observed_generation),
    })
}

fn all(selector: LabelSelector, budget: &str) -> Result<Selector, InventoryError> {
    let labels = selector.match_labels.unwrap_or_default().into_iter();
    let labels = labels.map(|(key, value)| Ok(Requirement::In { key, values: vec![value] }));
    let expressions = selector.match_expressions.unwrap_or_default().into_iter();
    let expressions = expressions.map(|expression| requirement(expression, budget));
    labels.chain(expressions).collect::<Result<_, _>>().map(Selector::All)
}

/// The API server refuses to store what is an error here.
fn requirement(expression: Expression, budget: &str) -> Result<Requirement, InventoryError> {
    let Expression { key, operator, values } = expression;
    let values = values.unwrap_or_default();
    match (operator.as_str(), values.is_empty()) {
        ("In", false) => Ok(Requirement::In { key, values }),
        ("NotIn", false) => Ok(Requirement::NotIn { key, values }),
        ("Exists", true) => Ok(Requirement::Exists { key }),
        ("DoesNotExist", true) => Ok(Requirement::DoesNotExist { key }),
        (operator, _) => {
            let count = values.len();
            let message = format!(
                "the disruption budget '{budget}' selects by '{key}' '{operator}' with {count} values, \
                 which can't be understood"
            );
            Err(InventoryError::Rejected { message })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn decode(selector: Value, status: Value) -> Result<DisruptionBudget, InventoryError> {
        let mut spec = json!({"maxUnavailable": 1, "selector": selector});
        if spec["selector"].is_null() {
            spec = json!({"maxUnavailable": 1});
        }
        let budget = json!({"metadata": {"name": "b", "generation": 2}, "spec": spec, "status": status});
        super::budget(serde_json::from_value(budget).unwrap())
    }

    fn selector(selector: Value) -> Selector {
        decode(selector, json!({})).unwrap().selector
    }

    /// What is allowed, and whether that speaks of the present specification.
    fn allowed(status: Value) -> (u32, bool) {
        let budget = decode(json!({}), status).unwrap();
        (budget.allowed, budget.status_is_current)
    }

    fn expressions(expressions: Value) -> Value {
        json!({"matchExpressions": expressions})
    }

    #[test]
    fn everything_that_matters_is_taken() {
        let selector = json!({"matchLabels": {"app": "consumer", "tier": "a"}, "matchExpressions": [
            {"key": "zone", "operator": "In", "values": ["x", "y"]},
            {"key": "track", "operator": "NotIn", "values": ["canary"]},
            {"key": "team", "operator": "Exists"},
            {"key": "legacy", "operator": "DoesNotExist", "values": []},
        ]});
        let is_in = |key: &str, values: &[&str]| Requirement::In {
            key: key.into(),
            values: values.iter().map(ToString::to_string).collect(),
        };
        let expected = DisruptionBudget {
            name: "b".into(),
            selector: Selector::All(vec![
                is_in("app", &["consumer"]),
                is_in("tier", &["a"]),
                is_in("zone", &["x", "y"]),
                Requirement::NotIn { key: "track".into(), values: vec!["canary".into()] },
                Requirement::Exists { key: "team".into() },
                Requirement::DoesNotExist { key: "legacy".into() },
            ]),
            allowed: 3,
            status_is_current: true,
        };
        let status = json!({"observedGeneration": 2, "disruptionsAllowed": 3, "currentHealthy": 9});
        assert_eq!(decode(selector, status), Ok(expected));
    }

    #[test]
    fn an_empty_selector_selects_every_pod_and_an_absent_one_none() {
        assert_eq!(selector(Value::Null), Selector::Nothing);
        assert_eq!(selector(json!({})), Selector::All(vec![]));
        assert_eq!(selector(json!({"matchLabels": null, "matchExpressions": null})), Selector::All(vec![]));
    }

    #[test]
    fn a_requirement_that_is_not_understood_is_never_left_out() {
        for (operator, values) in [
            ("Gt", json!(["1"])),
            ("in", json!(["a"])),
            ("", Value::Null),
            ("In", json!([])),
            ("NotIn", Value::Null),
            ("Exists", json!(["a"])),
        ] {
            let selector = expressions(json!([{"key": "zone", "operator": operator, "values": values}]));
            let error = decode(selector, json!({})).unwrap_err().to_string();
            assert!(error.contains("budget 'b'") && error.contains(&format!("'{operator}'")), "{error}");
        }
    }

    #[test]
    fn what_is_allowed_counts_only_for_the_present_specification() {
        assert_eq!(allowed(json!({"observedGeneration": 2, "disruptionsAllowed": 3})), (3, true));
        assert_eq!(allowed(json!({"observedGeneration": 2})), (0, true));
        assert_eq!(allowed(json!({"observedGeneration": 1, "disruptionsAllowed": 3})), (3, false));
        assert_eq!(allowed(json!({"disruptionsAllowed": 3})), (3, false));
        assert_eq!(allowed(json!({"observedGeneration": 2, "disruptionsAllowed": -1})), (0, false));
        assert_eq!(allowed(json!({"observedGeneration": -2, "disruptionsAllowed": 1})), (1, false));
    }

    #[test]
    fn a_budget_without_a_name_is_refused() {
        let raw = serde_json::from_value(json!({"metadata": {}})).unwrap();
        assert!(budget(raw).unwrap_err().to_string().contains("a name"));
    }
}
