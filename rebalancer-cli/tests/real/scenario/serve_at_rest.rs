//! What a process that stays costs while nothing happens. Long: left out of the suite, which is why each is called `at_rest`.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::serve::WATCHES;
use crate::harness::fixture;
use crate::harness::fleet::{ACCOUNT, Fleet};
use crate::harness::metrics::Server;
use crate::harness::serving::Serving;

/// Intervals over which it is watched, after the first.
const INTERVALS: u32 = 5;
const INTERVAL: Duration = Duration::from_secs(60);

/// Loads that are balanced: nothing is to be done.
fn balanced(pods: usize) -> Vec<f64> {
    (0..pods).map(|pod| 0.5 + 0.001 * (pod % 10) as f64).collect()
}

/// What it may take at most: percent of a core, and MiB.
const MOST: (f64, f64) = (2.0, 64.0);

/// CPU over some intervals, in percent of a core, and the most memory, in MiB, of a process that has this many workloads at rest.
async fn cost(serving: &Serving, workloads: usize) -> (f64, f64) {
    serving.until("cycle_finished", workloads).await;
    sleep(INTERVAL).await;
    let (before, _) = serving.usage();
    let began = Instant::now();
    let mut most = 0;
    while began.elapsed() < INTERVAL * INTERVALS {
        most = most.max(serving.usage().1);
        sleep(Duration::from_millis(500)).await;
    }
    let (after, _) = serving.usage();
    let percent = 100.0 * (after - before).as_secs_f64() / began.elapsed().as_secs_f64();
    let cost = (percent, most as f64 / f64::from(1 << 20));
    // One that fails costs less.
    let ends = serving.events("cycle_finished");
    assert!(ends.len() >= workloads * INTERVALS as usize, "{} cycles", ends.len());
    assert!(ends.iter().all(|cycle| cycle["status"] == "balanced"), "{:#?}", ends.last());
    assert!(cost.0 <= MOST.0 && cost.1 <= MOST.1, "{cost:?}, at most {MOST:?}");
    cost
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn at_rest_one_workload_of_five_thousand_pods() {
    let fleet = Fleet::named("resting").cpu(&balanced(5000)).hpa(70).start().await;
    let pods = fleet.settled().await;
    let metrics = fleet.history(&pods).serve(Server::VictoriaMetrics).await;
    let Fleet { client, namespace, .. } = &fleet;
    fixture::grant(client, namespace, "watches", &fixture::rules(&WATCHES), (namespace, ACCOUNT)).await;
    let patient = [("CYCLE_TIMEOUT", "60s"), ("LEADER_LEASE_DURATION", "15s")];
    let rebalancer = fleet.rebalancer(&metrics).args(&["serve"]).envs(&patient);
    let serving = Serving::start(rebalancer).await;
    let (percent, mebibytes) = cost(&serving, 1).await;
    eprintln!("1 workload, 5,000 pods: {percent:.2} % of a core, {mebibytes:.1} MiB at most");
    fleet.disband().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn at_rest_fifty_workloads_of_a_hundred_pods() {
    let mut fleets = Vec::new();
    for number in 0..50 {
        let fleet = Fleet::named(&format!("resting-{number}")).cpu(&balanced(100)).hpa(70).start().await;
        fleet.settled().await;
        fleets.push(fleet);
    }
    let home = &fleets[0];
    let account = (home.namespace.as_str(), ACCOUNT);
    let mut entries = Vec::new();
    let mut history = None;
    for fleet in &fleets {
        let (client, namespace) = (&fleet.client, fleet.namespace.as_str());
        let mut rules = fixture::granted(fleet.name());
        rules.extend(fixture::rules(&WATCHES));
        fixture::grant(client, namespace, "all", &rules, account).await;
        entries.push(serde_json::json!({"KUBE_NAMESPACE": namespace, "DEPLOYMENT_NAME": fleet.name()}));
        let own = fleet.history(&fleet.pods().await);
        history = Some(match history {
            None => own,
            Some(history) => own.and(history),
        });
    }
    let metrics = history.unwrap().serve(Server::VictoriaMetrics).await;
    let file = home.file("workloads.yaml");
    std::fs::write(&file, serde_json::json!({"workloads": entries}).to_string()).unwrap();
    let rebalancer = home.rebalancer(&metrics).without("DEPLOYMENT_NAME").args(&["serve"]);
    let serving = Serving::start(rebalancer.env("WORKLOADS_FILE", file.display().to_string())).await;
    let (percent, mebibytes) = cost(&serving, 50).await;
    eprintln!("50 workloads, 100 pods each: {percent:.2} % of a core, {mebibytes:.1} MiB at most");
}
