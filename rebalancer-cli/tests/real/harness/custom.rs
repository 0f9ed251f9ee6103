//! Objects of kinds that the cluster does not have by itself.

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::harness::fleet::Fleet;
use crate::harness::operators::{self, ScalePaths};

/// Such a kind.
pub(crate) struct Custom {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) defined: Defined,
}

/// How the API server comes to know a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defined {
    /// By the definition of those who made it, with a status of its own.
    Upstream,
    /// With any fields, where there is no such definition to be had.
    Open(Option<ScalePaths>),
}

pub(crate) const ROLLOUT: Custom = Custom {
    group: "argoproj.io",
    version: "v1alpha1",
    kind: "Rollout",
    plural: "rollouts",
    defined: Defined::Upstream,
};
pub(crate) const CLONE_SET: Custom = Custom {
    group: "apps.kruise.io",
    version: "v1alpha1",
    kind: "CloneSet",
    plural: "clonesets",
    defined: Defined::Upstream,
};

impl Custom {
    pub(crate) fn api(&self, fleet: &Fleet) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk(self.group, self.version, self.kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, self.plural);
        Api::namespaced_with(fleet.client.clone(), &fleet.namespace, &resource)
    }

    async fn define(&self, fleet: &Fleet) {
        let names = [self.group, self.version, self.kind, self.plural];
        match self.defined {
            Defined::Upstream => {
                operators::define_upstream(fleet, &format!("{}.{}", self.plural, self.group)).await;
            }
            Defined::Open(scale) => operators::define_open(fleet, names, scale).await,
        }
    }

    /// Changes the one of the fleet's name, a status of its own as controllers do.
    pub(crate) async fn change(&self, fleet: &Fleet, mut patch: Value) {
        // A field that the kind does not have is refused, not dropped.
        let (api, how) = (self.api(fleet), PatchParams::default().validation_strict());
        if self.defined == Defined::Upstream
            && let Some(status) = patch.as_object_mut().unwrap().remove("status")
        {
            let status = Patch::Merge(json!({"status": status}));
            api.patch_status(fleet.name(), &how, &status).await.unwrap();
        }
        api.patch(fleet.name(), &how, &Patch::Merge(patch)).await.unwrap();
    }

    /// Creates one of the fleet's name; what its pods, or their ReplicaSets, say of it.
    pub(crate) async fn create(&self, fleet: &Fleet, more: Value) -> Value {
        self.define(fleet).await;
        let api_version = format!("{}/{}", self.group, self.version);
        let mut object =
            json!({"apiVersion": api_version, "kind": self.kind, "metadata": {"name": fleet.name()}});
        let status = more.get("status").cloned().filter(|_| self.defined == Defined::Upstream);
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let object = serde_json::from_value(object).unwrap();
        let created = self.api(fleet).create(&PostParams::default(), &object).await.unwrap();
        if let Some(status) = status {
            self.change(fleet, json!({"status": status})).await;
        }
        json!({"apiVersion": api_version, "kind": self.kind, "name": fleet.name(), "uid": created.metadata.uid,
            "controller": true})
    }
}

/// The specification of a CloneSet of six, with more.
pub(crate) fn clones(more: Value) -> Value {
    let labels = json!({"app": "consumer"});
    let template = json!({"metadata": {"labels": labels}});
    let mut spec = json!({"replicas": 6, "selector": {"matchLabels": labels}, "template": template});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    spec
}
