//! Settings of where loads are read from.

use super::Variable;

const HEADING: &str = "Metric server";

pub(super) const SETTINGS: &[Variable] = &[
    Variable::new(
        HEADING,
        "PROMETHEUS_ENDPOINT",
        None,
        "Base URL of Prometheus or VictoriaMetrics, such as http://victoriametrics:8428; a path prefix is allowed; required, unless all that is read comes from Kafka (KAFKA_BOOTSTRAP_SERVERS)",
    ),
    Variable::new(
        HEADING,
        "PROMETHEUS_TIMEOUT",
        Some("30s"),
        "Time for one query, all retries together; at most three quarters of CYCLE_TIMEOUT are used",
    ),
    Variable::new(
        HEADING,
        "PROMETHEUS_BEARER_TOKEN_FILE",
        None,
        "File with a bearer token, read again for each request",
    ),
    Variable::new(HEADING, "PROMETHEUS_USERNAME", None, "User name for basic authentication"),
    Variable::new(
        HEADING,
        "PROMETHEUS_PASSWORD_FILE",
        None,
        "File with the password for basic authentication, read again for each request",
    ),
    Variable::new(
        HEADING,
        "PROMETHEUS_CA_FILE",
        None,
        "File with the certificates (PEM) of a private certificate authority",
    ),
    Variable::new(
        HEADING,
        "PROMETHEUS_CLIENT_CERT_FILE",
        None,
        "File with a client certificate (PEM), for a server that asks for one; needs https and PROMETHEUS_CLIENT_KEY_FILE",
    ),
    Variable::new(
        HEADING,
        "PROMETHEUS_CLIENT_KEY_FILE",
        None,
        "File with the key (PEM) of the client certificate; may be the same file",
    ),
    Variable::new(
        HEADING,
        "PROMETHEUS_PROXY",
        Some("environment"),
        "environment: HTTP_PROXY, HTTPS_PROXY and NO_PROXY count, but not for loopback addresses; none: no proxy; or the URL of one",
    ),
    Variable::new(HEADING, "PROMETHEUS_CONCURRENCY", Some("4"), "At most this many queries at a time"),
    Variable::new(
        HEADING,
        "PROMETHEUS_SERIES_LIMIT",
        None,
        "The most series that an answer may have: the server is asked for one more (limit), and an answer that has it is not used; default: no limit",
    ),
    Variable::new(
        HEADING,
        "PROMETHEUS_HEADERS",
        None,
        "Extra headers, as NAME=VALUE, separated by commas, such as X-Scope-OrgID=team-a",
    )
    .secret(),
    Variable::new(
        HEADING,
        "PROMETHEUS_MATCHERS",
        None,
        "Label matchers that every query that is ready has besides, such as cluster=\"eu\", where several clusters write to one server; not used by queries of your own",
    ),
    Variable::new(HEADING, "METRICS_TIME_WINDOW", Some("5m"), "Window of the rates"),
];
