//! A thousand pods, and five thousand with five indicators: how long a whole cycle takes, what it asks, and how much
//! memory it needs.

use std::time::{Duration, Instant};

use crate::harness::fleet::{Fleet, Pods};
use crate::harness::metrics::{History, Server};
use crate::harness::rebalancer::Run;

const PODS: usize = 1_000;

/// Between 0.3 and 0.9 cores, and two hot pods at the front.
fn loads(pods: usize) -> Vec<f64> {
    let mut loads: Vec<f64> = (0..pods).map(|index| 0.3 + (index * 7 % 60) as f64 / 100.0).collect();
    (loads[0], loads[1]) = (2.0, 1.9);
    loads
}

#[tokio::test]
#[ignore]
async fn a_cycle_over_a_thousand_pods_is_far_below_30_seconds_and_small() {
    let fleet = Fleet::named("thousand").cpu(&loads(PODS)).hpa(70).start().await;
    for server in Server::BOTH {
        let before = fleet.settled().await;
        let metrics = fleet.history(&before).serve(server).await;
        let run = fleet.rebalance(&metrics, &[]).await.expect_exit(0);
        let seconds = run.elapsed.as_secs_f64();
        let mebibytes = run.peak_memory as f64 / f64::from(1 << 20);
        eprintln!("{PODS} pods, {server:?}: {seconds:.2} s, {mebibytes:.1} MiB at most");
        assert_eq!(run.log_with(&["removal_finished", "\"outcome\":\"removed\""]).len(), 4);
        let gone = fleet.gone(&before).await;
        assert_eq!((gone.len(), &gone[..2]), (4, &[0, 1][..]));
        assert!(run.elapsed < Duration::from_secs(10), "{seconds} s");
        assert!(mebibytes < 64.0, "{mebibytes} MiB");
    }
}

/// As many as the API servers of large clusters see.
const MANY: usize = 5_000;
const FIVE: &str = "cpu,memory,lag,consumption_rate,production_rate";

/// What the kubelet, the JMX exporter and kafka_exporter write of each pod.
fn measured(fleet: &Fleet, pods: &Pods) -> History {
    let names = pods.0.iter().map(|pod| pod.name.as_str()).enumerate();
    names.fold(fleet.history(pods).every(60), |history, (index, pod)| {
        kafka_client(history, fleet.name(), pod, index)
    })
}

fn kafka_client(history: History, container: &str, pod: &str, index: usize) -> History {
    let (partition, even) = (index.to_string(), 100.0 + (index % 10) as f64);
    let client = [("pod", pod), ("container", container), ("client_id", "consumer-orders-1")];
    let held: Vec<_> = client.into_iter().chain([("topic", "events"), ("partition", &partition)]).collect();
    let by_jmx = "kafka_consumer_consumer_fetch_manager_metrics";
    history
        .gauge("container_memory_working_set_bytes", &[client[0], client[1], ("id", pod)], even * 1e6)
        .gauge(&format!("{by_jmx}_records_lag"), &held, even)
        .gauge(&format!("{by_jmx}_records_consumed_rate"), &client, even)
        .counter("kafka_topic_partition_current_offset", &held[3..], even)
}

/// How many values each query of this name gave.
fn values(run: &Run, query: &str) -> Vec<u64> {
    let answers = run.log_with(&["metrics_answer", &format!("\"query\":\"{query}\"")]);
    answers.iter().map(|line| line["values"].as_u64().unwrap()).collect()
}

/// Nothing here depends on how busy the machine is, so that each of these is far beyond what it takes.
const PATIENT: [(&str, &str); 3] =
    [("CYCLE_TIMEOUT", "5m"), ("PROMETHEUS_TIMEOUT", "2m"), ("KUBE_TIMEOUT", "2m")];

/// The dear part is to get so many pods Ready, so that this has one test, to be left out or run alone by its name.
#[tokio::test]
#[ignore]
async fn five_indicators_of_five_thousand_pods_are_read_in_one_small_cycle() {
    let started = Instant::now();
    let fleet = Fleet::named("five-thousand").cpu(&loads(MANY)).hpa(70).start().await;
    let pods = fleet.settled().await;
    eprintln!("{MANY} pods Ready after {:.0} s", started.elapsed().as_secs_f64());
    let history = measured(&fleet, &pods);
    for server in Server::BOTH {
        let metrics = history.serve(server).await;
        let preset = ("KAFKA_METRICS_PRESET", "jmx-exporter");
        let variables = [("INDICATORS", FIVE), preset, ("DRY_RUN", "true"), ("LOG_LEVEL", "debug")];
        let run = fleet.rebalancer(&metrics).envs(&variables).envs(&PATIENT).run().await.expect_exit(0);
        for indicator in FIVE.split(',').chain(["partition_load"]) {
            assert_eq!(values(&run, indicator), [MANY as u64], "{server:?} {indicator}");
        }
        let decision = &run.log_with(&["\"event\":\"decision\""])[0];
        assert_eq!((&decision["pods"], &decision["eligible"]), (&MANY.into(), &MANY.into()));
        let usage = &run.log_with(&["metrics_usage"])[0];
        let (queries, bytes) = (&usage["queries"], &usage["bytes"]);
        let seconds = run.elapsed.as_secs_f64();
        let mebibytes = run.peak_memory as f64 / f64::from(1 << 20);
        eprintln!(
            "{MANY} pods, {server:?}: {queries} queries, {bytes} bytes, {seconds:.2} s, {mebibytes:.1} MiB"
        );
        // Five indicators, partition loads and the autoscaler's target; the pods tell their CPU requests themselves.
        assert_eq!((queries, &usage["retries"]), (&7.into(), &0.into()));
        assert!(bytes.as_u64() < Some(8 << 20), "{usage}");
        assert!(mebibytes < 96.0, "{mebibytes} MiB");
    }
    fleet.disband().await;
}
