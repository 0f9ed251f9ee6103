use serde_json::json;

use super::*;

fn of_canary(target: &str, more: Value) -> Option<AtWork> {
    let mut raw =
        json!({"metadata": {"name": "c"}, "spec": {"targetRef": {"kind": "Deployment", "name": target}}});
    raw.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    canary(serde_json::from_value(raw).unwrap(), "orders-primary").map(|activity| activity.what)
}

#[test]
fn a_canary_of_flagger_is_that_of_its_target_and_of_the_copy_that_serves() {
    let progressing = || json!({"status": {"phase": "Progressing", "canaryWeight": 20}});
    let stage = |stage: &str| Some(AtWork::Canary { stage: stage.to_owned() });
    assert_eq!(of_canary("orders", progressing()), stage("Progressing, 20 %"));
    assert_eq!(of_canary("orders-primary", progressing()), stage("Progressing, 20 %"));
    assert_eq!(of_canary("other", progressing()), None);
    for phase in ["Initialized", "Succeeded", "Failed", "Terminated", ""] {
        assert_eq!(
            of_canary("orders", json!({"status": {"phase": phase, "canaryWeight": 0}})),
            None,
            "{phase}"
        );
    }
    for phase in ["Initializing", "Waiting", "WaitingPromotion", "Promoting", "Finalising", "Terminating"] {
        assert_eq!(of_canary("orders", json!({"status": {"phase": phase}})), stage(phase));
    }
}

fn of_keda(annotations: Value, spec: Value, conditions: &[(&str, &str)]) -> Option<AtWork> {
    let conditions: Vec<Value> =
        conditions.iter().map(|(kind, status)| json!({"type": kind, "status": status})).collect();
    let mut raw = json!({"metadata": {"name": "s", "annotations": annotations},
        "spec": {"scaleTargetRef": {"name": "orders"}}, "status": {"conditions": conditions}});
    raw["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let read = || serde_json::from_value(raw.clone()).unwrap();
    assert_eq!(scaled_object(read(), "other"), None);
    scaled_object(read(), "orders").map(|activity| activity.what)
}

#[test]
fn a_scaled_object_says_that_it_is_paused_falls_back_or_scales_to_zero() {
    let at_rest = [("Ready", "True"), ("Active", "True"), ("Fallback", "False"), ("Paused", "False")];
    assert_eq!(of_keda(json!({}), json!({}), &at_rest), None);
    assert_eq!(of_keda(Value::Null, json!({}), &[]), None);
    let paused = |replicas| Some(AtWork::ScalingPaused { replicas });
    for (name, value, expected) in [
        ("autoscaling.keda.sh/paused", "true", paused(None)),
        ("autoscaling.keda.sh/paused", "", paused(None)),
        ("autoscaling.keda.sh/paused", "false", None),
        ("autoscaling.keda.sh/paused-replicas", "4", paused(Some(4))),
        ("autoscaling.keda.sh/paused-replicas", "four", paused(None)),
    ] {
        assert_eq!(of_keda(json!({name: value}), json!({}), &at_rest), expected, "{name}: {value}");
    }
    assert_eq!(of_keda(json!({}), json!({}), &[("Paused", "True")]), paused(None));
    assert_eq!(of_keda(json!({}), json!({}), &[("Fallback", "True")]), Some(AtWork::ScalingFallback));
    let idle = [("Active", "False")];
    assert_eq!(of_keda(json!({}), json!({}), &idle), Some(AtWork::ScalingToZero));
    assert_eq!(of_keda(json!({}), json!({"minReplicaCount": 2}), &idle), None);
    let to_zero = json!({"minReplicaCount": 2, "idleReplicaCount": 0});
    assert_eq!(of_keda(json!({}), to_zero, &idle), Some(AtWork::ScalingToZero));
    assert_eq!(of_keda(json!({}), json!({}), &[("Active", "Unknown")]), None);
}

#[test]
fn a_vertical_autoscaler_is_read_with_the_bounds_of_the_measured_container() {
    let read = |mode: Value, workload: &str| {
        let raw = json!({"metadata": {"name": "v"},
            "spec": {"targetRef": {"kind": "Deployment", "name": "orders"}, "updatePolicy": {"updateMode": mode}},
            "status": {"recommendation": {"containerRecommendations": [
                {"containerName": "proxy", "lowerBound": {"cpu": "1"}, "upperBound": {"cpu": "2"}},
                {"containerName": "app", "target": {"cpu": "1"},
                    "lowerBound": {"cpu": "500m", "memory": "1Gi"}, "upperBound": {"cpu": "2"}}]}}});
        vertical(serde_json::from_value(raw).unwrap(), workload, "app")
    };
    assert_eq!(read(json!("Auto"), "other"), None);
    let found = read(json!("InPlaceOrRecreate"), "orders").unwrap();
    let cores = |cores| Cores::new(cores).unwrap();
    let bounds = Bounds { cpu: Some((cores(0.5), cores(2.0))), memory: None };
    assert_eq!(found, VerticalScaler { name: "v".to_owned(), restarts_pods: true, bounds: Some(bounds) });
    for (mode, restarts) in
        [(json!("Off"), false), (json!("Initial"), false), (Value::Null, true), (json!("New"), true)]
    {
        assert_eq!(read(mode.clone(), "orders").unwrap().restarts_pods, restarts, "{mode}");
    }
}
