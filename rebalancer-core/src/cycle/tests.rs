//! The cycle against a simulated world that changes under its hands.

mod approval;
mod counting;
mod group_lock;
#[cfg(feature = "testing")]
mod recount;

use std::sync::Mutex;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use mockall::mock;

use super::*;
use crate::audit::audit;
use crate::fixture::plan;
use crate::fleet::PodRef;
use crate::fleet::Uid;
use crate::fleet::{Controller, DisruptionBudget};
use crate::fleet::{Hpa, Pod};
use crate::policy::{Policy, Strategy};
use crate::port::{
    Clock, Interrupt, Interruption, Inventory, InventoryError, Mode, PodDeleter, RemovalError,
};
use crate::report::Decision;
use crate::simulation::{Fleet, Shape};

mock! {
    Deleter {}
    #[async_trait]
    impl PodDeleter for Deleter {
        async fn remove(&self, pod: &PodRef, mode: Mode) -> Result<(), RemovalError>;
    }
}

/// Writes the audit trail down as lines.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Journal for Lines {
    fn intended(&self, intent: &Intent<'_>) {
        let Intent { removal, mode, .. } = intent;
        self.0.lock().unwrap().push(format!("intend {} {mode:?}", removal.pod.name));
    }
    fn finished(&self, intent: &Intent<'_>, outcome: &PodOutcome) {
        let removal = intent.removal;
        self.0.lock().unwrap().push(format!("{} {}", outcome.name(), removal.pod.name));
    }
}

/// Asks to stop after it was asked this many times.
struct After(Mutex<usize>, Interruption);

impl After {
    fn never() -> Self {
        Self(Mutex::new(usize::MAX), Interruption::Signal)
    }
}

#[async_trait]
impl Interrupt for After {
    fn requested(&self) -> Option<Interruption> {
        let mut left = self.0.lock().unwrap();
        if *left == 0 {
            return Some(self.1);
        }
        *left -= 1;
        None
    }

    async fn stopped(&self) -> Interruption {
        std::future::pending().await
    }
}

/// A clock that stands still.
struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// An inventory that shows a changed pod when a pod is read again.
struct Changing<'a, F: Fn(Pod) -> Option<Pod> + Send + Sync>(&'a Fleet, F);

#[async_trait]
impl<F: Fn(Pod) -> Option<Pod> + Send + Sync> Inventory for Changing<'_, F> {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        self.0.pods().await
    }
    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError> {
        self.0.hpas().await
    }
    async fn owner(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
    ) -> Result<Option<Controller>, InventoryError> {
        self.0.owner(api_version, kind, name).await
    }
    async fn budgets(&self) -> Result<Vec<DisruptionBudget>, InventoryError> {
        self.0.budgets().await
    }
    async fn pod(&self, name: &str) -> Result<Option<Pod>, InventoryError> {
        Ok(self.0.pod(name).await?.and_then(&self.1))
    }
}

/// The strategy that makes the largest batches, so that there is something to break off.
fn policy() -> Policy {
    Policy::default().with_strategy(Strategy::RotateOutliers)
}

fn subject() -> Subject {
    Subject { workload: Fleet::workload(), hpa_prefix: String::new() }
}

/// A fleet that wants a rotation.
async fn uneven() -> (Fleet, Observation) {
    let fleet = Fleet::new(&Shape { seed: 7, ..Shape::default() }).unwrap();
    let observation =
        observe(&subject(), Sources::new(&fleet, &fleet), &policy(), None, fleet.now()).await.unwrap();
    assert!(matches!(observation.report.decision, Decision::Rotate(_)), "{}", observation.report.decision);
    (fleet, observation)
}

async fn act_with(
    observation: &Observation,
    inventory: &dyn Inventory,
    deleter: &dyn PodDeleter,
    interrupt: &After,
    mode: Mode,
) -> (Outcome, Vec<String>) {
    act_by(&policy(), observation, inventory, deleter, interrupt, mode).await
}

async fn act_by(
    policy: &Policy,
    observation: &Observation,
    inventory: &dyn Inventory,
    deleter: &dyn PodDeleter,
    interrupt: &After,
    mode: Mode,
) -> (Outcome, Vec<String>) {
    let journal = Lines::default();
    let clock = Stopped(observation.snapshot.taken_at);
    let nowhere = Fleet::new(&Shape::default()).unwrap();
    let ports =
        Ports::new(&nowhere, inventory, deleter, &clock).with_journal(&journal).with_interrupt(interrupt);
    let Observation { snapshot, constraints, report, .. } = observation;
    let Decision::Rotate(plan) = &report.decision else { return (Outcome::Held, Vec::new()) };
    let outcome = match audit(plan, snapshot, policy, constraints) {
        Ok(audited) => {
            let settings = ActSettings {
                permission: Permission::NotRequired,
                cycle: "c",
                mode,
                lock_until: None,
                look_every: SignedDuration::from_millis(500),
            };
            Outcome::Acted { mode, pods: act(&audited, &ports, &settings).await }
        }
        Err(violations) => Outcome::AuditFailed(violations),
    };
    (outcome, journal.0.into_inner().unwrap())
}

fn names(outcome: &Outcome) -> Vec<&'static str> {
    match outcome {
        Outcome::Acted { pods, .. } => pods.iter().map(|(_, outcome)| outcome.name()).collect(),
        Outcome::Balanced | Outcome::Held | Outcome::AuditFailed(_) | Outcome::AwaitsApproval { .. } => {
            panic!("{outcome:?}")
        }
    }
}

#[tokio::test]
async fn a_rotation_removes_the_chosen_pods_and_no_other() {
    let (fleet, observation) = uneven().await;
    let Decision::Rotate(plan) = &observation.report.decision else { unreachable!() };
    let mut expected = fleet.loads();
    for removal in &plan.removals {
        expected.remove(&removal.pod.name);
    }
    let (outcome, lines) = act_with(&observation, &fleet, &fleet, &After::never(), Mode::Real).await;
    assert_eq!((outcome.status(), outcome.is_failure()), ("rebalanced", false));
    assert_eq!(fleet.loads(), expected);
    assert_eq!(lines.len(), 2 * plan.removals.len(), "an intent and an outcome each: {lines:?}");
    assert!(lines[0].starts_with("intend") && lines[1].starts_with("removed"), "{lines:?}");
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_is_not_counted_as_done() {
    let (fleet, observation) = uneven().await;
    let before = fleet.loads();
    let (outcome, _) = act_with(&observation, &fleet, &fleet, &After::never(), Mode::DryRun).await;
    assert_eq!(outcome.status(), "dry_run");
    assert!(names(&outcome).iter().all(|name| *name == "would_be_removed"));
    assert_eq!(fleet.loads(), before);
}

#[tokio::test]
async fn a_pod_that_changed_since_the_decision_is_spared() {
    type Change = fn(Pod) -> Option<Pod>;
    let stranger: Change = |pod| Some(Pod { uid: Uid::new("stranger"), ..pod });
    let unready: Change = |pod| Some(Pod { ready: false, ..pod });
    let gone: Change = |_| None;
    for change in [stranger, unready, gone] {
        let (fleet, observation) = uneven().await;
        let before = fleet.loads();
        let inventory = Changing(&fleet, change);
        let (outcome, lines) = act_with(&observation, &inventory, &fleet, &After::never(), Mode::Real).await;
        assert_eq!((outcome.status(), outcome.is_failure()), ("refused", false));
        assert_eq!(fleet.loads(), before);
        // Without a hot pod, cold ones are left alone.
        assert!(lines[0].starts_with("spared"), "{lines:?}");
        assert!(lines[1..].iter().all(|line| line.starts_with("not_attempted")), "{lines:?}");
    }
}

/// Two hot pods and a cold one, of which the first hot one fails after the decision.
#[tokio::test]
async fn cold_pods_wait_until_a_hot_one_is_gone() {
    let (fleet, mut observation) = uneven().await;
    let policy = policy().with_persistence(crate::policy::Persistence::NONE).with_minimum_pods(0);
    let pods = &mut observation.snapshot.pods;
    let cpu = |pod: &&crate::snapshot::ObservedPod| pod.loads.get(crate::fleet::Indicator::Cpu).unwrap();
    let hottest = pods.iter().max_by(|a, b| cpu(a).total_cmp(&cpu(b))).unwrap();
    let (hottest, loads) = (hottest.pod.name.clone(), hottest.loads);
    pods.iter_mut().find(|pod| pod.pod.name != hottest).unwrap().loads = loads;
    observation.report = plan(&observation.snapshot, &policy);
    let Decision::Rotate(plan) = &mut observation.report.decision else { panic!() };
    plan.removals.truncate(3);
    let names: Vec<String> = plan.removals.iter().map(|removal| removal.pod.name.clone()).collect();
    let [first, cold, second] = names.try_into().unwrap();
    let failed = Changing(&fleet, |pod| Some(Pod { ready: pod.name != first, ..pod }));
    let (_, lines) = act_by(&policy, &observation, &failed, &fleet, &After::never(), Mode::DryRun).await;
    let ends: Vec<String> = lines.into_iter().filter(|line| !line.starts_with("intend")).collect();
    assert_eq!(
        ends,
        [format!("spared {first}"), format!("would_be_removed {second}"), format!("would_be_removed {cold}")]
    );
}

#[tokio::test]
async fn a_budgets_refusal_is_no_removal_and_no_failure() {
    let (fleet, observation) = uneven().await;
    let mut deleter = MockDeleter::new();
    let mut first = true;
    deleter.expect_remove().returning(move |_, _| {
        if std::mem::take(&mut first) { Ok(()) } else { Err(RemovalError::Blocked { message: "no".into() }) }
    });
    let (outcome, _) = act_with(&observation, &fleet, &deleter, &After::never(), Mode::Real).await;
    assert_eq!((outcome.status(), outcome.is_failure()), ("partial", false));
    assert_eq!(names(&outcome)[..2], ["removed", "refused"]);
}

#[tokio::test]
async fn a_missing_right_ends_the_batch_as_a_failure() {
    let (fleet, observation) = uneven().await;
    let mut deleter = MockDeleter::new();
    deleter.expect_remove().returning(|_, _| {
        Err(RemovalError::Forbidden { verb: "create", resource: "pods/eviction", message: "no".into() })
    });
    let (outcome, _) = act_with(&observation, &fleet, &deleter, &After::never(), Mode::Real).await;
    assert_eq!((outcome.status(), outcome.is_failure()), ("failed", true));
    assert_eq!(names(&outcome)[..2], ["failed", "not_attempted"]);
}

#[tokio::test]
async fn a_call_without_an_answer_is_neither_removed_nor_repeated() {
    let (fleet, observation) = uneven().await;
    let mut deleter = MockDeleter::new();
    deleter.expect_remove().returning(|_, _| Err(RemovalError::Unknown { message: "time-out".into() }));
    let (outcome, _) = act_with(&observation, &fleet, &deleter, &After::never(), Mode::Real).await;
    assert!(outcome.is_failure());
    assert_eq!(names(&outcome), ["unknown", "not_attempted", "not_attempted"], "one hot pod, two cold ones");
}

#[tokio::test]
async fn an_interrupted_batch_finishes_the_call_in_hand_and_asks_for_no_other() {
    let (fleet, observation) = uneven().await;
    let pods = fleet.loads().len();
    // Asked three times for the first pod, and then before the second.
    for interruption in [Interruption::Signal, Interruption::Deadline] {
        let (outcome, _) =
            act_with(&observation, &fleet, &fleet, &After(Mutex::new(3), interruption), Mode::DryRun).await;
        assert_eq!(names(&outcome)[..2], ["would_be_removed", "not_attempted"]);
        assert!(outcome.is_failure(), "the cycle did not finish");
    }
    assert_eq!(fleet.loads().len(), pods);
}

#[tokio::test]
async fn a_plan_that_breaks_a_rule_is_not_carried_out() {
    let (fleet, mut observation) = uneven().await;
    let before = fleet.loads();
    for pod in &mut observation.snapshot.pods {
        pod.pod.ready = false;
    }
    let (outcome, lines) = act_with(&observation, &fleet, &fleet, &After::never(), Mode::Real).await;
    assert!(matches!(outcome, Outcome::AuditFailed(_)) && outcome.is_failure());
    assert_eq!((fleet.loads(), lines.len()), (before, 0));
}

#[tokio::test]
async fn rotations_make_an_uneven_simulated_fleet_more_even_over_time() {
    for seed in 1..=5 {
        let fleet = Fleet::new(&Shape { seed, ..Shape::default() }).unwrap();
        let cv = || crate::stats::Distribution::of(fleet.loads().into_values()).unwrap().cv;
        let before = cv();
        for _ in 0..20 {
            let observation =
                observe(&subject(), Sources::new(&fleet, &fleet), &Policy::default(), None, fleet.now())
                    .await
                    .unwrap();
            let _ =
                act_by(&Policy::default(), &observation, &fleet, &fleet, &After::never(), Mode::Real).await;
            fleet.settle(SignedDuration::from_mins(10));
        }
        assert!(cv() <= before, "seed {seed}: {before} -> {}", cv());
    }
}

/// A whole cycle over an uneven fleet whose lock lasts a minute, by removals that take so long.
async fn whole_cycle(one_removal: SignedDuration) -> (Fleet, CycleEnd) {
    let (fleet, _) = uneven().await;
    let store = crate::history::MemoryStore::default();
    let memory =
        MemorySettings { lock_for: SignedDuration::from_mins(1), one_removal, ..MemorySettings::default() };
    let spec = CycleSpec::new("c", Fleet::workload())
        .with_policy(policy())
        .with_mode(Mode::Real)
        .with_memory(memory);
    let end = run(&spec, &Ports::new(&fleet, &fleet, &fleet, &fleet).with_store(&store)).await;
    (fleet, end)
}

#[tokio::test]
async fn no_removal_begins_that_could_take_effect_after_the_locks_end() {
    let (_, end) = whole_cycle(SignedDuration::from_secs(59)).await;
    assert!(end.outcome.unwrap().status() == "rebalanced");
    let (fleet, end) = whole_cycle(SignedDuration::from_mins(1)).await;
    let Ok(Outcome::Acted { pods, .. }) = end.outcome else { panic!("{end:?}") };
    let expired = PodOutcome::NotAttempted(NotAttempted::Interrupted(Interruption::LockExpired));
    assert!(pods.iter().all(|(_, outcome)| *outcome == expired), "{pods:?}");
    assert_eq!(fleet.pods().await.unwrap().len(), Shape::default().pods);
}
