//! The scripted world does what it is told.

use jiff::{SignedDuration, Timestamp};

mod group;

use super::*;
use crate::cycle::{self, CycleError, CycleSpec, PodOutcome};
use crate::fixture::NOW;
use crate::fleet::{Indicator, Owner, Pod, PodRef, Uid};
use crate::history::MemoryStore;
use crate::policy::{Persistence, Policy};
use crate::port::{
    Clock as _, Interruption, Inventory as _, InventoryError, MetricsError, Mode, PodDeleter as _,
    RemovalError,
};
use crate::unit::Load;

fn world() -> World {
    let lags = [9000.0, 8000.0, 900.0, 800.0, 700.0, 600.0, 90.0, 80.0];
    let world = World::new("streams", "consumer", NOW);
    lags.into_iter().enumerate().fold(world, |world, (number, lag)| {
        let pod = Pod::new(format!("consumer-{number}"), format!("uid-{number}"))
            .with_owner(Owner::of_apps("StatefulSet", "consumer", "uid-of-the-set"))
            .with_ready_since(NOW - SignedDuration::from_hours(1));
        world.with_pod(pod, [(Indicator::Lag, Load::new(lag).unwrap())])
    })
}

fn spec(world: &World) -> CycleSpec {
    CycleSpec::new("cycle-1", world.workload().clone()).with_mode(Mode::Real)
}

async fn status(world: &World) -> &'static str {
    cycle::run(&spec(world), &world.ports()).await.outcome.unwrap().status()
}

#[tokio::test]
async fn a_cycle_removes_pods_and_the_journal_has_each_step() {
    let world = world();
    assert_eq!(status(&world).await, "rebalanced");
    assert_eq!((world.removed().len(), world.pods().len()), (4, 4));
    let told = world.journal();
    assert_eq!(told.first(), Some(&JournalEntry::Decided("rotate")));
    let [intended, finished] = &told[1..3] else { panic!("{told:?}") };
    let pod = world.removed()[0].clone();
    assert_eq!(intended, &JournalEntry::Intended { pod: pod.clone(), mode: Mode::Real });
    assert_eq!(finished, &JournalEntry::Finished { pod, outcome: PodOutcome::Removed });
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let world = world();
    let end = cycle::run(&spec(&world).with_mode(Mode::DryRun), &world.ports()).await;
    assert_eq!(end.outcome.unwrap().status(), "dry_run");
    assert_eq!((world.removed().len(), world.pods().len()), (0, 8));
}

#[tokio::test]
async fn a_policy_that_asks_for_earlier_readings_gets_them() {
    let world = world();
    let spec = spec(&world).with_policy(Policy::default().with_persistence(Persistence::default()));
    assert_eq!(cycle::run(&spec, &world.ports()).await.outcome.unwrap().status(), "rebalanced");
}

#[tokio::test]
async fn what_is_told_to_fail_fails_until_it_is_told_otherwise() {
    let world = world();
    world.fail_metrics(MetricsError::Unavailable { message: "down".to_owned() });
    let end = cycle::run(&spec(&world), &world.ports()).await;
    assert!(matches!(end.outcome, Err(CycleError::Observe(_))), "{end:?}");
    world.fail_metrics(None);
    let forbidden = InventoryError::Unavailable { message: "down".to_owned() };
    world.fail_inventory(forbidden.clone());
    assert_eq!(world.pod("consumer-1").await, Err(forbidden));
    world.fail_inventory(None);
    assert_eq!(status(&world).await, "rebalanced");
}

#[tokio::test]
async fn a_pod_of_another_uid_is_never_removed() {
    let world = world();
    let pod = |name: &str, uid| PodRef {
        namespace: "streams".to_owned(),
        name: name.to_owned(),
        uid: Uid::new(uid),
    };
    let stranger = pod("consumer-1", "uid-9");
    assert_eq!(world.remove(&stranger, Mode::Real).await, Err(RemovalError::Replaced));
    assert_eq!(world.remove(&pod("x", "uid-1"), Mode::Real).await, Err(RemovalError::Gone));
    assert_eq!(world.pods().len(), 8);
}

#[tokio::test]
async fn a_signal_stops_the_cycle_before_anything_is_done() {
    let world = world();
    world.interrupt(Interruption::Signal);
    world.change_pod("consumer-1", |pod| pod.terminating = true);
    let end = cycle::run(&spec(&world), &world.ports()).await;
    assert!(world.removed().is_empty(), "{end:?}");
}

#[tokio::test]
async fn with_a_store_a_cycle_is_remembered_by_the_clock_of_the_world() {
    let (world, store) = (world(), MemoryStore::default());
    let later = NOW + SignedDuration::from_mins(5);
    world.set_now(later);
    assert_eq!(world.now(), later);
    let end = cycle::run(&spec(&world), &world.ports().with_store(&store)).await;
    let times: Vec<Timestamp> = end.record.unwrap().rotations().iter().map(|rotation| rotation.at).collect();
    assert_eq!(times, [later]);
}
