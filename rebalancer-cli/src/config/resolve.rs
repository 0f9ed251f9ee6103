//! Raw settings become what each part of the program needs; nobody passes a whole configuration around.

use std::time::Duration;

use jiff::SignedDuration;
use rebalancer_core::assignor::Assignor;
use rebalancer_core::backtest::PartitionUnit;
use rebalancer_core::cycle::{CycleSpec, MemorySettings, Subject};
use rebalancer_core::fleet::{Indicator, Workload};
use rebalancer_core::history::Approval;
use rebalancer_core::policy::{Policy, Strategy, Timing};
use rebalancer_core::port::Mode;
use rebalancer_kube::{InventorySettings, RemovalMethod};
use rebalancer_prom::query::Matchers;
use rebalancer_prom::{Client, CruiseControlApi, Queries};

use super::effective::{self, Effective};
use super::layers::Raw;
use super::parse::{self, Reader};
use super::problem::{Given, Problem};
use super::{Export, GroupLockSettings, KafkaSettings, Names, Notify};
use super::{
    access, approval, cluster, cruise_control, export, group_lock, guards, indicators, kafka, memory,
    metrics, notify, serve,
};
use crate::target::Target;

/// What a cycle needs: where to look, and what to do.
#[derive(Debug)]
pub(crate) struct WorkloadSettings {
    pub(crate) adapters: AdapterSettings,
    pub(crate) run: RunSettings,
    /// All of it as it counts, to be shown.
    pub(crate) effective: Vec<Effective>,
}

/// Which systems are asked, and how.
#[derive(Debug)]
pub(crate) struct AdapterSettings {
    /// `None`: nothing is read from a metric server.
    pub(crate) metrics: Option<MetricServer>,
    /// `None`: Kafka is not asked.
    pub(crate) kafka: Option<KafkaSettings>,
    /// `None`: Cruise Control is not asked.
    pub(crate) cruise_control: Option<CruiseControlApi>,
    pub(crate) kubernetes: rebalancer_kube::ConnectionSettings,
    /// `None`: nobody works on the group from another cluster, as far as settings tell.
    pub(crate) group_lock: Option<GroupLockSettings>,
    pub(crate) inventory: InventorySettings,
}

/// A metric server, and what it is asked.
#[derive(Debug)]
pub(crate) struct MetricServer {
    pub(crate) client: Client,
    pub(crate) queries: Queries,
    /// What the partition loads are that it tells.
    pub(crate) partitions: PartitionUnit,
    /// What the queries that are ready ask for besides the fleet's names.
    pub(crate) matchers: Matchers,
}

/// What to do.
#[derive(Debug, Clone)]
pub(crate) struct RunSettings {
    pub(crate) subject: Subject,
    /// What its cluster is called; `None`: nothing.
    pub(crate) cluster: Option<String>,
    /// The names by which the fleet is found, as they are told.
    pub(crate) names: Names,
    pub(crate) policy: Policy,
    pub(crate) mode: Mode,
    pub(crate) method: RemovalMethod,
    /// Removals are also recorded as Kubernetes Events.
    pub(crate) events: bool,
    /// Whether somebody must approve a plan before it is carried out.
    pub(crate) approval: Approval,
    /// How memory is used; `None`: RECORD_STORE=none turns the record and the lock off.
    pub(crate) memory: Option<MemorySettings>,
    /// The time for the whole cycle.
    pub(crate) timeout: Duration,
    /// Where its metrics go when it has ended.
    pub(crate) export: Export,
    /// Who is told what happened in it; `None`: nobody.
    pub(crate) notify: Option<Notify>,
}

impl RunSettings {
    /// Whose cycle it is.
    pub(crate) fn target(&self) -> Target {
        Target { cluster: self.cluster.clone(), workload: self.subject.workload.clone() }
    }

    /// What the cycle of this id is to do.
    pub(crate) fn spec(self, id: String) -> CycleSpec {
        let Self {
            subject: Subject { workload, hpa_prefix }, policy, mode, approval, memory, notify, ..
        } = self;
        let spec = CycleSpec::new(id, workload)
            .with_hpa_prefix(hpa_prefix)
            .with_policy(policy)
            .with_mode(mode)
            .with_approval(approval);
        let spec = spec.with_notices(notify.map(|notify| notify.policy));
        match memory {
            Some(memory) => spec.with_memory(memory),
            None => spec,
        }
    }
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Logs {
    pub(crate) level: tracing::Level,
    pub(crate) text: bool,
}

impl Default for Logs {
    fn default() -> Self {
        Self { level: tracing::Level::INFO, text: false }
    }
}

const SHORTEST_CYCLE: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(600);

/// What settings are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To read loads, and decide.
    Cycle,
    /// To write into the record alone: nothing has to tell loads.
    Record,
}

/// Everything that is needed for this.
///
/// # Errors
/// Every variable with a value that can't be used.
pub(crate) fn settings(raw: &Raw, purpose: Purpose) -> Result<WorkloadSettings, Vec<Problem>> {
    let mut reader = Reader::new(raw);
    let settings = read_settings(&mut reader, raw, purpose);
    reader.finish(settings)
}

/// The policy alone, for a simulation.
///
/// # Errors
/// Every variable of the policy with a value that can't be used.
pub(crate) fn policy(raw: &Raw) -> Result<Policy, Vec<Problem>> {
    let mut reader = Reader::new(raw);
    let policy = read_policy(&mut reader);
    reader.finish(policy)
}

/// How logs are written.
///
/// # Errors
/// The two variables about logs, with a value that can't be used.
pub(crate) fn logs(raw: &Raw) -> Result<Logs, Vec<Problem>> {
    use tracing::Level;
    let levels =
        [("debug", Level::DEBUG), ("info", Level::INFO), ("warn", Level::WARN), ("error", Level::ERROR)];
    let mut reader = Reader::new(raw);
    let level = reader.required("LOG_LEVEL", parse::one_of(&levels));
    let text = reader.required("LOG_FORMAT", parse::one_of(&[("json", false), ("text", true)]));
    reader.finish(level.zip(text).map(|(level, text)| Logs { level, text }))
}

/// Reads every part before it gives up on one, so that all problems are found.
fn read_settings(reader: &mut Reader<'_>, raw: &Raw, purpose: Purpose) -> Option<WorkloadSettings> {
    let subject = read_subject(reader);
    let container = match purpose {
        Purpose::Cycle => read_container(reader, subject.as_ref()),
        Purpose::Record => Some(String::new()),
    };
    let label_selector = reader.required("KUBE_LABEL_SELECTOR", parse::label_selector);
    let policy = read_policy(reader);
    let policy = guards::guarded(reader, policy);
    let policy = indicators::weighed(reader, policy);
    let policy = kafka::matched(reader, policy);
    let policy = serve::watched(reader, policy);
    let dry_run = reader.required("DRY_RUN", parse::truth);
    let history_policy =
        memory::history_policy(reader, policy.as_ref().map(|policy| policy.eligibility.minimum_age), purpose);
    let approval = approval::approval(reader);
    let methods = [("evict", RemovalMethod::Evict), ("delete", RemovalMethod::Delete)];
    let method = reader.required("REMOVAL_METHOD", parse::one_of(&methods));
    let events = reader.required("KUBE_EVENTS", parse::truth);
    let timeout = reader.required("CYCLE_TIMEOUT", parse::duration_within(SHORTEST_CYCLE, LONGEST));
    let kubernetes = cluster::connection(reader);
    let cluster = reader.optional("CLUSTER_NAME", parse::label);
    let matchers = metrics::matchers(reader);
    let queries = metrics::queries(reader, subject.as_ref(), container.as_deref());
    let need = match purpose {
        Purpose::Cycle => metrics::need(reader),
        Purpose::Record => access::Need::Nothing,
    };
    let partitions = metrics::partition_unit(reader);
    let client = access::client(reader, timeout, &need);
    let kafka = kafka::kafka(reader, subject.as_ref(), timeout);
    let (own, asked) = (kubernetes.as_ref(), kafka.as_ref().and_then(Option::as_ref));
    let group_lock = group_lock::group_lock(reader, own, asked, history_policy != Some(None));
    let cruise_control = cruise_control::cruise_control(reader, timeout);
    let export = export::export(reader);
    let notify = notify::notify(reader);
    let subject = subject?;
    let (queries, matchers) = (queries?, matchers.unwrap_or_default());
    let metrics = client?.map(|client| MetricServer { client, queries, partitions, matchers });
    let inventory = InventorySettings {
        namespace: subject.workload.namespace.clone(),
        workload: subject.workload.name.clone(),
        label_selector: label_selector?,
        container: container?,
    };
    // The lock is held for longer than anything that the cycle may begin, so that nobody else acts before its end is
    // recorded: the call in hand when time is up, the one that gives a group's lock back, and the one that writes the record.
    let calls = if matches!(group_lock, Some(Some(_))) { 3 } else { 2 };
    let lock = timeout? + kubernetes.as_ref()?.timeout * calls + Duration::from_secs(10);
    let lock_for = SignedDuration::try_from(lock).ok()?;
    let one_removal = SignedDuration::try_from(kubernetes.as_ref()?.timeout).ok()?;
    let memory = history_policy?.map(|history_policy| MemorySettings {
        policy: history_policy,
        lock_for,
        one_removal,
    });
    // A plain deletion asks no disruption budget.
    let policy = policy.map(|policy| policy.with_respect_budgets(method == Some(RemovalMethod::Evict)));
    // Waiting leaves time for what follows it: a removal, and a look at what came of it.
    let half = SignedDuration::try_from(timeout? / 2).ok()?;
    let policy = policy.map(|policy| {
        let wait = policy.group.replacement_wait.min(half);
        policy.with_replacement_wait(wait)
    });
    let mode = if dry_run? { Mode::DryRun } else { Mode::Real };
    Some(WorkloadSettings {
        adapters: AdapterSettings {
            metrics,
            kafka: kafka?,
            cruise_control: cruise_control?,
            kubernetes: kubernetes?,
            group_lock: group_lock?,
            inventory,
        },
        run: RunSettings {
            subject,
            cluster,
            names: Names::of(raw),
            policy: policy?,
            mode,
            method: method?,
            events: events?,
            approval: approval?,
            memory,
            timeout: timeout?,
            export: export?,
            notify: notify?,
        },
        effective: effective::effective(raw),
    })
}

fn read_subject(reader: &mut Reader<'_>) -> Option<Subject> {
    let namespace = reader.required("KUBE_NAMESPACE", parse::label);
    let name = reader.required("DEPLOYMENT_NAME", parse::subdomain);
    let hpa_prefix = match reader.text("HPA_PREFIX") {
        Some(_) => reader.optional("HPA_PREFIX", parse::name_prefix),
        None => Some(String::new()),
    };
    Some(Subject { workload: Workload { namespace: namespace?, name: name? }, hpa_prefix: hpa_prefix? })
}

/// The workload's name stands for the container's, if a container can be called so.
fn read_container(reader: &mut Reader<'_>, subject: Option<&Subject>) -> Option<String> {
    match (reader.text("CONTAINER_NAME"), subject) {
        (Some(_), _) => reader.optional("CONTAINER_NAME", parse::label),
        (None, None) => None,
        (None, Some(subject)) => {
            let container = parse::label(&subject.workload.name).ok();
            if container.is_none() {
                let expected = "the container's name, since no container can be called as DEPLOYMENT_NAME";
                reader.problem("CONTAINER_NAME", Given::Nothing, expected.to_owned());
            }
            container
        }
    }
}

fn read_policy(reader: &mut Reader<'_>) -> Option<Policy> {
    let top_k = reader.required("REBALANCE_TOP_K_PODS", parse::positive);
    let tolerance = reader.required("TOLERANCE_MULTIPLIER", parse::quantity);
    let minimum_improvement = reader.required("MINIMUM_IMPROVEMENT_PERCENT", parse::quantity);
    let minimum_coverage = reader.required("MINIMUM_SAMPLE_COVERAGE", parse::quantity);
    let minimum_pods = read_minimum_pods(reader);
    let minimum_age = read_minimum_age(reader);
    let horizon = reader.required("FORECAST_HORIZON", parse::horizon);
    let strategies = [("predict", Strategy::Predict), ("rotate-outliers", Strategy::RotateOutliers)];
    let strategy = reader.required("REBALANCE_STRATEGY", parse::one_of(&strategies));
    let assignor = reader.required("KAFKA_ASSIGNOR", parse::one_of(&assignors()));
    let static_members = reader.required("KAFKA_STATIC_MEMBERSHIP", parse::truth);
    let named = Timing::ALL.into_iter().map(|timing| (timing.name(), Some(timing)));
    let timings: Vec<(&str, Option<Timing>)> = std::iter::once(("auto", None)).chain(named).collect();
    let timing = reader.required("KAFKA_REPLACEMENT_TIMING", parse::one_of(&timings));
    let replacement_wait = reader.required("KAFKA_REPLACEMENT_WAIT", parse::duration);
    let thresholds = Indicator::ALL
        .map(|indicator| (indicator, reader.required(threshold_variable(indicator), parse::quantity)));
    Some(
        Policy::default()
            .with_top_k(top_k?)
            .with_tolerance(tolerance?)
            .with_minimum_improvement(minimum_improvement?)
            .with_minimum_coverage(minimum_coverage?)
            .with_minimum_pods(minimum_pods?)
            .with_minimum_age(minimum_age?)
            .with_variance_thresholds(
                thresholds
                    .into_iter()
                    .map(|(indicator, threshold)| Some((indicator, threshold?)))
                    .collect::<Option<_>>()?,
            )
            .with_horizon(horizon?)
            .with_strategy(strategy?)
            .with_assignor(assignor?)
            .with_static_members(static_members?)
            .with_timing(timing?)
            .with_replacement_wait(replacement_wait?),
    )
}

/// The names of Kafka's assignors, and `auto` for none.
fn assignors() -> Vec<(&'static str, Option<Assignor>)> {
    let known = Assignor::ALL.map(|assignor| (assignor.name(), Some(assignor)));
    std::iter::once(("auto", None)).chain(known).collect()
}

const fn threshold_variable(indicator: Indicator) -> &'static str {
    match indicator {
        Indicator::Cpu => "CPU_VARIANCE_THRESHOLD",
        Indicator::Memory => "MEMORY_VARIANCE_THRESHOLD",
        Indicator::Lag => "LAG_VARIANCE_THRESHOLD",
        Indicator::ConsumptionRate => "CONSUMPTION_RATE_VARIANCE_THRESHOLD",
        Indicator::ProductionRate => "PRODUCTION_RATE_VARIANCE_THRESHOLD",
    }
}

/// One setting with two spellings.
fn read_minimum_pods(reader: &mut Reader<'_>) -> Option<usize> {
    let (long, short) = ("MINIMUM_PODS_REQUIRED", "MIN_PODS_REQUIRED");
    let set = [reader.text(long).is_some(), reader.text(short).is_some()];
    let (first, second) = (reader.optional(long, parse::count), reader.optional(short, parse::count));
    match (set, first, second) {
        ([false, false], _, _) => Some(Policy::default().limits.minimum_pods),
        ([true, true], Some(first), Some(second)) if first != second => {
            reader.problem(
                short,
                Given::Value(second.to_string()),
                format!("the same value as {long}={first}; they are one setting, so set only one of them"),
            );
            None
        }
        (_, first, second) => first.or(second),
    }
}

/// A rate over the window says nothing about a pod that is younger.
fn read_minimum_age(reader: &mut Reader<'_>) -> Option<SignedDuration> {
    let window = metrics::window(reader);
    match reader.text("MINIMUM_POD_AGE") {
        Some(_) => reader.optional("MINIMUM_POD_AGE", parse::duration),
        None => SignedDuration::try_from(window?).ok(),
    }
}
