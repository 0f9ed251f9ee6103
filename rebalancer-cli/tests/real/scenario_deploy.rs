//! The manifests of deploy/, asked of the real API server.

use std::path::Path;

use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, ValidationDirective};

use crate::fleet::Fleet;

/// Every object of the manifests in this folder but the kustomization itself.
fn manifests(folder: &Path) -> Vec<DynamicObject> {
    let mut objects = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let object: DynamicObject = serde_saphyr::from_str(&text).unwrap();
        if object.types.as_ref().is_some_and(|types| types.kind != "Kustomization") {
            objects.push(object);
        }
    }
    objects
}

#[tokio::test]
#[ignore = "needs real servers: KUBEBUILDER_ASSETS=$(.ci/real-servers) cargo test -p rebalancer-cli --test real -- --ignored"]
async fn the_manifests_are_valid_to_the_last_field() {
    let fleet = Fleet::named("manifests").start().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kustomize/base");
    let objects = manifests(&folder);
    assert_eq!(objects.len(), 4, "{objects:?}");
    for object in objects {
        let kind = GroupVersionKind::try_from(object.types.as_ref().unwrap()).unwrap();
        let resource = ApiResource::from_gvk(&kind);
        let api: Api<DynamicObject> = Api::namespaced_with(fleet.client.clone(), &fleet.namespace, &resource);
        let mut params = PatchParams::apply("manifests").dry_run();
        params.field_validation = Some(ValidationDirective::Strict);
        let name = object.metadata.name.clone().unwrap();
        if let Err(error) = api.patch(&name, &params, &Patch::Apply(&object)).await {
            panic!("{} {name}: {error}", kind.kind);
        }
    }
}
