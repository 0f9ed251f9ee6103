use serde_json::{Value, json};

use super::*;

fn of(object: Value, asked: &[&str]) -> WorkloadShape {
    workload(serde_json::from_value(object).unwrap(), WorkloadKind::Deployment, asked)
}

fn with_selector(selector: Value) -> Option<String> {
    of(json!({"metadata": {"name": "orders"}, "spec": {"selector": selector}}), &[]).selector
}

#[test]
fn a_selector_is_written_as_the_api_server_understands_it() {
    let expression = |operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": "tier", "operator": operator, "values": values}]});
    for (selector, expected) in [
        (json!({"matchLabels": {"app": "orders"}}), Some("app=orders")),
        (json!({"matchLabels": {"app": "orders", "a": "b"}}), Some("a=b,app=orders")),
        (expression("In", &["a", "b"]), Some("tier in (a,b)")),
        (expression("NotIn", &["a"]), Some("tier notin (a)")),
        (expression("Exists", &[]), Some("tier")),
        (expression("DoesNotExist", &[]), Some("!tier")),
        // To leave a part out would select pods of others.
        (expression("Gt", &["1"]), None),
        (json!({}), None),
    ] {
        assert_eq!(with_selector(selector.clone()).as_deref(), expected, "{selector}");
    }
}

#[test]
fn only_values_that_are_asked_for_are_kept_and_none_that_stands_elsewhere() {
    let env = json!([
        {"name": "GROUP_ID", "value": "orders"},
        {"name": "EMPTY"},
        {"name": "PASSWORD", "value": "hush"},
        {"name": "COMPOSED", "value": "$(PASSWORD)-x"},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "MAP", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}},
        {"name": "FIELD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]);
    let container = json!({"name": "app", "env": env, "envFrom": [{"configMapRef": {"name": "all"}}, {"secretRef": {"name": "keys"}}]});
    let object = json!({"metadata": {"name": "orders"}, "spec": {"replicas": 2, "template": {
        "metadata": {"labels": {"app": "orders"}},
        "spec": {"containers": [container], "initContainers": [{"name": "init"}, {"name": "beside", "restartPolicy": "Always"}]}}}});
    let shape = of(object, &["GROUP_ID", "EMPTY", "COMPOSED", "SECRET"]);
    assert!(!format!("{shape:?}").contains("hush"));
    let elsewhere = |place: &str| Told::Elsewhere(place.to_owned());
    let environment = [
        ("GROUP_ID", Told::Plainly("orders".to_owned())),
        ("EMPTY", Told::Plainly(String::new())),
        ("PASSWORD", Told::NotAsked),
        ("COMPOSED", Told::Composed),
        ("SECRET", elsewhere("Secret s")),
        ("MAP", elsewhere("ConfigMap m")),
        ("FIELD", elsewhere("a field of the pod")),
    ];
    let app = ContainerShape {
        name: "app".to_owned(),
        environment: environment.map(|(name, told)| (name.to_owned(), told)).into(),
        sources: vec!["ConfigMap all".to_owned(), "Secret keys".to_owned()],
    };
    let beside =
        ContainerShape { name: "beside".to_owned(), environment: BTreeMap::new(), sources: Vec::new() };
    assert_eq!(shape.containers, [app, beside]);
    assert_eq!((shape.name.as_str(), shape.replicas), ("orders", Some(2)));
    assert_eq!(shape.labels, [("app".to_owned(), "orders".to_owned())].into());
}
