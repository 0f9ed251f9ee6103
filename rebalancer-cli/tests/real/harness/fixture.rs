//! Objects that a fleet is made of.

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::PostParams;
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The label of every pod of a fleet.
pub(crate) const SELECTOR: &str = "app=consumer";

/// What owns the pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    Deployment,
    StatefulSet,
}

impl Workload {
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
        }
    }
}

/// What an autoscaler aims at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    /// Percent of the CPU request.
    Utilization(u32),
    /// Cores a pod.
    AverageCores(f64),
}

/// What a disruption budget promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Budget {
    MaxUnavailable(u32),
    MinAvailable(u32),
}

/// One rule of a Role: API group, resources, verbs.
pub(crate) type Rule<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

/// What it takes to see what goes on around a fleet.
pub(crate) const SURROUNDINGS: [Rule<'static>; 2] =
    [("apps", &["deployments", "statefulsets"], &["get"]), ("policy", &["poddisruptionbudgets"], &["list"])];

/// The Role that deploy/ gives, for this workload: what the rebalancer may do in a namespace, and no more.
pub(crate) fn granted(workload: &str) -> Vec<Value> {
    let role: Value =
        serde_saphyr::from_str(include_str!("../../../../deploy/kustomize/base/role.yaml")).unwrap();
    let mut rules = role["rules"].as_array().unwrap().clone();
    for rule in &mut rules {
        if let Some(names) = rule.get_mut("resourceNames") {
            let named = |name: &Value| name.as_str().unwrap().replace("ingestion-consumer", workload);
            *names = names.as_array().unwrap().iter().map(named).collect();
        }
    }
    rules
}

/// Rules as a Role has them.
pub(crate) fn rules(rules: &[Rule<'_>]) -> Vec<Value> {
    let rule = |(group, resources, verbs): &Rule<'_>| json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
    rules.iter().map(rule).collect()
}

/// Creates an object from its JSON.
pub(crate) async fn create<K>(client: &Client, namespace: &str, object: Value) -> K
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Serialize
        + DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    let object: K = serde_json::from_value(object).expect("the JSON is of this kind");
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let created = api.create(&PostParams::default(), &object).await;
    created.unwrap_or_else(|error| panic!("{} can't be created: {error}", K::kind(&())))
}

/// What the pods of a workload are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Template<'a> {
    pub(crate) container: &'a str,
    pub(crate) cpu_request: Option<f64>,
    /// More fields of the specification.
    pub(crate) spec: &'a Value,
}

impl Template<'_> {
    /// The specification of a pod.
    pub(crate) fn pod_spec(&self) -> Value {
        let requests = self.cpu_request.map_or(json!({}), |cores| json!({"cpu": quantity(cores)}));
        let container = json!({
            "name": self.container,
            "image": "registry.invalid/consumer:1",
            "resources": {"requests": requests},
        });
        let mut spec = self.spec.clone();
        spec["containers"] = json!([container]);
        spec
    }
}

/// A Deployment or StatefulSet of the label that the rebalancer looks for.
pub(crate) async fn workload(
    client: &Client,
    namespace: &str,
    (kind, name): (Workload, &str),
    replicas: usize,
    template: &Template<'_>,
) {
    let labels = json!({"app": "consumer"});
    let mut object = json!({
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": template.pod_spec(),
            },
        },
    });
    match kind {
        Workload::Deployment => drop(create::<Deployment>(client, namespace, object).await),
        Workload::StatefulSet => {
            object["spec"]["serviceName"] = json!(name);
            object["spec"]["podManagementPolicy"] = json!("Parallel");
            drop(create::<StatefulSet>(client, namespace, object).await);
        }
    }
}

/// An autoscaler on CPU for a workload.
pub(crate) async fn hpa(
    client: &Client,
    namespace: &str,
    name: &str,
    (kind, workload): (Workload, &str),
    target: Target,
) {
    let target = match target {
        Target::Utilization(percent) => json!({"type": "Utilization", "averageUtilization": percent}),
        Target::AverageCores(cores) => json!({"type": "AverageValue", "averageValue": quantity(cores)}),
    };
    let object = json!({
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind.kind(), "name": workload},
            "minReplicas": 1,
            "maxReplicas": 2000,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    });
    create::<HorizontalPodAutoscaler>(client, namespace, object).await;
}

/// A disruption budget for all pods of the fleet.
pub(crate) async fn budget(client: &Client, namespace: &str, name: &str, budget: Budget) {
    let (field, count) = match budget {
        Budget::MaxUnavailable(count) => ("maxUnavailable", count),
        Budget::MinAvailable(count) => ("minAvailable", count),
    };
    let object = json!({
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": "consumer"}}, field: count},
    });
    create::<PodDisruptionBudget>(client, namespace, object).await;
}

/// A service account with a Role of these rules.
pub(crate) async fn service_account(client: &Client, namespace: &str, name: &str, rules: &[Value]) {
    let metadata = json!({"name": name});
    create::<ServiceAccount>(client, namespace, json!({"metadata": metadata})).await;
    grant(client, namespace, name, rules, (namespace, name)).await;
}

/// A Role of these rules in a namespace, for a service account (its namespace and name) of any other.
pub(crate) async fn grant(
    client: &Client,
    namespace: &str,
    name: &str,
    rules: &[Value],
    (home, account): (&str, &str),
) {
    let metadata = json!({"name": name});
    create::<Role>(client, namespace, json!({"metadata": metadata, "rules": rules})).await;
    let binding = json!({
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": home}],
    });
    create::<RoleBinding>(client, namespace, binding).await;
}

fn quantity(cores: f64) -> String {
    format!("{:.0}m", cores * 1000.0)
}
