//! Cycles of two clusters that share a lock on their consumer group.

use jiff::{SignedDuration, Timestamp};

use crate::assignor::Assignor;
use crate::cycle::{CycleEnd, CycleError, CycleSpec, GroupLock, MemorySettings, Ports, observe, run};
use crate::history::{HistoryPolicy, MemoryStore, Pause, StateStore};
use crate::policy::{Policy, Strategy, Timing};
use crate::port::{Interruption, Mode};
use crate::report::{Decision, Hold};
use crate::simulation::{Fleet, Shape};

use super::After;

const SETTLES: SignedDuration = SignedDuration::from_mins(10);
const CYCLE: SignedDuration = SignedDuration::from_mins(2);

/// One of two alike, which wants to rotate.
fn fleet() -> Fleet {
    let shape = Shape { assignor: Assignor::Range, timing: Timing::AllAtOnce, seed: 3, ..Shape::default() };
    Fleet::new(&shape).unwrap()
}

fn spec(id: &str, mode: Mode) -> CycleSpec {
    let policy = HistoryPolicy::default().settling_for(SETTLES).unwrap();
    let memory = MemorySettings { policy, lock_for: CYCLE, ..MemorySettings::default() };
    let spec = CycleSpec::new(id, Fleet::workload()).with_mode(mode).with_memory(memory);
    spec.with_policy(Policy::default().with_strategy(Strategy::RotateOutliers))
}

async fn cycle_until(fleet: &Fleet, lock: &MemoryStore, id: &str, mode: Mode, stop: &After) -> CycleEnd {
    let ports = Ports::new(fleet, fleet, fleet, fleet).with_interrupt(stop);
    run(&spec(id, mode), &ports.with_group_lock(GroupLock { store: lock, who: "orders" })).await
}

async fn cycle(fleet: &Fleet, lock: &MemoryStore, id: &str, mode: Mode) -> CycleEnd {
    cycle_until(fleet, lock, id, mode, &After::never()).await
}

fn held(end: &CycleEnd) -> Pause {
    match end.report.as_ref().map(|report| &report.decision) {
        Some(Decision::Hold(Hold::Paused(pause))) => pause.clone(),
        other => panic!("{other:?}"),
    }
}

async fn holder(lock: &MemoryStore, at: Timestamp) -> Option<(String, Option<Timestamp>)> {
    lock.peek(at).await.unwrap().held.map(|held| (held.by, held.until))
}

/// Both call their workload the same: what tells them apart is the cycle.
#[tokio::test]
async fn while_one_rotates_and_settles_the_other_holds_and_then_it_may() {
    let (here, there, lock) = (fleet(), fleet(), MemoryStore::default());
    assert_eq!(cycle(&here, &lock, "here", Mode::Real).await.outcome.unwrap().status(), "rebalanced");
    let until = here.now() + CYCLE + SETTLES;
    let by = "orders, cycle here".to_owned();
    for mode in [Mode::Real, Mode::DryRun] {
        let end = cycle(&there, &lock, "there", mode).await;
        assert_eq!(held(&end), Pause::GroupLocked { by: by.clone(), until: Some(until) });
        assert_eq!(end.outcome.unwrap().status(), "held");
    }
    there.settle(CYCLE + SETTLES);
    assert_eq!(cycle(&there, &lock, "later", Mode::Real).await.outcome.unwrap().status(), "rebalanced");
    assert_eq!(holder(&lock, there.now()).await.unwrap().0, "orders, cycle later");
}

#[tokio::test]
async fn a_cycle_that_removed_nothing_gives_the_lock_back_and_a_dry_run_never_takes_it() {
    let (fleet, lock) = (fleet(), MemoryStore::default());
    assert_eq!(cycle(&fleet, &lock, "dry", Mode::DryRun).await.outcome.unwrap().status(), "dry_run");
    assert_eq!(lock.peek(fleet.now()).await.unwrap().held, None);
    let after = |questions| After(std::sync::Mutex::new(questions), Interruption::Signal);
    let ended = cycle_until(&fleet, &lock, "stopped at once", Mode::Real, &after(0)).await;
    assert!(matches!(ended.outcome, Err(CycleError::Stopped(Interruption::Signal))), "{:?}", ended.outcome);
    assert_eq!(holder(&lock, fleet.now()).await, None);
    let ended = cycle_until(&fleet, &lock, "stopped before a removal", Mode::Real, &after(1)).await;
    assert!(ended.outcome.unwrap().was_asked_to_end());
    assert_eq!(holder(&lock, fleet.now()).await, None);
}

/// Without a plan nobody is asked.
#[tokio::test]
async fn a_balanced_fleet_does_not_ask_for_the_lock() {
    let (here, lock) = (fleet(), MemoryStore::default());
    let taken = lock.acquire(here.now(), "somebody", CYCLE).await.unwrap();
    let mut spec = spec("balanced", Mode::Real);
    spec.policy.balance.tolerance = crate::unit::Tolerance::new(1_000.0).unwrap();
    spec.policy
        .balance
        .variance_thresholds
        .insert(crate::fleet::Indicator::Cpu, crate::unit::Ratio::new(9.0).unwrap());
    let ports = Ports::new(&here, &here, &here, &here);
    let end = run(&spec, &ports.with_group_lock(GroupLock { store: &lock, who: "orders" })).await;
    assert_eq!(end.outcome.unwrap().status(), "balanced");
    assert_eq!(holder(&lock, here.now()).await.unwrap().0, taken.token.holder);
}

/// What `observe` alone decides is what a cycle would, once it is looked at beside the lock.
#[tokio::test]
async fn a_plan_is_shown_as_a_cycle_would_have_it_and_the_lock_stays_as_it_is() {
    let (here, lock) = (fleet(), MemoryStore::default());
    let CycleSpec { subject, policy, .. } = spec("plan", Mode::DryRun);
    let beside = async |policy: &Policy| {
        let sources = Ports::new(&here, &here, &here, &here).sources();
        let seen = observe(&subject, sources, policy, None, here.now()).await.unwrap();
        let lock = GroupLock { store: &lock, who: "plan" };
        lock.beside(seen, policy, here.now()).await.report.decision
    };
    assert!(matches!(beside(&policy).await, Decision::Rotate(_)));
    assert_eq!(holder(&lock, here.now()).await, None);
    let taken = lock.acquire(here.now(), "us", CYCLE).await.unwrap().token;
    let locked = Pause::GroupLocked { by: "us".to_owned(), until: Some(taken.until) };
    assert_eq!(beside(&policy).await, Decision::Hold(Hold::Paused(locked)));
    let mut calm = policy.clone();
    calm.balance.tolerance = crate::unit::Tolerance::new(1_000.0).unwrap();
    let thresholds = &mut calm.balance.variance_thresholds;
    thresholds.insert(crate::fleet::Indicator::Cpu, crate::unit::Ratio::new(9.0).unwrap());
    assert_eq!(beside(&calm).await, Decision::Balanced);
    assert_eq!(holder(&lock, here.now()).await, Some(("us".to_owned(), Some(taken.until))));
}
