//! What `serve` asks of the API server and of the metric server, against the runs of a CronJob: the table of docs/serve.md.
//!
//! `LOAD_PODS` (100) says how large. With `LOAD_SECONDS`, cycles come every minute for so long; otherwise they come every
//! second, and the table is reckoned from what a cycle and a second cost.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::cost::{like_real_ones, number};
use super::serve::WATCHES;
use crate::harness::fixture::{self, Budget};
use crate::harness::fleet::{ACCOUNT, Fleet};
use crate::harness::metrics::{MetricServer, Server};
use crate::harness::rebalancer::Rebalancer;
use crate::harness::serving::Serving;
use crate::harness::traffic::{Kind, Totals, Traffic, since};
use crate::harness::wait;

/// In an hour.
const RUNS: f64 = 6.0;
const CYCLES: f64 = 60.0;
/// Runs that are measured.
const MEASURED: usize = 3;

/// A fleet at rest, and the program with what counts in between.
struct Load {
    fleet: Fleet,
    metrics: MetricServer,
    api: Traffic,
    meter: Traffic,
}

impl Load {
    async fn start(pods: usize) -> Self {
        let loads: Vec<f64> = (0..pods).map(|pod| 0.5 + 0.001 * (pod % 10) as f64).collect();
        let fleet = Fleet::named("load").cpu(&loads).hpa(70).pod_spec(like_real_ones()).start().await;
        let history = fleet.history(&fleet.settled().await).during(&(-900..=7200));
        let metrics = history.serve(Server::VictoriaMetrics).await;
        let Fleet { client, namespace, .. } = &fleet;
        fixture::grant(client, namespace, "watches", &fixture::rules(&WATCHES), (namespace, ACCOUNT)).await;
        fixture::budget(client, namespace, "load", Budget::MaxUnavailable(1)).await;
        let api = Traffic::to_api_server(fleet.plane).await;
        let meter = Traffic::to_metric_server(&metrics).await;
        Self { fleet, metrics, api, meter }
    }

    fn counted(&self) -> Rebalancer {
        let kubeconfig =
            self.fleet.plane.kubeconfig(&self.fleet.file("counted"), &self.api.url, &self.fleet.token);
        self.direct().kubeconfig(&kubeconfig).env("PROMETHEUS_ENDPOINT", &self.meter.url)
    }

    fn direct(&self) -> Rebalancer {
        self.fleet.rebalancer(&self.metrics).env("RECORD_STORE", "lease")
    }

    fn totals(&self) -> Totals {
        self.api.totals().into_iter().chain(self.meter.totals()).collect()
    }

    /// What runs ask for.
    async fn runs(&self) -> Totals {
        self.counted().args(&["run"]).run().await.expect_exit(0); // it makes the record
        let before = self.totals();
        for _ in 0..MEASURED {
            let run = self.counted().args(&["run"]).run().await.expect_exit(0);
            assert_eq!(run.log_with(&["cycle_finished"])[0]["status"], "balanced");
        }
        since(&self.totals(), &before)
    }

    /// What `serve` asks for after its first cycles: in how many cycles and how many seconds.
    async fn serves(&self, rebalancer: Rebalancer, seconds: Option<u64>) -> (Totals, usize, f64) {
        let serving = Serving::start(rebalancer).await;
        let first = serving.until("cycle_finished", 1).await.len();
        let begun = Instant::now();
        let before = self.totals();
        if let Some(seconds) = seconds {
            sleep(Duration::from_secs(seconds)).await;
        }
        let asked =
            wait::until_within(wait::PATIENCE * 2, "ten cycles and each watch begun anew", async || {
                let asked = since(&self.totals(), &before);
                let cycles = serving.events("cycle_finished").len() - first;
                let watches = asked.get(&Kind::Watch).map_or(0, |watch| watch.0);
                let enough = seconds.is_some() || (cycles >= 10 && watches >= 3);
                if enough { Ok((asked, cycles)) } else { Err(format!("{cycles} cycles, {asked:?}")) }
            });
        let (asked, cycles) = asked.await;
        let elapsed = begun.elapsed().as_secs_f64();
        let ends = serving.events("cycle_finished");
        assert!(ends.iter().all(|cycle| cycle["status"] == "balanced"), "{:#?}", ends.last());
        (asked, cycles, elapsed)
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn serve_asks_the_api_server_for_less_in_each_cycle_than_a_run_and_for_no_list() {
    let pods = number("LOAD_PODS", 100);
    let seconds = std::env::var("LOAD_SECONDS").ok().map(|text| text.parse().expect("seconds"));
    let load = Load::start(pods).await;
    let runs = load.runs().await;
    let interval = if seconds.is_some() { "1m" } else { "1s" };
    let rebalancer = load.counted().args(&["serve"]).env("INTERVAL", interval).env("SHORTEST_INTERVAL", "1s");
    let (served, cycles, elapsed) = load.serves(rebalancer, seconds).await;
    let of = |totals: &Totals, kind: Kind| totals.get(&kind).copied().unwrap_or_default();
    let each_run = |kind: Kind| of(&runs, kind).0 as f64 / MEASURED as f64;
    // One that ended before is still under way in between.
    let each_cycle = |kind: Kind| of(&served, kind).0 as f64 / (cycles.max(2) - 1) as f64;
    let about = format!("{runs:?} in {MEASURED} runs, {served:?} in {cycles} cycles");
    assert_eq!(of(&runs, Kind::List).0, 3 * MEASURED as u64, "pods, autoscalers, budgets: {about}");
    assert_eq!(of(&served, Kind::List).0, 0, "{about}");
    for kind in [Kind::Get, Kind::Write, Kind::Query] {
        assert!(each_cycle(kind) <= each_run(kind) * 1.25, "{kind:?}: {about}");
    }
    table(pods, &runs, (&served, cycles, elapsed));
    load.fleet.disband().await;
}

fn table(pods: usize, runs: &Totals, (served, cycles, elapsed): (&Totals, usize, f64)) {
    eprintln!("\n{pods} pods, in an hour (from {MEASURED} runs, and {cycles} cycles in {elapsed:.0} s):");
    eprintln!("| asked for | run: requests | kB | serve: requests | kB |");
    eprintln!("|---|---|---|---|---|");
    for kind in [Kind::List, Kind::Watch, Kind::Get, Kind::Write, Kind::Election, Kind::Query] {
        let of = |totals: &Totals| totals.get(&kind).copied().unwrap_or_default();
        let by_run = RUNS / MEASURED as f64;
        let by_serve = match kind {
            // As time goes by, whatever the interval is.
            Kind::Watch | Kind::Election => 3600.0 / elapsed,
            Kind::List | Kind::Get | Kind::Write | Kind::Query => CYCLES / cycles as f64,
        };
        let row = [(of(runs), by_run), (of(served), by_serve)].map(|((count, bytes), times)| {
            format!("{:.0} | {:.0}", count as f64 * times, bytes as f64 * times / 1e3)
        });
        eprintln!("| {kind:?} | {} |", row.join(" | "));
    }
}
