//! `rebalancer approve ID` and `rebalancer reject ID`: the answer to a proposal, written into the record.

use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use rebalancer_core::cycle::{Memory, MemorySettings};
use rebalancer_core::history::{Answer, AnswerWay, Answered, Proposal, StateError, Unanswerable};
use rebalancer_core::port::{Mode, PodDeleter as _};
use rebalancer_kube::{KubeRemover, LeaseStore};
use tokio::time::Instant;
use tracing::{Instrument as _, error, info};

use super::Exit;
use super::each::{Begun, PerWorkload, each_workload};
use crate::adapters::Adapters;
use crate::config::{RunSettings, Several};
use crate::render;
use crate::telemetry;

/// A cycle that holds the lock may end soon.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What came of it for one workload.
enum Came {
    Answered,
    /// It has no such proposal, which is a mistake only where no other workload has it.
    Unknown(Unanswerable),
    Failed,
}

pub(super) async fn run(several: Several, id: &str, answer: Answer) -> Exit {
    let work = async |adapters: &Adapters, settings: RunSettings, begun: &Begun<'_>| {
        let span = telemetry::answer(&settings.target());
        begun.in_turn().await;
        one(adapters, &settings, id, answer).instrument(span).await
    };
    match each_workload(several, work).await {
        Ok(turns) => conclude(turns),
        Err(exit) => exit,
    }
}

async fn one(adapters: &Adapters, settings: &RunSettings, id: &str, answer: Answer) -> Came {
    match give(adapters, settings, id, answer).await {
        Ok(came) => came,
        Err(error) => {
            let error = format!("{error:#}");
            error!(event = "answer_failed", proposal = id, error, "the answer was not written");
            Came::Failed
        }
    }
}

fn conclude(turns: Vec<PerWorkload<Came>>) -> Exit {
    let mut unknown = Vec::new();
    let mut answered = false;
    for turn in turns {
        match turn {
            PerWorkload::Done(Came::Answered) => answered = true,
            PerWorkload::Done(Came::Unknown(why)) => unknown.push(why),
            PerWorkload::Done(Came::Failed) | PerWorkload::NotBegun => return Exit::Failed,
            PerWorkload::NoCluster => return Exit::Misconfigured,
        }
    }
    if answered {
        return Exit::Finished;
    }
    for why in unknown {
        error!(event = "answer_failed", error = %why, "the answer was not written");
    }
    Exit::Failed
}

async fn give(adapters: &Adapters, settings: &RunSettings, id: &str, answer: Answer) -> anyhow::Result<Came> {
    let MemorySettings { policy, lock_for, .. } =
        settings.memory.context("RECORD_STORE=none: there is no record, so there is no proposal")?;
    let store = LeaseStore::new(&adapters.connection, &settings.subject.workload);
    // Looked at first: the lock of a workload that has no such proposal is left alone.
    let mut seen = Memory::open(&store, "look", Mode::DryRun, lock_for, policy, Timestamp::now()).await?;
    let by = || Answered::new(None, AnswerWay::Command, Timestamp::now());
    match seen.answer(id, answer, by(), Timestamp::now()) {
        Err(why @ Unanswerable::NoSuch { .. }) => return Ok(Came::Unknown(why)),
        Err(why @ (Unanswerable::Over(_) | Unanswerable::AlreadyApproved { .. })) => bail!(why),
        Ok(()) => {}
    }
    let account = KubeRemover::new(&adapters.connection, settings.method).actor().await;
    let holder = format!("answer-{}", uuid::Uuid::now_v7());
    let mut memory = locked(&store, &holder, settings, (policy, lock_for)).await?;
    let proposal = memory.record().proposal().cloned();
    let now = Timestamp::now();
    let by = Answered::new(account.as_deref(), AnswerWay::Command, now);
    let taken = memory.answer(id, answer, by.clone(), now);
    // The lock is freed whatever came of it.
    memory.leave(&store, Timestamp::now()).await?;
    taken?;
    told(settings, &proposal.context("the proposal is gone")?, answer, &by)?;
    Ok(Came::Answered)
}

/// The record with its lock; a cycle that has it is waited for as long as it may take.
async fn locked(
    store: &LeaseStore,
    holder: &str,
    settings: &RunSettings,
    (policy, lock_for): (rebalancer_core::history::HistoryPolicy, jiff::SignedDuration),
) -> Result<Memory, StateError> {
    let end = Instant::now() + settings.timeout;
    loop {
        let opened = Memory::open(store, holder, settings.mode, lock_for, policy, Timestamp::now()).await;
        match opened {
            Err(StateError::Held { .. } | StateError::Conflict { .. }) if Instant::now() < end => {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            opened => return opened,
        }
    }
}

fn told(settings: &RunSettings, proposal: &Proposal, answer: Answer, by: &Answered) -> anyhow::Result<()> {
    let dry_run = settings.mode == Mode::DryRun;
    let (name, done, next) = match answer {
        Answer::Approve => {
            ("approve", "approved", "the next run acts by it, if its plan is the same or better")
        }
        Answer::Reject => (
            "reject",
            "rejected",
            "the same plan is not proposed again for as long as it would have been valid",
        ),
    };
    info!(
        event = "proposal_answered",
        proposal = proposal.id,
        answer = name,
        by = %by,
        way = by.way.name(),
        dry_run,
        "somebody answered"
    );
    let done = if dry_run { format!("would be {done} (dry run)") } else { format!("{done} by {by}") };
    let mut text = format!("{}: proposal {} {done}\n", settings.subject.workload, proposal.id);
    for pod in &proposal.plan.pods {
        text.push_str(&format!("  {:<8} {}\n", pod.role, pod.name));
    }
    text.push_str(&format!(
        "expected {}\nvalid until {:.0}; {next}\n",
        proposal.plan.expected, proposal.until
    ));
    render::print(&text)
}
