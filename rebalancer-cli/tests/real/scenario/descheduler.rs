//! The descheduler itself: its own loop evicts pods of the fleet, and the real program works beside it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::neighbors::decision;
use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture::Budget;
use crate::harness::fleet::Fleet;
use crate::harness::kubelet;
use crate::harness::metrics::Server;
use crate::harness::process::Daemon;
use crate::harness::wait;

/// So many cycles are enough for both to have acted.
const CYCLES: usize = 80;

/// What a cycle says that finds the fleet as the descheduler has left it.
const HELD: [&str; 3] = ["disruption_budget", "scaling_in_progress", "pod_count_disagrees"];

const MARK: &str = "descheduler.alpha.kubernetes.io/prefer-no-eviction";

/// Runs it: each second it evicts pods of the fleet that are older than a second, at most so many.
async fn descheduler(fleet: &Fleet, at_most: Option<u32>) -> Daemon {
    let evictor = json!({"name": "DefaultEvictor", "args": {"noEvictionPolicy": "Mandatory"}});
    let lifetime = json!({"maxPodLifeTimeSeconds": 1, "namespaces": {"include": [fleet.namespace]}});
    let profile = json!({
        "name": "young",
        "pluginConfig": [evictor, {"name": "PodLifeTime", "args": lifetime}],
        "plugins": {"deschedule": {"enabled": ["PodLifeTime"]}},
    });
    let mut policy =
        json!({"apiVersion": "descheduler/v1alpha2", "kind": "DeschedulerPolicy", "profiles": [profile]});
    if let Some(most) = at_most {
        policy["maxNoOfPodsToEvictTotal"] = json!(most);
    }
    let policy = fleet.write("policy.json", &policy);
    let kubeconfig = fleet.plane.admin_kubeconfig();
    let args = |port| {
        vec![
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--policy-config-file={policy}"),
            "--descheduling-interval=1s".to_owned(),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--cert-dir={}", fleet.file("certificates").display()),
        ]
    };
    let listens = async |port| TcpStream::connect(("127.0.0.1", port)).await.is_ok();
    Daemon::start("descheduler", fleet.dir.path(), args, listens).await
}

/// The names of those that the program chose to remove.
fn chosen(plan: &Value) -> BTreeSet<String> {
    let removals = plan["decision"]["rotate"]["removals"].as_array().unwrap_or_else(|| panic!("{plan}"));
    removals.iter().map(|removal| removal["pod"]["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
#[ignore]
async fn what_the_real_descheduler_may_not_evict_is_not_moved_here_either() {
    let mut fleet = Fleet::named("spared").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let marked = [&before.0[0], &before.0[5]];
    for pod in marked {
        fleet.annotate(&pod.name, MARK, "").await.unwrap();
    }
    let mut descheduler = descheduler(&fleet, None).await;
    wait::until("the evictions", async || {
        let gone = fleet.gone(&before).await;
        if gone == [1, 2, 3, 4] { Ok(()) } else { Err(format!("gone: {gone:?}")) }
    })
    .await;
    descheduler.stop();

    // Those that stayed are the hottest and the coldest one.
    let after = fleet.settled().await;
    let place = |name: &str| after.0.iter().position(|pod| pod.name == name).unwrap();
    let (hot, cold) = (place(&marked[0].name), place(&marked[1].name));
    let mut others = WORKED_EXAMPLE[1..5].iter();
    fleet.setup.cores = (0..6)
        .map(|pod| match pod {
            _ if pod == hot => WORKED_EXAMPLE[0],
            _ if pod == cold => WORKED_EXAMPLE[5],
            _ => *others.next().unwrap(),
        })
        .collect();
    let metrics = fleet.history(&after).serve(Server::Prometheus).await;
    let names = BTreeSet::from(marked.map(|pod| pod.name.clone()));
    let plan = fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).env("HONORED_ANNOTATIONS", "none");
    let plan = plan.args(&["plan", "--output", "json"]).run().await.expect_exit(0);
    assert!(chosen(&serde_json::from_str(&plan.stdout).unwrap()).is_superset(&names), "{}", plan.stdout);
    let run = fleet.rebalance(&metrics, &FOUR_MAY_GO).await.expect_exit(0);
    let gone = fleet.gone(&after).await;
    assert!(!gone.is_empty() && !gone.contains(&hot) && !gone.contains(&cold), "{gone:?}: {}", run.stderr);
}

/// How few pods of the fleet served at any time that was looked at, until it is dropped.
struct Lowest {
    lowest: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Lowest {
    fn watch(fleet: &Fleet) -> Self {
        let (lowest, is_over) = (Arc::new(AtomicUsize::new(usize::MAX)), Arc::new(AtomicBool::new(false)));
        let (seen, ends) = (Arc::clone(&lowest), Arc::clone(&is_over));
        let pods: Api<Pod> = fleet.api();
        tokio::spawn(async move {
            while !ends.load(Ordering::Relaxed) {
                let all = pods.list(&Default::default()).await.unwrap();
                let serving = all
                    .iter()
                    .filter(|pod| kubelet::is_ready(pod) && pod.metadata.deletion_timestamp.is_none());
                seen.fetch_min(serving.count(), Ordering::Relaxed);
            }
        });
        Self { lowest, is_over }
    }
}

impl Drop for Lowest {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
#[ignore]
async fn beside_the_real_descheduler_a_rotation_keeps_what_the_budget_promises() {
    // Replacements have the names of those that went, so that their loads are known at once.
    let fleet = Fleet::named("beside").cpu(&WORKED_EXAMPLE).hpa(70).stateful_set();
    let fleet = fleet.budget(Budget::MinAvailable(4)).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let lowest = Lowest::watch(&fleet);
    let _descheduler = descheduler(&fleet, Some(1)).await;
    // Pods that were there at any time, and what the program has removed of them.
    let mut seen: BTreeSet<String> = before.0.iter().map(|pod| pod.uid.clone()).collect();
    let (mut rotations, mut removed) = (0, 0);
    for _ in 0..CYCLES {
        let run = fleet.rebalance(&metrics, &FOUR_MAY_GO).await.expect_exit(0);
        let (decision, reason) = decision(&run);
        assert!(decision == "rotate" || HELD.contains(&&*decision), "{decision}: {reason}");
        let gone = run.log_with(&["removal_finished", "\"outcome\":\"removed\""]).len();
        rotations += usize::from(gone > 0);
        removed += gone;
        seen.extend(fleet.pods().await.0.into_iter().map(|pod| pod.uid));
        if rotations >= 3 && seen.len() > before.0.len() + removed {
            break;
        }
    }
    assert!(rotations >= 3, "{rotations} rotations");
    assert!(seen.len() > before.0.len() + removed, "the descheduler evicted: {} pods, {removed}", seen.len());
    let lowest = lowest.lowest.load(Ordering::Relaxed);
    assert!(lowest >= 4, "{lowest} pods served");
}
