//! Cycles that must ask, in a simulated world.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};

use super::After;
use crate::assignor::Assignor;
use crate::cycle::{Asked, CycleError, CycleSpec, NotBegun, Outcome, Ports, run};
use crate::history::{
    Acquired, Answer, AnswerWay, Answered, Approval, ApprovalLimits, AskedBecause, MemoryStore, Proposal,
    Record, StateStore,
};
use crate::policy::{Policy, Strategy, Timing};
use crate::port::{Interruption, Mode};
use crate::simulation::{Fleet, Shape};
use crate::unit::Percent;

fn fleet() -> Fleet {
    let shape = Shape { assignor: Assignor::Range, timing: Timing::AllAtOnce, seed: 3, ..Shape::default() };
    Fleet::new(&shape).unwrap()
}

fn required() -> Approval {
    let limits = ApprovalLimits::new(SignedDuration::from_hours(1), Percent::new(5.0).unwrap());
    Approval::Required(limits.unwrap())
}

async fn cycle(
    fleet: &Fleet,
    store: Option<&MemoryStore>,
    mode: Mode,
    id: &str,
) -> Result<Outcome, CycleError> {
    cycle_until(fleet, store, mode, id, &After::never()).await
}

async fn cycle_until(
    fleet: &Fleet,
    store: Option<&MemoryStore>,
    mode: Mode,
    id: &str,
    stop: &After,
) -> Result<Outcome, CycleError> {
    let spec = CycleSpec::new(id, Fleet::workload()).with_mode(mode).with_approval(required());
    let spec = spec.with_policy(Policy::default().with_strategy(Strategy::RotateOutliers));
    let ports = Ports::new(fleet, fleet, fleet, fleet).with_interrupt(stop);
    let ports = match store {
        Some(store) => ports.with_store(store),
        None => ports,
    };
    run(&spec, &ports).await.outcome
}

async fn stored(store: &MemoryStore, now: Timestamp) -> Record {
    store.peek(now).await.unwrap().record
}

async fn answer(fleet: &Fleet, store: &MemoryStore, answer: Answer) -> Proposal {
    let now = fleet.now();
    let acquired = store.acquire(now, "person", SignedDuration::from_mins(1)).await.unwrap();
    let Acquired { mut record, token } = acquired;
    let open = record.proposal().unwrap().clone();
    record.answer(&open.id, answer, Answered::new(Some("ann"), AnswerWay::Command, now), now).unwrap();
    store.release(now, token, &record).await.unwrap();
    open
}

fn asked(outcome: Result<Outcome, CycleError>) -> Asked {
    let Ok(Outcome::AwaitsApproval { mode: Mode::Real, asked }) = outcome else { panic!("{outcome:?}") };
    *asked
}

#[tokio::test]
async fn it_proposes_waits_acts_once_it_is_approved_and_asks_again_afterwards() {
    let (fleet, store) = (fleet(), MemoryStore::default());
    let Asked::Proposed { proposal, because } = asked(cycle(&fleet, Some(&store), Mode::Real, "first").await)
    else {
        panic!("it proposes first")
    };
    assert_eq!(because, AskedBecause::NothingOpen);
    assert_eq!(
        stored(&store, fleet.now()).await.proposal(),
        Some(&proposal),
        "it is stored before it is told"
    );
    fleet.settle(SignedDuration::from_mins(5));
    let Asked::Waiting(waiting) = asked(cycle(&fleet, Some(&store), Mode::Real, "second").await) else {
        panic!("it waits")
    };
    assert_eq!(waiting, proposal);
    answer(&fleet, &store, Answer::Approve).await;
    let outcome = cycle(&fleet, Some(&store), Mode::Real, "third").await.unwrap();
    assert_eq!(outcome.status(), "rebalanced");
    let removed: Vec<_> = outcome.removed().into_iter().map(|pod| pod.uid).collect();
    assert!(removed.iter().all(|uid| proposal.plan.pods.iter().any(|pod| pod.uid == *uid)));
    let record = stored(&store, fleet.now()).await;
    assert_eq!((record.proposal(), record.counters().proposals.get("used")), (None, 1));
}

#[tokio::test]
async fn a_cycle_that_is_asked_to_end_leaves_an_approval_to_the_next() {
    let (fleet, store) = (fleet(), MemoryStore::default());
    asked(cycle(&fleet, Some(&store), Mode::Real, "first").await);
    let open = answer(&fleet, &store, Answer::Approve).await;
    let at_once = After(Mutex::new(0), Interruption::Signal);
    let ended = cycle_until(&fleet, Some(&store), Mode::Real, "stopped", &at_once).await;
    assert!(matches!(ended, Err(CycleError::Stopped(Interruption::Signal))), "{ended:?}");
    let record = stored(&store, fleet.now()).await;
    assert!(
        record.proposal().is_some_and(|kept| kept.id == open.id && kept.approved.is_some()),
        "{record:?}"
    );
    assert_eq!(cycle(&fleet, Some(&store), Mode::Real, "next").await.unwrap().status(), "rebalanced");
}

#[tokio::test]
async fn nothing_is_done_after_the_time_of_an_approval() {
    let (fleet, store) = (fleet(), MemoryStore::default());
    let _ = cycle(&fleet, Some(&store), Mode::Real, "first").await;
    let old = answer(&fleet, &store, Answer::Approve).await;
    fleet.settle(SignedDuration::from_hours(1));
    let Asked::Proposed { proposal, .. } = asked(cycle(&fleet, Some(&store), Mode::Real, "late").await)
    else {
        panic!("it asks again")
    };
    assert_ne!(proposal.id, old.id);
}

#[tokio::test]
async fn what_was_rejected_is_not_proposed_again() {
    let (fleet, store) = (fleet(), MemoryStore::default());
    let _ = cycle(&fleet, Some(&store), Mode::Real, "first").await;
    let rejected = answer(&fleet, &store, Answer::Reject).await;
    let outcome = cycle(&fleet, Some(&store), Mode::Real, "second").await;
    assert_eq!(outcome.as_ref().map(Outcome::status), Ok("rejected"));
    let Asked::Rejected(told) = asked(outcome) else { panic!("it says so") };
    assert_eq!(told.proposal, rejected.id);
    assert_eq!(stored(&store, fleet.now()).await.proposal(), None);
}

#[tokio::test]
async fn a_dry_run_asks_nobody_and_writes_nothing() {
    let (fleet, store) = (fleet(), MemoryStore::default());
    let outcome = cycle(&fleet, Some(&store), Mode::DryRun, "dry").await.unwrap();
    let Outcome::AwaitsApproval { mode: Mode::DryRun, asked } = &outcome else { panic!("{outcome:?}") };
    assert!(matches!(**asked, Asked::Proposed { .. }), "it says what it would ask");
    assert_eq!(outcome.status(), "dry_run");
    assert_eq!(stored(&store, fleet.now()).await, Record::default());
}

#[tokio::test]
async fn without_a_record_nobody_can_be_asked_so_nothing_is_done() {
    let fleet = fleet();
    let outcome = cycle(&fleet, None, Mode::Real, "alone").await;
    assert_eq!(outcome, Err(CycleError::NotBegun(NotBegun::NoRecord)));
}
