//! What an autoscaler scales by, as the real API server keeps it.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::harness::example::WORKED_EXAMPLE;
use crate::harness::fixture;
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;

/// As KEDA makes it of a ScaledObject with a Kafka trigger, and with metrics of every other type besides.
fn keda(workload: &str) -> Value {
    let resource = json!({"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}});
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "main"});
    json!({
        "metadata": {"name": format!("keda-hpa-{workload}"),
            "labels": {"scaledobject.keda.sh/name": workload, "app.kubernetes.io/managed-by": "keda-operator"}},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload},
            "minReplicas": 1,
            "maxReplicas": 12,
            "metrics": [
                {"type": "External", "external": {"metric": lag(workload),
                    "target": {"type": "AverageValue", "averageValue": "100"}}},
                {"type": "Resource", "resource": resource},
                {"type": "ContainerResource", "containerResource": {"name": "memory", "container": workload,
                    "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
                {"type": "Pods", "pods": {"metric": {"name": "in_flight"},
                    "target": {"type": "AverageValue", "averageValue": "1500m"}}},
                {"type": "Object", "object": {"metric": {"name": "rps"}, "describedObject": ingress,
                    "target": {"type": "Value", "value": "2k"}}},
            ],
        },
    })
}

fn lag(workload: &str) -> Value {
    json!({"name": "s0-kafka-orders", "selector": {"matchLabels": {"scaledobject.keda.sh/name": workload}}})
}

/// What the autoscaler's controller writes once it has read one of its metrics.
fn status(workload: &str) -> Value {
    let current = json!({"metric": lag(workload), "current": {"averageValue": "42500m"}});
    json!({"status": {
        "currentReplicas": 6, "desiredReplicas": 6,
        "conditions": [
            {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"},
            {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"},
        ],
        "currentMetrics": [{"type": "External", "external": current}],
    }})
}

#[tokio::test]
#[ignore]
async fn an_operator_sees_that_keda_scales_by_lag() {
    let fleet = Fleet::named("keda").cpu(&WORKED_EXAMPLE).start().await;
    let (client, namespace, name) = (&fleet.client, &fleet.namespace, fleet.name());
    let hpa: HorizontalPodAutoscaler = fixture::create(client, namespace, keda(name)).await;
    let hpa = hpa.metadata.name.unwrap();
    let api = fleet.api::<HorizontalPodAutoscaler>();
    api.patch_status(&hpa, &PatchParams::default(), &Patch::Merge(status(name))).await.unwrap();
    let metrics = fleet.history(&fleet.settled().await).serve(Server::Prometheus).await;
    let prefix = [("HPA_PREFIX", "keda-hpa-"), ("MINIMUM_PODS_REQUIRED", "2"), ("DRY_RUN", "true")];
    let lines = [
        "external metric s0-kafka-orders, target 100 a pod, now 42.5 a pod",
        "memory, target 80 % of the request, now not known",
        &format!("memory of the container {name}, target 1 GiB a pod, now not known"),
        "the pods' metric in_flight, target 1.5 a pod, now not known",
        "metric rps of Ingress/main, target 2000, now not known",
    ];

    let table = fleet.rebalancer(&metrics).envs(&prefix).args(&["plan"]).run().await.expect_exit(0).words();
    assert!(table.contains(" target none: autoscaler keda-hpa-keda does not scale by CPU "), "{table}");
    for line in lines {
        assert!(table.contains(&format!(" scales by {line} ")), "{line} is not in\n{table}");
    }

    let plan = fleet.rebalancer(&metrics).envs(&prefix).args(&["plan", "--output", "json"]).run().await;
    let plan: Value = serde_json::from_str(&plan.expect_exit(0).stdout).unwrap();
    let expected = json!({"type": "external", "name": "s0-kafka-orders",
        "target": {"average_value": 100.0}, "current": {"average_value": 42.5}});
    assert_eq!(plan["scales_by"][0], expected, "{plan}");
    assert_eq!(plan["scales_by"][1]["current"], Value::Null);

    // By variance, as without an autoscaler: nothing of the above decides.
    let run = fleet.rebalance(&metrics, &prefix).await.expect_exit(0);
    let told = &run.log_with(&["\"event\":\"autoscaler\""])[0];
    assert_eq!((&told["autoscaler"], &told["scales_by"]), (&hpa.into(), &lines.join("; ").into()));
    let limit = run.log_with(&["indicator_analyzed"])[0]["limit"].as_str().unwrap().to_owned();
    assert!(limit.starts_with("CV threshold"), "{limit}");
    assert_eq!(run.log_with(&["cycle_finished"])[0]["status"], "dry_run");
}
