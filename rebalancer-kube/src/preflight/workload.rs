//! Workloads, as far as they tell what nobody has set: which pods are theirs, and what their containers are told. Pure.
//! What can't be read is left out.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::shape::Metadata;
use crate::answer::OnlyJson;
use crate::classify::Right;

/// The kinds of workloads that a cycle reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkloadKind {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `apps/v1` DaemonSet, whose pods are never rotated.
    DaemonSet,
}

/// A workload and its pod template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadShape {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: String,
    /// Pods that it wants.
    pub replicas: Option<u32>,
    /// Which pods are its own, as the API server understands selectors; `None`: it does not say so in a way that is
    /// understood here.
    pub selector: Option<String>,
    /// The labels of its pods.
    pub labels: BTreeMap<String, String>,
    /// Their containers; of init containers only those that run on, as native sidecars do.
    pub containers: Vec<ContainerShape>,
}

/// A container of a pod template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerShape {
    /// Its name.
    pub name: String,
    /// Its environment, by variable.
    pub environment: BTreeMap<String, Told>,
    /// Objects of which it gets every key as a variable, such as `ConfigMap orders`. They are not read.
    pub sources: Vec<String>,
}

/// What a variable of a container is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// This text.
    Plainly(String),
    /// Nobody asked for its value, so it is not kept: it may be a secret.
    NotAsked,
    /// Text that names other variables, which only the kubelet puts in.
    Composed,
    /// A value that stands elsewhere, such as in `Secret orders`. It is not read.
    Elsewhere(String),
}

impl WorkloadKind {
    /// Such as `Deployment`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
        }
    }

    /// Such as `deployments`.
    #[must_use]
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
        }
    }

    pub(super) const fn list(self) -> &'static str {
        match self {
            Self::Deployment => "DeploymentList",
            Self::StatefulSet => "StatefulSetList",
            Self::DaemonSet => "DaemonSetList",
        }
    }

    pub(super) const fn right(self, verb: &'static str) -> Right {
        let resource = match self {
            Self::Deployment => "deployments.apps",
            Self::StatefulSet => "statefulsets.apps",
            Self::DaemonSet => "daemonsets.apps",
        };
        Right { verb, resource }
    }
}

impl OnlyJson for RawWorkload {}

#[derive(Deserialize)]
pub(super) struct RawWorkload {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Spec {
    replicas: Option<u32>,
    selector: Selector,
    template: Template,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Selector {
    match_labels: BTreeMap<String, String>,
    match_expressions: Vec<Expression>,
}

#[derive(Deserialize)]
struct Expression {
    key: String,
    operator: String,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Template {
    metadata: Metadata,
    spec: PodSpec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    containers: Vec<Container>,
    init_containers: Vec<Container>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    name: String,
    restart_policy: Option<String>,
    #[serde(default)]
    env: Vec<Variable>,
    #[serde(default)]
    env_from: Vec<EnvFrom>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variable {
    name: String,
    value: Option<String>,
    value_from: Option<ValueFrom>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValueFrom {
    secret_key_ref: Option<Reference>,
    config_map_key_ref: Option<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnvFrom {
    secret_ref: Option<Reference>,
    config_map_ref: Option<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    name: String,
}

/// The workload, with the values of these variables only.
pub(super) fn workload(raw: RawWorkload, kind: WorkloadKind, asked: &[&str]) -> WorkloadShape {
    let RawWorkload { metadata, spec: Spec { replicas, selector, template } } = raw;
    let PodSpec { containers, init_containers } = template.spec;
    let is_sidecar = |container: &Container| container.restart_policy.as_deref() == Some("Always");
    let sidecars = init_containers.into_iter().filter(is_sidecar);
    WorkloadShape {
        kind,
        name: metadata.name,
        replicas,
        selector: selector.text(),
        labels: template.metadata.labels,
        containers: containers.into_iter().chain(sidecars).map(|raw| container(raw, asked)).collect(),
    }
}

fn container(raw: Container, asked: &[&str]) -> ContainerShape {
    let told = |Variable { name, value, value_from }: Variable| {
        let told = match (value_from, value) {
            (Some(from), _) => Told::Elsewhere(from.place()),
            (None, _) if !asked.contains(&name.as_str()) => Told::NotAsked,
            (None, Some(value)) if value.contains("$(") => Told::Composed,
            // A variable without a value is the empty text.
            (None, value) => Told::Plainly(value.unwrap_or_default()),
        };
        (name, told)
    };
    ContainerShape {
        name: raw.name,
        // Of several with one name the last counts, as it does for the kubelet.
        environment: raw.env.into_iter().map(told).collect(),
        sources: raw.env_from.into_iter().filter_map(EnvFrom::place).collect(),
    }
}

impl ValueFrom {
    fn place(self) -> String {
        let place = place(self.secret_key_ref, self.config_map_key_ref);
        place.unwrap_or_else(|| "a field of the pod".to_owned())
    }
}

impl EnvFrom {
    fn place(self) -> Option<String> {
        place(self.secret_ref, self.config_map_ref)
    }
}

fn place(secret: Option<Reference>, config_map: Option<Reference>) -> Option<String> {
    // The API server takes any text here, and this one is shown.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let named = |kind: &str, Reference { name, .. }: Reference| match name.chars().all(is_plain) {
        true => format!("{kind} {name}"),
        false => format!("a {kind} whose name can't be shown"),
    };
    let secret = secret.map(|reference| named("Secret", reference));
    secret.or_else(|| config_map.map(|reference| named("ConfigMap", reference)))
}

impl Selector {
    /// `None` for one that selects everything, or has an operator that is not known.
    fn text(&self) -> Option<String> {
        let labels = self.match_labels.iter().map(|(key, value)| Some(format!("{key}={value}")));
        let all: Option<Vec<String>> =
            labels.chain(self.match_expressions.iter().map(Expression::text)).collect();
        all.filter(|parts| !parts.is_empty()).map(|parts| parts.join(","))
    }
}

impl Expression {
    fn text(&self) -> Option<String> {
        let Self { key, operator, values } = self;
        match operator.as_str() {
            "In" => Some(format!("{key} in ({})", values.join(","))),
            "NotIn" => Some(format!("{key} notin ({})", values.join(","))),
            "Exists" => Some(key.clone()),
            "DoesNotExist" => Some(format!("!{key}")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
