//! Events of a process that stays, beside those of its cycles.

use super::event::{DEBUG, ERROR, Event, INFO, WARN, event};

/// All of them.
pub(super) const SERVING: &[Event] = &[
    event(
        "serving",
        INFO,
        &["address", "workloads"],
        "`rebalancer serve` has begun, and answers at this address",
    ),
    event("serve_failed", ERROR, &["error"], "`rebalancer serve` can't begin; the exit code is 1 or 2"),
    event(
        "leadership",
        INFO,
        &["leads", "holder", "error"],
        "whether this replica is the one that acts has changed; `holder` has the Lease",
    ),
    event(
        "leadership_unknown",
        WARN,
        &["leads", "error"],
        "the Lease could not be read or written, in another way than before; it leads for as long as its last renewal allows",
    ),
    event("leadership_given_back", INFO, &["ok"], "it ends, and another replica may lead at once"),
    event("watch_listed", DEBUG, &["kind", "objects"], "a watch has its first list, or one anew"),
    event(
        "watch_broken",
        &["warn", "debug"],
        &["kind", "namespace", "error"],
        "a watch broke, and is taken up again; at debug where it breaks again in the same way, and nothing was heard between",
    ),
    event("workloads_read", INFO, &["workloads"], "WORKLOADS_FILE has changed, and counts as it is now"),
    event(
        "workloads_rejected",
        ERROR,
        &["problems"],
        "WORKLOADS_FILE has changed and can't be used; the version before counts",
    ),
    event("loop_broken", ERROR, &["error"], "the loop of a workload broke: a bug"),
    event(
        "connection_not_accepted",
        WARN,
        &["error"],
        "a connection to the page could not be accepted; others are",
    ),
    event("serve_finished", INFO, &[], "every cycle has ended after SIGTERM"),
];
