//! Rights, as the API server is asked about them and as a Role grants them. Pure.

use std::fmt;

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview};

/// One right in a namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// Such as `list`.
    pub verb: &'static str,
    /// The API group; empty for the core's.
    pub group: &'static str,
    /// Such as `pods`, or `pods/eviction` with its subresource.
    pub resource: &'static str,
    /// Of this object only; `None`: of any.
    pub name: Option<String>,
}

/// What the API server says about a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// We have it.
    pub allowed: bool,
    /// The server's own words, if it has any.
    pub reason: String,
}

impl Access {
    /// A right on all objects of a resource.
    #[must_use]
    pub const fn to(verb: &'static str, group: &'static str, resource: &'static str) -> Self {
        Self { verb, group, resource, name: None }
    }

    /// The same on the object of this name only.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The rule of a Role that grants it, as YAML in one line.
    #[must_use]
    pub fn rule(&self) -> String {
        let names =
            self.name.as_ref().map(|name| format!(", resourceNames: [\"{name}\"]")).unwrap_or_default();
        let Self { verb, group, resource, .. } = self;
        format!("- {{apiGroups: [\"{group}\"], resources: [\"{resource}\"]{names}, verbs: [\"{verb}\"]}}")
    }

    pub(super) fn attributes(&self, namespace: &str) -> ResourceAttributes {
        let (resource, subresource) = match self.resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (self.resource, None),
        };
        ResourceAttributes {
            namespace: Some(namespace.to_owned()),
            verb: Some(self.verb.to_owned()),
            group: Some(self.group.to_owned()),
            resource: Some(resource.to_owned()),
            subresource,
            name: self.name.clone(),
            ..ResourceAttributes::default()
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, group, resource, name } = self;
        write!(f, "{verb} {resource}")?;
        if !group.is_empty() {
            write!(f, ".{group}")?;
        }
        name.as_ref().map_or(Ok(()), |name| write!(f, " '{name}'"))
    }
}

impl Allowed {
    pub(super) fn of(review: SelfSubjectAccessReview) -> Self {
        // Without a status nothing was decided, and nothing is allowed.
        let status = review.status.unwrap_or_default();
        let reason = status.reason.or(status.evaluation_error).unwrap_or_default();
        Self { allowed: status.allowed, reason: crate::text::excerpt(&reason) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_shown_as_people_name_it_and_as_a_role_grants_it() {
        let evict = Access::to("create", "", "pods/eviction");
        assert_eq!(evict.to_string(), "create pods/eviction");
        assert_eq!(evict.rule(), r#"- {apiGroups: [""], resources: ["pods/eviction"], verbs: ["create"]}"#);
        let get = Access::to("get", "coordination.k8s.io", "leases").named("pod-rebalancer-x");
        assert_eq!(get.to_string(), "get leases.coordination.k8s.io 'pod-rebalancer-x'");
        assert_eq!(
            get.rule(),
            r#"- {apiGroups: ["coordination.k8s.io"], resources: ["leases"], resourceNames: ["pod-rebalancer-x"], verbs: ["get"]}"#
        );
    }

    #[test]
    fn a_subresource_is_asked_apart_from_its_resource() {
        let attributes = Access::to("create", "", "pods/eviction").attributes("shop");
        assert_eq!(attributes.resource.as_deref(), Some("pods"));
        assert_eq!(attributes.subresource.as_deref(), Some("eviction"));
        assert_eq!((attributes.namespace.as_deref(), attributes.name), (Some("shop"), None));
    }
}
