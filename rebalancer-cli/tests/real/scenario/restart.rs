//! The API server goes away in the middle of a cycle and comes back, on a control plane of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::http::Method;
use tokio::sync::Notify;

use crate::harness::control_plane::ControlPlane;
use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;
use crate::harness::proxy::{Pass, Proxy};
use crate::harness::wait;

/// With memory; a second is the shortest time that a fleet may settle.
const REMEMBERING: [(&str, &str); 3] = [FOUR_MAY_GO[0], ("RECORD_STORE", "lease"), ("SETTLE_TIME", "1s")];

#[tokio::test]
#[ignore]
async fn an_api_server_that_restarts_in_the_middle_of_a_batch_leaves_a_story_that_the_next_run_finishes() {
    let plane = ControlPlane::own().await;
    let fleet = Fleet::named("restart").cpu(&WORKED_EXAMPLE).hpa(70).start_on(plane).await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;

    // It goes away before the second eviction.
    let (seen, evictions) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (open, reached) = (Arc::new(Notify::new()), Arc::clone(&seen));
    let hold = Arc::clone(&open);
    let proxy = Proxy::start(plane, move |method, path| {
        let second = method == Method::POST
            && path.ends_with("/eviction")
            && evictions.fetch_add(1, Ordering::SeqCst) == 1;
        let (reached, hold) = (Arc::clone(&reached), Arc::clone(&hold));
        async move {
            if second {
                reached.notify_one();
                hold.notified().await;
            }
            Pass::Forward
        }
    })
    .await;
    let kubeconfig = fleet.kubeconfig_through(&proxy);
    let variables = [("KUBE_TIMEOUT", "2s"), ("CYCLE_TIMEOUT", "10s")];
    let rebalancer = fleet.rebalancer(&metrics).envs(&REMEMBERING).envs(&variables);
    let running = rebalancer.clone().kubeconfig(&kubeconfig).start();
    tokio::time::timeout(wait::PATIENCE, seen.notified()).await.expect("the second eviction comes");
    plane.stop_api_server().await;
    open.notify_one();
    let run = running.finish().await.expect_exit(1);
    let outcomes: Vec<_> =
        run.log_with(&["removal_finished"]).iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(outcomes[..2], ["removed", "unknown"], "{}", run.stderr);
    assert!(outcomes[2..].iter().all(|outcome| outcome == "not_attempted"), "{}", run.stderr);
    assert_eq!(run.log_with(&["record_not_written"]).len(), 1, "{}", run.stderr);

    plane.restart_api_server().await;
    let after = fleet.settled().await;
    assert_eq!(fleet.gone(&before).await, [0], "what was not asked for did not happen");
    // The lock frees itself; then the next run tells what became of each pod.
    let history = fleet.history(&after).serve(Server::Prometheus).await;
    let next = wait::until("the lock to expire", async || {
        let run = fleet.rebalancer(&history).envs(&REMEMBERING).env("QUIET_HOURS", "00:00-24:00").run().await;
        let stories = run.log_with(&["story_finished"]);
        if stories.is_empty() { Err(run.stderr) } else { Ok(stories) }
    })
    .await;
    let told: Vec<String> = next.iter().map(|line| line["story"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(told.iter().filter(|story| story.ends_with("is still there")).count(), 3, "{told:?}");
}

#[tokio::test]
#[ignore]
async fn a_cycle_waits_for_an_api_server_that_restarts_before_anything_is_decided() {
    let plane = ControlPlane::own().await;
    let fleet = Fleet::named("restart-early").cpu(&WORKED_EXAMPLE).hpa(70).start_on(plane).await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::VictoriaMetrics).await;
    // As a load balancer does: a server that is not ready gets no requests. One that has only just begun to listen would
    // forbid everything, since it does not know the roles yet.
    let (asked, ready) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(true)));
    let (first, is_ready) = (Arc::clone(&asked), Arc::clone(&ready));
    let proxy = Proxy::start(plane, move |_, _| {
        let down = !is_ready.load(Ordering::SeqCst);
        if down {
            first.notify_one();
        }
        async move { if down { Pass::Answer(503, "no server is ready".to_owned()) } else { Pass::Forward } }
    })
    .await;
    let kubeconfig = fleet.kubeconfig_through(&proxy);
    let patient = [("KUBE_TIMEOUT", "60s"), ("CYCLE_TIMEOUT", "120s")];
    let rebalancer = fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).envs(&patient);
    ready.store(false, Ordering::SeqCst);
    plane.stop_api_server().await;
    let running = rebalancer.kubeconfig(&kubeconfig).start();
    tokio::time::timeout(wait::PATIENCE, asked.notified()).await.expect("it asks");
    plane.restart_api_server().await;
    ready.store(true, Ordering::SeqCst);
    let run = running.finish().await.expect_exit(0);
    assert!(!run.log_with(&["kubernetes_retry"]).is_empty(), "{}", run.stderr);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5], "{}", run.stderr);
}
