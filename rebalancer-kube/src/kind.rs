//! Where the API server keeps objects of a kind that a reference names. Pure.

use crate::classify::Right;
use crate::wire::{self, Failure};

/// Kinds that every cluster has, and the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Deployment,
    StatefulSet,
    ReplicaSet,
    /// Whatever else may own pods, such as an Argo Rollout.
    Other,
}

impl Kind {
    pub(crate) fn of(api_version: &str, kind: &str) -> Self {
        match (api_version, kind) {
            ("apps/v1", "Deployment") => Self::Deployment,
            ("apps/v1", "StatefulSet") => Self::StatefulSet,
            ("apps/v1", "ReplicaSet") => Self::ReplicaSet,
            _ => Self::Other,
        }
    }

    /// The right to read one.
    pub(crate) const fn right(self) -> Right {
        let resource = match self {
            Self::Deployment => "deployments.apps",
            Self::StatefulSet => "statefulsets.apps",
            Self::ReplicaSet => "replicasets.apps",
            Self::Other => "what owns the pods",
        };
        Right { verb: "get", resource }
    }
}

/// The path of an object. What a reference says ends up in it, so what has not the form of a kind is not sent at all.
pub(crate) fn path(api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<String, Failure> {
    let api = match api_version.split_once('/') {
        Some((group, version)) if is_name(group) && is_name(version) => format!("/apis/{api_version}"),
        None if is_name(api_version) => format!("/api/{api_version}"),
        Some(_) | None => return Err(Failure::Unsendable(format!("{api_version:?} is no API version"))),
    };
    if kind.is_empty() || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Failure::Unsendable(format!("{kind:?} is no kind")));
    }
    wire::object(&api, namespace, &resource(kind), name)
}

/// The path of the scale subresource of an object.
pub(crate) fn scale_path(
    api_version: &str,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Result<String, Failure> {
    path(api_version, kind, namespace, name).map(|path| format!("{path}/scale"))
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    !text.is_empty() && !text.contains("..") && !text.starts_with('.') && text.bytes().all(plain)
}

/// The plural that a kind has by convention, as `meta.UnsafeGuessKindToResource` of `k8s.io/apimachinery` guesses it. To
/// ask for the right one would be a request more; a wrong guess is not found, and the pods alone tell.
#[must_use]
pub fn resource(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.as_bytes().last() {
        Some(b's') => format!("{kind}es"),
        Some(b'y') => kind.strip_suffix('y').map_or_else(|| kind.clone(), |stem| format!("{stem}ies")),
        Some(_) | None => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_place() {
        for (api_version, kind, expected) in [
            ("apps/v1", "ReplicaSet", "/apis/apps/v1/namespaces/shop/replicasets/orders"),
            ("v1", "ReplicationController", "/api/v1/namespaces/shop/replicationcontrollers/orders"),
            ("argoproj.io/v1alpha1", "Rollout", "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/orders"),
            ("a.b/v1", "Policy", "/apis/a.b/v1/namespaces/shop/policies/orders"),
            ("a.b/v1", "Process", "/apis/a.b/v1/namespaces/shop/processes/orders"),
        ] {
            assert_eq!(path(api_version, kind, "shop", "orders").unwrap(), expected);
        }
    }

    #[test]
    fn a_reference_can_not_lead_to_another_place() {
        for (api_version, kind, name) in [
            ("apps/v1/../..", "Secret", "x"),
            ("../v1", "Secret", "x"),
            ("a?b/v1", "Secret", "x"),
            ("", "Secret", "x"),
            ("v1", "../nodes", "x"),
            ("v1", "", "x"),
            ("v1", "Pod", "../x"),
        ] {
            assert!(path(api_version, kind, "shop", name).is_err(), "{api_version} {kind} {name}");
        }
    }
}
