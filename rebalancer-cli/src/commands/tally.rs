//! How a run over several workloads ended: how many with each status.

use std::collections::BTreeMap;

use tokio::time::Instant;
use tracing::info;

use super::Exit;
use super::each::PerWorkload;

/// How the cycle of one workload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    /// As `cycle_finished` has it.
    pub(super) status: &'static str,
    pub(super) exit: Exit,
    /// It came to a decision, and nothing failed.
    pub(super) success: bool,
}

/// The worst of all. Of several, their number by status is logged.
pub(super) fn conclude(turns: &[PerWorkload<Ended>], started: Instant) -> Exit {
    if turns.len() > 1 {
        log(&by_status(turns), turns.len(), started);
    }
    let exits = turns.iter().map(|turn| match turn {
        PerWorkload::Done(ended) => ended.exit,
        PerWorkload::NotBegun => Exit::Failed,
        PerWorkload::NoCluster => Exit::Misconfigured,
    });
    exits.max().unwrap_or(Exit::Finished)
}

fn by_status(turns: &[PerWorkload<Ended>]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for turn in turns {
        let status = match turn {
            PerWorkload::Done(ended) => ended.status,
            PerWorkload::NotBegun => "not_begun",
            PerWorkload::NoCluster => "failed",
        };
        *counts.entry(status).or_default() += 1;
    }
    counts
}

/// Every status has its field, so that a query needs no special case for none.
fn log(counts: &BTreeMap<&'static str, usize>, workloads: usize, started: Instant) {
    let of = |status| counts.get(status).copied().unwrap_or_default();
    info!(
        event = "run_finished",
        workloads,
        rebalanced = of("rebalanced"),
        partial = of("partial"),
        refused = of("refused"),
        proposed = of("proposed"),
        rejected = of("rejected"),
        dry_run = of("dry_run"),
        balanced = of("balanced"),
        held = of("held"),
        failed = of("failed"),
        not_begun = of("not_begun"),
        seconds = started.elapsed().as_secs_f64(),
        "all workloads were handled"
    );
}
