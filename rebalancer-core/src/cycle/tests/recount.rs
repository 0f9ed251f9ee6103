//! What a cycle asks of the fleet before each removal.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::fleet::{Indicator, Owner, Progress, Workload};
use crate::guard::NotNow;
use crate::testing::World;
use crate::unit::{Cores, Load};

fn workload() -> Workload {
    Workload { namespace: "shop".to_owned(), name: "orders".to_owned() }
}

/// A Deployment of ten pods, one of which is hot; and how often all of its pods were listed.
struct Deployment {
    world: World,
    listed: AtomicU64,
    /// Pods that fail right after they were listed for the decision.
    failing: usize,
}

impl Deployment {
    const POD: &str = "orders-6f-";

    fn new(failing: usize) -> Self {
        Self::of("Deployment", failing)
    }

    /// A fleet whose own object is of this kind.
    fn of(kind: &str, failing: usize) -> Self {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let since = now - SignedDuration::from_hours(1);
        let object = |kind: &str, name: &str, owner: Option<Owner>| Controller {
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            uid: Uid::new(name),
            annotations: BTreeMap::new(),
            marks: Vec::new(),
            owner,
            progress: Some(Progress { status_is_current: true, desired: 10, current: 10, updated: 10 }),
            at_work: None,
        };
        let owner = Owner::of_apps(kind, "orders", "orders");
        let mut world = World::new("shop", "orders", now)
            .with_controller(object(kind, "orders", None))
            .with_controller(object("ReplicaSet", "orders-6f", Some(owner)));
        for number in 0..10_u32 {
            let load = if number == 0 { 2.0 } else { 0.5 };
            let pod = Pod::new(format!("{}{number}", Self::POD), format!("uid-{number}"))
                .with_ready_since(since)
                .with_owner(Owner::of_apps("ReplicaSet", "orders-6f", "orders-6f"))
                .with_label("pod-template-hash", "6f")
                .with_cpu_request(Cores::new(1.0).unwrap());
            world = world.with_pod(pod, [(Indicator::Cpu, Load::new(load).unwrap())]);
        }
        Self { world, listed: AtomicU64::new(0), failing }
    }

    async fn cycle(&self) -> Vec<(String, PodOutcome)> {
        let policy = policy().with_persistence(crate::policy::Persistence::NONE);
        let spec = CycleSpec::new("c", workload()).with_policy(policy);
        let Self { world, .. } = self;
        let end = run(&spec, &Ports::new(world, self, world, world)).await;
        let Ok(Outcome::Acted { pods, .. }) = end.outcome else { panic!("{end:?}") };
        pods.into_iter().map(|(removal, outcome)| (removal.pod.name, outcome)).collect()
    }
}

#[async_trait]
impl Inventory for Deployment {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        let mut pods = Inventory::pods(&self.world).await?;
        if self.listed.fetch_add(1, Ordering::Relaxed) > 0 {
            pods.iter_mut().rev().take(self.failing).for_each(|pod| pod.ready = false);
        }
        Ok(pods)
    }
    async fn owner(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
    ) -> Result<Option<Controller>, InventoryError> {
        self.world.owner(api_version, kind, name).await
    }
    async fn pod(&self, name: &str) -> Result<Option<Pod>, InventoryError> {
        let mut pods = Inventory::pods(&self.world).await?;
        pods.iter_mut().rev().take(self.failing).for_each(|pod| pod.ready = false);
        Ok(pods.into_iter().find(|pod| pod.name == name))
    }
    async fn pods_unlike(&self, label: &str, value: &str) -> Result<Vec<Pod>, InventoryError> {
        let mut pods = Inventory::pods(&self.world).await?;
        pods.retain(|pod| pod.labels.get(label).is_none_or(|found| found != value));
        Ok(pods)
    }
}

#[tokio::test]
async fn a_fleet_is_listed_once_a_cycle_however_many_pods_go() {
    // Of a Rollout, pods of other revisions are looked for once.
    for kind in ["Deployment", "Rollout"] {
        let deployment = Deployment::of(kind, 0);
        let pods = deployment.cycle().await;
        assert!(pods.len() > 1 && pods.iter().all(|(_, end)| *end == PodOutcome::WouldBeRemoved), "{pods:?}");
        assert_eq!(deployment.listed.load(Ordering::Relaxed), 1, "{kind}");
    }
}

#[tokio::test]
async fn where_single_pods_do_not_prove_that_enough_serve_the_whole_fleet_is_counted() {
    for (failing, listed) in [(4, 1), (9, 2)] {
        let deployment = Deployment::new(failing);
        let pods = deployment.cycle().await;
        let few = PodOutcome::NotAttempted(NotAttempted::TooFewLeft { serving: 1, minimum: 3 });
        let expected = if failing == 9 { few } else { PodOutcome::WouldBeRemoved };
        assert_eq!((&*pods[0].0, &pods[0].1), ("orders-6f-0", &expected));
        assert!(deployment.listed.load(Ordering::Relaxed) >= listed);
    }
}

#[tokio::test]
async fn a_pod_of_another_revision_stops_a_batch_before_its_first_removal() {
    let deployment = Deployment::of("Rollout", 0);
    let mut observed = observe(
        &workload().into(),
        Sources::new(&deployment.world, &deployment),
        &policy().with_persistence(crate::policy::Persistence::NONE),
        None,
        deployment.world.now(),
    )
    .await
    .unwrap();
    // What was decided on was of an earlier template.
    for pod in &mut observed.snapshot.pods {
        pod.pod.labels.insert("pod-template-hash".to_owned(), "5d".to_owned());
    }
    let policy = policy().with_persistence(crate::policy::Persistence::NONE);
    let new = Rolled(deployment);
    let (outcome, _) = act_by(&policy, &observed, &new, &new.0.world, &After::never(), Mode::DryRun).await;
    let Outcome::Acted { pods, .. } = outcome else { panic!("{outcome:?}") };
    let rollout = |outcome: &PodOutcome| {
        matches!(
            outcome,
            PodOutcome::NotAttempted(NotAttempted::NotNow(NotNow::RolloutInProgress {
                updated: 1,
                current: 10,
                ..
            }))
        )
    };
    assert!(rollout(&pods[0].1), "{pods:?}");
}

/// One pod is of the new template, and nine of the earlier one; the Deployment itself does not tell yet.
struct Rolled(Deployment);

#[async_trait]
impl Inventory for Rolled {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        let mut pods = self.0.pods().await?;
        for pod in pods.iter_mut().skip(1) {
            pod.labels.insert("pod-template-hash".to_owned(), "5d".to_owned());
        }
        pods[0].created_at = pods[1].created_at.map(|at| at + SignedDuration::from_mins(1));
        Ok(pods)
    }
    async fn owner(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
    ) -> Result<Option<Controller>, InventoryError> {
        self.0.owner(api_version, kind, name).await
    }
}
