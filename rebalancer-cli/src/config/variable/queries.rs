//! Settings of what is asked.

use super::Variable;

const HEADING: &str = "Queries (PromQL; placeholders {{namespace}}, {{container}}, {{workload}}, {{window}})";

pub(super) const SETTINGS: &[Variable] = &[
    Variable::new(
        HEADING,
        "INDICATORS",
        Some("auto"),
        "The loads that are read: a list such as cpu,memory,lag, from cpu, memory, lag, consumption_rate, production_rate; auto: cpu, and every other one whose query is set; with Kafka and without PROMETHEUS_ENDPOINT: production_rate in place of cpu",
    ),
    Variable::new(
        HEADING,
        "INDICATOR_WEIGHTS",
        None,
        "How much each indicator counts when several rank the pods, such as cpu=1,lag=0.5; unnamed ones count 1; 0: it ranks no pod",
    ),
    Variable::new(
        HEADING,
        "CPU_QUERY",
        None,
        "CPU in cores by pod; default: the rate of container_cpu_usage_seconds_total",
    ),
    Variable::new(
        HEADING,
        "MEMORY_QUERY",
        None,
        "Memory in bytes by pod; default, when INDICATORS names memory: container_memory_working_set_bytes",
    ),
    Variable::new(
        HEADING,
        "KAFKA_LAG_QUERY",
        None,
        "Messages not yet consumed, by pod; default, when INDICATORS names lag: by KAFKA_METRICS_PRESET, else from Kafka",
    ),
    Variable::new(
        HEADING,
        "CONSUMPTION_RATE_QUERY",
        None,
        "Messages consumed per second, by pod; default, when INDICATORS names consumption_rate: by KAFKA_METRICS_PRESET",
    ),
    Variable::new(
        HEADING,
        "PRODUCTION_RATE_QUERY",
        None,
        "Messages produced per second to the pod's partitions; default, when INDICATORS names production_rate: by KAFKA_METRICS_PRESET, else from Kafka",
    ),
    Variable::new(
        HEADING,
        "PARTITION_LOAD_QUERY",
        None,
        "Load by pod, topic and partition, needed to predict; default: by KAFKA_METRICS_PRESET, else from Kafka, else not read",
    ),
    Variable::new(
        HEADING,
        "KAFKA_METRICS_PRESET",
        None,
        "jmx-exporter or librdkafka: built-in queries for these metrics: for partition loads, and for lag and rates that INDICATORS names",
    ),
    Variable::new(
        HEADING,
        "QUERY_DIALECT",
        Some("promql"),
        "promql: your own queries are checked before they are sent; metricsql: for VictoriaMetrics, only brackets and quotes are checked",
    ),
];
