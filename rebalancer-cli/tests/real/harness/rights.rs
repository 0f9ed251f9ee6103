//! Single rights: taken out of a Role, and given back; and a client that has those of an account.

use std::collections::BTreeSet;
use std::fmt;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectRulesReview, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::rbac::v1::{PolicyRule, Role};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::harness::fleet::Fleet;
use crate::harness::installed::RELEASE;
use crate::harness::{control_plane, wait};

/// One verb on one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Right {
    group: String,
    pub(crate) resource: String,
    pub(crate) verb: String,
    names: Vec<String>,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, resource, verb, .. } = self;
        let dot = if group.is_empty() { "" } else { "." };
        write!(f, "the verb '{verb}' on '{resource}{dot}{group}'")
    }
}

impl Right {
    fn rule(&self) -> Value {
        let mut rule = json!({"apiGroups": [self.group], "resources": [self.resource], "verbs": [self.verb]});
        if !self.names.is_empty() {
            rule["resourceNames"] = json!(self.names);
        }
        rule
    }

    fn attributes(&self, namespace: &str) -> ResourceAttributes {
        let mut parts = self.resource.split('/');
        ResourceAttributes {
            namespace: Some(namespace.to_owned()),
            group: Some(self.group.clone()),
            resource: parts.next().map(str::to_owned),
            subresource: parts.next().map(str::to_owned),
            verb: Some(self.verb.clone()),
            name: self.names.first().cloned(),
            ..Default::default()
        }
    }

    /// What becomes of a run without it. A rule that nobody thought about has no test yet.
    pub(crate) fn when_missing(&self) -> Missing {
        match (self.resource.as_str(), self.verb.as_str()) {
            ("events", "create") => Missing::IsWarnedOf,
            // Those of a Deployment; the fleets here are StatefulSets.
            ("deployments" | "replicasets", "get") => Missing::IsOfOthers,
            ("pods", "get" | "list" | "delete")
            | ("pods/eviction", "create")
            | ("horizontalpodautoscalers" | "poddisruptionbudgets", "list")
            | ("statefulsets", "get")
            | ("leases", "create" | "get" | "update") => Missing::EndsTheRun,
            _ => panic!("say what a run without {self} comes to"),
        }
    }
}

/// What a missing right comes to.
pub(crate) enum Missing {
    /// A failure, and no pod is removed.
    EndsTheRun,
    /// Pods are removed all the same.
    IsWarnedOf,
    /// Nothing: workloads of another kind need it.
    IsOfOthers,
}

/// Every single right of these rules.
pub(crate) fn rights(rules: &[PolicyRule]) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for rule in rules {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                rights.extend(rule.verbs.iter().map(|verb| Right {
                    group: group.clone(),
                    resource: resource.clone(),
                    verb: verb.clone(),
                    names: rule.resource_names.clone().unwrap_or_default(),
                }));
            }
        }
    }
    rights
}

pub(crate) async fn rights_of_role(fleet: &Fleet) -> BTreeSet<Right> {
    rights(&fleet.api::<Role>().get(RELEASE).await.unwrap().rules.unwrap())
}

/// Gives the Role these rights and no other, and waits until the API server goes by it.
pub(crate) async fn allow(fleet: &Fleet, all: &BTreeSet<Right>, but: Option<&Right>) {
    allow_by(fleet, (&fleet.namespace, RELEASE), all, but).await;
}

/// The same with this Role, by its namespace and its name.
pub(crate) async fn allow_by(
    fleet: &Fleet,
    (namespace, role): (&str, &str),
    all: &BTreeSet<Right>,
    but: Option<&Right>,
) {
    let left: Vec<Value> = all.iter().filter(|right| Some(*right) != but).map(Right::rule).collect();
    let patch = Patch::Merge(json!({"rules": left}));
    let roles: Api<Role> = Api::namespaced(fleet.client.clone(), namespace);
    roles.patch(role, &PatchParams::default(), &patch).await.unwrap();
    for right in all {
        let wanted = Some(right) != but;
        wait::until("the changed Role", async || {
            let allowed = is_allowed(fleet, namespace, right).await;
            if allowed == wanted { Ok(()) } else { Err(format!("{right}: {allowed}")) }
        })
        .await;
    }
}

async fn is_allowed(fleet: &Fleet, namespace: &str, right: &Right) -> bool {
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(format!("system:serviceaccount:{}:{RELEASE}", fleet.namespace)),
            resource_attributes: Some(right.attributes(namespace)),
            ..Default::default()
        },
        ..Default::default()
    };
    let api: Api<SubjectAccessReview> = Api::all(fleet.client.clone());
    api.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
}

/// A client with the token of a service account of the fleet's namespace.
pub(crate) async fn client_of(fleet: &Fleet, account: &str) -> Client {
    let token = fleet.plane.token(&fleet.client, &fleet.namespace, account).await;
    let kubeconfig = fleet.plane.kubeconfig(&fleet.file(&format!("as-{account}")), &fleet.plane.url, &token);
    control_plane::client(&kubeconfig, false).await
}

/// What the API server says that this client may do in a namespace.
pub(crate) async fn rights_in(client: &Client, namespace: &str) -> BTreeSet<Right> {
    let review: SelfSubjectRulesReview =
        serde_json::from_value(json!({"spec": {"namespace": namespace}})).unwrap();
    let api: Api<SelfSubjectRulesReview> = Api::all(client.clone());
    let rules = api.create(&PostParams::default(), &review).await.unwrap().status.unwrap().resource_rules;
    let rules: Vec<PolicyRule> = rules
        .into_iter()
        .map(|rule| PolicyRule {
            api_groups: rule.api_groups,
            resources: rule.resources,
            resource_names: rule.resource_names,
            verbs: rule.verbs,
            non_resource_urls: None,
        })
        .collect();
    rights(&rules)
}
