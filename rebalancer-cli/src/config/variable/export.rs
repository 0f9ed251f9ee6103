//! Settings of where the metrics of a run go.

use super::Variable;

const HEADING: &str = "The rebalancer's own metrics";

pub(super) const SETTINGS: &[Variable] = &[
    Variable::new(
        HEADING,
        "METRICS_PUSH_URL",
        None,
        "Base URL of a Pushgateway, such as http://pushgateway:9091, or of VictoriaMetrics, such as http://victoriametrics:8428/api/v1/import/prometheus, to which metrics are pushed at the end of each run",
    ),
    Variable::new(
        HEADING,
        "METRICS_PUSH_FORMAT",
        Some("auto"),
        "pushgateway or victoriametrics; auto: victoriametrics when the path of the URL has /insert/ or /api/v1/import/prometheus, else pushgateway",
    ),
    Variable::new(
        HEADING,
        "METRICS_PUSH_TIMEOUT",
        Some("5s"),
        "Time for the push, all retries together, after the cycle; 100ms to 10s",
    ),
    Variable::new(
        HEADING,
        "METRICS_PUSH_BEARER_TOKEN_FILE",
        None,
        "File with a bearer token for the push, read again for each request",
    ),
    Variable::new(HEADING, "METRICS_PUSH_USERNAME", None, "User name for basic authentication of the push"),
    Variable::new(
        HEADING,
        "METRICS_PUSH_PASSWORD_FILE",
        None,
        "File with the password for basic authentication of the push, read again for each request",
    ),
    Variable::new(
        HEADING,
        "METRICS_PUSH_CA_FILE",
        None,
        "File with the certificates (PEM) of a private certificate authority, for the push",
    ),
    Variable::new(
        HEADING,
        "METRICS_PUSH_HEADERS",
        None,
        "Extra headers of the push, as NAME=VALUE, separated by commas",
    )
    .secret(),
    Variable::new(
        HEADING,
        "METRICS_TEXTFILE_DIR",
        None,
        "Folder of node exporter's textfile collector, where metrics are written at the end of each run",
    ),
    Variable::new(
        HEADING,
        "METRICS_PER_POD",
        Some("false"),
        "true: the load of each pod is among the metrics, for 500 pods at most",
    ),
];
