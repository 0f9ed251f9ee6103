//! Of what is read, and of a process that stays.

pub(in crate::config::tests) const WRONG: &[(&str, &str, &str)] = &[
    (
        "WORKLOADS_FILE",
        "/no/workloads",
        "WORKLOADS_FILE=\"/no/workloads\": expected a file that can be read: No such file or directory (os error 2)",
    ),
    (
        "GROUP_LOCK_NAMESPACE",
        "Locks",
        "GROUP_LOCK_NAMESPACE=\"Locks\": expected a DNS label: at most 63 lower case letters, digits and '-', not '-' at an end",
    ),
    ("INTERVAL", "0s", "INTERVAL=\"0s\": expected a duration between 1s and 24h"),
    ("SHORTEST_INTERVAL", "0s", "SHORTEST_INTERVAL=\"0s\": expected a duration between 1s and 24h"),
    ("CONCURRENT_CYCLES", "0", "CONCURRENT_CYCLES=\"0\": expected a whole number of 1 or more"),
    ("WATCH_STALE_AFTER", "30s", "WATCH_STALE_AFTER=\"30s\": expected a duration between 40s and 10m"),
    (
        "LISTEN_ADDRESS",
        "8080",
        "LISTEN_ADDRESS=\"8080\": expected an address and a port, such as 127.0.0.1:8080 or [::]:8080",
    ),
    ("LEADER_ELECTION", "perhaps", "LEADER_ELECTION=\"perhaps\": expected true or false"),
    (
        "LEADER_LEASE_NAME",
        "Leader",
        "LEADER_LEASE_NAME=\"Leader\": expected a Kubernetes name: at most 253 lower case letters, digits, '-' and '.', not at an end",
    ),
    (
        "LEADER_LEASE_NAMESPACE",
        "Tools",
        "LEADER_LEASE_NAMESPACE=\"Tools\": expected a DNS label: at most 63 lower case letters, digits and '-', not '-' at an end",
    ),
    ("LEADER_LEASE_DURATION", "1s", "LEADER_LEASE_DURATION=\"1s\": expected a duration between 6s and 10m"),
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
        "PROMETHEUS_CLIENT_CERT_FILE",
        "/no/cert",
        "PROMETHEUS_CLIENT_KEY_FILE is not set: a value, since PROMETHEUS_CLIENT_CERT_FILE is set",
    ),
    (
        "PROMETHEUS_CLIENT_KEY_FILE",
        "/no/key",
        "PROMETHEUS_CLIENT_CERT_FILE is not set: a value, since PROMETHEUS_CLIENT_KEY_FILE is set",
    ),
    (
        "PROMETHEUS_PROXY",
        "proxy:3128",
        "PROMETHEUS_PROXY=\"proxy:3128\": expected environment, none, or the URL of an HTTP proxy without credentials",
    ),
    ("PROMETHEUS_CONCURRENCY", "0", "PROMETHEUS_CONCURRENCY=\"0\": expected a whole number of 1 or more"),
    ("PROMETHEUS_SERIES_LIMIT", "0", "PROMETHEUS_SERIES_LIMIT=\"0\": expected a whole number of 1 or more"),
    (
        "PROMETHEUS_HEADERS",
        "s3cret",
        "PROMETHEUS_HEADERS: expected NAME=VALUE, separated by commas, such as X-Scope-OrgID=team-a",
    ),
    (
        "PROMETHEUS_MATCHERS",
        "cluster=eu",
        "PROMETHEUS_MATCHERS=\"cluster=eu\": expected label matchers as in PromQL, separated by commas, such as cluster=\"eu\": unexpected identifier 'eu' in label matching, expected string",
    ),
    ("METRICS_TIME_WINDOW", "5s", "METRICS_TIME_WINDOW=\"5s\": expected a duration between 10s and 24h"),
    (
        "KAFKA_BOOTSTRAP_SERVERS",
        "kafka",
        "KAFKA_BOOTSTRAP_SERVERS=\"kafka\": expected host:port of one or more brokers, separated by commas; one of them has no port, as in 'kafka:9092'",
    ),
    (
        "KAFKA_GROUP_ID",
        "a\tb",
        "KAFKA_GROUP_ID=\"a\\tb\": expected the id of a consumer group, without control characters",
    ),
    (
        "KAFKA_SECURITY_PROTOCOL",
        "TLS",
        "KAFKA_SECURITY_PROTOCOL=\"TLS\": expected one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
    ),
    (
        "KAFKA_SASL_MECHANISM",
        "GSSAPI",
        "KAFKA_SASL_MECHANISM=\"GSSAPI\": expected one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER",
    ),
    (
        "KAFKA_SASL_USERNAME",
        "me",
        "KAFKA_SASL_USERNAME=\"me\": expected no value, since KAFKA_SECURITY_PROTOCOL=PLAINTEXT has no SASL; set SASL_SSL or SASL_PLAINTEXT there, or unset this",
    ),
    (
        "KAFKA_SASL_PASSWORD_FILE",
        "/no/password",
        "KAFKA_SASL_PASSWORD_FILE=\"/no/password\": expected a file that can be read: No such file or directory (os error 2)",
    ),
    (
        "KAFKA_SASL_OAUTHBEARER_TOKEN_FILE",
        "/no/token",
        "KAFKA_SASL_OAUTHBEARER_TOKEN_FILE=\"/no/token\": expected a file that can be read: No such file or directory (os error 2)",
    ),
    (
        "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL",
        "login.example/token",
        "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL=\"login.example/token\": expected a URL with https or http, such as https://login.example/oauth2/token",
    ),
    (
        "KAFKA_SASL_OAUTHBEARER_CLIENT_ID",
        "é",
        "KAFKA_SASL_OAUTHBEARER_CLIENT_ID=\"é\": expected printable ASCII characters",
    ),
    (
        "KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE",
        "/no/secret",
        "KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE=\"/no/secret\": expected a file that can be read: No such file or directory (os error 2)",
    ),
    (
        "KAFKA_SASL_OAUTHBEARER_SCOPE",
        "a\\b",
        "KAFKA_SASL_OAUTHBEARER_SCOPE=\"a\\\\b\": expected scopes of printable ASCII characters without quotes, separated by spaces",
    ),
    (
        "KAFKA_SSL_CA_FILE",
        "/no/ca",
        "KAFKA_SSL_CA_FILE=\"/no/ca\": expected a file that can be read: No such file or directory (os error 2)",
    ),
    (
        "KAFKA_SSL_CERTIFICATE_FILE",
        "/no/cert",
        "KAFKA_SSL_CERTIFICATE_FILE=\"/no/cert\": expected a file that can be read: No such file or directory (os error 2)",
    ),
    (
        "KAFKA_SSL_KEY_FILE",
        "/no/key",
        "KAFKA_SSL_KEY_FILE=\"/no/key\": expected a file that can be read: No such file or directory (os error 2)",
    ),
    (
        "KAFKA_TIMEOUT",
        "10",
        "KAFKA_TIMEOUT=\"10\": expected a duration of 0 or more with its unit, such as 30s, 5m or 1m30s",
    ),
    (
        "KAFKA_POD_MATCHING",
        "ip",
        "KAFKA_POD_MATCHING=\"ip\": expected one of auto, host, instance-id, client-id",
    ),
    (
        "CRUISE_CONTROL_URL",
        "http://cc:9090/kafkacruisecontrol/state",
        "CRUISE_CONTROL_URL=\"http://cc:9090/kafkacruisecontrol/state\": expected the base URL, without /state and what follows",
    ),
    (
        "CRUISE_CONTROL_TIMEOUT",
        "1h",
        "CRUISE_CONTROL_TIMEOUT=\"1h\": expected a duration between 100ms and 10m",
    ),
    (
        "CRUISE_CONTROL_BEARER_TOKEN_FILE",
        "/no/token",
        "CRUISE_CONTROL_BEARER_TOKEN_FILE=\"/no/token\": expected a file that can be read: No such file or directory (os error 2)",
    ),
    (
        "CRUISE_CONTROL_USERNAME",
        "rebalancer",
        "CRUISE_CONTROL_PASSWORD_FILE is not set: a value, since CRUISE_CONTROL_USERNAME is set",
    ),
    (
        "CRUISE_CONTROL_PASSWORD_FILE",
        "/no/password",
        "CRUISE_CONTROL_USERNAME is not set: a value, since CRUISE_CONTROL_PASSWORD_FILE is set",
    ),
    (
        "CRUISE_CONTROL_CA_FILE",
        "/no/ca",
        "CRUISE_CONTROL_CA_FILE=\"/no/ca\": expected a file that can be read: No such file or directory (os error 2)",
    ),
    (
        "CRUISE_CONTROL_HEADERS",
        "X-Key hush",
        "CRUISE_CONTROL_HEADERS: expected NAME=VALUE, separated by commas, such as X-Scope-OrgID=team-a",
    ),
];
