//! Cycles that remember, in a simulated world.

use jiff::SignedDuration;

use super::*;
use crate::assignor::Assignor;
use crate::cycle::{
    CycleSpec, Intent, Journal, MemorySettings, PodOutcome, Ports, Sources, Subject, observe, run,
};
use crate::group::{AssumedTiming, TimingBasis};
use crate::history::{Effect, MemoryStore, Pause};
use crate::policy::{Strategy, Timing};
use crate::report::{Hold, Method};
use crate::simulation::{Fleet, Landing, Nodes, Shape, Spread};

const TTL: SignedDuration = SignedDuration::from_mins(1);

/// One cycle as the program makes it; gives what it looked back at, and how it ended.
async fn cycle(
    fleet: &Fleet,
    store: &MemoryStore,
    policy: &Policy,
    mode: Mode,
    id: &str,
) -> (LookBack, Report, Outcome) {
    cycle_with(fleet, store, policy, mode, id, HistoryPolicy::default()).await
}

async fn cycle_with(
    fleet: &Fleet,
    store: &MemoryStore,
    policy: &Policy,
    mode: Mode,
    id: &str,
    history_policy: HistoryPolicy,
) -> (LookBack, Report, Outcome) {
    let memory = MemorySettings { policy: history_policy, lock_for: TTL, one_removal: SignedDuration::ZERO };
    let spec =
        CycleSpec::new(id, Fleet::workload()).with_policy(policy.clone()).with_mode(mode).with_memory(memory);
    let journal = LookedBack::default();
    let ports = Ports::new(fleet, fleet, fleet, fleet).with_store(store).with_journal(&journal);
    let end = run(&spec, &ports).await;
    let look_back = journal.0.into_inner().unwrap();
    (look_back, end.report.unwrap(), end.outcome.unwrap())
}

/// Keeps what a cycle looked back at.
#[derive(Default)]
struct LookedBack(std::sync::Mutex<LookBack>);

impl Journal for LookedBack {
    fn looked_back(&self, look_back: &LookBack) {
        *self.0.lock().unwrap() = look_back.clone();
    }
    fn intended(&self, _: &Intent<'_>) {}
    fn finished(&self, _: &Intent<'_>, _: &PodOutcome) {}
}

/// A fleet under range, where rotate-outliers rotates for ever and changes nothing.
fn hopeless() -> (Fleet, Policy) {
    let shape = Shape { assignor: Assignor::Range, timing: Timing::AllAtOnce, seed: 3, ..Shape::default() };
    let policy = Policy::default().with_strategy(Strategy::RotateOutliers);
    (Fleet::new(&shape).unwrap(), policy)
}

#[tokio::test]
async fn a_rotation_settles_is_measured_and_opens_the_breaker_when_it_never_helps() {
    let (fleet, policy) = hopeless();
    let store = MemoryStore::default();
    let mut removed = 0;
    let mut pauses = Vec::new();
    let mut judged = Vec::new();
    for number in 0..60 {
        let (look_back, report, outcome) =
            cycle(&fleet, &store, &policy, Mode::Real, &format!("cycle-{number}")).await;
        judged.extend(look_back.judged.map(|rotation| rotation.effect));
        if let Decision::Hold(Hold::Paused(pause)) = report.decision {
            pauses.push(pause);
        }
        if let Outcome::Acted { pods, .. } = outcome {
            removed += pods.len();
        }
        fleet.settle(SignedDuration::from_mins(10));
    }
    assert!(judged.iter().all(|effect| matches!(effect, Effect::DidNotHelp { .. })), "{judged:?}");
    assert!(pauses.iter().any(|pause| matches!(pause, Pause::Settling { .. })));
    assert!(pauses.iter().any(|pause| matches!(pause, Pause::BreakerOpen { times: 2, .. })), "{pauses:?}");
    // Ten hours: two rotations, then one trial each time the breaker is half-open, after 1, 2 and 4 hours.
    assert!(removed <= 5 * 4, "{removed} removals");
}

#[tokio::test]
async fn a_prediction_is_shown_against_what_was_measured() {
    let shape = Shape { timing: Timing::AllAtOnce, seed: 7, ..Shape::default() };
    let fleet = Fleet::new(&shape).unwrap();
    let store = MemoryStore::default();
    let policy = Policy::default().with_timing(Some(Timing::AllAtOnce));
    let (_, report, _) = cycle(&fleet, &store, &policy, Mode::Real, "first").await;
    let predicted = report.prediction.unwrap().expected_cv;
    fleet.settle(SignedDuration::from_mins(20));
    let (look_back, _, _) = cycle(&fleet, &store, &policy, Mode::Real, "second").await;
    let rotation = look_back.judged.expect("it has settled");
    let (shown, measured) =
        (rotation.predicted_cv.unwrap().get(), rotation.effect.measured().unwrap().cv.get());
    assert!((shown - predicted).abs() < 1e-6);
    assert!((measured - predicted).abs() < 0.01, "predicted {predicted}, measured {measured}");
}

#[tokio::test]
async fn what_came_of_a_rotation_counts_in_the_cycle_that_measures_it() {
    let shape =
        Shape { assignor: Assignor::CooperativeSticky, timing: Timing::AllAtOnce, ..Shape::default() };
    let fleet = Fleet::new(&Shape { kafka: false, seed: 7, ..shape }).unwrap();
    let store = MemoryStore::default();
    let policy = Policy::default().with_assignor(Some(shape.assignor));
    let (_, _, outcome) = cycle(&fleet, &store, &policy, Mode::Real, "first").await;
    assert!(matches!(outcome, Outcome::Acted { .. }), "{outcome:?}");
    fleet.settle(SignedDuration::from_mins(20));
    let (look_back, report, _) = cycle(&fleet, &store, &policy, Mode::Real, "second").await;
    assert!(look_back.judged.is_some());
    let Method::Predict { timing, .. } = report.method else { panic!("{:?}", report.method) };
    assert_ne!(
        timing,
        AssumedTiming::only(Timing::LeaveThenJoin, TimingBasis::Nothing),
        "it was another one"
    );
}

#[tokio::test]
async fn a_dry_run_decides_by_memory_and_writes_nothing() {
    let (fleet, policy) = hopeless();
    let store = MemoryStore::default();
    let (_, _, outcome) = cycle(&fleet, &store, &policy, Mode::DryRun, "dry").await;
    assert_eq!(outcome.status(), "dry_run");
    assert_eq!(store.peek(fleet.now()).await.unwrap().record, Record::default());
    let _ = cycle(&fleet, &store, &policy, Mode::Real, "real").await;
    fleet.settle(SignedDuration::from_mins(10));
    let (_, report, _) = cycle(&fleet, &store, &policy, Mode::DryRun, "dry again").await;
    assert!(
        matches!(report.decision, Decision::Hold(Hold::Paused(Pause::Settling { .. }))),
        "{}",
        report.decision
    );
}

#[tokio::test]
async fn of_two_overlapping_runs_one_is_told_who_holds_the_lock() {
    let (fleet, _) = hopeless();
    let store = MemoryStore::default();
    let now = fleet.now();
    let first = Memory::open(&store, "first", Mode::Real, TTL, HistoryPolicy::default(), now).await.unwrap();
    let second = Memory::open(&store, "second", Mode::Real, TTL, HistoryPolicy::default(), now).await;
    assert!(matches!(second, Err(StateError::Held { by, .. }) if by == "first"));
    first.close(&store, Ok(&Outcome::Balanced), CycleCost::default(), now).await.unwrap();
    assert!(Memory::open(&store, "second", Mode::Real, TTL, HistoryPolicy::default(), now).await.is_ok());
}

#[tokio::test]
async fn a_run_that_was_killed_frees_the_lock_by_expiry_and_the_next_one_finishes_its_story() {
    let (fleet, policy) = hopeless();
    let store = MemoryStore::default();
    let now = fleet.now();
    let mut killed =
        Memory::open(&store, "killed", Mode::Real, TTL, HistoryPolicy::default(), now).await.unwrap();
    let subject = Subject { workload: Fleet::workload(), hpa_prefix: String::new() };
    let observation = observe(&subject, Sources::new(&fleet, &fleet), &policy, None, now).await.unwrap();
    let Decision::Rotate(plan) = &observation.report.decision else {
        panic!("{}", observation.report.decision)
    };
    killed.begin(&store, &observation.report, plan, Permission::NotRequired, now).await.unwrap();
    crate::port::PodDeleter::remove(&fleet, &plan.removals[0].pod, Mode::Real).await.unwrap();
    drop(killed);
    fleet.settle(SignedDuration::from_mins(10));
    let (look_back, report, _) = cycle(&fleet, &store, &policy, Mode::Real, "next").await;
    assert_eq!(look_back.reconciled.len(), plan.removals.len());
    let gone = |story: &&ReconciledRemoval| story.uid == plan.removals[0].pod.uid;
    let story = look_back.reconciled.iter().find(gone).unwrap();
    assert_eq!(story.found, crate::history::Found::Removed);
    assert!(
        matches!(report.decision, Decision::Hold(Hold::Paused(_))),
        "it may have happened: {}",
        report.decision
    );
}

#[tokio::test]
async fn the_removal_budget_limits_a_plan_across_runs() {
    let (fleet, policy) = hopeless();
    let store = MemoryStore::default();
    let budget = crate::history::Budget::new(2, SignedDuration::from_hours(1)).unwrap();
    let history_policy = HistoryPolicy::default().spending(Some(budget));
    let memory = Memory::open(&store, "cycle", Mode::Real, TTL, history_policy, fleet.now()).await.unwrap();
    let constraints = memory.constraints(fleet.now());
    assert_eq!(constraints.most_removals, Some(2));
    let report = crate::planner::plan(&fleet.snapshot().unwrap(), &policy, &constraints);
    assert!(
        matches!(&report.decision, Decision::Rotate(plan) if plan.removals.len() == 2),
        "{}",
        report.decision
    );
}

#[tokio::test]
async fn a_spent_budget_is_the_reason_that_is_given() {
    let (fleet, policy) = hopeless();
    let store = MemoryStore::default();
    let settle = HistoryPolicy::default().settling_for(SignedDuration::from_secs(1)).unwrap();
    let budget = crate::history::Budget::new(4, SignedDuration::from_hours(1)).unwrap();
    let history_policy = settle.spending(Some(budget));
    let mut removed = 0;
    let mut last = None;
    for number in 0..4 {
        let id = format!("cycle-{number}");
        let (_, report, outcome) = cycle_with(&fleet, &store, &policy, Mode::Real, &id, history_policy).await;
        if let Outcome::Acted { pods, .. } = outcome {
            removed += pods.len();
        }
        last = Some(report.decision);
        fleet.settle(SignedDuration::from_mins(6));
    }
    assert!((3..=4).contains(&removed), "{removed}");
    assert!(
        matches!(
            last,
            Some(Decision::Hold(Hold::Paused(Pause::BudgetSpent { .. } | Pause::BreakerOpen { .. })))
        ),
        "{last:?}"
    );
}

/// Every pod of one node of four costs twice as much: three to five of them. Replacements land where `landing` says.
fn one_slow_node(landing: Landing) -> (Fleet, Policy) {
    let nodes = Nodes { slow_share: 0.25, cost_factor: 2.0, landing };
    let base = Shape { assignor: Assignor::Range, nodes, spread: Spread::Equal, ..Shape::default() };
    let slow = |fleet: &Fleet| fleet.loads().values().filter(|load| load.get() > 1.0).count();
    let fleets = (1..100).map(|seed| Fleet::new(&Shape { seed, ..base }).unwrap());
    let fleet = fleets.into_iter().find(|fleet| (3..=5).contains(&slow(fleet))).unwrap();
    (fleet, Policy::default().with_assignor(Some(base.assignor)))
}

#[tokio::test]
async fn pods_of_a_slow_node_are_replaced_until_it_is_known_that_replacements_are_as_slow() {
    let course = async |landing| {
        let (fleet, policy) = one_slow_node(landing);
        let store = MemoryStore::default();
        let (mut removed, mut last) = (0, None);
        for number in 0..30 {
            let id = format!("cycle-{number}");
            let (_, report, outcome) = cycle(&fleet, &store, &policy, Mode::Real, &id).await;
            if let Outcome::Acted { pods, .. } = outcome {
                removed += pods.len();
            }
            last = Some(report.decision);
            fleet.settle(SignedDuration::from_mins(20));
        }
        (removed, last.unwrap())
    };
    let (removed, last) = course(Landing::SameNode).await;
    assert!((2..=4).contains(&removed), "{removed}");
    assert!(
        matches!(&last, Decision::Hold(Hold::SlowNode { node, replacements: 2.., .. }) if node == "node-000"),
        "{last}"
    );
    let (moved, last) = course(Landing::AnyNode).await;
    assert!(moved > removed, "{moved}: on other nodes they are no slower, and all of them go there");
    assert!(!matches!(last, Decision::Hold(Hold::SlowNode { .. })), "{last}");
}
