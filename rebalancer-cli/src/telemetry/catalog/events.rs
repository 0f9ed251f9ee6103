//! Every event of the log, once: its name, its levels, its fields and when it is written.

use super::audit_trail::{INTENT, OUTCOME};

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
        "one for each mistake in the configuration; the exit code is 2",
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
        "no file that KUBECONFIG names exists, so the pod's service account is used, as in kubectl",
    ),
    event("cycle_started", INFO, &["dry_run", "version"], "a cycle begins"),
    event(
        "metrics_query",
        DEBUG,
        &["query", "promql", "at"],
        "a query is sent to the metric server; `promql` is the whole query",
    ),
    event(
        "metrics_retry",
        WARN,
        &["query", "attempt", "delay_ms", "error"],
        "a query failed and is retried after this delay",
    ),
    event(
        "metrics_answer",
        DEBUG,
        &["query", "bytes", "seconds", "values", "left_out", "error"],
        "a query ended, with all its attempts: the size of the answer, its values, and how many of them can't be used",
    ),
    event(
        "kafka_request",
        DEBUG,
        &["broker", "api", "version", "sent", "received", "seconds", "error"],
        "one request to a broker, by Kafka's name for it, with the bytes of request and answer; never what is in them",
    ),
    event(
        "kafka_retry",
        WARN,
        &["delay_ms", "error"],
        "a question to Kafka failed and is asked again after this delay",
    ),
    event(
        "kafka_token",
        DEBUG,
        &["endpoint", "seconds", "valid_for", "error"],
        "a token for OAUTHBEARER was asked for; `valid_for` is in seconds, and absent when it is not told",
    ),
    event(
        "kubernetes_request",
        DEBUG,
        &["verb", "path", "status", "bytes", "seconds", "error"],
        "one request to the API server, for any purpose; `status` is absent when no answer came",
    ),
    event(
        "kubernetes_retry",
        WARN,
        &["path", "delay_ms", "kind", "restarts", "error"],
        "a request failed and is retried after this delay, or a list is read from the start again",
    ),
    event(
        "kubernetes_list",
        DEBUG,
        &["kind", "items", "before"],
        "a page of a list, and how many items came before it",
    ),
    event(
        "kubernetes_get",
        DEBUG,
        &["resource", "object", "found", "error"],
        "one object was read; `found` is absent when it is not known",
    ),
    event(
        "kubernetes_lease",
        DEBUG,
        &["verb", "lease", "ok"],
        "the record and its lock were read or written",
    ),
    event("kubernetes_duplicate", WARN, &["pod", "uid"], "the API server listed a pod twice; it counts once"),
    event(
        "indicator_degraded",
        WARN,
        &["indicator", "error"],
        "an indicator could not be read and is left out",
    ),
    event(
        "forecast",
        INFO,
        &[
            "indicator",
            "used",
            "not_used",
            "horizon_seconds",
            "series",
            "better",
            "error",
            "error_as_now",
            "error_as_a_day_ago",
            "expected_cv",
            "why",
        ],
        "whether expected loads counted (FORECAST_HORIZON), and how good they were on the last days",
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
        "the distribution of one load over the eligible pods, and the limit that applies to it",
    ),
    event(
        "pod_judged",
        DEBUG,
        &["pod", "uid", "cpu", "memory", "lag", "consumption_rate", "production_rate", "score", "verdict"],
        "one for each pod: its loads, its score when several indicators are usable, and its verdict",
    ),
    event(
        "story_finished",
        WARN,
        &["pod", "uid", "earlier_cycle", "story"],
        "a removal that an interrupted run intended: the pod was removed, was replaced, or is still there",
    ),
    event(
        "rotation_measured",
        INFO,
        &["earlier_cycle", "indicator", "pods", "cv_before", "predicted_cv", "measured_cv", "effect"],
        "the measured effect of the last rotation",
    ),
    event(
        "memory",
        INFO,
        &["breaker", "times"],
        "the state of the circuit breaker, `closed`, `open` or `half_open`, and how many times in a row it opened",
    ),
    event(
        "method",
        INFO,
        &["method"],
        "`predict` with the assignor and how it was determined, or `rotate-outliers` and why; pods on which the same work costs more",
    ),
    event(
        "prediction",
        INFO,
        &["assignor", "cv_before", "expected_cv", "cv_spread", "better", "relief_percent", "draws", "pace"],
        "the expected effect of the best batch; `better` is a share of the draws, `pace` is `each-awaited` where removals wait for each other",
    ),
    event(
        "group",
        INFO,
        &[
            "group",
            "state",
            "assignor",
            "members",
            "elsewhere",
            "pods_without_member",
            "static_members",
            "eager",
        ],
        "the consumer group as Kafka tells it: members outside of the fleet, pods without a member, whether a rebalance stops all members",
    ),
    event(
        "group_unread",
        WARN,
        &["error"],
        "the consumer group could not be read: nothing is removed, or what became of a rotation is not known yet",
    ),
    event(
        "replacement_joined",
        INFO,
        &["seconds", "measured_cv", "max_to_mean"],
        "where removals wait for each other: the replacement of the one before is a member, the group at rest, and what came of it is what was expected",
    ),
    event(
        "group_settled",
        INFO,
        &["seconds", "timing", "cv_before", "predicted_cv", "cv_spread", "measured_cv", "max_to_mean"],
        "after a rotation the group is at rest with the replacements; CV is of the messages a second that each pod's partitions carry",
    ),
    event(
        "group_not_settled",
        INFO,
        &["state", "members", "expected", "staying"],
        "the cycle's time was up before the group was at rest; `staying` members of removed pods are still there. The next cycle measures",
    ),
    event(
        "autoscaler",
        INFO,
        &["autoscaler", "scales_by"],
        "what the autoscaler scales by, with the last value that it saw; only CPU counts for decisions",
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
    event("kubernetes_actor", DEBUG, &["error"], "the API server does not say which account this is"),
    event("removal_intended", INFO, INTENT, "right before each removal; see [audit.md](audit.md)"),
    event("kubernetes_remove", DEBUG, &["pod", "method", "dry_run", "error"], "a removal was requested"),
    event(
        "removal_finished",
        &["info", "warn"],
        OUTCOME,
        "the outcome of each removal; see [audit.md](audit.md)",
    ),
    event(
        "metrics_usage",
        INFO,
        &["queries", "retries", "errors", "bytes"],
        "how much was asked of the metric server in this cycle",
    ),
    event(
        "kafka_usage",
        INFO,
        &["connections", "requests", "bytes_sent", "bytes_received"],
        "how much was asked of Kafka in this cycle, when it is asked",
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
        "the end of the cycle could not be recorded; the next cycle checks what became of its removals",
    ),
    event(
        "cycle_finished",
        &["info", "error"],
        &["status", "seconds", "removed", "refused", "spared", "failed", "not_attempted", "reason", "error"],
        "how a cycle ended, and why if nothing came of it; only lines about its metrics follow",
    ),
    event(
        "metrics_push_retry",
        DEBUG,
        &["attempt", "error"],
        "metrics could not be pushed, and the push is retried",
    ),
    event("metrics_pushed", DEBUG, &["metrics"], "metrics were pushed; `metrics` counts them by name"),
    event(
        "metrics_not_pushed",
        WARN,
        &["error"],
        "the metrics may not have arrived; nothing else depends on it",
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
        "the run was asked to stop before it reached this workload, which has no cycle",
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
        "the last line of a run over several workloads: how many ended with each status",
    ),
    event(
        "cycle_failed",
        ERROR,
        &["error"],
        "no cycle could start: the system lacks something that the program needs",
    ),
    event("print_failed", ERROR, &["error"], "completions or the manual page could not be written to stdout"),
    event(
        "check_failed",
        ERROR,
        &["error"],
        "`rebalancer check` could not show its findings, or was stopped by a signal",
    ),
    event("plan_failed", ERROR, &["error"], "`rebalancer plan` could not observe"),
    event(
        "backtest_failed",
        ERROR,
        &["error"],
        "`rebalancer backtest` could not read the past, or was stopped by a signal",
    ),
    event(
        "answer_not_kept",
        WARN,
        &["folder", "error"],
        "`rebalancer backtest --cache` could not write to its folder; the answer is asked for again next time",
    ),
    event(
        "advice_failed",
        ERROR,
        &["error"],
        "`rebalancer advise` could not observe, or had nothing to advise on",
    ),
    event(
        "record_not_read",
        WARN,
        &["reason", "error"],
        "`rebalancer plan` made its plan without the record",
    ),
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
    event("simulation_failed", ERROR, &["error"], "`rebalancer simulate` failed"),
    event("traces_exported", DEBUG, &["spans", "lost", "seconds"], "traces were exported"),
    event(
        "traces_not_exported",
        WARN,
        &["spans", "lost", "to", "error", "seconds"],
        "the collector could not be used; nothing else depends on it",
    ),
];
