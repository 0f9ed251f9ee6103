//! Of the fleet, and of what is decided.

pub(in crate::config::tests) const WRONG: &[(&str, &str, &str)] = &[
    (
        "KUBE_NAMESPACE",
        "Streams",
        "KUBE_NAMESPACE=\"Streams\": expected a DNS label: at most 63 lower case letters, digits and '-', not '-' at an end",
    ),
    (
        "DEPLOYMENT_NAME",
        "-consumer",
        "DEPLOYMENT_NAME=\"-consumer\": expected a Kubernetes name: at most 253 lower case letters, digits, '-' and '.', not at an end",
    ),
    (
        "CONTAINER_NAME",
        "a.b",
        "CONTAINER_NAME=\"a.b\": expected a DNS label: at most 63 lower case letters, digits and '-', not '-' at an end",
    ),
    (
        "KUBE_LABEL_SELECTOR",
        "app in consumer",
        "KUBE_LABEL_SELECTOR=\"app in consumer\": expected a label selector, such as app=consumer,tier!=test or app in (a,b)",
    ),
    (
        "HPA_PREFIX",
        "Keda_",
        "HPA_PREFIX=\"Keda_\": expected the beginning of a Kubernetes name, such as keda-hpa-",
    ),
    (
        "CLUSTER_NAME",
        "eu/west",
        "CLUSTER_NAME=\"eu/west\": expected a DNS label: at most 63 lower case letters, digits and '-', not '-' at an end",
    ),
    (
        "KUBE_TIMEOUT",
        "-1s",
        "KUBE_TIMEOUT=\"-1s\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    ("REBALANCE_TOP_K_PODS", "0", "REBALANCE_TOP_K_PODS=\"0\": expected a whole number of 1 or more"),
    ("TOLERANCE_MULTIPLIER", "0.5", "TOLERANCE_MULTIPLIER=\"0.5\": expected a multiplier of 1 or more"),
    (
        "MINIMUM_IMPROVEMENT_PERCENT",
        "101",
        "MINIMUM_IMPROVEMENT_PERCENT=\"101\": expected a percentage between 0 and 100",
    ),
    ("CPU_VARIANCE_THRESHOLD", "NaN", "CPU_VARIANCE_THRESHOLD=\"NaN\": expected a ratio of 0 or more"),
    ("MEMORY_VARIANCE_THRESHOLD", "inf", "MEMORY_VARIANCE_THRESHOLD=\"inf\": expected a ratio of 0 or more"),
    ("LAG_VARIANCE_THRESHOLD", "50%", "LAG_VARIANCE_THRESHOLD=\"50%\": expected a number, such as 1.5"),
    (
        "CONSUMPTION_RATE_VARIANCE_THRESHOLD",
        "-1",
        "CONSUMPTION_RATE_VARIANCE_THRESHOLD=\"-1\": expected a ratio of 0 or more",
    ),
    (
        "PRODUCTION_RATE_VARIANCE_THRESHOLD",
        "0,5",
        "PRODUCTION_RATE_VARIANCE_THRESHOLD=\"0,5\": expected a number, such as 1.5",
    ),
    ("FORECAST_HORIZON", "5m", "FORECAST_HORIZON=\"5m\": expected off, or a duration between 30m and 24h"),
    ("REBALANCE_STRATEGY", "best", "REBALANCE_STRATEGY=\"best\": expected one of predict, rotate-outliers"),
    (
        "KAFKA_ASSIGNOR",
        "stickiest",
        "KAFKA_ASSIGNOR=\"stickiest\": expected one of auto, range, roundrobin, sticky, cooperative-sticky, librdkafka-cooperative-sticky, uniform, uniform-4.0.0, server-range",
    ),
    ("KAFKA_STATIC_MEMBERSHIP", "2", "KAFKA_STATIC_MEMBERSHIP=\"2\": expected true or false"),
    (
        "KAFKA_REPLACEMENT_TIMING",
        "later",
        "KAFKA_REPLACEMENT_TIMING=\"later\": expected one of auto, leave-then-join, all-at-once, one-by-one",
    ),
    (
        "KAFKA_REPLACEMENT_WAIT",
        "soon",
        "KAFKA_REPLACEMENT_WAIT=\"soon\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
];
