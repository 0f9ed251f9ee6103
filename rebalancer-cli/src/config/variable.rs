//! Every setting, once: its environment variable, its flag, its default and its help come from this table.

mod export;

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variable {
    /// The environment variable.
    pub(crate) name: &'static str,
    /// What is used when it is not set; `None` means nothing, or what the help says.
    pub(crate) default: Option<&'static str>,
    /// What it means, in one sentence.
    pub(crate) help: &'static str,
    /// The heading that it stands under in `--help`.
    pub(crate) heading: &'static str,
    /// Its value is never shown.
    pub(crate) secret: bool,
    /// It is one for the whole run, so that no entry of WORKLOADS_FILE can have it.
    pub(crate) of_run: bool,
}

impl Variable {
    const fn new(
        heading: &'static str,
        name: &'static str,
        default: Option<&'static str>,
        help: &'static str,
    ) -> Self {
        Self { name, default, help, heading, secret: false, of_run: false }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn of_run(self) -> Self {
        Self { of_run: true, ..self }
    }

    /// `--kube-namespace` for `KUBE_NAMESPACE`, without the dashes.
    pub(crate) fn flag(&self) -> String {
        self.name.to_ascii_lowercase().replace('_', "-")
    }
}

/// The setting of this name. Names come from this crate's own source, so an unknown one is a bug that a test finds.
pub(crate) fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}

const WORKLOADS: &str = "Several workloads";
const METRICS: &str = "Metric server";
const KUBERNETES: &str = "Kubernetes";
const DECISION: &str = "Decision";
const SAFETY: &str = "Safety";
const QUERIES: &str = "Queries (PromQL; placeholders {{namespace}}, {{container}}, {{workload}}, {{window}})";
const OUTPUT: &str = "Output";

/// All settings, in the order of the documentation.
pub(crate) const VARIABLES: &[Variable] = &[
    Variable::new(
        WORKLOADS,
        "WORKLOADS_FILE",
        None,
        "YAML file with a list of workloads, which are handled one after the other; each entry has variables of its own, above the environment and below flags",
    )
    .of_run(),
    Variable::new(
        METRICS,
        "PROMETHEUS_ENDPOINT",
        None,
        "Base URL of Prometheus or VictoriaMetrics, such as http://victoriametrics:8428; a path prefix is allowed; required",
    ),
    Variable::new(
        METRICS,
        "PROMETHEUS_TIMEOUT",
        Some("30s"),
        "Time for one query, all retries together; at most three quarters of CYCLE_TIMEOUT are used",
    ),
    Variable::new(
        METRICS,
        "PROMETHEUS_BEARER_TOKEN_FILE",
        None,
        "File with a bearer token, read again for each request",
    ),
    Variable::new(METRICS, "PROMETHEUS_USERNAME", None, "User name for basic authentication"),
    Variable::new(
        METRICS,
        "PROMETHEUS_PASSWORD_FILE",
        None,
        "File with the password for basic authentication, read again for each request",
    ),
    Variable::new(
        METRICS,
        "PROMETHEUS_CA_FILE",
        None,
        "File with the certificates (PEM) of a private certificate authority",
    ),
    Variable::new(
        METRICS,
        "PROMETHEUS_CLIENT_CERT_FILE",
        None,
        "File with a client certificate (PEM), for a server that asks for one; needs https and PROMETHEUS_CLIENT_KEY_FILE",
    ),
    Variable::new(
        METRICS,
        "PROMETHEUS_CLIENT_KEY_FILE",
        None,
        "File with the key (PEM) of the client certificate; may be the same file",
    ),
    Variable::new(
        METRICS,
        "PROMETHEUS_PROXY",
        Some("environment"),
        "environment: HTTP_PROXY, HTTPS_PROXY and NO_PROXY count, but not for loopback addresses; none: no proxy; or the URL of one",
    ),
    Variable::new(METRICS, "PROMETHEUS_CONCURRENCY", Some("4"), "At most this many queries at a time"),
    Variable::new(
        METRICS,
        "PROMETHEUS_SERIES_LIMIT",
        None,
        "The most series that an answer may have: the server is asked for one more (limit), and an answer that has it is not used; default: any number",
    ),
    Variable::new(
        METRICS,
        "PROMETHEUS_HEADERS",
        None,
        "Extra headers, as NAME=VALUE, separated by commas, such as X-Scope-OrgID=team-a",
    )
    .secret(),
    Variable::new(METRICS, "METRICS_TIME_WINDOW", Some("5m"), "Window of the rates"),
    Variable::new(KUBERNETES, "KUBE_NAMESPACE", None, "Namespace of the pods; required"),
    Variable::new(KUBERNETES, "DEPLOYMENT_NAME", None, "Name of the workload; required"),
    Variable::new(
        KUBERNETES,
        "CONTAINER_NAME",
        None,
        "Name of the container that is measured; default: DEPLOYMENT_NAME",
    ),
    Variable::new(KUBERNETES, "KUBE_LABEL_SELECTOR", Some("app=consumer"), "Which pods belong to the fleet"),
    Variable::new(
        KUBERNETES,
        "HPA_PREFIX",
        None,
        "The autoscaler may be called <prefix><workload>, such as keda-hpa-",
    ),
    Variable::new(
        KUBERNETES,
        "KUBE_CONTEXT",
        None,
        "Context of the kubeconfig; default: the service account in a cluster, else the current context",
    )
    .of_run(),
    Variable::new(KUBERNETES, "KUBE_TIMEOUT", Some("10s"), "Time for one request, all retries together"),
    Variable::new(
        DECISION,
        "REBALANCE_TOP_K_PODS",
        Some("2"),
        "K: at most this many hot and this many cold pods are rotated in one cycle",
    ),
    Variable::new(DECISION, "TOLERANCE_MULTIPLIER", Some("1.5"), "A pod is hot above its target times this"),
    Variable::new(
        DECISION,
        "MINIMUM_IMPROVEMENT_PERCENT",
        Some("10.0"),
        "A rotation must be expected to bring more than this",
    ),
    Variable::new(
        DECISION,
        "CPU_VARIANCE_THRESHOLD",
        Some("0.3"),
        "Coefficient of variation that is an imbalance of CPU when no autoscaler's target is known",
    ),
    Variable::new(DECISION, "MEMORY_VARIANCE_THRESHOLD", Some("0.3"), "The same for memory, when it is read"),
    Variable::new(DECISION, "LAG_VARIANCE_THRESHOLD", Some("0.5"), "The same for lag, when it is read"),
    Variable::new(
        DECISION,
        "CONSUMPTION_RATE_VARIANCE_THRESHOLD",
        Some("0.5"),
        "The same for the consumption rate, when it is read",
    ),
    Variable::new(
        DECISION,
        "PRODUCTION_RATE_VARIANCE_THRESHOLD",
        Some("0.5"),
        "The same for the production rate, when it is read",
    ),
    Variable::new(
        DECISION,
        "REBALANCE_STRATEGY",
        Some("predict"),
        "predict: what a removal does is worked out from partition loads (needs PARTITION_LOAD_QUERY, otherwise as rotate-outliers); rotate-outliers: the hottest and coldest pods",
    ),
    Variable::new(
        DECISION,
        "KAFKA_ASSIGNOR",
        Some("auto"),
        "The group's assignor: range, roundrobin, sticky, cooperative-sticky, librdkafka-cooperative-sticky, uniform, server-range; auto: inferred from who holds what",
    ),
    Variable::new(
        DECISION,
        "KAFKA_STATIC_MEMBERSHIP",
        Some("false"),
        "true: consumers have a group.instance.id and come back as themselves",
    ),
    Variable::new(
        DECISION,
        "KAFKA_REPLACEMENT_TIMING",
        Some("leave-then-join"),
        "leave-then-join: removed pods have left before their replacements join; all-at-once: in one rebalance",
    ),
    Variable::new(
        SAFETY,
        "DRY_RUN",
        Some("false"),
        "true: nothing is changed; removals are validated by the API server's own dry run",
    ),
    Variable::new(
        SAFETY,
        "MINIMUM_PODS_REQUIRED",
        None,
        "Pods that must stay Ready after the batch; default: 3",
    ),
    Variable::new(SAFETY, "MIN_PODS_REQUIRED", None, "Another spelling of MINIMUM_PODS_REQUIRED"),
    Variable::new(
        SAFETY,
        "MINIMUM_POD_AGE",
        None,
        "A pod must have been Ready for this long; default: METRICS_TIME_WINDOW",
    ),
    Variable::new(
        SAFETY,
        "MAXIMUM_REMOVAL_SHARE",
        Some("0.5"),
        "At most this share of the serving pods is removed in one cycle, 0 to 1",
    ),
    Variable::new(
        SAFETY,
        "MAXIMUM_YOUNG_SHARE",
        Some("0.1"),
        "With a larger share of pods that are not Ready, or have not been for MINIMUM_POD_AGE, the fleet is left alone, 0 to 1",
    ),
    Variable::new(
        SAFETY,
        "MAXIMUM_POD_PRIORITY",
        Some("1000000000"),
        "Pods of a higher priority are never removed; the default is the highest that a class of a user's own can have",
    ),
    Variable::new(
        SAFETY,
        "REQUIRE_OPT_IN",
        Some("false"),
        "true: only pods that have the annotation pod-rebalancer.io/opt-in: \"true\", or whose workload has it, are touched",
    ),
    Variable::new(
        SAFETY,
        "WAIT_FOR_SCALE_IN",
        Some("true"),
        "true: nothing is removed while the autoscaler is about to scale in and only waits for its stabilization window",
    ),
    Variable::new(
        SAFETY,
        "QUIET_HOURS",
        None,
        "Nothing is removed in these windows, separated by ';', such as 'Mon-Fri 08:00-18:00; Sat,Sun 00:00-24:00'",
    ),
    Variable::new(SAFETY, "TIME_ZONE", Some("UTC"), "Time zone of QUIET_HOURS, such as Europe/Berlin"),
    Variable::new(
        SAFETY,
        "PERSISTENCE_WINDOWS",
        Some("3"),
        "An imbalance must be there in PERSISTENCE_REQUIRED of this many readings, METRICS_TIME_WINDOW apart; 1: the present one is enough",
    ),
    Variable::new(
        SAFETY,
        "PERSISTENCE_REQUIRED",
        None,
        "In how many of the last PERSISTENCE_WINDOWS readings; default: more than half of them",
    ),
    Variable::new(
        SAFETY,
        "MINIMUM_SAMPLE_COVERAGE",
        Some("0.8"),
        "Share of the eligible pods that must have a sample, 0 to 1",
    ),
    Variable::new(
        SAFETY,
        "REMOVAL_METHOD",
        Some("evict"),
        "evict: by the Eviction API, which respects disruption budgets; delete: plain deletion, which does not",
    ),
    Variable::new(
        SAFETY,
        "KUBE_EVENTS",
        Some("true"),
        "true: each removal is told by Kubernetes Events on the pod and on its workload too",
    ),
    Variable::new(
        SAFETY,
        "RECORD_STORE",
        Some("lease"),
        "lease: past rotations, breaker and lock are kept in a Lease for each workload; none: no memory, and overlapping runs may both act",
    ),
    Variable::new(
        SAFETY,
        "SETTLE_TIME",
        Some("15m"),
        "A fleet is left alone for this long after a rotation; at least MINIMUM_POD_AGE",
    ),
    Variable::new(
        SAFETY,
        "MINIMUM_EFFECT_PERCENT",
        Some("5"),
        "A rotation helped when the CV fell by this; less is asked for when a small share of the fleet was rotated",
    ),
    Variable::new(
        SAFETY,
        "REMOVAL_BUDGET_PODS",
        Some("12"),
        "At most this many pods are removed in REMOVAL_BUDGET_WINDOW, over all runs; 0: none at all; none: no budget",
    ),
    Variable::new(
        SAFETY,
        "REMOVAL_BUDGET_WINDOW",
        Some("1h"),
        "The time that REMOVAL_BUDGET_PODS is counted over",
    ),
    Variable::new(
        SAFETY,
        "BREAKER_UNHELPFUL_ROTATIONS",
        Some("2"),
        "So many rotations in a row that did not help open the circuit breaker",
    ),
    Variable::new(
        SAFETY,
        "BREAKER_FAILED_CYCLES",
        Some("3"),
        "So many failed cycles in a row open the circuit breaker",
    ),
    Variable::new(
        SAFETY,
        "BREAKER_FIRST_PAUSE",
        Some("1h"),
        "For how long the breaker opens; twice as long each time in a row",
    ),
    Variable::new(SAFETY, "BREAKER_LONGEST_PAUSE", Some("24h"), "For how long it opens at most"),
    Variable::new(
        SAFETY,
        "CYCLE_TIMEOUT",
        Some("28s"),
        "Time for the whole cycle; no removal begins after it",
    ),
    Variable::new(
        QUERIES,
        "INDICATORS",
        Some("auto"),
        "Which loads are read: a list such as cpu,memory,lag out of cpu, memory, lag, consumption_rate, production_rate; auto: cpu, and each other whose query is set",
    ),
    Variable::new(
        QUERIES,
        "INDICATOR_WEIGHTS",
        None,
        "How much each indicator counts when several rank the pods, such as cpu=1,lag=0.5; one that is not named counts 1; 0: it ranks no pod",
    ),
    Variable::new(
        QUERIES,
        "CPU_QUERY",
        None,
        "CPU in cores by pod; default: the rate of container_cpu_usage_seconds_total",
    ),
    Variable::new(
        QUERIES,
        "MEMORY_QUERY",
        None,
        "Memory in bytes by pod; default, when INDICATORS names memory: container_memory_working_set_bytes",
    ),
    Variable::new(
        QUERIES,
        "KAFKA_LAG_QUERY",
        None,
        "Messages not yet consumed, by pod; default, when INDICATORS names lag: by KAFKA_METRICS_PRESET",
    ),
    Variable::new(
        QUERIES,
        "CONSUMPTION_RATE_QUERY",
        None,
        "Messages consumed a second, by pod; default, when INDICATORS names consumption_rate: by KAFKA_METRICS_PRESET",
    ),
    Variable::new(
        QUERIES,
        "PRODUCTION_RATE_QUERY",
        None,
        "Messages produced a second to the pod's partitions; default, when INDICATORS names production_rate: by KAFKA_METRICS_PRESET",
    ),
    Variable::new(
        QUERIES,
        "PARTITION_LOAD_QUERY",
        None,
        "Load by pod, topic and partition; shown in the plan, not read unless set",
    ),
    Variable::new(
        QUERIES,
        "KAFKA_METRICS_PRESET",
        None,
        "jmx-exporter or librdkafka: queries that are ready for these metrics, for the partition loads, and for lag and rates that INDICATORS names",
    ),
    Variable::new(
        QUERIES,
        "QUERY_DIALECT",
        Some("promql"),
        "promql: queries of one's own are checked before a server is asked; metricsql: for VictoriaMetrics, only brackets and quotes are",
    ),
    export::PUSH_URL,
    export::PUSH_FORMAT,
    export::PUSH_TIMEOUT,
    export::PUSH_BEARER_TOKEN_FILE,
    export::PUSH_USERNAME,
    export::PUSH_PASSWORD_FILE,
    export::PUSH_CA_FILE,
    export::PUSH_HEADERS,
    export::TEXTFILE_DIR,
    export::PER_POD,
    Variable::new(OUTPUT, "LOG_LEVEL", Some("info"), "debug, info, warn or error").of_run(),
    Variable::new(OUTPUT, "LOG_FORMAT", Some("json"), "json: one object a line; text: for people").of_run(),
];
