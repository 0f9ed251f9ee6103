//! What every query that is ready makes of copies, of one pod's series twice, and of strangers, on real metric servers.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::{Indicator, PartitionLoad, Samples};
use rebalancer_core::port::{MetricsError, MetricsSource as _, PastReading, Readings};
use rebalancer_prom::query::{self, Matchers, Placeholders, Preset, Window};
use rebalancer_prom::{Client, ClientSettings, PrometheusSource, Queries};

use crate::harness::fixture::Target;
use crate::harness::metrics::{History, MetricServer, Server};

const NAMESPACE: &str = "shop";
const CONTAINER: &str = "orders";
const PODS: [&str; 3] = ["orders-0", "orders-1", "orders-2"];
const PRESETS: [Preset; 2] = [Preset::JmxExporter, Preset::Librdkafka];
const BY_JMX: &str = "kafka_consumer_consumer_fetch_manager_metrics";

/// All that is ready, of this preset.
fn source(metrics: &MetricServer, preset: Preset, matchers: &str) -> PrometheusSource {
    let names = Placeholders {
        namespace: NAMESPACE.to_owned(),
        container: CONTAINER.to_owned(),
        workload: "orders".to_owned(),
        window: Window::new(Duration::from_secs(300)).unwrap(),
        matchers: if matchers.is_empty() { Matchers::default() } else { Matchers::parse(matchers).unwrap() },
    };
    let queries = Queries::new(query::cpu_requests(&names), query::hpa_target(&names, ""))
        .load(Indicator::Cpu, query::cpu(&names))
        .load(Indicator::Memory, query::memory(&names))
        .load(Indicator::Lag, query::lag(preset, &names))
        .load(Indicator::ConsumptionRate, query::consumption_rate(preset, &names))
        .load(Indicator::ProductionRate, query::production_rate(preset, &names))
        .partitions(query::partition_load(preset, &names));
    let client = Client::new(&ClientSettings::new(metrics.url.parse().unwrap())).unwrap();
    PrometheusSource::new(client, queries)
}

/// A whole reading, with what is asked for only where pods don't tell it.
async fn all_of(source: PrometheusSource, at: Timestamp) -> Readings {
    Readings { cpu_requests: source.cpu_requests(at).await, ..source.read(at).await }
}

/// Three pods of three partitions each, of two clients, as the exporters show them. Every value is another one.
fn whole() -> History {
    let mut history = History::new(NAMESPACE, CONTAINER);
    for (index, pod) in PODS.into_iter().enumerate() {
        let number = f64::from(u32::try_from(index).unwrap()) + 1.0;
        let container =
            [("pod", pod), ("container", CONTAINER), ("id", "/pod/x"), ("name", "x"), ("image", "i")];
        history = history
            .cpu(pod, number)
            .gauge("container_memory_working_set_bytes", &container, number * 1e6)
            .cpu_request(pod, number);
        for place in 0..3 {
            let (partition, client) = ((index * 3 + place).to_string(), if place == 2 { "b" } else { "a" });
            let topic = [("topic", "events"), ("partition", partition.as_str())];
            let client = [("pod", pod), ("container", CONTAINER), ("client_id", client), topic[0], topic[1]];
            let flow = number * 10.0 + f64::from(u32::try_from(place).unwrap());
            let exporter = [
                ("namespace", "kafka"),
                ("pod", "kafka-exporter-x"),
                ("container", "exporter"),
                topic[0],
                topic[1],
            ];
            history = history
                .gauge(&format!("{BY_JMX}_records_lag"), &client, flow * 2.0)
                .counter("kafka_topic_partition_current_offset", &exporter, flow)
                .gauge("rdkafka_topics_partitions_consumer_lag", &client, flow * 2.0)
                .counter("rdkafka_topics_partitions_rxmsgs", &client, flow)
                .counter("rdkafka_topics_partitions_hi_offset", &client, flow);
        }
        for client in ["a", "b"] {
            let of_client = [("pod", pod), ("container", CONTAINER), ("client_id", client)];
            history = history.gauge(&format!("{BY_JMX}_records_consumed_rate"), &of_client, number);
        }
    }
    history.hpa("orders", "orders", Target::Utilization(70))
}

fn plain(samples: &Result<Samples, MetricsError>) -> BTreeMap<String, f64> {
    let samples = samples.as_ref().unwrap();
    samples.iter().map(|(pod, load)| (pod.clone(), (load.get() * 1000.0).round())).collect()
}

/// Everything that was read, to three digits.
fn everything(readings: &Readings) -> (Vec<BTreeMap<String, f64>>, Vec<String>, usize) {
    let loads = readings.loads.values().chain([&readings.cpu_requests]).map(plain).collect();
    let partitions = readings.partitions.as_ref().unwrap().as_ref().unwrap();
    let partition = |load: &PartitionLoad| {
        format!("{} {} {:?} {:.2}", load.topic, load.partition, load.pod, load.load.get())
    };
    (loads, partitions.iter().map(partition).collect(), readings.hpas.as_ref().unwrap().len())
}

/// The same history, scraped by a second job that knows more of pods and nodes, and kept by two replicas.
fn copied() -> History {
    let second = [("job", "kubernetes-pods"), ("app", "orders"), ("kubernetes_io_hostname", "n1")];
    let replicas =
        ["0", "1"].map(|replica| whole().labelled(&[("job", "kubelet"), ("prometheus_replica", replica)]));
    let [one, two] = replicas;
    one.and(two)
        .and(whole().labelled(&second))
        .and(whole().labelled(&[("job", "kubelet"), ("vm_replica", "a")]))
}

#[tokio::test]
#[ignore]
async fn copies_change_nothing_in_any_query_that_is_ready() {
    let twice = |pod| whole().scraped_twice(pod);
    for server in Server::BOTH {
        let alone = whole().serve(server).await;
        let (copied, one_twice) = (copied().serve(server).await, twice(PODS[1]).serve(server).await);
        for preset in PRESETS {
            let at = Timestamp::now();
            let expected = all_of(source(&alone, preset, ""), at).await;
            let (loads, partitions, hpas) = everything(&expected);
            assert!(loads.iter().all(|pods| pods.len() == PODS.len()), "{server:?} {preset:?}: {loads:?}");
            assert_eq!((partitions.len(), hpas), (9, 1), "{server:?} {preset:?}: {partitions:?}");
            for (what, metrics) in [("copies", &copied), ("one pod twice", &one_twice)] {
                let found = all_of(source(metrics, preset, ""), at).await;
                assert_eq!(everything(&found), everything(&expected), "{server:?} {preset:?}: {what}");
                let step = SignedDuration::from_mins(1);
                for indicator in Indicator::ALL {
                    let past = source(metrics, preset, "").past(indicator, at, step, 2).await.unwrap();
                    let before = source(&alone, preset, "").past(indicator, at, step, 2).await.unwrap();
                    let rounded = |windows: Vec<PastReading>| {
                        windows.into_iter().map(|one| plain(&Ok(one.samples))).collect::<Vec<_>>()
                    };
                    assert_eq!(
                        rounded(past),
                        rounded(before),
                        "{server:?} {preset:?}: {what}, past of {indicator}"
                    );
                }
            }
        }
    }
}

/// The label in which the series differ, with its values.
#[track_caller]
fn difference<T: std::fmt::Debug>(found: &Result<T, MetricsError>, what: &str) -> (String, String) {
    match found {
        Err(MetricsError::Ambiguous { label, values, .. }) => (label.clone(), values.join(" ")),
        other => panic!("{what}: {other:?}"),
    }
}

#[tokio::test]
#[ignore]
async fn strangers_are_seen_by_every_query_that_is_ready_and_a_matcher_leaves_them_out() {
    for server in Server::BOTH {
        let alone = whole().serve(server).await;
        // With another value, with no label at all, and by a label that an operator's scrape gives.
        for (label, own, other) in
            [("cluster", "eu", "us"), ("region", "eu", ""), ("prometheus", "a/k8s", "b/k8s")]
        {
            let other_names = if other.is_empty() { vec![] } else { vec![(label, other)] };
            let mixed = whole().labelled(&[(label, own)]).and(whole().labelled(&other_names));
            let metrics = mixed.serve(server).await;
            let mut values = [own, other];
            values.sort_unstable();
            let expected = (label.to_owned(), values.join(" "));
            for preset in PRESETS {
                let at = Timestamp::now();
                let strangers = all_of(source(&metrics, preset, ""), at).await;
                let what = |query: &str| format!("{server:?} {preset:?} {label}: {query}");
                for (indicator, found) in &strangers.loads {
                    assert_eq!(
                        difference(found, &what(indicator.name())),
                        expected,
                        "{}",
                        what(indicator.name())
                    );
                    let step = SignedDuration::from_mins(1);
                    let past = source(&metrics, preset, "").past(*indicator, at, step, 2).await;
                    assert_eq!(difference(&past, &what("past")), expected, "{}", what("past"));
                }
                assert_eq!(difference(&strangers.cpu_requests, &what("cpu_requests")), expected);
                assert_eq!(difference(&strangers.hpas, &what("hpa_target")), expected);
                assert_eq!(difference(&strangers.partitions.unwrap(), &what("partition_load")), expected);
                let matchers = format!("{label}={own:?}");
                let selected = all_of(source(&metrics, preset, &matchers), at).await;
                let lone = all_of(source(&alone, preset, ""), at).await;
                assert_eq!(everything(&selected), everything(&lone), "{}", what("selected"));
            }
        }
    }
}

#[tokio::test]
#[ignore]
async fn no_number_is_no_ownership_and_a_partition_without_an_owner_is_named() {
    let lag = format!("{BY_JMX}_records_lag");
    let held = |pod, partition, lag_of| {
        let labels = [
            ("pod", pod),
            ("container", CONTAINER),
            ("client_id", "a"),
            ("topic", "jobs"),
            ("partition", partition),
        ];
        (labels, lag_of)
    };
    // The second pod still shows what it lost; the owner of the last partition never knew its lag.
    let clients = [
        held(PODS[0], "0", 5.0),
        held(PODS[1], "0", f64::NAN),
        held(PODS[1], "1", 5.0),
        held(PODS[2], "2", f64::NAN),
    ];
    for server in Server::BOTH {
        let mut history = History::new(NAMESPACE, CONTAINER);
        for (labels, value) in &clients {
            history = history.gauge(&lag, labels, *value);
        }
        for partition in ["0", "1", "2"] {
            let topic = [("namespace", "kafka"), ("topic", "jobs"), ("partition", partition)];
            history = history.counter("kafka_topic_partition_current_offset", &topic, 7.0);
            // Nobody of the fleet consumes it.
            let others = [("namespace", "kafka"), ("topic", "others"), ("partition", partition)];
            history = history.counter("kafka_topic_partition_current_offset", &others, 7.0);
        }
        let metrics = history.serve(server).await;
        let readings = all_of(source(&metrics, Preset::JmxExporter, ""), Timestamp::now()).await;
        let partitions = readings.partitions.unwrap().unwrap();
        let owners: Vec<_> =
            partitions.iter().map(|load| (load.partition.as_str(), load.pod.as_deref())).collect();
        assert_eq!(owners, [("0", Some(PODS[0])), ("1", Some(PODS[1])), ("2", None)], "{server:?}");
        assert!(
            partitions.iter().all(|load| (load.load.get() - 7.0).abs() < 0.1),
            "{server:?}: {partitions:?}"
        );
    }
}
