//! What a fleet is made of, before it is there.

use crate::control_plane::ControlPlane;
use crate::fixture::{self, Budget, Target, Workload};
use crate::fleet::{ACCOUNT, Fleet};

/// A fleet to be.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) name: String,
    workload: Workload,
    pub(crate) cores: Vec<f64>,
    pub(crate) replicas: usize,
    pub(crate) cpu_request: Option<f64>,
    hpas: Vec<(String, Target)>,
    pub(crate) budget: Option<Budget>,
    may_delete: bool,
}

impl Setup {
    /// A Deployment without pods yet, with a request of one core.
    pub(crate) fn deployment(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            workload: Workload::Deployment,
            cores: Vec::new(),
            replicas: 0,
            cpu_request: Some(1.0),
            hpas: Vec::new(),
            budget: None,
            may_delete: false,
        }
    }

    /// One pod for each load, in cores.
    pub(crate) fn cpu(mut self, cores: &[f64]) -> Self {
        self.replicas = cores.len();
        self.cores = cores.to_vec();
        self
    }

    /// A StatefulSet instead of a Deployment.
    pub(crate) fn stateful_set(mut self) -> Self {
        self.workload = Workload::StatefulSet;
        self
    }

    /// Another CPU request than one core, or none.
    pub(crate) fn cpu_request(mut self, cores: Option<f64>) -> Self {
        self.cpu_request = cores;
        self
    }

    /// An autoscaler named as the workload, at this percentage of the CPU request.
    pub(crate) fn hpa(self, percent: u32) -> Self {
        let name = self.name.clone();
        self.hpa_named(&name, Target::Utilization(percent))
    }

    /// An autoscaler of the workload.
    pub(crate) fn hpa_named(mut self, name: &str, target: Target) -> Self {
        self.hpas.push((name.to_owned(), target));
        self
    }

    /// A disruption budget for all pods.
    pub(crate) fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// The rebalancer may delete pods, besides what deploy/ grants: `REMOVAL_METHOD=delete` needs it.
    pub(crate) fn may_delete(mut self) -> Self {
        self.may_delete = true;
        self
    }

    /// Creates everything and waits until all pods are Ready and the budget is counted.
    pub(crate) async fn start(self) -> Fleet {
        let plane = ControlPlane::shared();
        let client = plane.admin().await;
        let namespace = plane.namespace(&client, &self.name).await;
        let workload = (self.workload, self.name.as_str());
        for (name, target) in &self.hpas {
            fixture::hpa(&client, &namespace, name, workload, *target).await;
        }
        if let Some(budget) = self.budget {
            fixture::budget(&client, &namespace, &self.name, budget).await;
        }
        fixture::workload(&client, &namespace, workload, &self.name, self.replicas, self.cpu_request).await;
        let mut rules = fixture::granted(&self.name);
        if self.may_delete {
            rules.extend(fixture::rules(&[("", &["pods"], &["delete"])]));
        }
        fixture::service_account(&client, &namespace, ACCOUNT, &rules).await;
        let dir = tempfile::tempdir().unwrap();
        let token = plane.token(&client, &namespace, ACCOUNT).await;
        plane.kubeconfig(&dir.path().join(ACCOUNT), &plane.url, &token);
        let fleet = Fleet { plane, client, namespace, token, dir, setup: self };
        fleet.settled().await;
        fleet
    }
}
