//! Settings of Kafka itself, by the names of its own clients.

use super::Variable;

const HEADING: &str = "Kafka";

pub(super) const SETTINGS: &[Variable] = &[
    Variable::new(
        HEADING,
        "KAFKA_BOOTSTRAP_SERVERS",
        None,
        "Brokers to begin with, as host:port, separated by commas: the group is read from Kafka itself, with its assignor, members, lag and production rates",
    ),
    Variable::new(
        HEADING,
        "KAFKA_GROUP_ID",
        None,
        "The consumer group of the fleet; default, with KAFKA_BOOTSTRAP_SERVERS: DEPLOYMENT_NAME",
    ),
    Variable::new(
        HEADING,
        "KAFKA_SECURITY_PROTOCOL",
        Some("PLAINTEXT"),
        "What the listener of KAFKA_BOOTSTRAP_SERVERS speaks: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
    ),
    Variable::new(
        HEADING,
        "KAFKA_SASL_MECHANISM",
        None,
        "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER; needed with SASL_PLAINTEXT and SASL_SSL",
    ),
    Variable::new(HEADING, "KAFKA_SASL_USERNAME", None, "User name for PLAIN and SCRAM"),
    Variable::new(
        HEADING,
        "KAFKA_SASL_PASSWORD_FILE",
        None,
        "File with the password for PLAIN and SCRAM, read again for each connection",
    ),
    Variable::new(
        HEADING,
        "KAFKA_SASL_OAUTHBEARER_TOKEN_FILE",
        None,
        "File with a token for OAUTHBEARER, which something else renews; read again for each connection",
    ),
    Variable::new(
        HEADING,
        "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL",
        None,
        "Where tokens for OAUTHBEARER are fetched by client credentials, such as https://login.example/oauth2/token",
    ),
    Variable::new(
        HEADING,
        "KAFKA_SASL_OAUTHBEARER_CLIENT_ID",
        None,
        "The client for which tokens are fetched",
    ),
    Variable::new(
        HEADING,
        "KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE",
        None,
        "File with the secret of that client, read again for each token",
    ),
    Variable::new(
        HEADING,
        "KAFKA_SASL_OAUTHBEARER_SCOPE",
        None,
        "Scopes of the tokens that are fetched, separated by spaces",
    ),
    Variable::new(
        HEADING,
        "KAFKA_SSL_CA_FILE",
        None,
        "File with the certificates (PEM) of a private certificate authority; default: those of the system",
    ),
    Variable::new(
        HEADING,
        "KAFKA_SSL_CERTIFICATE_FILE",
        None,
        "File with a client certificate (PEM), for brokers that ask for one; needs KAFKA_SSL_KEY_FILE",
    ),
    Variable::new(
        HEADING,
        "KAFKA_SSL_KEY_FILE",
        None,
        "File with the key (PEM, not encrypted) of the client certificate; may be the same file",
    ),
    Variable::new(
        HEADING,
        "KAFKA_TIMEOUT",
        Some("10s"),
        "Time for one reading of Kafka, all retries together; at most three quarters of CYCLE_TIMEOUT are used",
    ),
    Variable::new(
        HEADING,
        "KAFKA_POD_MATCHING",
        Some("auto"),
        "How members of the group are matched with pods: host (the pod's IP), instance-id (group.instance.id holds the pod's name) or client-id (client.id holds it); auto: whichever of them tells, unless they contradict each other",
    ),
    Variable::new(
        HEADING,
        "GROUP_LOCK_NAMESPACE",
        None,
        "Namespace of the Lease by which rebalancers of several clusters take turns on one consumer group; the same for all of them",
    ),
    Variable::new(
        HEADING,
        "GROUP_LOCK_KUBECONFIG",
        None,
        "Kubeconfig file of the cluster that has this Lease; default: the fleet's own cluster",
    ),
    Variable::new(
        HEADING,
        "GROUP_LOCK_CONTEXT",
        None,
        "Context of the cluster that has this Lease; default: the current context of GROUP_LOCK_KUBECONFIG, or the fleet's own",
    ),
    Variable::new(
        HEADING,
        "CRUISE_CONTROL_URL",
        None,
        "Base URL of Cruise Control's REST API with its prefix, such as http://cruise-control:9090/kafkacruisecontrol: no rotation begins while it executes anything, or does not tell",
    ),
    Variable::new(
        HEADING,
        "CRUISE_CONTROL_TIMEOUT",
        Some("5s"),
        "Time for Cruise Control's answer, all retries together; at most three quarters of CYCLE_TIMEOUT are used",
    ),
    Variable::new(
        HEADING,
        "CRUISE_CONTROL_BEARER_TOKEN_FILE",
        None,
        "File with a bearer token for Cruise Control, read again for each request",
    ),
    Variable::new(
        HEADING,
        "CRUISE_CONTROL_USERNAME",
        None,
        "User name for basic authentication at Cruise Control; it needs the role USER there",
    ),
    Variable::new(
        HEADING,
        "CRUISE_CONTROL_PASSWORD_FILE",
        None,
        "File with the password for basic authentication at Cruise Control, read again for each request",
    ),
    Variable::new(
        HEADING,
        "CRUISE_CONTROL_CA_FILE",
        None,
        "File with the certificates (PEM) of a private certificate authority, for Cruise Control",
    ),
    Variable::new(
        HEADING,
        "CRUISE_CONTROL_HEADERS",
        None,
        "Extra headers for Cruise Control, as NAME=VALUE, separated by commas",
    )
    .secret(),
];
