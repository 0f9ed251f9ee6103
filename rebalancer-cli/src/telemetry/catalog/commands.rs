//! Events of commands that make no cycle, and of traces.

use super::event::{DEBUG, ERROR, Event, INFO, WARN, event};

/// All of them.
pub(super) const COMMANDS: &[Event] = &[
    event("print_failed", ERROR, &["error"], "completions or the manual page could not be written to stdout"),
    event(
        "setting_read",
        INFO,
        &["workload", "variable", "value", "from"],
        "a command whose argument names a workload took this from it, as nobody has set it",
    ),
    event(
        "discovery_failed",
        ERROR,
        &["namespace", "workload", "error"],
        "the workload that the argument names, or those of the namespace, could not be read, or a signal stopped that",
    ),
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
        "report_not_written",
        ERROR,
        &["file", "error"],
        "the file of `--report` could not be written; what was there before is as it was",
    ),
    event(
        "offsets_not_read",
        WARN,
        &["error"],
        "`rebalancer backtest` could not read Kafka or the pods that hold its partitions, and went on without their loads",
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
    event(
        "proposal_answered",
        INFO,
        &["proposal", "answer", "by", "way", "dry_run"],
        "`rebalancer approve` or `rebalancer reject` wrote an answer; `by` is the account as the API server knows it",
    ),
    event(
        "answer_failed",
        ERROR,
        &["proposal", "error"],
        "`rebalancer approve` or `rebalancer reject` could not write its answer: `error` says why",
    ),
    event("simulation_failed", ERROR, &["error"], "`rebalancer simulate` failed"),
    event("traces_exported", DEBUG, &["spans", "lost", "seconds"], "traces were exported"),
    event(
        "traces_not_exported",
        WARN,
        &["spans", "lost", "to", "error", "seconds"],
        "the collector could not be used; nothing else depends on it",
    ),
];
