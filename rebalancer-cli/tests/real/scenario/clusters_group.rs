//! One consumer group whose members run in two clusters, each a control plane of its own with a rebalancer of its own: they take
//! turns.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;

use crate::harness::control_plane::ControlPlane;
use crate::harness::fixture::{self, Rule};
use crate::harness::fleet::{ACCOUNT, Fleet, Pods};
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::loads::Flow;
use crate::harness::kafka::observed::Observed;
use crate::harness::kafka::pods::{Launch, PodConsumers};
use crate::harness::kafka::protocol::Protocol;
use crate::harness::kafka::world::eager;
use crate::harness::proxy::{Gate, Proxy};
use crate::harness::rebalancer::{Rebalancer, Run, Running};
use crate::harness::wait;

const NOBODY: [usize; 0] = [];
const PODS: usize = 4;
/// What the lock takes, in its own namespace.
const LOCKS: Rule<'static> = ("coordination.k8s.io", &["leases"], &["get", "create", "update"]);

/// A fleet in a cluster of its own, with its part of the group.
struct Side {
    cluster: &'static str,
    fleet: Fleet,
    consumers: PodConsumers,
    before: Pods,
}

/// The group at rest. The first cluster has the lock.
struct TwoClusters {
    eu: Side,
    us: Side,
    /// The namespace of the lock.
    locks: String,
    /// By which the other cluster reaches it.
    to_locks: PathBuf,
}

impl TwoClusters {
    async fn start() -> Self {
        let launch = || Launch::of(Protocol::CooperativeSticky);
        let broker = Broker::shared().await;
        let flows = [Flow::log_normal(&broker.name("orders"), 26, 1.0, 7).hot(3, 3)];
        let [mut eu, mut us] = [fleet().await, fleet().await];
        let here = PodConsumers::launch(&mut eu, launch(), &flows, PODS).await;
        let there = here.launch_beside(&mut us, launch(), PODS).await;
        let (pods_here, pods_there) = (eu.settled().await, us.settled().await);
        let names = here.names(&pods_here).chain(there.names(&pods_there)).collect();
        let _at_rest = Observed::at_rest(&here.clients, &here.source, &names).await;

        let locks = eu.plane.namespace(&eu.client, "locks").await;
        let rules = fixture::rules(&[LOCKS]);
        fixture::grant(&eu.client, &locks, "eu", &rules, (&eu.namespace, ACCOUNT)).await;
        fixture::service_account(&eu.client, &locks, "us", &rules).await;
        let token = eu.plane.token(&eu.client, &locks, "us").await;
        let to_locks = eu.plane.kubeconfig(&us.file("locks"), &eu.plane.url, &token);
        let eu = Side { cluster: "eu", fleet: eu, consumers: here, before: pods_here };
        let us = Side { cluster: "us", fleet: us, consumers: there, before: pods_there };
        Self { eu, us, locks, to_locks }
    }

    /// One in which both want to rotate. Ids are random, and with them who holds what: once in a while all pods of one are alike.
    async fn in_which_both_want_to_rotate() -> Self {
        for _ in 0..8 {
            let made = Self::start().await;
            let dry = async |rebalancer: Rebalancer| {
                let run = rebalancer.env("DRY_RUN", "true").run().await.expect_exit(0);
                decision(&run) == "rotate"
            };
            if dry(made.eu()).await && dry(made.us()).await {
                return made;
            }
        }
        panic!("one of both had nothing to gain in eight groups");
    }

    /// The lock is in its own cluster.
    fn eu(&self) -> Rebalancer {
        self.eu.rebalancer().env("GROUP_LOCK_NAMESPACE", &self.locks)
    }

    fn us(&self) -> Rebalancer {
        let to_locks = self.to_locks.display().to_string();
        let rebalancer = self.us.rebalancer().env("GROUP_LOCK_NAMESPACE", &self.locks);
        rebalancer.env("GROUP_LOCK_KUBECONFIG", to_locks)
    }

    /// Who has the lock, in the only Lease of its namespace.
    async fn holder(&self) -> Option<String> {
        let leases: Api<Lease> = Api::namespaced(self.eu.fleet.client.clone(), &self.locks);
        let leases = leases.list(&Default::default()).await.unwrap().items;
        let [lease] = leases.as_slice() else { panic!("{leases:?}") };
        lease.spec.as_ref().unwrap().holder_identity.clone()
    }
}

impl Side {
    fn rebalancer(&self) -> Rebalancer {
        eager(&self.fleet, &self.consumers)
            .env("CLUSTER_NAME", self.cluster)
            // What a prediction finds depends on ids, which are random; that both have a hot pod does not.
            .env("REBALANCE_STRATEGY", "rotate-outliers")
            .env("MINIMUM_PODS_REQUIRED", "1")
            .env("RECORD_STORE", "lease")
            .env("SETTLE_TIME", "2s")
            .env("CYCLE_TIMEOUT", "20s")
            .env("KUBE_TIMEOUT", "8s")
    }

    async fn gone(&self) -> Vec<usize> {
        self.fleet.gone(&self.before).await
    }
}

async fn fleet() -> Fleet {
    Fleet::named("orders").start_on(ControlPlane::own().await).await
}

fn decision(run: &Run) -> String {
    let decided = run.log_with(&["\"event\":\"decision\""]);
    decided[0]["decision"].as_str().unwrap().to_owned()
}

/// It held, since the other one has the lock, and says so.
fn expect_locked(run: Run) {
    let run = run.expect_exit(0);
    assert_eq!(decision(&run), "group_locked", "{}", run.stderr);
    assert!(run.stderr.contains("has the lock of the consumer group"), "{}", run.stderr);
    assert!(run.stderr.contains("/orders in eu, cycle "), "{}", run.stderr);
}

/// The first cluster's run, right before its first removal.
async fn about_to_remove(both: &TwoClusters) -> (Running, Arc<Gate>, Proxy) {
    let fleet = &both.eu.fleet;
    let (proxy, gate) = Gate::before(fleet.plane, Method::POST, "/eviction".to_owned()).await;
    let running = both.eu().kubeconfig(&fleet.kubeconfig_through(&proxy)).start();
    gate.reached().await;
    (running, gate, proxy)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn of_two_clusters_that_want_to_rotate_one_group_one_does_and_the_other_waits() {
    let both = TwoClusters::in_which_both_want_to_rotate().await;
    let TwoClusters { eu, us, .. } = &both;
    let (running, gate, _proxy) = about_to_remove(&both).await;
    expect_locked(both.us().run().await);
    // A plan is shown as a run would have it.
    let plan = both.us().args(&["plan", "--output", "json"]).run().await.expect_exit(0);
    assert!(plan.stdout.contains("\"group_locked\""), "{}", plan.stdout);
    assert_eq!(us.gone().await, NOBODY);
    gate.open();
    let rotated = running.finish().await.expect_exit(0);
    assert_eq!(decision(&rotated), "rotate", "{}", rotated.stderr);
    assert!(!eu.gone().await.is_empty(), "{}", rotated.stderr);
    assert_eq!(us.gone().await, NOBODY);

    // What it did has to settle, so nobody else has its turn yet.
    let holder = both.holder().await.expect("nobody gives it back after a rotation");
    assert!(holder.contains("/orders in eu, cycle "), "{holder}");
    let check = both.us().args(&["check"]).run().await;
    assert!(check.stdout.contains(&holder), "{}", check.stdout);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_cluster_whose_rebalancer_died_is_waited_for_and_then_the_other_has_its_turn() {
    let both = TwoClusters::in_which_both_want_to_rotate().await;
    let TwoClusters { eu, us, .. } = &both;
    let (running, ..) = about_to_remove(&both).await;
    running.kill().await;
    expect_locked(both.us().run().await);
    expect_locked(both.us().env("DRY_RUN", "true").run().await);
    assert_eq!([eu.gone().await, us.gone().await], [NOBODY, NOBODY]);
    wait::until_within(Duration::from_secs(120), "the other's turn", async || {
        let run = both.us().run().await.expect_exit(0);
        match decision(&run).as_str() {
            "rotate" => Ok(()),
            decision => Err(format!("{decision}: {}", run.stderr)),
        }
    })
    .await;
    let holder = both.holder().await.expect("nobody gives it back after a rotation");
    assert!(holder.contains("/orders in us, cycle "), "{holder}");
    assert!(!us.gone().await.is_empty());
    assert_eq!(eu.gone().await, NOBODY);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn nobody_rotates_while_the_lock_cannot_be_reached_or_may_not_be_taken() {
    let both = TwoClusters::in_which_both_want_to_rotate().await;
    let TwoClusters { eu, us, locks, .. } = &both;
    let expect_unread = |run: Run, words: &str| {
        let run = run.expect_exit(0);
        assert_eq!(decision(&run), "group_lock_unread", "{}", run.stderr);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    };
    // An account of the other cluster that may do nothing in the lock's.
    let stranger = eu.fleet.kubeconfig_with("stranger", &[]).await.display().to_string();
    let without_right = || both.us().env("GROUP_LOCK_KUBECONFIG", &stranger);
    expect_unread(without_right().run().await, "get");
    expect_unread(both.us().env("GROUP_LOCK_CONTEXT", "nowhere").run().await, "nowhere");
    let check = without_right().args(&["check"]).run().await.expect_exit(1);
    assert!(check.stdout.contains("takes the lock of the consumer group"), "{}", check.stdout);
    assert!(check.stdout.contains(locks), "{}", check.stdout);
    eu.fleet.plane.stop_api_server().await;
    expect_unread(both.us().env("KUBE_TIMEOUT", "2s").run().await, "could not be");
    assert_eq!(us.gone().await, NOBODY);
}
