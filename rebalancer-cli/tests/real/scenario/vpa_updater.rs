//! The vertical pod autoscaler itself: its own updater evicts pods whose requests lie outside of what is recommended, and the
//! real program holds as long as they are on their way out.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::json;

use super::neighbors::{VPA, allow, decision};
use super::owners::ROTATED;
use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fleet::Fleet;
use crate::harness::kubelet::{ANNOTATION, Behavior};
use crate::harness::metrics::Server;
use crate::harness::process::{Daemon, answers};
use crate::harness::wait;

/// Runs the updater for this fleet's namespace alone.
async fn updater(fleet: &Fleet) -> Daemon {
    let kubeconfig = fleet.plane.admin_kubeconfig();
    let args = |port| {
        vec![
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--vpa-object-namespace={}", fleet.namespace),
            format!("--address=127.0.0.1:{port}"),
            "--updater-interval=1s".to_owned(),
            // Nobody gives new pods the recommended requests here.
            "--use-admission-controller-status=false".to_owned(),
        ]
    };
    Daemon::start("vpa-updater", fleet.dir.path(), args, answers("/metrics")).await
}

#[tokio::test]
#[ignore]
async fn the_real_updater_of_the_vertical_autoscaler_is_waited_for_until_its_pods_are_gone() {
    let mut fleet = Fleet::named("updated").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    allow(&fleet).await;
    let before = fleet.settled().await;
    for pod in &before.0 {
        fleet.behave(pod, Behavior::StuckTerminating).await;
    }
    let bound = |cpu: &str| json!({"cpu": cpu});
    let recommended = json!({"containerName": fleet.name(), "target": bound("3"), "lowerBound": bound("2"), "upperBound": bound("4")});
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": fleet.name()});
    let spec = json!({"targetRef": target, "updatePolicy": {"updateMode": "Recreate"}});
    let status = json!({"recommendation": {"containerRecommendations": [recommended]}});
    VPA.create(&fleet, json!({"spec": spec, "status": status})).await;
    let mut updater = updater(&fleet).await;
    wait::until("an eviction", async || {
        if fleet.gone(&before).await.is_empty() { Err("all stay".to_owned()) } else { Ok(()) }
    })
    .await;
    // It would go on with those that come after them.
    updater.stop();
    wait::until("the replacements", async || {
        let status = fleet.api::<Deployment>().get(fleet.name()).await.unwrap().status.unwrap_or_default();
        if (status.replicas, status.ready_replicas) == (Some(6), Some(6)) {
            Ok(())
        } else {
            Err(format!("{status:?}"))
        }
    })
    .await;
    let all = fleet.pods().await;
    let leaving = fleet.gone(&all).await;
    assert!(!leaving.is_empty());
    fleet.setup.cores = WORKED_EXAMPLE.into_iter().cycle().take(all.0.len()).collect();
    let metrics = fleet.history(&all).serve(Server::Prometheus).await;
    let variables = [&FOUR_MAY_GO[..], &[("NEIGHBORS", "vpa")]].concat();
    let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
    let (held, reason) = decision(&run);
    assert_eq!(held, "pods_evicted", "{}", run.stderr);
    assert!(reason.contains("VerticalPodAutoscaler updated restarts pods"), "{reason}");
    assert_eq!(fleet.gone(&all).await, leaving);

    for pod in &before.0 {
        fleet.annotate(&pod.name, ANNOTATION, Behavior::Ready.name()).await.unwrap();
    }
    let settled = fleet.settled().await;
    let metrics = fleet.history(&settled).serve(Server::VictoriaMetrics).await;
    let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
    assert_eq!(fleet.gone(&settled).await, ROTATED, "{}", run.stderr);
}
