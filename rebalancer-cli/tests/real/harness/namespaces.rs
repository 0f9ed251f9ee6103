//! Namespaces that manifests name, and a standard that one enforces.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::harness::fleet::Fleet;
use crate::harness::wait;

/// Namespaces of fixed names, which value files and overlays use.
pub(crate) async fn namespaces(fleet: &Fleet, names: &[&str]) {
    let api: Api<Namespace> = Api::all(fleet.client.clone());
    for name in names {
        let object =
            Patch::Apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        api.patch(name, &PatchParams::apply("test"), &object).await.unwrap();
    }
}

/// Enforces the standard in the fleet's namespace; what doesn't pass is refused from then on.
pub(crate) async fn restrict(fleet: &Fleet) {
    let labels = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    let namespaces: Api<Namespace> = Api::all(fleet.client.clone());
    namespaces.patch(&fleet.namespace, &PatchParams::default(), &Patch::Merge(labels)).await.unwrap();
    let lax = ["run", "lax", "--image=registry.invalid/lax:1", "--dry-run=server"];
    wait::until("the standard to be enforced", async || {
        let said = fleet.kubectl(&lax).await;
        if said.stderr.contains("violates PodSecurity") { Ok(()) } else { Err(said.stderr) }
    })
    .await;
}
