//! The binary, run as the container of a pod: what the cluster was told is what it gets.
//!
//! Its arguments, its environment, its mounted ConfigMaps and Secrets, and the token of its service account come from the
//! pod's specification as the API server has it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{ConfigMap, EnvVar, Event, KeyToPath, PodSpec, Secret, Volume, VolumeMount};
use kube::api::ListParams;

use crate::harness::fleet::Fleet;
use crate::harness::rebalancer::Rebalancer;
use crate::harness::wait;

impl Fleet {
    /// A run of this CronJob, as its container would be.
    pub(crate) async fn job_of(&self, cron_job: &str) -> Rebalancer {
        let cron_job = self.api::<CronJob>().get(cron_job).await.unwrap();
        let spec = cron_job.spec.unwrap().job_template.spec.unwrap().template.spec.unwrap();
        self.container(&spec).await
    }

    /// A run of the only container of this pod.
    pub(crate) async fn container(&self, pod: &PodSpec) -> Rebalancer {
        let [container] = pod.containers.as_slice() else { panic!("one container: {pod:?}") };
        let root = self.file("root");
        let mounts: Vec<&str> =
            container.volume_mounts.iter().flatten().map(|mount| mount.mount_path.as_str()).collect();
        // The API server adds the service account's own, whose token comes by a kubeconfig here.
        let ours = |mount: &&VolumeMount| !mount.name.starts_with("kube-api-access-");
        for mount in container.volume_mounts.iter().flatten().filter(ours) {
            let volume = pod.volumes.iter().flatten().find(|volume| volume.name == mount.name).unwrap();
            self.mount(volume, &root.join(mount.mount_path.trim_start_matches('/'))).await;
        }
        let args: Vec<&str> = container.args.iter().flatten().map(String::as_str).collect();
        let mut run = Rebalancer::new().args(&args);
        for variable in container.env.iter().flatten() {
            let value = self.value(variable).await;
            let mounted = mounts.iter().any(|mount| value.starts_with(mount));
            let value = if mounted { format!("{}{value}", root.display()) } else { value };
            run = run.env(&variable.name, value);
        }
        assert_eq!(pod.automount_service_account_token, Some(true), "without it there is no token");
        let account = pod.service_account_name.as_deref().unwrap();
        let token = self.plane.token(&self.client, &self.namespace, account).await;
        run.kubeconfig(&self.plane.kubeconfig(&self.file("container"), &self.plane.url, &token))
    }

    async fn value(&self, variable: &EnvVar) -> String {
        let Some(from) = &variable.value_from else { return variable.value.clone().unwrap_or_default() };
        if let Some(field) = &from.field_ref {
            assert_eq!(field.field_path, "metadata.namespace");
            return self.namespace.clone();
        }
        let key = from.secret_key_ref.as_ref().unwrap();
        self.secret(&key.name).await[&key.key].clone()
    }

    async fn mount(&self, volume: &Volume, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        if let Some(map) = &volume.config_map {
            lay(folder, &self.config_map(&map.name).await, map.items.as_deref());
        }
        let projected = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
        for source in projected {
            if let Some(map) = &source.config_map {
                lay(folder, &self.config_map(&map.name).await, map.items.as_deref());
            }
            if let Some(secret) = &source.secret {
                lay(folder, &self.secret(&secret.name).await, secret.items.as_deref());
            }
        }
    }

    async fn config_map(&self, name: &str) -> BTreeMap<String, String> {
        self.api::<ConfigMap>().get(name).await.unwrap().data.unwrap_or_default()
    }

    async fn secret(&self, name: &str) -> BTreeMap<String, String> {
        let data = self.api::<Secret>().get(name).await.unwrap().data.unwrap_or_default();
        data.into_iter().map(|(key, value)| (key, String::from_utf8(value.0).unwrap())).collect()
    }
}

/// Writes the chosen keys, or all, as files.
fn lay(folder: &Path, data: &BTreeMap<String, String>, items: Option<&[KeyToPath]>) {
    let all: Vec<(&str, &str)> = data.keys().map(|key| (key.as_str(), key.as_str())).collect();
    let chosen =
        items.map(|items| items.iter().map(|item| (item.key.as_str(), item.path.as_str())).collect());
    for (key, path) in chosen.unwrap_or(all) {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, &data[key]).unwrap();
    }
}

/// A Job made from the CronJob, whose pod the job controller creates.
pub(crate) async fn starts_a_pod_from(fleet: &Fleet, cron_job: &str) {
    let from = format!("--from=cronjob/{cron_job}");
    fleet.kubectl(&["create", "job", "now", &from]).await.succeeded();
    wait::until("the Job's pod", async || {
        let job = fleet.api::<Job>().get("now").await.unwrap();
        if job.status.as_ref().is_some_and(|status| status.active == Some(1)) {
            return Ok(());
        }
        let events = fleet.api::<Event>().list(&ListParams::default()).await.unwrap();
        let told: Vec<String> = events.into_iter().filter_map(|event| event.message).collect();
        Err(format!("{:?} {told:?}", job.status))
    })
    .await;
}
