//! A process that stays: it acts as a run does, by what its watches tell.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::Method;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use serde_json::json;

use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture::{self, Rule};
use crate::harness::fleet::{ACCOUNT, Fleet, Pods};
use crate::harness::installed::{RELEASE, values};
use crate::harness::kafka::pods::Launch;
use crate::harness::kafka::protocol::Protocol;
use crate::harness::kafka::world::World;
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::proxy::{Pass, Proxy};
use crate::harness::rebalancer::Rebalancer;
use crate::harness::serving::Serving;
use crate::harness::wait;

/// What `serve` needs besides what a run does.
pub(super) const WATCHES: [Rule<'static>; 4] = [
    ("", &["pods"], &["watch"]),
    ("autoscaling", &["horizontalpodautoscalers"], &["watch"]),
    ("policy", &["poddisruptionbudgets"], &["watch"]),
    ("coordination.k8s.io", &["leases"], &["get", "create", "update"]),
];

/// Cycles as often as they may be, and the shortest Lease.
pub(super) const QUICK: [(&str, &str); 5] = [
    ("INTERVAL", "1s"),
    ("SHORTEST_INTERVAL", "1s"),
    ("KUBE_TIMEOUT", "1s"),
    ("LEADER_LEASE_DURATION", "6s"),
    FOUR_MAY_GO[0],
];

/// A fleet that is out of balance, whose account may watch.
pub(super) struct Watched {
    pub(super) fleet: Fleet,
    pub(super) before: Pods,
    pub(super) metrics: MetricServer,
}

impl Watched {
    pub(super) async fn start(name: &str) -> Self {
        let fleet = Fleet::named(name).cpu(&WORKED_EXAMPLE).hpa(70).start().await;
        let before = fleet.settled().await;
        let metrics = fleet.history(&before).serve(Server::VictoriaMetrics).await;
        let Fleet { client, namespace, .. } = &fleet;
        let rules = fixture::rules(&WATCHES);
        fixture::grant(client, namespace, "watches", &rules, (namespace, ACCOUNT)).await;
        Self { fleet, before, metrics }
    }

    pub(super) fn rebalancer(&self) -> Rebalancer {
        self.fleet.rebalancer(&self.metrics).args(&["serve"]).envs(&QUICK)
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_fleet_out_of_balance_is_rotated_once_and_the_lease_is_given_back_at_the_end() {
    let watched = Watched::start("serve").await;
    let rebalancer = watched.rebalancer().env("RECORD_STORE", "lease").env("KUBE_EVENTS", "false");
    let mut serving = Serving::start(rebalancer).await;
    assert_eq!(serving.get("/healthz").await, (200, "ok\n".to_owned()));
    wait::until("it is ready", async || match serving.get("/readyz").await {
        (200, text) if text.contains("this replica acts") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let finished = serving.until("cycle_finished", 2).await;
    assert_eq!(finished[0]["status"], "rebalanced", "{:#?}", serving.log());
    assert_eq!(finished[0]["removed"], 4);
    assert_eq!(finished[1]["status"], "held", "{:#?}", serving.log());
    let (status, metrics) = serving.get("/metrics").await;
    assert_eq!(status, 200);
    for series in ["rebalancer_pods_deleted_total", "rebalancer_leader", "rebalancer_pods"] {
        assert!(metrics.contains(&format!("{series}{{")), "{series} in\n{metrics}");
    }
    assert_eq!(watched.fleet.gone(&watched.before).await.len(), 4);
    assert_eq!(serving.terminated().await, 0, "{:#?}", serving.log());
    assert_eq!(serving.until("leadership_given_back", 1).await[0]["ok"], true);
}

/// Lists and watches of pods, and how often one of them came.
#[derive(Default)]
struct Asked {
    collections: AtomicUsize,
    cut: AtomicBool,
}

impl Asked {
    async fn proxy(self: &Arc<Self>, fleet: &Fleet) -> Proxy {
        let asked = Arc::clone(self);
        Proxy::start(fleet.plane, move |method, path| {
            let collection = method == Method::GET && path.ends_with("/pods");
            asked.collections.fetch_add(usize::from(collection), Ordering::SeqCst);
            let cut = asked.cut.load(Ordering::SeqCst) && collection;
            async move {
                match cut {
                    true => Pass::Answer(503, "no".to_owned()),
                    false => Pass::Forward,
                }
            }
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn cycles_ask_for_no_list_and_a_watch_that_stays_silent_holds() {
    let watched = Watched::start("listless").await;
    let asked = Arc::new(Asked::default());
    let proxy = asked.proxy(&watched.fleet).await;
    let rebalancer = watched.rebalancer().kubeconfig(&watched.fleet.kubeconfig_through(&proxy));
    let serving = Serving::start(rebalancer.envs(&[("DRY_RUN", "true"), ("WATCH_STALE_AFTER", "40s")])).await;
    let finished = serving.until("cycle_finished", 8).await;
    assert!(finished.iter().all(|cycle| cycle["status"] == "dry_run"), "{finished:#?}");
    let collections = asked.collections.load(Ordering::SeqCst);
    assert!(collections <= 4, "{collections} lists and watches in 8 cycles");
    // The watch in hand ends within 30 seconds, and no other begins.
    asked.cut.store(true, Ordering::SeqCst);
    let stale = wait::until_within(wait::PATIENCE * 2, "a hold", async || {
        let mut holds = serving.events("decision").into_iter();
        holds.rfind(|line| line.to_string().contains("watch")).ok_or_else(String::new)
    })
    .await;
    assert!(stale.to_string().contains("503"), "{stale:#}");
    asked.cut.store(false, Ordering::SeqCst);
    let held = serving.events("cycle_finished").len();
    wait::until("it acts again", async || {
        let after = serving.events("cycle_finished");
        match after.iter().skip(held).any(|cycle| cycle["status"] == "dry_run") {
            true => Ok(()),
            false => Err(format!("{:?}", after.last())),
        }
    })
    .await;
}

/// What the chart gives to its Deployment is all that it takes.
#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn the_charts_deployment_has_the_rights_that_it_needs_and_acts() {
    let fleet = Fleet::named("installed").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let mut values = values(&fleet, &metrics);
    values["serve"] = json!({"enabled": true});
    fleet.install(&values).await;
    let deployment = fleet.api::<Deployment>().get(RELEASE).await.unwrap();
    let pod = deployment.spec.unwrap().template.spec.unwrap();
    let mut serving = Serving::start(fleet.container(&pod).await).await;
    let finished = serving.until("cycle_finished", 1).await;
    assert_eq!(finished[0]["status"], "rebalanced", "{:#?}", serving.log());
    assert_eq!(serving.events("watch_broken"), [json!(null); 0]);
    assert_eq!(fleet.gone(&before).await.len(), 4);
    assert_eq!(serving.terminated().await, 0);
    let lease = fleet.api::<Lease>().get("pod-rebalancer-leader").await.unwrap();
    assert_eq!(lease.spec.unwrap().holder_identity, None, "it was given back");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_pod_that_comes_begins_a_cycle_long_before_its_time() {
    let watched = Watched::start("eager").await;
    let rebalancer = watched.rebalancer().envs(&[("DRY_RUN", "true"), ("INTERVAL", "1h")]);
    let serving = Serving::start(rebalancer).await;
    serving.until("cycle_finished", 1).await;
    let pod = &watched.before.0[5];
    watched.fleet.terminate(pod).await;
    serving.until("cycle_finished", 2).await;
}

/// What a replica waits for is said where somebody looks, and goes away when the right is there.
#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn without_the_right_to_its_lease_nobody_acts_and_readyz_says_so() {
    let fleet = Fleet::named("unelected").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let Fleet { client, namespace, .. } = &fleet;
    let (leases, watches) = WATCHES.split_last().map(|(leases, watches)| ([*leases], watches)).unwrap();
    // The workload's own Lease may be created, and no other be read.
    fixture::grant(client, namespace, "watches", &fixture::rules(watches), (namespace, ACCOUNT)).await;
    let serving = Serving::start(fleet.rebalancer(&metrics).args(&["serve"]).envs(&QUICK)).await;
    let unready = wait::until("it says why", async || match serving.get("/readyz").await {
        (503, text) if text.contains("leases") => Ok(text),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert!(unready.contains("pod-rebalancer-leader") && unready.contains("cannot get"), "{unready}");
    assert_eq!(serving.events("cycle_started"), [json!(null); 0]);
    fixture::grant(client, namespace, "leader", &fixture::rules(&leases), (namespace, ACCOUNT)).await;
    serving.until("cycle_finished", 1).await;
    assert_eq!(serving.get("/readyz").await.0, 200);
}

/// A member elsewhere is none of the fleet's pods: only Kafka tells of it.
#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_group_that_is_rebalanced_begins_a_cycle_long_before_its_time() {
    let mut world = World::start(Launch::of(Protocol::CooperativeSticky)).await;
    let Fleet { client, namespace, .. } = &world.fleet;
    fixture::grant(client, namespace, "watches", &fixture::rules(&WATCHES), (namespace, ACCOUNT)).await;
    let rebalancer = world.rebalancer().args(&["serve"]).envs(&QUICK);
    let serving = Serving::start(rebalancer.envs(&[("DRY_RUN", "true"), ("INTERVAL", "1h")])).await;
    serving.until("cycle_finished", 1).await;
    let quiet =
        wait::until_still("the cycles that pods begin", async || serving.events("cycle_finished").len());
    let quiet = quiet.await;
    world.consumers.add_outside("laptop").await;
    let groups = serving.until("cycle_finished", quiet + 1).await;
    assert!(groups.len() > quiet);
    let last = serving.events("group").pop().unwrap();
    assert_eq!(last["elsewhere"], 1, "{last:#}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn the_file_of_workloads_is_read_again_and_a_broken_one_changes_nothing() {
    let watched = Watched::start("reload").await;
    let versions = Mutex::new(0);
    // As the kubelet does it: a link to a new folder is put in place of the old one.
    let publish = |text: String| {
        let mut version = versions.lock().unwrap();
        *version += 1;
        let folder = watched.fleet.file(&format!("version-{version}"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("workloads.yaml"), text).unwrap();
        let (fresh, data) = (watched.fleet.file("..data_tmp"), watched.fleet.file("..data"));
        std::os::unix::fs::symlink(&folder, &fresh).unwrap();
        std::fs::rename(&fresh, &data).unwrap();
    };
    let entry =
        |dry_run: &str| json!({"workloads": [{"DEPLOYMENT_NAME": "reload", "DRY_RUN": dry_run}]}).to_string();
    publish(entry("true"));
    let file = watched.fleet.file("..data").join("workloads.yaml");
    let rebalancer = watched.rebalancer().without("DEPLOYMENT_NAME");
    let serving = Serving::start(rebalancer.env("WORKLOADS_FILE", file.display().to_string())).await;
    assert_eq!(serving.until("cycle_finished", 1).await[0]["status"], "dry_run");
    publish("workloads: [{DRY_RUN: perhaps}]".to_owned());
    let rejected = serving.until("workloads_rejected", 1).await;
    assert!(rejected[0]["problems"].as_str().unwrap().contains("DRY_RUN"), "{rejected:#?}");
    let so_far = serving.events("cycle_finished").len();
    let goes_on = serving.until("cycle_finished", so_far + 2).await;
    assert!(goes_on.iter().all(|cycle| cycle["status"] == "dry_run"), "{goes_on:#?}");
    publish(entry("false"));
    wait::until("it acts by the new version", async || {
        let cycles = serving.events("cycle_finished");
        match cycles.iter().any(|cycle| cycle["status"] == "rebalanced") {
            true => Ok(()),
            false => Err(format!("{:?}", cycles.last())),
        }
    })
    .await;
}
