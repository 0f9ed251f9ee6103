//! Loads besides CPU, by the queries that are ready: series as the exporters write them, on real metric servers.

use serde_json::Value;

use crate::harness::fleet::{Fleet, Pods};
use crate::harness::metrics::{History, Server};
use crate::harness::rebalancer::Run;

/// A dry run by rotate-outliers, whose choice can be told from the loads alone.
const DRY: [(&str, &str); 3] =
    [("DRY_RUN", "true"), ("MINIMUM_PODS_REQUIRED", "2"), ("REBALANCE_STRATEGY", "rotate-outliers")];

/// Messages behind, of six pods. Were a pod counted twice, the second would be the hottest.
const LAG: [f64; 6] = [10.0, 6000.0, 9000.0, 11.0, 8000.0, 13.0];
/// Messages consumed a second.
const CONSUMED: [f64; 6] = [90.0, 12.0, 60.0, 80.0, 10.0, 11.0];
/// Messages produced a second.
const PRODUCED: [f64; 6] = [12.0, 60.0, 10.0, 11.0, 90.0, 80.0];
/// Which of them are counted twice if copies are added up: one for each load.
const SCRAPED_TWICE: [usize; 2] = [1, 2];

/// A pod that was there until two minutes ago.
const GONE: &str = "gone";

/// What each of a pod's three partitions has of it; the last one is another client's.
const SHARES: [(f64, &str); 3] = [(0.5, "orders-1"), (0.3, "orders-1"), (0.2, "orders-2")];

/// One partition that a pod holds.
struct Held<'a> {
    pod: &'a str,
    container: &'a str,
    client: &'a str,
    partition: String,
    lag: f64,
    consumed: f64,
    produced: f64,
}

impl Held<'_> {
    /// The labels that a scrape puts on the series, and the client's own.
    fn labels(&self) -> [(&str, &str); 5] {
        [
            ("pod", self.pod),
            ("container", self.container),
            ("client_id", self.client),
            ("topic", "events"),
            ("partition", &self.partition),
        ]
    }
}

/// What six pods hold, and a seventh that Kubernetes does not know, with far more of everything.
fn shown(
    fleet: &Fleet,
    pods: &Pods,
    show: fn(History, &Held<'_>) -> History,
    own: fn(History, &Held<'_>) -> History,
) -> History {
    let names = pods.0.iter().map(|pod| pod.name.as_str()).chain([GONE]);
    let mut history = fleet.history(pods).cpu(GONE, 0.5);
    for (index, pod) in names.enumerate() {
        for (place, (share, client)) in SHARES.into_iter().enumerate() {
            let held = |loads: &[f64]| loads.get(index).unwrap_or(&99_000.0) * share;
            let partition = (index * SHARES.len() + place).to_string();
            let (lag, consumed, produced) = (held(&LAG), held(&CONSUMED), held(&PRODUCED));
            let held = Held { pod, container: fleet.name(), client, partition, lag, consumed, produced };
            history = show(history, &held);
        }
        let fresh = Held {
            pod,
            container: fleet.name(),
            client: "orders-1",
            partition: (100 + index).to_string(),
            lag: f64::NAN,
            consumed: 0.0,
            produced: 0.0,
        };
        history = own(history, &fresh);
    }
    history
}

/// All that is known of the seventh pod ends, and two of the others are scraped by two jobs.
fn as_scraped(history: History, pods: &Pods) -> History {
    let history = history.gone(GONE, -120);
    SCRAPED_TWICE.into_iter().fold(history, |history, index| history.scraped_twice(&pods.0[index].name))
}

const BY_JMX: &str = "kafka_consumer_consumer_fetch_manager_metrics";

/// The JMX exporter with its default names, and kafka_exporter for what is produced.
fn jmx_exporter(history: History, held: &Held<'_>) -> History {
    let labels = held.labels();
    let [_, _, _, topic, partition] = labels;
    let broker = [("namespace", "kafka"), ("pod", ""), ("instance", "kafka-exporter:9308"), topic, partition];
    history
        .gauge(&format!("{BY_JMX}_records_lag"), &labels, held.lag)
        .gauge(&format!("{BY_JMX}_records_lag_max"), &labels, held.lag * 2.0)
        .counter("kafka_topic_partition_current_offset", &broker, held.produced)
}

/// What a client tells of all its partitions, and of one that was just assigned to it.
fn jmx_client(history: History, fresh: &Held<'_>) -> History {
    let labels = fresh.labels();
    history.gauge(&format!("{BY_JMX}_records_lag"), &labels, f64::NAN)
}

/// A client's own rate, and the same by topic, under one name.
fn jmx_rates(mut history: History, fleet: &Fleet, pods: &Pods) -> History {
    for (index, pod) in pods.0.iter().enumerate() {
        let rate = |client: &str| -> f64 {
            SHARES.iter().filter(|(_, of)| *of == client).map(|(share, _)| CONSUMED[index] * share).sum()
        };
        for client in ["orders-1", "orders-2"] {
            let own = [("pod", pod.name.as_str()), ("container", fleet.name()), ("client_id", client)];
            let by_topic: Vec<_> = own.into_iter().chain([("topic", "events")]).collect();
            let name = format!("{BY_JMX}_records_consumed_rate");
            history = history.gauge(&name, &own, rate(client)).gauge(&name, &by_topic, rate(client));
        }
    }
    history
}

/// librdkafka's statistics under the path of each field.
fn librdkafka(history: History, held: &Held<'_>) -> History {
    let labels = held.labels();
    history
        .gauge("rdkafka_topics_partitions_consumer_lag", &labels, held.lag)
        .counter("rdkafka_topics_partitions_rxmsgs", &labels, held.consumed)
        .counter("rdkafka_topics_partitions_hi_offset", &labels, held.produced)
}

/// A partition that was assigned two minutes ago and nobody has committed yet, and librdkafka's own one.
fn librdkafka_unknown(mut history: History, fresh: &Held<'_>) -> History {
    for partition in [fresh.partition.as_str(), "-1"] {
        let mut labels = fresh.labels();
        labels[4] = ("partition", partition);
        history = history
            .gauge("rdkafka_topics_partitions_consumer_lag", &labels, -1.0)
            .gauge("rdkafka_topics_partitions_rxmsgs", &labels, 0.0)
            .late_offset("rdkafka_topics_partitions_hi_offset", &labels, 50.0);
    }
    history
}

/// The chosen pods by their index, with the load by which each was chosen.
fn chosen(run: &Run, pods: &Pods, indicator: &str) -> Vec<(usize, f64)> {
    let lines = run.log_with(&["removal_intended", &format!("\"indicator\":\"{indicator}\"")]);
    let one = |line: &Value| {
        let index = pods.0.iter().position(|pod| line["pod"] == pod.name.as_str()).unwrap();
        (index, line["load"].as_f64().unwrap())
    };
    let mut chosen: Vec<_> = lines.iter().map(one).collect();
    chosen.sort_by_key(|(index, _)| *index);
    chosen
}

/// The two hottest and the two coldest of these loads go, by nothing but them.
fn expect_extremes(run: &Run, pods: &Pods, indicator: &str, loads: [f64; 6], what: &str) {
    let mut order: Vec<usize> = (0..loads.len()).collect();
    order.sort_by(|&a, &b| loads[a].total_cmp(&loads[b]));
    let mut expected = [order[0], order[1], order[4], order[5]];
    expected.sort_unstable();
    let chosen = chosen(run, pods, indicator);
    let indices: Vec<usize> = chosen.iter().map(|(index, _)| *index).collect();
    assert_eq!(indices, expected, "{what} {indicator}: {}", run.stderr);
    for (index, load) in chosen {
        assert!(
            (load - loads[index]).abs() <= loads[index] * 0.01,
            "{what} {indicator}, pod {index}: {load}"
        );
    }
}

/// CPU is even; each of the other loads is not, in other pods each.
async fn expect_rotation_by_each(fleet: &Fleet, pods: &Pods, history: &History, preset: &str) {
    for server in Server::BOTH {
        let metrics = history.serve(server).await;
        let loads = [("lag", LAG), ("consumption_rate", CONSUMED), ("production_rate", PRODUCED)];
        for (indicator, loads) in loads {
            let listed = format!("cpu,{indicator}");
            let variables = [("KAFKA_METRICS_PRESET", preset), ("INDICATORS", &listed)];
            let variables: Vec<_> = DRY.into_iter().chain(variables).collect();
            let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
            expect_extremes(&run, pods, indicator, loads, &format!("{server:?} {preset}"));
        }
        let variables: Vec<_> = DRY.into_iter().chain([("KAFKA_METRICS_PRESET", preset)]).collect();
        let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
        assert_eq!(run.log_with(&["cycle_finished"])[0]["status"], "balanced", "{server:?}: by CPU alone");
    }
}

#[tokio::test]
#[ignore]
async fn a_fleet_is_rotated_by_what_the_jmx_exporter_tells() {
    let fleet = Fleet::named("jmx").cpu(&[0.5; 6]).hpa(70).start().await;
    let pods = fleet.settled().await;
    let history = jmx_rates(shown(&fleet, &pods, jmx_exporter, jmx_client), &fleet, &pods);
    let history = as_scraped(history, &pods);
    expect_rotation_by_each(&fleet, &pods, &history, "jmx-exporter").await;
}

#[tokio::test]
#[ignore]
async fn a_fleet_is_rotated_by_what_librdkafka_tells() {
    let fleet = Fleet::named("librdkafka").cpu(&[0.5; 6]).hpa(70).start().await;
    let pods = fleet.settled().await;
    let history = as_scraped(shown(&fleet, &pods, librdkafka, librdkafka_unknown), &pods);
    expect_rotation_by_each(&fleet, &pods, &history, "librdkafka").await;
}

/// Bytes in use; twice the second would be the most.
const MEMORY: [f64; 6] = [9e8, 5e8, 1e8, 8e8, 1.2e8, 4e8];

#[tokio::test]
#[ignore]
async fn a_fleet_is_rotated_by_memory_that_is_scraped_twice_and_was_restarted() {
    let fleet = Fleet::named("memory-load").cpu(&[0.5; 6]).hpa(70).start().await;
    let pods = fleet.settled().await;
    let history = pods.0.iter().zip(MEMORY).fold(fleet.history(&pods), |history, (pod, bytes)| {
        let of = |container, id, name| {
            [("pod", pod.name.as_str()), ("container", container), ("id", id), ("name", name)]
        };
        let name = "container_memory_working_set_bytes";
        history
            .gauge(name, &of(fleet.name(), "/pod/now", "now"), bytes)
            // The container before its restart, the pod's cgroup, and the sandbox.
            .gauge(name, &of(fleet.name(), "/pod/before", "before"), bytes / 2.0)
            .gauge(name, &of("", "/pod", ""), bytes * 1.1)
            .gauge(name, &of("POD", "/pod/pause", "pause"), 3e5)
    });
    let history = history.scraped_twice(&pods.0[1].name);
    for server in Server::BOTH {
        let metrics = history.serve(server).await;
        for listed in ["memory", "cpu,memory"] {
            let variables: Vec<_> = DRY.into_iter().chain([("INDICATORS", listed)]).collect();
            let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
            expect_extremes(&run, &pods, "memory", MEMORY, &format!("{server:?} {listed}"));
        }
    }
}
