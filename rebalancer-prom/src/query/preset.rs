//! Queries that are ready for the ways in which Kafka clients show their partitions. Pure.
//!
//! Each of them wants the labels `namespace`, `pod` and `container` on the client's metrics, as a scrape by way of a
//! PodMonitor, a ServiceMonitor or the usual `kubernetes_sd_configs` puts them there. What is a copy and what is a part
//! is as in [the module above](super): series that agree in all that a client itself tells (its `client_id`, topic and
//! partition) are copies, and clients, topics and partitions of one pod are parts.
//!
//! A partition whose number is not known yet (NaN, or librdkafka's -1) is left out of its pod's sum; a pod none of whose
//! partitions is known has no sample. To leave such a pod out as a whole would be stricter, but VictoriaMetrics does not
//! store NaN, so that the two servers would decide differently.

use super::{Placeholders, PromQl, container_of};

/// A way in which Kafka clients show their partitions, with queries that are ready for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Java clients by the JMX exporter with its default names: `records-lag` tells who holds a partition. How much
    /// flows into it comes from kafka_exporter's `kafka_topic_partition_current_offset`, since the Java client has
    /// no rate by partition.
    JmxExporter,
    /// librdkafka's statistics under the path of each field: `topics.partitions.rxmsgs` as a counter called
    /// `rdkafka_topics_partitions_rxmsgs`, `consumer_lag` and `hi_offset` as gauges. Only the partitions of the present
    /// assignment are shown.
    Librdkafka,
}

/// Messages not yet consumed, by pod.
///
/// The Java client counts from what it has fetched, librdkafka from what it has committed.
#[must_use]
pub fn lag(preset: Preset, names: &Placeholders) -> PromQl {
    let lag = match preset {
        Preset::JmxExporter => {
            format!("kafka_consumer_consumer_fetch_manager_metrics_records_lag{{{}}}", client(names))
        }
        Preset::Librdkafka => format!("rdkafka_topics_partitions_consumer_lag{{{}}}", assigned(names)),
    };
    // The comparison leaves NaN out too.
    PromQl::new(format!("sum by (pod) (max by (pod, client_id, topic, partition) ({lag} >= 0))"))
}

/// Messages consumed per second, by pod.
///
/// The JMX exporter is asked for the client's own rate: its counter is called `_total` before version 1 and not after,
/// and the series by topic come twice from clients since 4.1 when the topic has a dot in its name.
#[must_use]
pub fn consumption_rate(preset: Preset, names: &Placeholders) -> PromQl {
    let window = names.window;
    PromQl::new(match preset {
        Preset::JmxExporter => format!(
            "sum by (pod) (max by (pod, client_id) (avg_over_time(\
             kafka_consumer_consumer_fetch_manager_metrics_records_consumed_rate{{{}, topic=\"\"}}[{window}])))",
            client(names)
        ),
        Preset::Librdkafka => format!(
            "sum by (pod) (max by (pod, client_id, topic, partition) (rate(rdkafka_topics_partitions_rxmsgs{{{}}}\
             [{window}])))",
            assigned(names)
        ),
    })
}

/// Messages produced a second to the partitions that a pod holds, by pod.
#[must_use]
pub fn production_rate(preset: Preset, names: &Placeholders) -> PromQl {
    PromQl::new(match preset {
        Preset::JmxExporter => format!("sum by (pod) ({})", partition_load(preset, names)),
        Preset::Librdkafka => {
            let by = "by (pod, client_id, topic, partition)";
            let offsets =
                format!("rdkafka_topics_partitions_hi_offset{{{}}}[{}]", assigned(names), names.window);
            // Before the first fetch, the offset is -1001; the step from there to millions is no rate.
            format!(
                "sum by (pod) (max {by} (rate({offsets})) and (min {by} (min_over_time({offsets})) >= 0))"
            )
        }
    })
}

/// Load by pod, topic and partition, in messages/s.
#[must_use]
pub fn partition_load(preset: Preset, names: &Placeholders) -> PromQl {
    let window = names.window;
    PromQl::new(match preset {
        Preset::JmxExporter => format!(
            "group by (pod, topic, partition) (kafka_consumer_consumer_fetch_manager_metrics_records_lag{{{}}}) * on \
             (topic, partition) group_left () max by (topic, partition) \
             (rate(kafka_topic_partition_current_offset[{window}]))",
            client(names)
        ),
        Preset::Librdkafka => format!(
            "sum by (pod, topic, partition) (rate(rdkafka_topics_partitions_rxmsgs{{{}}}[{window}]))",
            assigned(names)
        ),
    })
}

/// Which series are those of the fleet's clients.
fn client(names: &Placeholders) -> String {
    format!("{}, pod!=\"\"", container_of(names))
}

/// The same without partition -1, which is librdkafka's own, for messages without a partition yet.
fn assigned(names: &Placeholders) -> String {
    format!("{}, partition!=\"-1\"", client(names))
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::query::{Dialect, Window, check};
    use crate::template::quoted;

    pub(in crate::query) fn names() -> Placeholders {
        Placeholders {
            namespace: "shop".into(),
            container: "worker".into(),
            workload: "orders".into(),
            window: Window::new(Duration::from_secs(300)).unwrap(),
        }
    }

    type Query = fn(Preset, &Placeholders) -> PromQl;
    const QUERIES: [Query; 4] = [lag, consumption_rate, production_rate, partition_load];
    const PRESETS: [Preset; 2] = [Preset::JmxExporter, Preset::Librdkafka];

    #[test]
    fn lag_is_the_sum_over_the_partitions_whose_lag_is_known() {
        assert_eq!(
            lag(Preset::JmxExporter, &names()).as_str(),
            r#"sum by (pod) (max by (pod, client_id, topic, partition) (kafka_consumer_consumer_fetch_manager_metrics_records_lag{namespace="shop", container="worker", pod!=""} >= 0))"#
        );
        assert_eq!(
            lag(Preset::Librdkafka, &names()).as_str(),
            r#"sum by (pod) (max by (pod, client_id, topic, partition) (rdkafka_topics_partitions_consumer_lag{namespace="shop", container="worker", pod!="", partition!="-1"} >= 0))"#
        );
    }

    #[test]
    fn what_is_consumed_is_told_by_the_client() {
        assert_eq!(
            consumption_rate(Preset::JmxExporter, &names()).as_str(),
            r#"sum by (pod) (max by (pod, client_id) (avg_over_time(kafka_consumer_consumer_fetch_manager_metrics_records_consumed_rate{namespace="shop", container="worker", pod!="", topic=""}[5m])))"#
        );
        assert_eq!(
            consumption_rate(Preset::Librdkafka, &names()).as_str(),
            r#"sum by (pod) (max by (pod, client_id, topic, partition) (rate(rdkafka_topics_partitions_rxmsgs{namespace="shop", container="worker", pod!="", partition!="-1"}[5m])))"#
        );
    }

    #[test]
    fn what_is_produced_is_the_growth_of_the_partitions_that_a_pod_holds() {
        assert_eq!(
            production_rate(Preset::JmxExporter, &names()).as_str(),
            r#"sum by (pod) (group by (pod, topic, partition) (kafka_consumer_consumer_fetch_manager_metrics_records_lag{namespace="shop", container="worker", pod!=""}) * on (topic, partition) group_left () max by (topic, partition) (rate(kafka_topic_partition_current_offset[5m])))"#
        );
        assert_eq!(
            production_rate(Preset::Librdkafka, &names()).as_str(),
            r#"sum by (pod) (max by (pod, client_id, topic, partition) (rate(rdkafka_topics_partitions_hi_offset{namespace="shop", container="worker", pod!="", partition!="-1"}[5m])) and (min by (pod, client_id, topic, partition) (min_over_time(rdkafka_topics_partitions_hi_offset{namespace="shop", container="worker", pod!="", partition!="-1"}[5m])) >= 0))"#
        );
    }

    #[test]
    fn every_query_is_promql_whatever_the_names_are() {
        let evil = Placeholders {
            namespace: "a\"} or up{b=\"\\".into(),
            container: "c\n\"} or vector(1) #".into(),
            ..names()
        };
        for names in [names(), evil] {
            for query in QUERIES.iter().flat_map(|query| PRESETS.map(|preset| query(preset, &names))) {
                assert_eq!(check(&query, Dialect::Prometheus), Ok(()), "{query}");
                let within =
                    format!("namespace={}, container={}", quoted(&names.namespace), quoted(&names.container));
                assert!(query.as_str().contains(&within), "{query}");
            }
        }
    }
}
