//! The world: pods with a controller that replaces them, the consumer group that they form, and what of it can be seen.
//! What time does to it is in [`time`], what others do in [`hitch`], what the API server does when asked in [`server`].

mod group;
mod hitch;
mod server;
mod time;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rand::Rng as _;
use rand::rngs::ChaCha8Rng;
use rebalancer_core::fleet::{
    Addresses, CpuTarget, Extras, Hpa, Labels, Owner, OwnerReference, Phase, Pod, Requests, Uid,
};
use rebalancer_core::fleet::{Controller, DisruptionBudget, Progress, Requirement, Scaling, Selector};
use rebalancer_core::unit::Cores;

use crate::setup::Setup;
use group::Consumers;
pub(crate) use group::Reading;

pub(crate) const NAMESPACE: &str = "faults";
pub(crate) const NAME: &str = "consumer";
/// A ReplicaSet that is called as one of the workload's, and belongs to another one.
pub(crate) const TWIN: &str = "consumer-twin";

/// 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) pods: BTreeMap<String, Life>,
    pub(crate) workload: Workload,
    pub(crate) autoscaler: Option<Autoscaler>,
    pub(crate) budgets: Vec<Budget>,
    /// Which cycle's request removed which pod.
    pub(crate) removed: BTreeMap<Uid, String>,
    group: Consumers,
    serial: u64,
}

/// A pod, and what will become of it.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) pod: Pod,
    revision: u32,
    ready_at: Option<Timestamp>,
    gone_at: Option<Timestamp>,
}

/// The Deployment or the StatefulSet.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    pub(crate) stateful: bool,
    /// A Rollout, which tells no more than its numbers: of new revisions only the pods tell.
    pub(crate) custom: bool,
    pub(crate) desired: usize,
    pub(crate) annotations: BTreeMap<String, String>,
    revision: u32,
    status_is_current: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Autoscaler {
    percent: f64,
    desired: usize,
    last_scaled_at: Option<Timestamp>,
    wants_fewer: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Budget {
    pub(crate) name: String,
    pub(crate) keeps: usize,
    pub(crate) status_is_current: bool,
}

impl World {
    /// A fleet that is an hour old, and two pods of others under the same label.
    pub(crate) fn new(setup: &Setup, random: &mut ChaCha8Rng) -> Self {
        let workload = Workload {
            stateful: setup.stateful,
            custom: setup.custom && !setup.stateful,
            desired: setup.pods,
            annotations: BTreeMap::new(),
            revision: 1,
            status_is_current: true,
        };
        let autoscaler = setup.hpa.map(|percent| Autoscaler {
            percent,
            desired: setup.pods,
            last_scaled_at: None,
            wants_fewer: false,
        });
        let budget = |(number, keeps): (usize, &usize)| Budget {
            name: format!("budget-{number}"),
            keeps: *keeps,
            status_is_current: true,
        };
        let mut world = Self {
            now: START,
            pods: BTreeMap::new(),
            workload,
            autoscaler,
            budgets: setup.budgets.iter().enumerate().map(budget).collect(),
            removed: BTreeMap::new(),
            group: Consumers::new(setup, random),
            serial: 0,
        };
        for ordinal in 0..setup.pods {
            world.start(ordinal, random);
        }
        let marked = setup.policy.eligibility.opt_in;
        for life in world.pods.values_mut() {
            life.ready_at = Some(START);
            if marked && !life.pod.name.ends_with('3') {
                life.pod.annotations.insert("pod-rebalancer.io/opt-in".to_owned(), "true".to_owned());
            }
        }
        if marked {
            world.workload.annotations.insert("pod-rebalancer.io/opt-in".to_owned(), "true".to_owned());
        }
        world.strangers(random);
        world.advance(START + SignedDuration::from_secs(1), random);
        world.now = START + SignedDuration::from_hours(1);
        world
    }

    /// Serving pods of other workloads, which the label selector matches too. One of them is called as the workload's are.
    fn strangers(&mut self, random: &mut ChaCha8Rng) {
        for (name, owner) in [("consumer-canary-x7x", "consumer-canary-6f"), ("consumer-twin-1", TWIN)] {
            let owner = reference("ReplicaSet", owner);
            let mut pod = self.blank(name.to_owned(), owner, random);
            (pod.phase, pod.ready, pod.ready_since) = (Phase::Running, true, Some(START));
            self.pods.insert(name.to_owned(), Life { pod, revision: 0, ready_at: None, gone_at: None });
        }
    }

    /// A new pod of the workload, which is not Ready yet.
    fn start(&mut self, ordinal: usize, random: &mut ChaCha8Rng) {
        self.serial += 1;
        let revision = self.workload.revision;
        let (name, owner) = if self.workload.stateful {
            (format!("{NAME}-{ordinal}"), reference("StatefulSet", NAME))
        } else {
            let owner = format!("{NAME}-r{revision}");
            (format!("{owner}-{:05}", self.serial), reference("ReplicaSet", &owner))
        };
        let label = if self.workload.stateful { "controller-revision-hash" } else { "pod-template-hash" };
        let mut pod = self.blank(name.clone(), owner, random);
        pod.labels.insert(label.to_owned(), format!("r{revision}"));
        let ready_at = Some(self.now + SignedDuration::from_secs(5 + i64::from(random.next_u32() % 50)));
        self.pods.insert(name, Life { pod, revision, ready_at, gone_at: None });
    }

    fn blank(&self, name: String, owner: Owner, random: &mut ChaCha8Rng) -> Pod {
        Pod {
            namespace: NAMESPACE.into(),
            name,
            uid: Uid::new(format!("{:016x}", random.next_u64())),
            phase: Phase::Pending,
            ready: false,
            ready_since: None,
            terminating: false,
            created_at: Some(self.now),
            node: Some("node".into()),
            owner: Some(owner),
            mirror: false,
            priority: Some(0),
            labels: [("app".to_owned(), NAME.to_owned())].into(),
            annotations: Labels::default(),
            container: Some(Requests { cpu: Cores::new(1.0).ok(), memory: None }),
            ips: Addresses::default(),
            container_id: None,
            extras: Extras::default(),
        }
    }
}

impl Workload {
    const fn kind(&self) -> &'static str {
        match (self.stateful, self.custom) {
            (true, _) => "StatefulSet",
            (false, true) => "Rollout",
            (false, false) => "Deployment",
        }
    }
}

/// What there is to see.
impl World {
    pub(crate) fn listed(&self) -> Vec<Pod> {
        self.pods.values().map(|life| life.pod.clone()).collect()
    }

    pub(crate) fn pod(&self, name: &str) -> Option<Pod> {
        self.pods.get(name).map(|life| life.pod.clone())
    }

    pub(crate) fn by_uid(&self, uid: &Uid) -> Option<&Pod> {
        self.pods.values().map(|life| &life.pod).find(|pod| pod.uid == *uid)
    }

    /// What owns the workload's own pods directly.
    pub(crate) fn own_owner(&self) -> Option<Owner> {
        self.pods.values().map(|life| &life.pod).find(|pod| is_own(pod)).and_then(|pod| pod.owner.clone())
    }

    /// Pods of the workload that are not on their way out.
    fn active(&self) -> impl Iterator<Item = &Life> {
        self.pods.values().filter(|life| is_own(&life.pod) && !life.pod.terminating)
    }

    pub(crate) fn serving(&self) -> impl Iterator<Item = &Pod> {
        self.pods.values().map(|life| &life.pod).filter(|pod| is_own(pod) && pod.is_serving())
    }

    pub(crate) fn controller(&self) -> Controller {
        let current = self.active().filter(|life| life.pod.phase != Phase::Failed).count();
        let updated = self
            .active()
            .filter(|life| life.pod.phase != Phase::Failed && life.revision == self.workload.revision)
            .count();
        let Workload { stateful, custom, status_is_current, .. } = self.workload;
        let kind = self.workload.kind();
        debug_assert!(!(stateful && custom), "it is one of them");
        let progress = Progress {
            status_is_current: status_is_current || custom,
            desired: count(self.workload.desired),
            current: count(current),
            updated: count(if custom { current } else { updated }),
        };
        let annotations = self.workload.annotations.clone();
        object(&reference(kind, NAME), None, annotations, Some(progress))
    }

    /// A ReplicaSet, which belongs to the Deployment of the name before its hash, but for [`TWIN`].
    pub(crate) fn replica_set(&self, name: &str) -> Controller {
        let above = match name.rsplit_once('-') {
            Some(_) if name == TWIN => Some(reference("Rollout", "elsewhere")),
            Some((above, _)) => Some(reference(self.workload.kind(), above)),
            None => None,
        };
        object(&reference("ReplicaSet", name), above, BTreeMap::new(), None)
    }

    pub(crate) fn hpas(&self) -> Vec<Hpa> {
        let current = count(self.workload.desired);
        let hpa = |scaler: &Autoscaler| Hpa {
            name: NAME.to_owned(),
            scales: Some(NAME.to_owned()),
            scales_kind: None,
            of_container: false,
            cpu: Some(CpuTarget::Utilization(scaler.percent)),
            scaling: Some(Scaling {
                active: true,
                current,
                desired: count(scaler.desired),
                minimum: 1,
                last_scaled_at: scaler.last_scaled_at,
                wants_fewer: scaler.wants_fewer,
                disabled: false,
            }),
            scales_by: Vec::new(),
        };
        self.autoscaler.iter().map(hpa).collect()
    }

    pub(crate) fn disruption_budgets(&self) -> Vec<DisruptionBudget> {
        let app = Requirement::In { key: "app".to_owned(), values: vec![NAME.to_owned()] };
        let shown = |budget: &Budget| DisruptionBudget {
            name: budget.name.clone(),
            selector: Selector::All(vec![app.clone()]),
            allowed: count(self.allowed(budget)),
            status_is_current: budget.status_is_current,
        };
        self.budgets.iter().map(shown).collect()
    }

    /// The reading of this time, or the last one before.
    pub(crate) fn reading(&self, at: Timestamp) -> Option<&Reading> {
        self.group.reading(at)
    }
}

/// What objects say of their owner.
fn reference(kind: &str, name: &str) -> Owner {
    Owner::of_apps(kind, name, format!("uid-of-{kind}-{name}"))
}

fn object(
    of: &Owner,
    owner: Option<Owner>,
    annotations: BTreeMap<String, String>,
    progress: Option<Progress>,
) -> Controller {
    let OwnerReference { api_version, kind, name, uid } = (**of).clone();
    Controller {
        api_version,
        kind,
        name,
        uid,
        annotations,
        marks: Vec::new(),
        owner,
        progress,
        at_work: None,
    }
}

/// One of the workload's own, as whoever made the fleet knows it.
pub(crate) fn is_own(pod: &Pod) -> bool {
    let owner = pod.owner.as_ref().map_or("", |owner| owner.name.as_str());
    owner == NAME || owner.strip_prefix("consumer-r").is_some()
}

pub(crate) fn count(pods: usize) -> u32 {
    u32::try_from(pods).unwrap_or(u32::MAX)
}
