//! Queries that are ready for the ways in which Kafka clients show their partitions. Pure.
//!
//! Each of them wants the labels `namespace`, `pod` and `container` on the client's metrics, as a scrape by way of a
//! PodMonitor, a ServiceMonitor or the usual `kubernetes_sd_configs` puts them there. What is a copy, a part and a
//! stranger is as in [the module above](super): series that agree in all but labels of the scrape are copies, and
//! clients, topics and partitions of one pod are parts.
//!
//! A partition whose number is not known yet (NaN, or librdkafka's -1) is left out of its pod's sum; a pod none of whose
//! partitions is known has no sample. To leave such a pod out as a whole would be stricter, but VictoriaMetrics does not
//! store NaN, so that the two servers would decide differently.
//!
//! For the same reason a NaN is no ownership: a former owner shows one for hours, and only one of the servers tells. The
//! partition that nobody is then seen to hold is named by what kafka_exporter says of it: see [`partition_load`].

use super::{OF_SCRAPE, Placeholders, PromQl, container_of};

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
    PromQl::keeping_labels(format!(
        "sum without (client_id, topic, partition) (max without ({OF_SCRAPE}) ({lag} >= 0))"
    ))
}

/// Messages consumed per second, by pod.
///
/// The JMX exporter is asked for the client's own rate: its counter is called `_total` before version 1 and not after,
/// and the series by topic come twice from clients since 4.1 when the topic has a dot in its name.
#[must_use]
pub fn consumption_rate(preset: Preset, names: &Placeholders) -> PromQl {
    let window = names.window;
    PromQl::keeping_labels(match preset {
        Preset::JmxExporter => format!(
            "sum without (client_id) (max without ({OF_SCRAPE}) (avg_over_time(\
             kafka_consumer_consumer_fetch_manager_metrics_records_consumed_rate{{{}, topic=\"\"}}[{window}])))",
            client(names)
        ),
        Preset::Librdkafka => format!(
            "sum without (client_id, topic, partition) (max without ({OF_SCRAPE}) \
             (rate(rdkafka_topics_partitions_rxmsgs{{{}}}[{window}])))",
            assigned(names)
        ),
    })
}

/// Messages produced a second to the partitions that a pod holds, by pod.
///
/// For the JMX exporter, elements without a pod come too, as in [`partition_load`].
#[must_use]
pub fn production_rate(preset: Preset, names: &Placeholders) -> PromQl {
    PromQl::keeping_labels(match preset {
        Preset::JmxExporter => {
            let Held { loads, others } = held(names);
            format!("sum without (topic, partition) ({loads}) or ({others})")
        }
        Preset::Librdkafka => {
            let offsets =
                format!("rdkafka_topics_partitions_hi_offset{{{}}}[{}]", assigned(names), names.window);
            // Before the first fetch, the offset is -1001; the step from there to millions is no rate.
            format!(
                "sum without (client_id, topic, partition) (max without ({OF_SCRAPE}) (rate({offsets})) and \
                 (min without ({OF_SCRAPE}) (min_over_time({offsets})) >= 0))"
            )
        }
    })
}

/// Load by pod, topic and partition, in messages/s.
///
/// For the JMX exporter, some elements have no pod: they are partitions of a topic that the fleet consumes, with what
/// flows into them. One is a partition that no pod is seen to hold; several of one partition are those of several
/// Kafka clusters.
#[must_use]
pub fn partition_load(preset: Preset, names: &Placeholders) -> PromQl {
    PromQl::keeping_labels(match preset {
        Preset::JmxExporter => {
            let Held { loads, others } = held(names);
            format!("{loads} or ({others})")
        }
        Preset::Librdkafka => format!(
            "sum without (client_id) (max without ({OF_SCRAPE}) \
             (rate(rdkafka_topics_partitions_rxmsgs{{{}}}[{}])))",
            assigned(names),
            names.window
        ),
    })
}

/// What flows into partitions, as kafka_exporter tells it.
struct Held {
    /// Into those that a pod holds.
    loads: String,
    /// Into others of the same topics, and into those that several series tell of.
    others: String,
}

fn held(names: &Placeholders) -> Held {
    let owned = format!(
        "group without (client_id, {OF_SCRAPE}) \
         (kafka_consumer_consumer_fetch_manager_metrics_records_lag{{{}}} >= 0)",
        client(names)
    );
    // The pod, if any, is the exporter's.
    let flows = format!(
        "max without (pod, container, node, uid, {OF_SCRAPE}) (rate(kafka_topic_partition_current_offset{{{}}}[{}]))",
        names.matchers, names.window
    );
    let by = "(topic, partition)";
    Held {
        loads: format!("({owned} * on {by} group_left () max by {by} ({flows}))"),
        others: format!(
            "({flows} and on (topic) {owned}) unless on {by} ({owned} and on {by} (count by {by} ({flows}) == 1))"
        ),
    }
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
    use crate::query::{Dialect, Matchers, Window, check};
    use crate::selector::selectors;
    use crate::template::quoted;

    pub(in crate::query) fn names() -> Placeholders {
        Placeholders {
            namespace: "shop".into(),
            container: "worker".into(),
            workload: "orders".into(),
            window: Window::new(Duration::from_secs(300)).unwrap(),
            matchers: Matchers::default(),
        }
    }

    type Query = fn(Preset, &Placeholders) -> PromQl;
    const QUERIES: [Query; 4] = [lag, consumption_rate, production_rate, partition_load];
    const PRESETS: [Preset; 2] = [Preset::JmxExporter, Preset::Librdkafka];

    #[test]
    fn lag_is_the_sum_over_the_partitions_whose_lag_is_known() {
        assert_eq!(
            lag(Preset::JmxExporter, &names()).as_str(),
            format!(
                r#"sum without (client_id, topic, partition) (max without ({OF_SCRAPE}) (kafka_consumer_consumer_fetch_manager_metrics_records_lag{{namespace="shop", container="worker", pod!=""}} >= 0))"#
            )
        );
        assert_eq!(
            lag(Preset::Librdkafka, &names()).as_str(),
            format!(
                r#"sum without (client_id, topic, partition) (max without ({OF_SCRAPE}) (rdkafka_topics_partitions_consumer_lag{{namespace="shop", container="worker", pod!="", partition!="-1"}} >= 0))"#
            )
        );
    }

    #[test]
    fn what_is_consumed_is_told_by_the_client() {
        assert_eq!(
            consumption_rate(Preset::JmxExporter, &names()).as_str(),
            format!(
                r#"sum without (client_id) (max without ({OF_SCRAPE}) (avg_over_time(kafka_consumer_consumer_fetch_manager_metrics_records_consumed_rate{{namespace="shop", container="worker", pod!="", topic=""}}[5m])))"#
            )
        );
        assert_eq!(
            consumption_rate(Preset::Librdkafka, &names()).as_str(),
            format!(
                r#"sum without (client_id, topic, partition) (max without ({OF_SCRAPE}) (rate(rdkafka_topics_partitions_rxmsgs{{namespace="shop", container="worker", pod!="", partition!="-1"}}[5m])))"#
            )
        );
    }

    #[test]
    fn every_selector_has_the_matchers() {
        let matchers = Matchers::parse(r#"cluster="eu", region!~"us-.*""#).unwrap();
        let names = Placeholders { matchers: matchers.clone(), ..names() };
        let ready = QUERIES.iter().flat_map(|query| PRESETS.map(|preset| query(preset, &names)));
        let others =
            [super::super::cpu(&names), super::super::memory(&names), super::super::cpu_requests(&names)];
        for query in ready.chain(others).chain([super::super::hpa_target(&names, "hpa-")]) {
            let selectors = selectors(&query);
            assert!(!selectors.is_empty(), "{query}");
            for selector in selectors {
                assert!(selector.to_string().contains(&matchers.to_string()), "{selector} in {query}");
            }
        }
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
