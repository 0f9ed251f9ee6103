//! What others add to the API server. Those who work beside this program by their own definitions, which `.ci/neighbors`
//! fetches; the Prometheus operator and the VictoriaMetrics operator as far as alerts need it, where a field that is not here
//! is refused by strict validation, as with the operators themselves.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use serde_json::{Value, json};

use crate::harness::fleet::Fleet;
use crate::harness::{assets, wait};

/// Defines the kinds, and waits until the API server knows them.
pub(crate) async fn define(fleet: &Fleet) {
    let definitions = json!({"apiVersion": "v1", "kind": "List", "items": [
        definition("monitoring.coreos.com", "v1", "PrometheusRule", "prometheusrules"),
        definition("operator.victoriametrics.com", "v1beta1", "VMRule", "vmrules"),
    ]});
    let file = fleet.write("operators.json", &definitions);
    establish(
        fleet,
        &file,
        &["prometheusrules.monitoring.coreos.com", "vmrules.operator.victoriametrics.com"],
    )
    .await;
}

/// Defines a kind as those who made it do, and waits until the API server knows it.
pub(crate) async fn define_upstream(fleet: &Fleet, name: &str) {
    define_bundle(fleet, name, &[name]).await;
}

/// Defines all kinds of a system, and waits until the API server knows these of them.
pub(crate) async fn define_bundle(fleet: &Fleet, system: &str, names: &[&str]) {
    let file = assets::find(&format!("definitions/{system}.yaml"));
    establish(fleet, file.to_str().unwrap(), names).await;
}

/// `kubectl wait` fails where a definition is so new that it has no conditions.
async fn establish(fleet: &Fleet, file: &str, names: &[&str]) {
    fleet.kubectl_anywhere(&["apply", "--server-side", "--filename", file]).await.succeeded();
    let definitions: Api<CustomResourceDefinition> = Api::all(fleet.client.clone());
    for name in names {
        wait::until(name, async || {
            let status = definitions.get(name).await.unwrap().status.unwrap_or_default();
            let mut conditions = status.conditions.iter().flatten();
            let is =
                conditions.any(|condition| condition.type_ == "Established" && condition.status == "True");
            if is { Ok(()) } else { Err(format!("{status:?}")) }
        })
        .await;
    }
}

/// Where a kind keeps the numbers of its scale subresource, as JSON paths: wanted and present pods.
pub(crate) type ScalePaths = (&'static str, &'static str);

/// Defines a kind whose objects may have any fields, without a status of its own, and waits until the API server knows it.
pub(crate) async fn define_open(
    fleet: &Fleet,
    [group, version, kind, plural]: [&str; 4],
    scale: Option<ScalePaths>,
) {
    let mut definition = definition(group, version, kind, plural);
    if let Some((wanted, present)) = scale {
        let paths = json!({"specReplicasPath": wanted, "statusReplicasPath": present});
        definition["spec"]["versions"][0]["subresources"] = json!({"scale": paths});
    }
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = open;
    establish(fleet, &fleet.write(&format!("{plural}.json"), &definition), &[&format!("{plural}.{group}")])
        .await;
}

fn definition(group: &str, version: &str, kind: &str, plural: &str) -> Value {
    let text = json!({"type": "string"});
    let texts = json!({"type": "object", "additionalProperties": text});
    let object = |properties: Value| json!({"type": "object", "properties": properties});
    let list = |items: Value| json!({"type": "array", "items": items});
    let rule = object(json!({
        "alert": text, "record": text, "expr": text, "for": text, "labels": texts, "annotations": texts,
    }));
    let group_of_rules = object(json!({"name": text, "interval": text, "rules": list(rule)}));
    let spec = object(json!({"groups": list(group_of_rules)}));
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": object(json!({"spec": spec}))},
            }],
        },
    })
}
