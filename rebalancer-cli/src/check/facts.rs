//! What a check has read about one workload. Plain values; the conclusions are drawn in [`judge`](super::judge).

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::cycle::Observation;
use rebalancer_core::fleet::{
    Controller, DisruptionBudget, ExecutorState, Hpa, Neighbor, Ownership, Pod, Progress,
};
use rebalancer_core::group;
use rebalancer_core::history::{Peeked, StateError};
use rebalancer_core::port::{
    ExecutorUnread, GroupError, GroupReading, InventoryError, MetricsError, Readings,
};
use rebalancer_core::snapshot::{ObserveError, Surroundings};
use rebalancer_kafka::preflight::Preflight;
use rebalancer_kube::preflight::{BudgetShape, PodShape, Presence, WorkloadShape};
use rebalancer_kube::{ConnectError, InventorySettings};
use rebalancer_prom::{Answers, UnusableServer};

use super::gather::is_usable;
use super::needs::Answered;
use crate::config::{KafkaSettings, RunSettings};

/// Everything that was read.
pub(super) struct Facts<'a> {
    pub(super) settings: &'a RunSettings,
    pub(super) asked: &'a InventorySettings,
    /// Partition loads are asked for, whether they come or not.
    pub(super) asks_for_partitions: bool,
    pub(super) now: Timestamp,
    /// `None`: nothing is read from a metric server.
    pub(super) metrics: Option<Metrics>,
    /// `None`: Kafka is not asked.
    pub(super) kafka: Option<Kafka<'a>>,
    /// `None`: Cruise Control is not asked.
    pub(super) cruise_control: Option<Executor>,
    pub(super) cluster: Cluster,
    /// The lock on the consumer group; `None` where it has none.
    pub(super) group_lock: Option<LockFacts>,
    /// What a cycle would see; `None` when pods can't be listed.
    pub(super) observation: Option<Result<Observation, ObserveError>>,
    /// Why the consumer group had not settled a while ago either, when it has not now.
    pub(super) unsettled_before: Option<group::Unusable>,
}

/// The lock on the consumer group.
pub(super) struct LockFacts {
    /// The namespace of the Lease.
    pub(super) namespace: String,
    /// Every right there that it takes; empty where its cluster can't be used.
    pub(super) rights: Vec<Answered>,
    pub(super) peeked: Result<Peeked, StateError>,
}

/// The metric server.
pub(super) struct Metrics {
    /// Its base URL, without secrets.
    pub(super) base: String,
    pub(super) answers: Result<Answers, UnusableServer>,
    /// A base URL on the same host where one answers, when nothing usable does at the configured one.
    pub(super) elsewhere: Option<String>,
    /// How far our clock is ahead of its.
    pub(super) ahead: Option<SignedDuration>,
    /// `None` when it does not answer.
    pub(super) readings: Option<Readings>,
    /// What was looked up for queries that give nothing for the fleet.
    pub(super) lookups: Vec<Lookup>,
}

/// Kafka.
pub(super) struct Kafka<'a> {
    pub(super) settings: &'a KafkaSettings,
    pub(super) preflight: Preflight,
    /// What a cycle reads of the group; `None` when it can't be described.
    pub(super) reading: Option<Result<GroupReading, GroupError>>,
}

impl Kafka<'_> {
    /// Loads are read from it.
    pub(super) fn gives_loads(&self) -> bool {
        matches!(self.reading, Some(Ok(_))) && !self.settings.question.indicators.is_empty()
    }
}

/// Cruise Control.
pub(super) struct Executor {
    /// Its base URL, without secrets.
    pub(super) base: String,
    pub(super) state: Result<ExecutorState, ExecutorUnread>,
}

/// What the server has of what a query reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lookup {
    /// The query's name, such as `cpu`.
    pub(super) query: String,
    pub(super) metric: String,
    /// The whole selector.
    pub(super) selector: String,
    /// What there is, or why that is not known.
    pub(super) series: Result<Series, MetricsError>,
}

/// Series that the server has. Each question is asked only when those before tell too little.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Series {
    /// Pods with series of this selector.
    pub(super) pods: BTreeSet<String>,
    /// How the samples come of one of the fleet's pods that has series, and of which the query gives nothing.
    pub(super) sampling: Option<Sampling>,
    /// Its newest sample in the last hours, where none is new enough.
    pub(super) newest: Option<Timestamp>,
    /// The newest sample that tells whether targets are up, where those of this selector are late.
    pub(super) newest_up: Option<Timestamp>,
    /// A label of PROMETHEUS_MATCHERS, and the values that it has instead.
    pub(super) unmatched: Option<(String, BTreeSet<String>)>,
    /// Containers with series, whatever the container asked for; empty when none was asked for.
    pub(super) containers: BTreeSet<String>,
    /// The labels of such series as have none that is asked for.
    pub(super) labels: BTreeSet<String>,
    /// Namespaces with series of this metric.
    pub(super) namespaces: BTreeSet<String>,
    /// Metrics of the fleet's pods that are called nearly so.
    pub(super) similar: BTreeSet<String>,
}

/// How the samples of a series come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sampling {
    /// How far the query looks back; `None` when it reads the newest sample.
    pub(super) window: Option<SignedDuration>,
    /// How many samples there are in this window.
    pub(super) within: usize,
    /// The usual time between two samples; `None` when there was one only.
    pub(super) interval: Option<SignedDuration>,
    /// How old the newest one is.
    pub(super) age: SignedDuration,
}

impl Sampling {
    /// The newest sample is older than its like are apart.
    pub(super) fn is_late(&self) -> bool {
        self.interval.is_some_and(|interval| self.age > interval * 2)
    }

    /// A rate has nothing to go by: the window holds fewer than two samples.
    pub(super) fn is_too_few(&self) -> bool {
        self.window.is_some() && self.within < 2
    }
}

/// The cluster.
pub(super) enum Cluster {
    /// There is no way to any: none is configured, or what is configured can't be used.
    NotConfigured(ConnectError),
    /// It does not answer, or does not know us.
    Silent(InventoryError),
    There(Box<Survey>),
}

/// What a cluster that answers gave. Each part fails by itself.
pub(super) struct Survey {
    /// How far our clock is ahead of the API server's.
    pub(super) ahead: Option<SignedDuration>,
    pub(super) rights: Vec<Answered>,
    pub(super) pods: Result<Vec<Pod>, InventoryError>,
    /// The workload's own object.
    pub(super) controller: Result<Option<Controller>, InventoryError>,
    /// Who owns the pods; nothing is known where [`controller`](Self::controller) failed.
    pub(super) ownership: Ownership,
    pub(super) shape: Option<WorkloadShape>,
    pub(super) hpas: Result<Vec<Hpa>, InventoryError>,
    /// `None` when they don't matter to the way in which pods are removed.
    pub(super) budgets: Option<Result<Vec<DisruptionBudget>, InventoryError>>,
    pub(super) budget_shapes: Vec<BudgetShape>,
    /// `None` without memory, by choice.
    pub(super) record: Option<Result<Peeked, StateError>>,
    /// The Lease's name.
    pub(super) lease: String,
    /// Looked up only when something was not found.
    pub(super) around: Option<Around>,
    /// What neighbors do that are asked.
    pub(super) neighbors: Surroundings,
    /// Neighbors whose API this cluster has; none where that is not known.
    pub(super) installed: Vec<Neighbor>,
}

/// What else there is in the namespace.
pub(super) struct Around {
    pub(super) namespace: Presence,
    /// All pods; `None` when they could not be listed.
    pub(super) pods: Option<Vec<PodShape>>,
    /// Names of workloads, such as `Deployment orders`, as far as we may know.
    pub(super) workloads: Vec<String>,
}

impl Survey {
    /// How far the workload's own object is; `None` where it was not read, or does not tell.
    pub(super) fn progress(&self) -> Option<Progress> {
        self.controller.as_ref().ok()?.as_ref()?.progress
    }

    /// The workload's own object, or else an autoscaler of it, says that it is to have no pods, and it has none. Without
    /// pods nothing leads to an object of another kind than Deployment and StatefulSet, and its autoscaler alone tells.
    pub(super) fn is_scaled_to_nothing(&self, workload: &str) -> bool {
        let has_pods = self.pods.as_ref().is_ok_and(|pods| !pods.is_empty());
        let idle = match self.progress() {
            Some(progress) => progress.desired == 0,
            None => self.idle_autoscaler(workload).is_some(),
        };
        !has_pods && idle
    }

    /// The autoscaler that is switched off, since what it scales, which has the workload's name, is to have no pods.
    pub(super) fn idle_autoscaler(&self, workload: &str) -> Option<&Hpa> {
        let of_workload = |hpa: &&Hpa| hpa.scales.as_deref() == Some(workload);
        let is_idle = |hpa: &&Hpa| hpa.scaling.is_some_and(|scaling| scaling.disabled);
        self.hpas.as_ref().ok()?.iter().filter(of_workload).find(is_idle)
    }
}

impl Around {
    /// The namespace has no pods; where they could not be listed, that is not known.
    pub(super) fn has_no_pods(&self) -> bool {
        self.pods.as_ref().is_some_and(Vec::is_empty)
    }

    /// The pods that are known.
    pub(super) fn known_pods(&self) -> &[PodShape] {
        self.pods.as_deref().unwrap_or_default()
    }
}

impl Facts<'_> {
    /// What the metric server gave, if it answers.
    pub(super) fn readings(&self) -> Option<&Readings> {
        self.metrics.as_ref()?.readings.as_ref()
    }

    /// Something can be decided on what was read.
    pub(super) fn has_loads(&self) -> bool {
        let readable = self.kafka.as_ref().is_none_or(|kafka| matches!(kafka.reading, Some(Ok(_))));
        let given = self.kafka.as_ref().is_some_and(Kafka::gives_loads);
        readable && (given || self.readings().is_some_and(is_usable))
    }

    /// What was looked up on the metric server.
    pub(super) fn lookups(&self) -> &[Lookup] {
        self.metrics.as_ref().map(|metrics| metrics.lookups.as_slice()).unwrap_or_default()
    }

    /// What the cluster gave, if it answers.
    pub(super) fn survey(&self) -> Option<&Survey> {
        match &self.cluster {
            Cluster::There(survey) => Some(survey),
            Cluster::NotConfigured(_) | Cluster::Silent(_) => None,
        }
    }

    /// The workload's name.
    pub(super) fn workload(&self) -> &str {
        &self.settings.subject.workload.name
    }
}
