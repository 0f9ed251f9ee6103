//! Series that tell whose they are, compared with what the API server says of pods and containers: a container that died,
//! and a pod's predecessor of the same name, are still shown for some minutes.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::harness::check::check;
use crate::harness::fleet::{Fleet, Pods, SeenPod};
use crate::harness::kubelet::container_id;
use crate::harness::metrics::{History, Server};

const MEMORY: &str = "container_memory_working_set_bytes";
/// Bytes of six pods in balance.
const EVEN: f64 = 3e8;
/// What a container had that ran out of memory.
const DEAD: f64 = 1.6e9;
const VARIABLES: [(&str, &str); 3] =
    [("MINIMUM_PODS_REQUIRED", "2"), ("REBALANCE_STRATEGY", "rotate-outliers"), ("INDICATORS", "memory")];

/// Where cAdvisor sees a container, as the two drivers of the kubelet have it.
fn cgroup(uid: &str, restarts: u32, server: Server) -> String {
    let id = container_id(uid, restarts);
    let id = id.strip_prefix("containerd://").unwrap();
    match server {
        Server::Prometheus => format!("/kubepods/burstable/pod{uid}/{id}"),
        Server::VictoriaMetrics => format!(
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{}.slice/cri-containerd-{id}.scope",
            uid.replace('-', "_")
        ),
    }
}

/// One more series of memory, from this cgroup; without a cgroup as a scrape shows it that drops the label.
fn memory(fleet: &Fleet, history: History, pod: &SeenPod, cgroup: Option<&str>, bytes: f64) -> History {
    let mut labels = vec![("pod", pod.name.as_str()), ("container", fleet.name()), ("image", "i")];
    labels.extend(cgroup.map(|cgroup| ("id", cgroup)));
    history.gauge(MEMORY, &labels, bytes)
}

/// The first container of each of these pods, with as much memory as the others.
fn even(fleet: &Fleet, pods: &[SeenPod], server: Server) -> History {
    pods.iter().fold(History::new(&fleet.namespace, fleet.name()), |history, pod| {
        memory(fleet, history, pod, Some(&cgroup(&pod.uid, 0, server)), EVEN)
    })
}

/// The container of this pod died a minute ago, and another one runs.
async fn restart(fleet: &Fleet, pod: &SeenPod) {
    let started = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(1);
    let status = json!({"name": fleet.name(), "image": "registry.invalid/consumer:1", "imageID": "", "ready": true,
        "restartCount": 1, "containerID": container_id(&pod.uid, 1), "state": {"running": {"startedAt": started}}});
    let patch = Patch::Merge(json!({"status": {"containerStatuses": [status]}}));
    fleet.api::<Pod>().patch_status(&pod.name, &PatchParams::default(), &patch).await.unwrap();
}

/// What `plan` decides, and the memory that it shows of each pod.
async fn planned(fleet: &Fleet, pods: &Pods, history: History, server: Server) -> (String, Vec<Option<f64>>) {
    let metrics = history.serve(server).await;
    let plan = fleet.rebalancer(&metrics).envs(&VARIABLES).args(&["plan", "--output", "json"]);
    let plan: Value = serde_json::from_str(&plan.run().await.expect_exit(0).stdout).unwrap();
    let of = |pod: &SeenPod| {
        let shown = plan["pods"].as_array().unwrap().iter().find(|shown| shown["name"] == pod.name.as_str());
        shown.unwrap()["loads"]["memory"].as_f64()
    };
    let decision = &plan["decision"];
    let decision = match decision["hold"]["reason"].as_str().or(decision.as_str()) {
        Some(name) => name.to_owned(),
        None => "rotate".to_owned(),
    };
    (decision, pods.0.iter().map(of).collect())
}

#[tokio::test]
#[ignore]
async fn the_running_container_s_memory_is_used_at_once_and_a_dead_one_s_never() {
    let fleet = Fleet::named("revived").cpu(&[0.5; 6]).hpa(70).aged().start().await;
    let pods = fleet.settled().await;
    let first = &pods.0[0];
    restart(&fleet, first).await;
    for server in Server::BOTH {
        let others = || even(&fleet, &pods.0[1..], server);
        let [dead, running] = [0, 1].map(|restarts| cgroup(&first.uid, restarts, server));
        let both = memory(&fleet, others(), first, Some(&dead), DEAD);
        let both = memory(&fleet, both, first, Some(&running), EVEN);
        let (decision, shown) = planned(&fleet, &pods, both.clone(), server).await;
        assert_eq!((decision.as_str(), shown), ("balanced", vec![Some(EVEN); 6]), "{server:?}");
        // Scraped by a second job that drops the label, as the larger one of both.
        let copied = memory(&fleet, both, first, None, DEAD).labelled(&[("job", "kubelet")]);
        let (decision, shown) = planned(&fleet, &pods, copied, server).await;
        assert_eq!((decision.as_str(), shown), ("balanced", vec![Some(EVEN); 6]), "{server:?}");
        // Before the first scrape of the container that runs, nothing is known of it.
        let alone = memory(&fleet, others(), first, Some(&dead), DEAD);
        let (decision, shown) = planned(&fleet, &pods, alone, server).await;
        assert_eq!((decision.as_str(), shown[0], shown[1]), ("balanced", None, Some(EVEN)), "{server:?}");
        // Where series don't tell, it may be anybody's for five minutes.
        let plain = memory(&fleet, others(), first, None, DEAD);
        assert_eq!(planned(&fleet, &pods, plain, server).await.1[0], None, "{server:?}");
        // The other way round: it is the running one that is hot.
        let hot = memory(&fleet, others(), first, Some(&dead), EVEN);
        let hot = memory(&fleet, hot, first, Some(&running), DEAD);
        let (decision, shown) = planned(&fleet, &pods, hot, server).await;
        assert_eq!((decision.as_str(), shown[0]), ("rotate", Some(DEAD)), "{server:?}");
    }
}

#[tokio::test]
#[ignore]
async fn a_predecessor_of_the_same_name_lends_its_successor_no_load() {
    let fleet = Fleet::named("heirs").stateful_set().cpu(&[0.5; 6]).hpa(70).start().await;
    let before = fleet.settled().await;
    fleet.replace(&before.0[0]).await;
    let pods = fleet.settled().await;
    let (old, new) = (&before.0[0], &pods.0[0]);
    assert_eq!(old.name, new.name);
    for server in Server::BOTH {
        let of_old = cgroup(&old.uid, 0, server);
        let both = memory(&fleet, even(&fleet, &pods.0, server), old, Some(&of_old), DEAD);
        let (decision, shown) = planned(&fleet, &pods, both, server).await;
        assert_eq!((decision.as_str(), shown), ("balanced", vec![Some(EVEN); 6]), "{server:?}");
        let alone = memory(&fleet, even(&fleet, &pods.0[1..], server), old, Some(&of_old), DEAD);
        assert_eq!(planned(&fleet, &pods, alone.clone(), server).await.1[0], None, "{server:?}");
        let metrics = alone.serve(server).await;
        let (findings, _) = check(fleet.rebalancer(&metrics).envs(&VARIABLES)).await;
        let told = ["5 of 6 pods", "of heirs-0 there are series, but of another pod of that name"];
        findings.expect("warning", "samples_few", &told);
    }
}

#[tokio::test]
#[ignore]
async fn pods_of_one_name_on_two_nodes_are_told_apart_by_the_node_that_the_api_names() {
    let fleet = Fleet::named("placed").stateful_set().cpu(&[0.5; 6]).hpa(70).start().await;
    let pods = fleet.settled().await;
    let node = fleet.api::<Pod>().get(&pods.0[0].name).await.unwrap().spec.unwrap().node_name.unwrap();
    for server in Server::BOTH {
        let on = |node: &str, bytes: f64| {
            let labels = [("pod", pods.0[0].name.as_str()), ("container", fleet.name()), ("node", node)];
            History::new(&fleet.namespace, fleet.name()).gauge(MEMORY, &labels, bytes)
        };
        let others = || even(&fleet, &pods.0[1..], server);
        let both = others().and(on(&node, EVEN)).and(on("node-of-another-cluster", DEAD));
        let (decision, shown) = planned(&fleet, &pods, both, server).await;
        assert_eq!((decision.as_str(), shown), ("balanced", vec![Some(EVEN); 6]), "{server:?}");
        // Names that Kubernetes does not have tell only that there are two.
        let both = others().and(on("10.0.0.1", EVEN)).and(on("10.0.0.2", DEAD));
        assert_eq!(planned(&fleet, &pods, both, server).await.0, "ambiguous_series", "{server:?}");
    }
}
