//! Every metric, once: its name, kind, help text and labels. Needs nothing else of this crate, so that tests of
//! documentation, dashboards and alerts can read it too.

/// What kind of series a metric has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only rises; kept in the record, so that it goes on from run to run.
    Counter,
    /// What the last run saw.
    Gauge,
    /// How often a value was at most so high; kept in the record like a counter.
    Histogram,
}

#[cfg(test)]
impl Kind {
    /// The name of the exposition format.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A label of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label {
    /// Its name.
    pub(crate) name: &'static str,
    /// Which values it can have, for people.
    pub(crate) values: &'static str,
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Metric {
    /// Its name, with the suffix for counters.
    pub(crate) name: &'static str,
    /// Its kind.
    pub(crate) kind: Kind,
    /// What it is, in one sentence.
    pub(crate) help: &'static str,
    /// Its labels beside [`ON_EVERY_SERIES`].
    pub(crate) labels: &'static [Label],
}

const fn label(name: &'static str, values: &'static str) -> Label {
    Label { name, values }
}

const fn counter(name: &'static str, help: &'static str, labels: &'static [Label]) -> Metric {
    Metric { name, kind: Kind::Counter, help, labels }
}

const fn gauge(name: &'static str, help: &'static str, labels: &'static [Label]) -> Metric {
    Metric { name, kind: Kind::Gauge, help, labels }
}

const fn histogram(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, help, labels: &[] }
}

/// Labels that every series has.
pub(crate) const ON_EVERY_SERIES: [Label; 2] = [
    label("namespace", "namespace of the workload"),
    label("workload", "name of the workload, as DEPLOYMENT_NAME has it"),
];

/// The label that every series has besides, of a run with a CLUSTER_NAME.
pub(crate) const CLUSTER: Label = label("cluster", "name of the cluster, as CLUSTER_NAME has it");

const STATUS: Label = label(
    "status",
    "`rebalanced`, `partial`, `refused`, `proposed`, `rejected`, `dry_run`, `balanced`, `held`, `failed`",
);
const COMPONENT: Label = label("component", "`prometheus`, `kafka`, `kubernetes`");
const INDICATOR: Label = label("indicator", "`cpu`, `memory`, `lag`, `consumption_rate`, `production_rate`");

pub(crate) const CYCLES: Metric = counter(
    "rebalancer_cycles_total",
    "Cycles that held the lock, by how they ended; dry runs are not counted.",
    &[label(
        "status",
        "`rebalanced`, `partial`, `refused`, `proposed`, `rejected`, `balanced`, `held`, `failed`",
    )],
);
pub(crate) const PODS_DELETED: Metric = counter(
    "rebalancer_pods_deleted_total",
    "Pods that were removed, by the role for which they were selected.",
    &[label("role", "`hot`, `cold`, `partner`")],
);
pub(crate) const REMOVALS_REFUSED: Metric = counter(
    "rebalancer_removals_refused_total",
    "Removals that were refused without being a failure, by reason.",
    &[label("reason", "`disruption_budget`")],
);
pub(crate) const REMOVALS_FAILED: Metric = counter(
    "rebalancer_removals_failed_total",
    "Removals that failed or whose outcome was not known, by reason.",
    &[label("reason", "`conflict`, `throttled`, `unauthorized`, `forbidden`, `rejected`, `unknown`")],
);
pub(crate) const HOLDS: Metric = counter(
    "rebalancer_holds_total",
    "Cycles that held the lock and made no change although something may be wrong, by reason.",
    &[label("reason", "the reason of a hold, see docs/operations.md")],
);
pub(crate) const API_ERRORS: Metric = counter(
    "rebalancer_api_errors_total",
    "Requests of a cycle that failed or gave no usable answer, by component; each attempt counts.",
    &[COMPONENT],
);
pub(crate) const API_RETRIES: Metric = counter(
    "rebalancer_api_retries_total",
    "Requests of a cycle that retried a failed one, by component.",
    &[COMPONENT],
);
pub(crate) const INDICATORS_DEGRADED: Metric = counter(
    "rebalancer_indicators_degraded_total",
    "Cycles in which an indicator could not be read and was left out.",
    &[INDICATOR],
);
pub(crate) const ROTATIONS_JUDGED: Metric = counter(
    "rebalancer_rotations_judged_total",
    "Rotations whose effect was measured, by verdict.",
    &[label("verdict", "`helped`, `did_not_help`, `never_seen`")],
);
pub(crate) const BREAKER_OPENED: Metric = counter(
    "rebalancer_breaker_opened_total",
    "How often the circuit breaker opened, by reason.",
    &[label("reason", "`rotations_did_not_help`, `unreliable_prediction`, `cycles_failed`")],
);
pub(crate) const PROPOSALS: Metric = counter(
    "rebalancer_proposals_total",
    "Proposals that were made, that somebody approved, and how they ended.",
    &[label("event", "`made`, `approved`, `used`, `rejected`, `expired`, `replaced`")],
);
pub(crate) const ANALYSIS_DURATION: Metric =
    histogram("rebalancer_analysis_duration_seconds", "Time from the beginning of a cycle to its decision.");
pub(crate) const CYCLE_DURATION: Metric =
    histogram("rebalancer_cycle_duration_seconds", "Time of a whole cycle, up to the writing of the record.");
pub(crate) const PODS: Metric = gauge(
    "rebalancer_pods",
    "Pods in the last run, by state; hot, cold and partner are those that the plan chose.",
    &[label("state", "`listed`, `serving`, `eligible`, `hot`, `cold`, `partner`")],
);
pub(crate) const LOAD_CV: Metric = gauge(
    "rebalancer_load_cv",
    "Coefficient of variation of the eligible pods' loads in the last run.",
    &[INDICATOR],
);
pub(crate) const LOAD_MAX_TO_MEAN: Metric = gauge(
    "rebalancer_load_max_to_mean_ratio",
    "Highest load of an eligible pod divided by the mean, in the last run.",
    &[INDICATOR],
);
pub(crate) const LOAD_MEAN: Metric = gauge(
    "rebalancer_load_mean",
    "Mean load of the eligible pods in the last run, in the unit that the label names.",
    &[INDICATOR, label("unit", "`cores`, `bytes`, `messages`, `messages_per_second`")],
);
pub(crate) const POD_LOAD: Metric = gauge(
    "rebalancer_pod_load",
    "Load of each pod in the last run, in the indicator's unit; only with METRICS_PER_POD.",
    &[label("pod", "name of the pod"), INDICATOR],
);
pub(crate) const PREDICTED_IMPROVEMENT: Metric = gauge(
    "rebalancer_predicted_improvement_ratio",
    "Share by which the last predicted rotation was expected to reduce the coefficient of variation.",
    &[],
);
pub(crate) const MEASURED_IMPROVEMENT: Metric = gauge(
    "rebalancer_measured_improvement_ratio",
    "Share by which the last measured rotation reduced the coefficient of variation; negative when it grew.",
    &[],
);
pub(crate) const GROUP_CV: Metric = gauge(
    "rebalancer_group_cv",
    "Coefficient of variation of the messages a second that each pod's partitions carry, at the last rotation that Kafka showed.",
    &[label("when", "`before`, `predicted`, `after`")],
);
pub(crate) const GROUP_REBALANCE: Metric = gauge(
    "rebalancer_group_rebalance_seconds",
    "Time from the last removal of the last rotation until the consumer group was seen at rest with its replacements.",
    &[],
);
pub(crate) const BREAKER_STATE: Metric = gauge(
    "rebalancer_breaker_state",
    "1 for the state of the circuit breaker after the last run, 0 for the others.",
    &[label("state", "`closed`, `open`, `half_open`")],
);
pub(crate) const PROPOSAL_STATE: Metric = gauge(
    "rebalancer_proposal_state",
    "1 for the state of the open proposal after the last run, 0 for the others.",
    &[label("state", "`none`, `waiting`, `approved`")],
);
pub(crate) const LAST_RUN: Metric = gauge(
    "rebalancer_last_run_timestamp_seconds",
    "Unix time at which the last run ended, whatever its outcome.",
    &[],
);
pub(crate) const LAST_RUN_STATUS: Metric = gauge(
    "rebalancer_last_run_status",
    "1 for the status with which the last run ended, 0 for the others.",
    &[STATUS],
);
pub(crate) const LAST_SUCCESS: Metric = gauge(
    "rebalancer_last_success_timestamp_seconds",
    "Unix time at which the last run ended that reached a decision and did not fail.",
    &[],
);
pub(crate) const REMOVAL_BUDGET: Metric = gauge(
    "rebalancer_removal_budget_pods",
    "Pods that may be removed in REMOVAL_BUDGET_WINDOW; absent without a budget.",
    &[],
);
pub(crate) const REMOVAL_BUDGET_USED: Metric = gauge(
    "rebalancer_removal_budget_used_pods",
    "Pods that were removed, or may have been, in the REMOVAL_BUDGET_WINDOW before the last run's end.",
    &[],
);
pub(crate) const DRY_RUN: Metric =
    gauge("rebalancer_dry_run", "1 when the last run was a dry run, 0 when it was real.", &[]);
pub(crate) const LEADER: Metric = gauge(
    "rebalancer_leader",
    "1 where this replica of `rebalancer serve` is the one that acts, 0 where it stands by; not there for a CronJob.",
    &[],
);
pub(crate) const INTERVAL: Metric = gauge(
    "rebalancer_interval_seconds",
    "INTERVAL of `rebalancer serve`: from one cycle to the next, where nothing changes; not there for a CronJob.",
    &[],
);
pub(crate) const BUILD_INFO: Metric = gauge(
    "rebalancer_build_info",
    "Always 1; the labels say which build the last run was.",
    &[
        label("version", "version of the program"),
        label("revision", "commit that it was built from, or `unknown`"),
    ],
);

/// All of them, in the order of the documentation, for tests of what names them.
#[cfg(test)]
pub(crate) const METRICS: [Metric; 33] = [
    CYCLES,
    PODS_DELETED,
    REMOVALS_REFUSED,
    REMOVALS_FAILED,
    HOLDS,
    API_ERRORS,
    API_RETRIES,
    INDICATORS_DEGRADED,
    ROTATIONS_JUDGED,
    BREAKER_OPENED,
    PROPOSALS,
    ANALYSIS_DURATION,
    CYCLE_DURATION,
    PODS,
    LOAD_CV,
    LOAD_MAX_TO_MEAN,
    LOAD_MEAN,
    POD_LOAD,
    PREDICTED_IMPROVEMENT,
    MEASURED_IMPROVEMENT,
    GROUP_CV,
    GROUP_REBALANCE,
    BREAKER_STATE,
    PROPOSAL_STATE,
    LAST_RUN,
    LAST_RUN_STATUS,
    LAST_SUCCESS,
    REMOVAL_BUDGET,
    REMOVAL_BUDGET_USED,
    DRY_RUN,
    LEADER,
    INTERVAL,
    BUILD_INFO,
];
