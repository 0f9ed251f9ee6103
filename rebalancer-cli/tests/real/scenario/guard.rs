//! What forbids a rotation, whatever the loads: each guard once, on the real API server.

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Pod, ResourceQuota};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture::{self, Budget};
use crate::harness::fleet::{Fleet, Pods};
use crate::harness::kubelet;
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::rebalancer::Run;
use crate::harness::setup::Setup;
use crate::harness::wait;

const NOBODY: [usize; 0] = [];

fn worked_example(name: &str) -> Setup {
    Fleet::named(name).cpu(&WORKED_EXAMPLE).hpa(70)
}

async fn started(setup: Setup) -> (Fleet, Pods, MetricServer) {
    let fleet = setup.start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    (fleet, before, metrics)
}

fn decision(run: &Run) -> Value {
    run.log_with(&["\"event\":\"decision\""])[0].clone()
}

/// One run, which must hold for this reason and in these words, and remove nobody.
async fn holds(
    (fleet, before, metrics): &(Fleet, Pods, MetricServer),
    variables: &[(&str, &str)],
    reason: &str,
    words: &str,
) {
    let run = fleet.rebalance(metrics, &[&FOUR_MAY_GO[..], variables].concat()).await.expect_exit(0);
    let decision = decision(&run);
    assert_eq!(decision["decision"], reason, "{}", run.stderr);
    assert!(decision["reason"].as_str().unwrap().contains(words), "{words} is not in {decision}");
    assert_eq!(fleet.gone(before).await, NOBODY, "{reason}");
}

async fn rotates((fleet, before, metrics): &(Fleet, Pods, MetricServer), variables: &[(&str, &str)]) {
    let run = fleet.rebalance(metrics, &[&FOUR_MAY_GO[..], variables].concat()).await.expect_exit(0);
    assert_eq!(fleet.gone(before).await, [0, 1, 4, 5], "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn pods_that_nobody_replaces_or_that_are_bound_to_a_node_are_never_candidates() {
    let fleet = worked_example("strangers").start().await;
    let before = fleet.settled().await;
    let spec = fleet.template().pod_spec();
    let labels = json!({"app": "consumer"});
    let bare = json!({"metadata": {"name": "bare", "labels": labels}, "spec": spec});
    fixture::create::<Pod>(&fleet.client, &fleet.namespace, bare).await;
    let mut bound = spec.clone();
    bound["nodeName"] = json!("node-0");
    let mirror = json!({
        "metadata": {"name": "mirror", "labels": labels, "annotations": {"kubernetes.io/config.mirror": "x"}},
        "spec": bound,
    });
    fixture::create::<Pod>(&fleet.client, &fleet.namespace, mirror).await;
    // There is no controller for it here: a pod that it would have made stands for it.
    let agent = json!({
        "metadata": {"name": "agent"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    });
    let agent = fixture::create::<DaemonSet>(&fleet.client, &fleet.namespace, agent).await;
    let owner = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent",
        "uid": agent.metadata.uid, "controller": true});
    let of_agent = json!({
        "metadata": {"name": "agent-x", "labels": labels, "ownerReferences": [owner]}, "spec": spec});
    fixture::create::<Pod>(&fleet.client, &fleet.namespace, of_agent).await;
    let strangers = ["bare", "mirror", "agent-x"];
    wait::until("the strangers", async || {
        let pods = fleet.api::<Pod>().list(&ListParams::default()).await.unwrap();
        let ready = pods.iter().filter(|pod| kubelet::is_ready(pod)).count();
        if ready == before.0.len() + strangers.len() { Ok(()) } else { Err(format!("{ready} Ready")) }
    })
    .await;
    let hot = strangers.iter().fold(fleet.history(&before), |history, pod| history.cpu(pod, 9.0));
    let metrics = hot.serve(Server::VictoriaMetrics).await;
    let plan = fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).args(&["plan", "--output", "json"]);
    let plan: Value = serde_json::from_str(&plan.run().await.expect_exit(0).stdout).unwrap();
    for (name, words) in [("bare", "no controller"), ("mirror", "mirror pod"), ("agent-x", "of a DaemonSet")]
    {
        let pod = plan["pods"].as_array().unwrap().iter().find(|pod| pod["name"] == name).unwrap();
        assert!(pod["reason"].as_str().unwrap().contains(words), "{pod}");
    }
    let fleet = (fleet, before, metrics);
    rotates(&fleet, &[]).await;
    for name in strangers {
        let pod = fleet.0.api::<Pod>().get(name).await.unwrap();
        assert!(pod.metadata.deletion_timestamp.is_none(), "{name}");
    }
}

#[tokio::test]
#[ignore]
async fn a_namespace_of_the_system_is_never_touched() {
    let fleet = started(worked_example("system").in_namespace("kube-public")).await;
    holds(&fleet, &[], "no_eligible_pods", "6 system_namespace").await;
}

#[tokio::test]
#[ignore]
async fn important_pods_are_never_candidates() {
    let critical = json!({"priorityClassName": "system-cluster-critical"});
    let fleet = started(worked_example("critical").pod_spec(critical)).await;
    holds(&fleet, &[], "no_eligible_pods", "6 system_critical").await;

    let classes: Api<PriorityClass> = Api::all(fleet.0.client.clone());
    let class = json!({"metadata": {"name": "important"}, "value": 5000});
    classes.create(&PostParams::default(), &serde_json::from_value(class).unwrap()).await.unwrap();
    let important = json!({"priorityClassName": "important"});
    let fleet = started(worked_example("important").pod_spec(important)).await;
    holds(&fleet, &[("MAXIMUM_POD_PRIORITY", "4999")], "no_eligible_pods", "6 priority").await;
    rotates(&fleet, &[("MAXIMUM_POD_PRIORITY", "5000")]).await;
}

#[tokio::test]
#[ignore]
async fn a_workload_is_opted_in_and_out_by_its_annotations() {
    for setup in [worked_example("marked"), worked_example("marked-set").stateful_set()] {
        let fleet = started(setup).await;
        let opt_in = [("REQUIRE_OPT_IN", "true")];
        holds(&fleet, &opt_in, "no_eligible_pods", "6 not_opted_in").await;
        let mark = |name: &str| json!({"metadata": {"annotations": {name: "true"}}});
        fleet.0.patch_workload(mark("pod-rebalancer.io/opt-out")).await;
        holds(&fleet, &[], "workload_opted_out", "pod-rebalancer.io/opt-out").await;
        fleet
            .0
            .patch_workload(json!({"metadata": {"annotations": {"pod-rebalancer.io/opt-out": null}}}))
            .await;
        fleet.0.patch_workload(mark("pod-rebalancer.io/opt-in")).await;
        rotates(&fleet, &opt_in).await;
    }
}

#[tokio::test]
#[ignore]
async fn a_rollout_is_left_alone() {
    for setup in [worked_example("rollout"), worked_example("rollout-set").stateful_set()] {
        let fleet = started(setup).await;
        // New pods find no room, so it does not come to its end.
        fleet.0.freeze();
        let template = json!({"spec": {"template": {"metadata": {"annotations": {"version": "2"}}}}});
        fleet.0.patch_workload(template).await;
        // A rollout may remove pods itself.
        let run = fleet.0.rebalance(&fleet.2, &FOUR_MAY_GO).await.expect_exit(0);
        assert_eq!(decision(&run)["decision"], "rollout_in_progress", "{}", run.stderr);
        assert!(run.log_with(&["removal_intended"]).is_empty());
        fleet.0.thaw().await;
    }
}

#[tokio::test]
#[ignore]
async fn a_scaling_is_left_alone() {
    let fleet = started(worked_example("scaling")).await;
    // There is no room for the two more.
    let quota = json!({"metadata": {"name": "full"}, "spec": {"hard": {"pods": "6"}}});
    let quota = fixture::create::<ResourceQuota>(&fleet.0.client, &fleet.0.namespace, quota).await;
    let full = json!({"status": {"hard": {"pods": "6"}, "used": {"pods": "6"}}});
    let quotas = fleet.0.api::<ResourceQuota>();
    let name = quota.metadata.name.unwrap();
    quotas.patch_status(&name, &PatchParams::default(), &Patch::Merge(full)).await.unwrap();
    fleet.0.patch_workload(json!({"spec": {"replicas": 8}})).await;
    holds(&fleet, &[], "scaling_in_progress", "from 6 to 8").await;
}

#[tokio::test]
#[ignore]
async fn what_the_autoscaler_is_about_to_do_is_left_to_it() {
    let fleet = started(worked_example("autoscaler").aged()).await;
    let active = json!({"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"});
    let able = |reason: &str| json!({"type": "AbleToScale", "status": "True", "reason": reason});
    let steady = json!({"currentReplicas": 6, "desiredReplicas": 6,
        "conditions": [active.clone(), able("ReadyForNewScale")]});
    let with = |field: &str, value: Value| {
        let mut status = steady.clone();
        status[field] = value;
        status
    };
    let tells = async |status: Value| {
        let patch = Patch::Merge(json!({"status": status}));
        let hpas = fleet.0.api::<HorizontalPodAutoscaler>();
        hpas.patch_status("autoscaler", &PatchParams::default(), &patch).await.unwrap();
    };
    tells(with("desiredReplicas", json!(9))).await;
    holds(&fleet, &[], "scaling_in_progress", "from 6 to 9").await;
    tells(with("conditions", json!([active, able("ScaleDownStabilized")]))).await;
    holds(&fleet, &[], "scale_in_pending", "about to scale in").await;
    tells(with("lastScaleTime", json!(jiff::Timestamp::now()))).await;
    holds(&fleet, &[("MINIMUM_POD_AGE", "5m")], "just_scaled", "MINIMUM_POD_AGE").await;
    tells(with("lastScaleTime", Value::Null)).await;
    rotates(&fleet, &[("MINIMUM_POD_AGE", "5m")]).await;
}

#[tokio::test]
#[ignore]
async fn a_fleet_with_fresh_pods_has_not_settled() {
    let fleet = worked_example("unsettled").stateful_set().aged().start().await;
    let before = fleet.settled().await;
    kubelet::rejuvenate(&fleet.namespace);
    fleet.replace(&before.0[2]).await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let fleet = (fleet, before, metrics);
    let age = ("MINIMUM_POD_AGE", "5m");
    holds(&fleet, &[age], "fleet_unsettled", "of 6 pods 0 are not Ready and 1").await;
    rotates(&fleet, &[age, ("MAXIMUM_YOUNG_SHARE", "0.2")]).await;
}

#[tokio::test]
#[ignore]
async fn quiet_hours_are_kept_by_the_clock_of_their_zone() {
    let fleet = started(worked_example("quiet")).await;
    let zone = ("TIME_ZONE", "Pacific/Auckland");
    holds(&fleet, &[zone, ("QUIET_HOURS", "00:00-24:00")], "quiet_hours", "00:00-24:00").await;
    // The hour that it is now in UTC is another one in Auckland.
    let hour = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).hour();
    let window = format!("{:02}:00-{:02}:59", hour, (hour + 1) % 24);
    holds(&fleet, &[("QUIET_HOURS", &window)], "quiet_hours", &window).await;
    rotates(&fleet, &[zone, ("QUIET_HOURS", &window)]).await;
}

#[tokio::test]
#[ignore]
async fn a_disruption_budget_is_looked_at_before_anything_is_decided() {
    let fleet = started(worked_example("tight").budget(Budget::MaxUnavailable(1))).await;
    holds(&fleet, &[], "disruption_budget", "lets 1 pods go now").await;
    let loosen = Patch::Merge(json!({"spec": {"maxUnavailable": 2}}));
    let budgets = fleet.0.api::<PodDisruptionBudget>();
    budgets.patch("tight", &PatchParams::default(), &loosen).await.unwrap();
    fleet.0.allows_disruptions(2).await;
    let run = fleet.0.rebalance(&fleet.2, &FOUR_MAY_GO).await.expect_exit(0);
    assert_eq!(fleet.0.gone(&fleet.1).await, [0, 5], "trimmed to what the budget lets go\n{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn pods_under_two_disruption_budgets_are_never_candidates() {
    let fleet = worked_example("two-budgets").budget(Budget::MaxUnavailable(4)).start().await;
    fixture::budget(&fleet.client, &fleet.namespace, "another", Budget::MaxUnavailable(4)).await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    holds(&(fleet, before, metrics), &[], "no_eligible_pods", "6 several_budgets").await;
}

#[tokio::test]
#[ignore]
async fn at_most_a_share_of_the_fleet_goes() {
    let fleet = started(worked_example("share")).await;
    holds(&fleet, &[("MAXIMUM_REMOVAL_SHARE", "0.2")], "share_too_small", "a share of 0.20 of 6 pods").await;
    let by_default = [FOUR_MAY_GO[0], ("MAXIMUM_REMOVAL_SHARE", "")];
    let run = fleet.0.rebalance(&fleet.2, &by_default).await.expect_exit(0);
    assert_eq!(fleet.0.gone(&fleet.1).await, [0, 1, 5], "half of six\n{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn what_lasts_is_rotated_and_a_spike_is_not() {
    let by_default = ("PERSISTENCE_WINDOWS", "");
    for server in Server::BOTH {
        let fleet = worked_example("lasting").aged().start().await;
        let before = fleet.settled().await;
        // Before the last window the hot pods have no samples: as far as is known, they were not hot.
        let spike = before.0[..2].iter().zip(&WORKED_EXAMPLE).fold(
            fleet.history(&before).without_cpu(&before.0[0].name).without_cpu(&before.0[1].name),
            |history, (pod, &cores)| history.cpu_during(&pod.name, cores, -285..=300),
        );
        let metrics = spike.serve(server).await;
        let fleet = (fleet, before, metrics);
        holds(&fleet, &[by_default], "not_persistent", "in 1 of the last 3 readings").await;
        let lasting = fleet.0.history(&fleet.1).serve(server).await;
        rotates(&(fleet.0, fleet.1, lasting), &[by_default]).await;
    }
}
