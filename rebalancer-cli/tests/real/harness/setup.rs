//! What a fleet is made of, before it is there.

use crate::harness::control_plane::ControlPlane;
use serde_json::{Value, json};

use crate::harness::fixture::{self, Budget, Target, Template, Workload};
use crate::harness::fleet::{ACCOUNT, Fleet};
use crate::harness::kubelet;

/// A fleet to be.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) name: String,
    pub(crate) workload: Workload,
    pub(crate) cores: Vec<f64>,
    pub(crate) replicas: usize,
    pub(crate) cpu_request: Option<f64>,
    /// What its pods are found by.
    pub(crate) selector: &'static str,
    hpas: Vec<(String, Target)>,
    pub(crate) budget: Option<Budget>,
    may_delete: bool,
    aged: Option<jiff::SignedDuration>,
    bound_to_nodes: bool,
    /// Put into the specification of every pod.
    pub(crate) pod_spec: Value,
    /// An existing namespace to live in, instead of one of its own.
    namespace: Option<&'static str>,
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
            selector: fixture::SELECTOR,
            hpas: Vec::new(),
            budget: None,
            may_delete: false,
            aged: None,
            bound_to_nodes: false,
            pod_spec: json!({}),
            namespace: None,
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

    /// Its pods have been Ready for an hour.
    pub(crate) fn aged(mut self) -> Self {
        self.aged = Some(jiff::SignedDuration::from_hours(1));
        self
    }

    /// Its pods have been Ready for so long.
    pub(crate) fn aged_for(mut self, age: jiff::SignedDuration) -> Self {
        self.aged = Some(age);
        self
    }

    /// A pod comes back to the node where one of its name was first.
    pub(crate) fn bound_to_nodes(mut self) -> Self {
        self.bound_to_nodes = true;
        self
    }

    /// Fields of every pod's specification.
    pub(crate) fn pod_spec(mut self, spec: Value) -> Self {
        self.pod_spec = spec;
        self
    }

    /// In a namespace that is there already.
    pub(crate) fn in_namespace(mut self, namespace: &'static str) -> Self {
        self.namespace = Some(namespace);
        self
    }

    /// Creates everything and waits until all pods are Ready and the budget is counted.
    pub(crate) async fn start(self) -> Fleet {
        self.start_on(ControlPlane::shared()).await
    }

    /// The same on a control plane of the scenario's own.
    pub(crate) async fn start_on(self, plane: &'static ControlPlane) -> Fleet {
        let client = plane.admin().await;
        let namespace = match self.namespace {
            Some(namespace) => namespace.to_owned(),
            None => plane.namespace(&client, &self.name).await,
        };
        if let Some(age) = self.aged {
            kubelet::age(&namespace, age);
        }
        if self.bound_to_nodes {
            kubelet::bound_to_nodes(&namespace);
        }
        let workload = (self.workload, self.name.as_str());
        for (name, target) in &self.hpas {
            fixture::hpa(&client, &namespace, name, workload, *target).await;
        }
        if let Some(budget) = self.budget {
            fixture::budget(&client, &namespace, &self.name, budget).await;
        }
        let template =
            Template { container: &self.name, cpu_request: self.cpu_request, spec: &self.pod_spec };
        fixture::workload(&client, &namespace, workload, self.replicas, &template).await;
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
