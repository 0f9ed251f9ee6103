//! A wrong value for each variable, and what a person is told.

/// One wrong value for each variable, with the whole message.
pub(super) const WRONG: &[(&str, &str, &str)] = &[
    (
        "PROMETHEUS_ENDPOINT",
        "metrics:9090",
        "PROMETHEUS_ENDPOINT=\"metrics:9090\": expected a base URL with http or https, such as http://victoriametrics:8428",
    ),
    (
        "PROMETHEUS_TIMEOUT",
        "30",
        "PROMETHEUS_TIMEOUT=\"30\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    (
        "PROMETHEUS_BEARER_TOKEN_FILE",
        "/no/token",
        "PROMETHEUS_BEARER_TOKEN_FILE=\"/no/token\": expected a file that can be read: No such file or directory (os error 2)",
    ),
    (
        "PROMETHEUS_USERNAME",
        "me",
        "PROMETHEUS_PASSWORD_FILE is not set: a value, since PROMETHEUS_USERNAME is set",
    ),
    (
        "PROMETHEUS_PASSWORD_FILE",
        "/no/password",
        "PROMETHEUS_USERNAME is not set: a value, since PROMETHEUS_PASSWORD_FILE is set",
    ),
    (
        "PROMETHEUS_CA_FILE",
        "/no/ca",
        "PROMETHEUS_CA_FILE=\"/no/ca\": expected a file that can be read: No such file or directory (os error 2)",
    ),
    (
        "PROMETHEUS_HEADERS",
        "s3cret",
        "PROMETHEUS_HEADERS: expected NAME=VALUE, separated by commas, such as X-Scope-OrgID=team-a",
    ),
    ("METRICS_TIME_WINDOW", "5s", "METRICS_TIME_WINDOW=\"5s\": expected a duration between 10s and 24h"),
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
    ("REBALANCE_STRATEGY", "best", "REBALANCE_STRATEGY=\"best\": expected one of predict, rotate-outliers"),
    (
        "KAFKA_ASSIGNOR",
        "stickiest",
        "KAFKA_ASSIGNOR=\"stickiest\": expected one of auto, range, roundrobin, sticky, cooperative-sticky, librdkafka-cooperative-sticky, uniform, server-range",
    ),
    ("KAFKA_STATIC_MEMBERSHIP", "2", "KAFKA_STATIC_MEMBERSHIP=\"2\": expected true or false"),
    (
        "KAFKA_REPLACEMENT_TIMING",
        "later",
        "KAFKA_REPLACEMENT_TIMING=\"later\": expected one of leave-then-join, all-at-once",
    ),
    ("DRY_RUN", "maybe", "DRY_RUN=\"maybe\": expected true or false"),
    ("MINIMUM_PODS_REQUIRED", "-3", "MINIMUM_PODS_REQUIRED=\"-3\": expected a whole number of 0 or more"),
    ("MIN_PODS_REQUIRED", "three", "MIN_PODS_REQUIRED=\"three\": expected a whole number of 0 or more"),
    (
        "MINIMUM_POD_AGE",
        "90",
        "MINIMUM_POD_AGE=\"90\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    ("MINIMUM_SAMPLE_COVERAGE", "80", "MINIMUM_SAMPLE_COVERAGE=\"80\": expected a share between 0 and 1"),
    ("REMOVAL_METHOD", "kill", "REMOVAL_METHOD=\"kill\": expected one of evict, delete"),
    ("RECORD_STORE", "file", "RECORD_STORE=\"file\": expected one of lease, none"),
    (
        "SETTLE_TIME",
        "soon",
        "SETTLE_TIME=\"soon\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    ("MINIMUM_EFFECT_PERCENT", "x", "MINIMUM_EFFECT_PERCENT=\"x\": expected a number, such as 1.5"),
    ("REMOVAL_BUDGET_PODS", "-1", "REMOVAL_BUDGET_PODS=\"-1\": expected a whole number of 0 or more"),
    (
        "REMOVAL_BUDGET_WINDOW",
        "8d",
        "REMOVAL_BUDGET_WINDOW=\"8d\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    (
        "BREAKER_UNHELPFUL_ROTATIONS",
        "0",
        "BREAKER_UNHELPFUL_ROTATIONS=\"0\": expected a whole number of 1 or more",
    ),
    ("BREAKER_FAILED_CYCLES", "0", "BREAKER_FAILED_CYCLES=\"0\": expected a whole number of 1 or more"),
    (
        "BREAKER_FIRST_PAUSE",
        "1",
        "BREAKER_FIRST_PAUSE=\"1\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    (
        "BREAKER_LONGEST_PAUSE",
        "never",
        "BREAKER_LONGEST_PAUSE=\"never\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    ("CYCLE_TIMEOUT", "1h", "CYCLE_TIMEOUT=\"1h\": expected a duration between 1s and 10m"),
    (
        "CPU_QUERY",
        "rate(cpu{pod=\"{{pod}}\"}[5m])",
        "CPU_QUERY=\"rate(cpu{pod=\\\"{{pod}}\\\"}[5m])\": expected PromQL with placeholders; {{pod}} is no placeholder; there are {{namespace}}, {{container}}, {{workload}} and {{window}}",
    ),
    (
        "MEMORY_QUERY",
        "{{",
        "MEMORY_QUERY=\"{{\": expected PromQL with placeholders; '{{' without '}}' near ''",
    ),
    (
        "KAFKA_LAG_QUERY",
        "lag{namespace={{namespace}}}",
        "KAFKA_LAG_QUERY=\"lag{namespace={{namespace}}}\": expected PromQL with placeholders; {{namespace}} must stand between double quotes, as in \"{{namespace}}\"",
    ),
    (
        "CONSUMPTION_RATE_QUERY",
        "{{nope}}",
        "CONSUMPTION_RATE_QUERY=\"{{nope}}\": expected PromQL with placeholders; {{nope}} is no placeholder; there are {{namespace}}, {{container}}, {{workload}} and {{window}}",
    ),
    (
        "PRODUCTION_RATE_QUERY",
        "{{nope}}",
        "PRODUCTION_RATE_QUERY=\"{{nope}}\": expected PromQL with placeholders; {{nope}} is no placeholder; there are {{namespace}}, {{container}}, {{workload}} and {{window}}",
    ),
    (
        "PARTITION_LOAD_QUERY",
        "{{nope}}",
        "PARTITION_LOAD_QUERY=\"{{nope}}\": expected PromQL with placeholders; {{nope}} is no placeholder; there are {{namespace}}, {{container}}, {{workload}} and {{window}}",
    ),
    (
        "KAFKA_METRICS_PRESET",
        "burrow",
        "KAFKA_METRICS_PRESET=\"burrow\": expected one of jmx-exporter, librdkafka",
    ),
    ("LOG_LEVEL", "loud", "LOG_LEVEL=\"loud\": expected one of debug, info, warn, error"),
    ("LOG_FORMAT", "xml", "LOG_FORMAT=\"xml\": expected one of json, text"),
];
