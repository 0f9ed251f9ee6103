//! Every event of the log, once: its name, its levels, its fields and when it is written.

/// One event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    /// The value of `event`.
    pub(super) name: &'static str,
    pub(super) levels: &'static [&'static str],
    /// Its own fields, beside those that every line has.
    pub(super) fields: &'static [&'static str],
    /// When it is written.
    pub(super) when: &'static str,
}

const fn event(
    name: &'static str,
    levels: &'static [&'static str],
    fields: &'static [&'static str],
    when: &'static str,
) -> Event {
    Event { name, levels, fields, when }
}

const ERROR: &[&str] = &["error"];
const WARN: &[&str] = &["warn"];
const INFO: &[&str] = &["info"];
const DEBUG: &[&str] = &["debug"];

/// All of them, in the order in which a cycle writes them.
pub(super) const EVENTS: &[Event] = &[
    event(
        "configuration_error",
        ERROR,
        &["entry", "variable", "given", "expected", "error"],
        "one for each problem of the configuration; the exit code is 2",
    ),
    event(
        "traces_off",
        WARN,
        &["variable", "problem"],
        "a standard OTEL variable can't be used, so there are no traces",
    ),
    event(
        "kubeconfig_missing",
        WARN,
        &["files"],
        "KUBECONFIG names no file that is there, so that the pod's service account is used, as by kubectl",
    ),
    event("cycle_started", INFO, &["dry_run", "version"], "a cycle begins"),
    event(
        "metrics_query",
        DEBUG,
        &["query", "promql", "at"],
        "the metric server is asked; `promql` is the whole query",
    ),
    event(
        "metrics_retry",
        WARN,
        &["query", "attempt", "delay_ms", "error"],
        "a query failed and is repeated after this delay",
    ),
    event(
        "metrics_answer",
        DEBUG,
        &["query", "bytes", "seconds", "values", "left_out", "error"],
        "what came of a query, with all its attempts: the size of the answer, its values, and those that can't be used",
    ),
    event(
        "kubernetes_request",
        DEBUG,
        &["verb", "path", "status", "bytes", "seconds", "error"],
        "one request to the API server, whatever it was for; `status` is absent when no answer came",
    ),
    event(
        "kubernetes_retry",
        WARN,
        &["path", "delay_ms", "kind", "restarts", "error"],
        "a request failed and is repeated after this delay, or a list is read anew",
    ),
    event("kubernetes_list", DEBUG, &["kind", "items", "before"], "a page of a list, after so many items"),
    event(
        "kubernetes_get",
        DEBUG,
        &["resource", "object", "found", "error"],
        "one object was asked for; `found` is absent when that could not be told",
    ),
    event(
        "kubernetes_lease",
        DEBUG,
        &["verb", "lease", "ok"],
        "the record and its lock were read or written",
    ),
    event(
        "kubernetes_duplicate",
        WARN,
        &["pod", "uid"],
        "the API server listed a pod twice; it is taken once",
    ),
    event(
        "indicator_degraded",
        WARN,
        &["indicator", "error"],
        "an indicator could not be read and is left out",
    ),
    event(
        "owner_not_read",
        &["warn", "info"],
        &["owner", "why"],
        "an owner of pods that could not be followed: a warning for a ReplicaSet, which every installation may read",
    ),
    event(
        "indicator_analyzed",
        INFO,
        &[
            "indicator",
            "unit",
            "pods",
            "mean",
            "cv",
            "max",
            "max_to_mean",
            "limit",
            "out_of_balance",
            "weight",
        ],
        "the distribution of one load over the eligible pods, and what it is measured by",
    ),
    event(
        "pod_judged",
        DEBUG,
        &["pod", "uid", "cpu", "memory", "lag", "consumption_rate", "production_rate", "score", "verdict"],
        "one for each pod: its loads, its score when several indicators are usable, and why it goes or stays",
    ),
    event(
        "story_finished",
        WARN,
        &["pod", "uid", "earlier_cycle", "story"],
        "a removal that an earlier run intended and could not finish telling: removed, replaced, or still there",
    ),
    event(
        "rotation_measured",
        INFO,
        &["earlier_cycle", "indicator", "pods", "cv_before", "predicted_cv", "measured_cv", "effect"],
        "what the last rotation did",
    ),
    event(
        "memory",
        INFO,
        &["breaker", "times"],
        "the circuit breaker, `closed`, `open` or `half_open`, and how many times in a row it opened",
    ),
    event(
        "method",
        INFO,
        &["method"],
        "`predict` with the assignor and how it is known, or `rotate-outliers` and why; pods on which the same work costs more",
    ),
    event(
        "prediction",
        INFO,
        &["assignor", "cv_before", "expected_cv", "cv_spread", "better", "relief_percent", "draws"],
        "what the best batch is expected to bring; `better` is a share of the draws",
    ),
    event(
        "autoscaler",
        INFO,
        &["autoscaler", "scales_by"],
        "what the autoscaler scales by, with what it saw last; CPU alone is decided on",
    ),
    event(
        "decision",
        INFO,
        &["decision", "reason", "pods", "serving", "eligible", "gone", "seconds"],
        "`decision` is `rotate`, `balanced` or the name of a hold; `reason` has the numbers",
    ),
    event(
        "audit_violation",
        ERROR,
        &["violation"],
        "the plan breaks a safety rule: a bug. Nothing was removed; please report it",
    ),
    event("kubernetes_actor", DEBUG, &["error"], "the API server does not tell who we are"),
    event("removal_intended", INFO, INTENT, "right before each removal; see [audit.md](audit.md)"),
    event("kubernetes_remove", DEBUG, &["pod", "method", "dry_run", "error"], "a removal was asked for"),
    event("removal_finished", &["info", "warn"], OUTCOME, "what became of it; see [audit.md](audit.md)"),
    event(
        "metrics_usage",
        INFO,
        &["queries", "retries", "errors", "bytes"],
        "what the metric server was asked in this cycle",
    ),
    event("kubernetes_event", DEBUG, &["about", "reason", "ok"], "a Kubernetes Event was posted"),
    event(
        "event_not_written",
        WARN,
        &["reason", "about", "error"],
        "a Kubernetes Event could not be posted; nothing else depends on it",
    ),
    event(
        "record_not_written",
        WARN,
        &["reason", "error"],
        "how the cycle ended could not be recorded; the next one finds out",
    ),
    event(
        "cycle_finished",
        &["info", "error"],
        &["status", "seconds", "removed", "refused", "spared", "failed", "not_attempted", "reason", "error"],
        "how a cycle ended, and why when it came to nothing; only what became of its metrics follows",
    ),
    event(
        "metrics_push_retry",
        DEBUG,
        &["attempt", "error"],
        "metrics could not be pushed, and are sent again",
    ),
    event("metrics_pushed", DEBUG, &["metrics"], "metrics were pushed, so many by name"),
    event(
        "metrics_not_pushed",
        WARN,
        &["error"],
        "metrics are not known to have arrived; nothing else depends on it",
    ),
    event(
        "metrics_not_written",
        WARN,
        &["file", "error"],
        "a file for the textfile collector could not be written; nothing else depends on it",
    ),
    event(
        "not_begun",
        WARN,
        &["namespace", "workload"],
        "the run was asked to end before this workload's turn; it has no cycle",
    ),
    event(
        "run_finished",
        INFO,
        &[
            "workloads",
            "rebalanced",
            "partial",
            "refused",
            "dry_run",
            "balanced",
            "held",
            "failed",
            "not_begun",
            "seconds",
        ],
        "the last line of a run of several workloads: how many of them ended with each status",
    ),
    event("cycle_failed", ERROR, &["error"], "no cycle could begin: the system lacks what the program needs"),
    event("print_failed", ERROR, &["error"], "completions or the manual page could not be written to stdout"),
    event(
        "check_failed",
        ERROR,
        &["error"],
        "`rebalancer check` could not show its findings, or was asked to end",
    ),
    event("plan_failed", ERROR, &["error"], "`rebalancer plan` could not observe"),
    event("record_not_read", WARN, &["reason", "error"], "`rebalancer plan` made its plan without memory"),
    event(
        "plan_not_saved",
        ERROR,
        &["file", "error"],
        "`rebalancer plan --save` could not write its file; what was there before is as it was",
    ),
    event(
        "replay_failed",
        ERROR,
        &["file", "error"],
        "the file of `rebalancer plan --replay` can't be read: `error` says where and why; the exit code is 2",
    ),
    event(
        "replay_differs",
        WARN,
        &["saved_by", "saved", "now", "pods"],
        "`rebalancer plan --replay` decides otherwise than the version that saved the file; the exit code is 3",
    ),
    event("reset_failed", ERROR, &["error"], "`rebalancer reset` could not use the record"),
    event("simulation_failed", ERROR, &["error"], "`rebalancer simulate` could not go on"),
    event("traces_exported", DEBUG, &["spans", "lost", "seconds"], "traces were exported"),
    event(
        "traces_not_exported",
        WARN,
        &["spans", "lost", "to", "error", "seconds"],
        "the collector could not be used; nothing else depends on it",
    ),
];

const INTENT: &[&str] = &[
    "audit_schema",
    "pod",
    "uid",
    "node",
    "owner",
    "actor",
    "role",
    "indicator",
    "load",
    "unit",
    "reason",
    "dry_run",
];
const OUTCOME: &[&str] = &[
    "audit_schema",
    "outcome",
    "detail",
    "pod",
    "uid",
    "node",
    "owner",
    "actor",
    "role",
    "indicator",
    "load",
    "unit",
    "reason",
    "dry_run",
];
