//! The base, the overlays and the rendered manifest on the real API server, by the real kubectl.

use std::fs;
use std::path::Path;

use k8s_openapi::api::batch::v1::Job;
use serde_json::json;

use crate::harness::container::starts_a_pod_from;
use crate::harness::example::WORKED_EXAMPLE;
use crate::harness::fleet::Fleet;
use crate::harness::installed::RELEASE;
use crate::harness::metrics::Server;
use crate::harness::namespaces::{namespaces, restrict};
use crate::harness::tools;

const NOBODY: [usize; 0] = [];

/// The folders of the overlays.
fn overlays() -> Vec<String> {
    let folder = tools::deploy().join("kustomize/overlays");
    let mut folders: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect();
    folders.sort();
    folders
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = {
            let entry = entry.unwrap();
            (entry.path(), entry.file_name())
        };
        if path.is_dir() {
            copy(&path, &to.join(name))
        } else {
            fs::copy(&path, to.join(name)).map(drop).unwrap();
        }
    }
}

impl Fleet {
    /// The file that a kustomization comes to.
    async fn built(&self, folder: &str) -> String {
        let file = self.file("built.yaml");
        fs::write(&file, self.kubectl_anywhere(&["kustomize", folder]).await.succeeded().stdout).unwrap();
        file.display().to_string()
    }

    /// A copy of an overlay, changed as a user would for this fleet: the namespace, and the settings of a workload that
    /// is small and young. Its folder is beside the others.
    pub(crate) fn overlay(&self, of: &str, metrics: impl AsRef<str>, more: &[(&str, &str)]) -> String {
        let root = self.file("kustomize");
        copy(&tools::deploy().join("kustomize"), &root);
        let folder = root.join("overlays").join(of);
        let kustomization = folder.join("kustomization.yaml");
        let text = fs::read_to_string(&kustomization).unwrap();
        let ours = text.replace("namespace: streams", &format!("namespace: {}", self.namespace));
        assert_ne!(text, ours);
        fs::write(&kustomization, ours).unwrap();
        let mut variables = vec![
            ("PROMETHEUS_ENDPOINT", metrics.as_ref()),
            ("DEPLOYMENT_NAME", self.name()),
            ("KUBE_LABEL_SELECTOR", "app=consumer"),
            ("MINIMUM_PODS_REQUIRED", "2"),
            ("MINIMUM_POD_AGE", "0s"),
            ("PERSISTENCE_WINDOWS", "1"),
            ("MAXIMUM_REMOVAL_SHARE", "1"),
        ];
        variables.extend(more);
        let env: Vec<_> =
            variables.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let settings = json!({
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": RELEASE},
            "spec": {"jobTemplate": {"spec": {"template": {"spec": {
                "containers": [{"name": "rebalancer", "env": env}],
            }}}}},
        });
        fs::write(folder.join("settings.yaml"), settings.to_string()).unwrap();
        folder.display().to_string()
    }
}

#[tokio::test]
#[ignore]
async fn every_manifest_is_valid_to_the_last_field() {
    let fleet = Fleet::named("manifests").start().await;
    namespaces(&fleet, &["streams", "billing"]).await;
    let own = Some(fleet.namespace.as_str());
    fleet.accepts(&tools::deploy().join("pod-rebalancer.yaml").display().to_string(), own).await;
    let base = tools::deploy().join("kustomize/base").display().to_string();
    fleet.accepts(&fleet.built(&base).await, own).await;
    let overlays = overlays();
    assert!(overlays.len() >= 4, "{overlays:?}");
    for overlay in overlays {
        fleet.accepts(&fleet.built(&overlay).await, None).await;
    }
}

#[tokio::test]
#[ignore]
async fn the_rendered_manifest_is_a_dry_run_whose_pods_pass_the_restricted_standard() {
    let fleet = Fleet::named("rendered").start().await;
    restrict(&fleet).await;
    let manifest = tools::deploy().join("pod-rebalancer.yaml").display().to_string();
    fleet.kubectl(&["apply", "--filename", &manifest]).await.succeeded();
    starts_a_pod_from(&fleet, RELEASE).await;
    let env = fleet.kubectl(&["set", "env", "cronjob/pod-rebalancer", "--list"]).await.succeeded().stdout;
    assert!(env.lines().any(|line| line == "DRY_RUN=true"), "{env}");
    checks_as_docs_install_says(&fleet).await;
    fleet.kubectl(&["delete", "--filename", &manifest]).await.succeeded();
}

/// A Job of the CronJob that runs another command.
async fn checks_as_docs_install_says(fleet: &Fleet) {
    let from =
        ["create", "job", "check", "--from=cronjob/pod-rebalancer", "--dry-run=client", "--output", "yaml"];
    let file = fleet.file("job.yaml");
    let path = file.display().to_string();
    fs::write(&file, fleet.kubectl(&from).await.succeeded().stdout).unwrap();
    let args = r#"[{"op": "add", "path": "/spec/template/spec/containers/0/args", "value": ["check"]}]"#;
    let install = fs::read_to_string(tools::deploy().join("../docs/install.md")).unwrap();
    assert!(install.contains(args));
    let patch =
        ["patch", "--local", "--filename", &path, "--output", "yaml", "--type", "json", "--patch", args];
    fs::write(&file, fleet.kubectl(&patch).await.succeeded().stdout).unwrap();
    fleet.kubectl(&["create", "--filename", &path]).await.succeeded();
    let job = fleet.api::<Job>().get("check").await.unwrap();
    let container = &job.spec.unwrap().template.spec.unwrap().containers[0];
    assert_eq!(container.args.as_deref(), Some(["check".to_owned()].as_slice()));
}

#[tokio::test]
#[ignore]
async fn the_dry_run_overlay_changes_nothing_and_production_acts() {
    let fleet = Fleet::named("overlays").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;

    let overlay = fleet.overlay("dry-run", &metrics, &[("DRY_RUN", "true")]);
    fleet.kubectl_anywhere(&["apply", "--kustomize", &overlay]).await.succeeded();
    let run = fleet.job_of(RELEASE).await.run().await.expect_exit(0);
    assert_eq!(run.log_with(&["cycle_finished"])[0]["status"], "dry_run");
    assert_eq!(fleet.gone(&before).await, NOBODY);

    let overlay = fleet.overlay("production", &metrics, &[("DRY_RUN", "false")]);
    fleet.kubectl_anywhere(&["apply", "--kustomize", &overlay]).await.succeeded();
    fleet.job_of(RELEASE).await.run().await.expect_exit(0);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
    fleet.kubectl_anywhere(&["delete", "--kustomize", &overlay]).await.succeeded();
}
