//! Servers that don't do their work: nothing is removed, and the run says why in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::Method;

use crate::harness::broken::{Broken, Fault};
use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;
use crate::harness::proxy::{Pass, Proxy};

const NOBODY: [usize; 0] = [];

/// Far beyond the deadline that the runs are given, far below the default.
const PATIENCE: Duration = Duration::from_secs(15);

#[tokio::test]
#[ignore]
async fn a_metric_server_that_fails_ends_the_run_in_time_with_nothing_removed() {
    let fleet = Fleet::named("broken-metrics").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let everything = fleet.everything().await;
    let loads: Vec<(&str, f64)> = before.0.iter().map(|pod| pod.name.as_str()).zip(WORKED_EXAMPLE).collect();
    let cases = [
        (Fault::Down, true, "Connection refused"),
        (Fault::Slow, true, "no whole answer"),
        (Fault::Status(500), true, "500"),
        (Fault::RetryAfter(429, 1), true, "429"),
        (Fault::HalfAnswer, true, "could not be used"),
        (Fault::Garbage, false, "can't be used"),
        (Fault::Status(404), false, "404"),
        (Fault::partial(&loads), false, "incomplete"),
    ];
    for (fault, retried, message) in cases {
        let server = Broken::start(fault.clone()).await;
        let variables = [FOUR_MAY_GO[0], ("PROMETHEUS_TIMEOUT", "3s")];
        let run = fleet.rebalance(&server, &variables).await.expect_exit(1);
        assert!(run.elapsed < PATIENCE, "{fault:?}: {:?}", run.elapsed);
        let end = run.log_with(&["cycle_finished"]);
        let error = end[0]["error"].as_str().unwrap();
        assert!(error.contains(message), "{fault:?}: {message} is not in {error}");
        assert_eq!(!run.log_with(&["metrics_retry"]).is_empty(), retried, "{fault:?}: {}", run.stderr);
        assert_eq!(fleet.everything().await, everything, "{fault:?}");
    }
}

#[tokio::test]
#[ignore]
async fn a_metric_server_that_recovers_is_asked_again_and_the_cycle_goes_on() {
    let fleet = Fleet::named("recovering").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::VictoriaMetrics).await;
    let server = Broken::recovering(Fault::Status(503), 3, &metrics).await;
    let run = fleet.rebalance(&server, &FOUR_MAY_GO).await.expect_exit(0);
    assert_eq!(run.log_with(&["metrics_retry"]).len(), 3, "{}", run.stderr);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
}

#[tokio::test]
#[ignore]
async fn an_api_server_that_fails_ends_the_run_with_nothing_removed() {
    let fleet = Fleet::named("broken-api").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let proxy = Proxy::start(fleet.plane, |_, _| async { Pass::Answer(503, "down".to_owned()) }).await;
    let kubeconfig = fleet.kubeconfig_through(&proxy);
    let rebalancer = fleet.rebalancer(&metrics).env("KUBE_TIMEOUT", "2s").kubeconfig(&kubeconfig);
    let run = rebalancer.run().await.expect_exit(1);
    assert!(run.elapsed < PATIENCE, "{:?}", run.elapsed);
    assert!(!run.log_with(&["kubernetes_retry"]).is_empty(), "{}", run.stderr);
    assert_eq!(fleet.gone(&before).await, NOBODY);
}

#[tokio::test]
#[ignore]
async fn an_api_server_that_recovers_is_asked_again_and_the_cycle_goes_on() {
    let fleet = Fleet::named("api-recovers").cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let metrics = fleet.history(&before).serve(Server::Prometheus).await;
    let failures = Arc::new(AtomicUsize::new(0));
    let proxy = Proxy::start(fleet.plane, move |method, path| {
        let failures = Arc::clone(&failures);
        async move {
            let list = method == Method::GET && path.ends_with("/pods");
            if list && failures.fetch_add(1, Ordering::SeqCst) < 2 {
                return Pass::Answer(500, "once more".to_owned());
            }
            Pass::Forward
        }
    })
    .await;
    let kubeconfig = fleet.kubeconfig_through(&proxy);
    let run =
        fleet.rebalancer(&metrics).envs(&FOUR_MAY_GO).kubeconfig(&kubeconfig).run().await.expect_exit(0);
    assert_eq!(run.log_with(&["kubernetes_retry"]).len(), 2, "{}", run.stderr);
    assert_eq!(fleet.gone(&before).await, [0, 1, 4, 5]);
}

#[tokio::test]
#[ignore]
async fn a_configuration_that_is_wrong_contacts_nobody() {
    let server = Broken::start(Fault::Slow).await;
    let run = crate::harness::rebalancer::Rebalancer::new()
        .env("PROMETHEUS_ENDPOINT", &server.url)
        .env("KUBE_NAMESPACE", "Not A Name")
        .env("TOLERANCE_MULTIPLIER", "0")
        .run()
        .await
        .expect_exit(2);
    let variables: Vec<_> =
        run.log_with(&["configuration_error"]).iter().map(|line| line["variable"].clone()).collect();
    assert_eq!(variables, ["KUBE_NAMESPACE", "DEPLOYMENT_NAME", "TOLERANCE_MULTIPLIER"]);
    assert_eq!(server.requests(), 0);
}
