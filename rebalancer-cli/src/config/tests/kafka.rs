//! Kafka as a source: how it is reached, who we are there, and what is read from it.

use rebalancer_core::policy::MemberMatching;
use rebalancer_core::snapshot::GroupQuestion;

use super::*;
use crate::config::KafkaSettings;

const SERVERS: (&str, &str) = ("KAFKA_BOOTSTRAP_SERVERS", "kafka-0:9092, kafka-1:9092");
/// Set, and then taken back: empty is not set.
const NO_ENDPOINT: (&str, &str) = ("PROMETHEUS_ENDPOINT", "");

fn kafka(environment: &[(&str, &str)]) -> KafkaSettings {
    resolved(&[&[SERVERS], environment].concat()).adapters.kafka.unwrap()
}

fn question(environment: &[(&str, &str)]) -> GroupQuestion {
    kafka(environment).question
}

/// What is wrong with Kafka's settings.
fn wrong(environment: &[(&str, &str)]) -> Vec<String> {
    bad(&[&[SERVERS], environment].concat())
}

#[test]
fn without_servers_kafka_is_not_asked() {
    assert!(resolved(&[]).adapters.kafka.is_none());
    assert_eq!(
        bad(&[("KAFKA_GROUP_ID", "orders")]),
        [
            "KAFKA_BOOTSTRAP_SERVERS is not set: brokers to begin with, as host:port, since KAFKA_GROUP_ID is set"
        ]
    );
}

#[test]
fn the_group_is_called_as_the_workload_unless_it_is_said_otherwise() {
    let shown = |environment: &[(&str, &str)]| format!("{:?}", kafka(environment).source);
    assert!(shown(&[]).contains("group: \"consumer\""), "{}", shown(&[]));
    let named = shown(&[("KAFKA_GROUP_ID", " team-a.orders ")]);
    assert!(named.contains("group: \"team-a.orders\""), "{named}");
    for server in ["kafka-0", "kafka-1"] {
        assert!(named.contains(server), "{named}");
    }
}

#[test]
fn a_question_takes_no_more_than_its_part_of_the_cycle() {
    let timeout = |environment: &[(&str, &str)]| {
        let shown = format!("{:?}", kafka(environment).source);
        shown.split(" timeout: ").nth(1).unwrap().split(',').next().unwrap().to_owned()
    };
    assert_eq!(timeout(&[]), "10s");
    assert_eq!(timeout(&[("KAFKA_TIMEOUT", "3s")]), "3s");
    assert_eq!(timeout(&[("CYCLE_TIMEOUT", "8s")]), "6s");
}

#[test]
fn without_a_metric_server_the_production_rate_comes_from_kafka_and_lag_where_it_is_listed() {
    let all = resolved(&[SERVERS, NO_ENDPOINT]);
    assert!(all.adapters.metrics.is_none());
    assert_eq!(all.run.policy.group.matching, MemberMatching::Auto);
    let expected = GroupQuestion {
        indicators: vec![Indicator::ProductionRate],
        partitions: true,
        window: SignedDuration::from_mins(5),
    };
    assert_eq!(all.adapters.kafka.unwrap().question, expected);
    let lag = question(&[NO_ENDPOINT, ("INDICATORS", "lag"), ("METRICS_TIME_WINDOW", "10m")]);
    assert_eq!((lag.indicators, lag.window), (vec![Indicator::Lag], SignedDuration::from_mins(10)));
}

#[test]
fn members_are_matched_with_pods_as_it_is_set() {
    for (given, expected) in [
        ("host", MemberMatching::Host),
        ("instance-id", MemberMatching::InstanceId),
        ("Client-ID", MemberMatching::ClientId),
    ] {
        assert_eq!(good(&[SERVERS, ("KAFKA_POD_MATCHING", given)]).policy.group.matching, expected);
    }
}

#[test]
fn with_a_metric_server_cpu_is_read_and_kafka_gives_what_is_listed() {
    assert!(question(&[]).indicators.is_empty());
    let listed = resolved(&[SERVERS, ("INDICATORS", "cpu,lag,production_rate")]);
    let asked = listed.adapters.metrics.unwrap().queries;
    let asked: Vec<&str> = asked.of_loads().map(|(name, _)| name).collect();
    assert_eq!(asked, ["cpu"]);
    let given = listed.adapters.kafka.unwrap().question.indicators;
    assert_eq!(given, [Indicator::Lag, Indicator::ProductionRate]);
}

#[test]
fn a_query_of_ones_own_or_a_preset_is_asked_also_where_kafka_could_give_it() {
    let own = ("KAFKA_LAG_QUERY", "sum by (pod) (lag)");
    let listed = ("INDICATORS", "lag,production_rate");
    assert_eq!(question(&[listed, own]).indicators, [Indicator::ProductionRate]);
    let partitions = ("PARTITION_LOAD_QUERY", "sum by (pod, topic, partition) (x)");
    assert!(question(&[]).partitions && !question(&[partitions]).partitions);
    let preset = ("KAFKA_METRICS_PRESET", "librdkafka");
    let settings = resolved(&[SERVERS, listed, preset]);
    let question = settings.adapters.kafka.unwrap().question;
    assert_eq!(question, GroupQuestion::none(SignedDuration::from_mins(5)));
    let names = settings.adapters.metrics.unwrap().queries;
    let names: Vec<&str> = names.of_loads().map(|(name, _)| name).collect();
    assert_eq!(names, ["lag", "production_rate", "partition_load"]);
}

#[test]
fn what_kafka_does_not_give_needs_a_metric_server() {
    let server = "PROMETHEUS_ENDPOINT is not set: the base URL of Prometheus or VictoriaMetrics, since";
    for (given, why) in [
        (("INDICATORS", "cpu,lag"), "cpu is read, which Kafka does not give"),
        (("CPU_QUERY", "sum by (pod) (cpu)"), "cpu is read, which Kafka does not give"),
        (("KAFKA_LAG_QUERY", "sum by (pod) (lag)"), "lag is read, which Kafka does not give"),
        (("PARTITION_LOAD_QUERY", "sum by (pod, topic, partition) (x)"), "PARTITION_LOAD_QUERY is set"),
        (("KAFKA_METRICS_PRESET", "jmx-exporter"), "KAFKA_METRICS_PRESET is set"),
    ] {
        assert_eq!(wrong(&[NO_ENDPOINT, given]), [format!("{server} {why}")]);
    }
    // Without Kafka, what could stand in its place is told.
    let neither = bad(&[NO_ENDPOINT]);
    assert_eq!(neither.len(), 1, "{neither:?}");
    assert!(neither[0].contains("or set KAFKA_BOOTSTRAP_SERVERS"), "{neither:?}");
}

#[test]
fn each_entry_of_a_file_has_a_group_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("workloads.yaml");
    let text = "workloads:\n- {DEPLOYMENT_NAME: a, KAFKA_GROUP_ID: of-a}\n- {DEPLOYMENT_NAME: b}\n";
    std::fs::write(&file, text).unwrap();
    let file = ("WORKLOADS_FILE", file.to_str().unwrap());
    let workloads = workloads(&raw(&[SERVERS, file])).unwrap();
    let shown = workloads.iter().map(|one| format!("{:?}", one.adapters.kafka.as_ref().unwrap().source));
    let shown: Vec<String> = shown.collect();
    assert!(shown[0].contains("group: \"of-a\"") && shown[1].contains("group: \"b\""), "{shown:?}");
}

/// Files that can be read.
struct Files {
    _folder: tempfile::TempDir,
    file: String,
}

fn files() -> Files {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "hush").unwrap();
    let file = file.to_str().unwrap().to_owned();
    Files { _folder: folder, file }
}

#[test]
fn every_way_to_authenticate_is_taken() {
    let files = files();
    let file = files.file.as_str();
    let (user, password) = (("KAFKA_SASL_USERNAME", "me"), ("KAFKA_SASL_PASSWORD_FILE", file));
    let protocol = |name| ("KAFKA_SECURITY_PROTOCOL", name);
    let mechanism = |name| ("KAFKA_SASL_MECHANISM", name);
    let (ca, certificate, key) =
        (("KAFKA_SSL_CA_FILE", file), ("KAFKA_SSL_CERTIFICATE_FILE", file), ("KAFKA_SSL_KEY_FILE", file));
    let token = ("KAFKA_SASL_OAUTHBEARER_TOKEN_FILE", file);
    let fetched = [
        ("KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", "https://login.example/token"),
        ("KAFKA_SASL_OAUTHBEARER_CLIENT_ID", "rebalancer"),
        ("KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE", file),
    ];
    let scope = ("KAFKA_SASL_OAUTHBEARER_SCOPE", "kafka read");
    for (given, shown) in [
        (vec![], "security: Plaintext"),
        (vec![protocol("ssl")], "security: Ssl(Tls { ca_file: None, identity: None })"),
        (vec![protocol("SSL"), ca, certificate, key], "identity: Some(TlsIdentity"),
        (
            vec![protocol("SASL_PLAINTEXT"), mechanism("PLAIN"), user, password],
            "SaslPlaintext(Plain(Login { username: \"me\"",
        ),
        (vec![protocol("SASL_SSL"), mechanism("SCRAM-SHA-256"), user, password], "ScramSha256(Login"),
        (vec![protocol("SASL_SSL"), mechanism("scram-sha-512"), user, password, ca], "ScramSha512(Login"),
        (vec![protocol("SASL_SSL"), mechanism("OAUTHBEARER"), token], "OauthBearer(File("),
        (
            [&[protocol("SASL_SSL"), mechanism("OAUTHBEARER"), scope], &fetched[..]].concat(),
            "scope: Some(\"kafka read\")",
        ),
    ] {
        let source = format!("{:?}", kafka(&given).source);
        assert!(source.contains(shown), "{shown}: {source}");
        assert!(!source.contains("hush"), "{source}");
    }
}

#[test]
fn what_is_missing_or_would_not_be_used_says_what_to_do() {
    let files = files();
    let file = files.file.as_str();
    let (user, password) = (("KAFKA_SASL_USERNAME", "me"), ("KAFKA_SASL_PASSWORD_FILE", file));
    let (ssl, sasl) = (("KAFKA_SECURITY_PROTOCOL", "SSL"), ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"));
    let (plain, oauth) = (("KAFKA_SASL_MECHANISM", "PLAIN"), ("KAFKA_SASL_MECHANISM", "OAUTHBEARER"));
    let (token, client) =
        (("KAFKA_SASL_OAUTHBEARER_TOKEN_FILE", file), ("KAFKA_SASL_OAUTHBEARER_CLIENT_ID", "me"));
    let (ca, key) = (("KAFKA_SSL_CA_FILE", file), ("KAFKA_SSL_KEY_FILE", file));
    for (given, starts) in [
        (
            vec![sasl],
            vec![
                "KAFKA_SASL_MECHANISM is not set: one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, since",
            ],
        ),
        (
            vec![sasl, plain],
            vec![
                "KAFKA_SASL_USERNAME is not set: a value, since KAFKA_SASL_MECHANISM=PLAIN",
                "KAFKA_SASL_PASSWORD_FILE is not set: a value, since KAFKA_SASL_MECHANISM=PLAIN",
            ],
        ),
        (vec![sasl, plain, user], vec!["KAFKA_SASL_PASSWORD_FILE is not set: a value"]),
        (vec![sasl, plain, user, password, token], vec!["KAFKA_SASL_OAUTHBEARER_TOKEN_FILE"]),
        (vec![sasl, oauth], vec!["KAFKA_SASL_OAUTHBEARER_TOKEN_FILE is not set: a file with a token, since"]),
        (
            vec![sasl, oauth, token, client],
            vec![
                "KAFKA_SASL_OAUTHBEARER_CLIENT_ID=\"me\": expected no value, since KAFKA_SASL_OAUTHBEARER_TOKEN_FILE is",
            ],
        ),
        (
            vec![sasl, oauth, client],
            vec![
                "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL is not set: a value, since a token is fetched",
                "KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE is not set: a value, since a token is fetched",
            ],
        ),
        (
            vec![sasl, oauth, token, user],
            vec!["KAFKA_SASL_USERNAME=\"me\": expected no value, since KAFKA_SASL_MECHANISM="],
        ),
        (
            vec![ssl, plain],
            vec![
                "KAFKA_SASL_MECHANISM=\"PLAIN\": expected no value, since KAFKA_SECURITY_PROTOCOL=SSL has no",
            ],
        ),
        (
            vec![ssl, key],
            vec!["KAFKA_SSL_CERTIFICATE_FILE is not set: a value, since KAFKA_SSL_KEY_FILE is set"],
        ),
        (vec![ca], vec!["KAFKA_SSL_CA_FILE"]),
    ] {
        let found = wrong(&given);
        assert_eq!(found.len(), starts.len(), "{found:#?}");
        for (found, start) in found.iter().zip(starts) {
            assert!(found.starts_with(start), "{found}, not {start}");
        }
    }
}
