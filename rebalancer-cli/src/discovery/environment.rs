//! What the environment of containers says about Kafka, by the names that frameworks and images use. Pure.

use rebalancer_kube::preflight::{ContainerShape, Told};

use crate::config::kafka_servers;
use crate::letters::is_unseen;

/// Variables that name a consumer group.
const GROUP: [&str; 16] = [
    "KAFKA_GROUP_ID",
    "KAFKA_GROUPID",
    "KAFKA_GROUP",
    "KAFKA_CONSUMER_GROUP_ID",
    "KAFKA_CONSUMER_GROUPID",
    "KAFKA_CONSUMER_GROUP",
    "KAFKA_CONSUMER_GROUP_NAME",
    "SPRING_KAFKA_CONSUMER_GROUP_ID",
    "SPRING_KAFKA_CONSUMER_GROUPID",
    // Kafka Streams takes its application id for the group.
    "KAFKA_STREAMS_APPLICATION_ID",
    "SPRING_KAFKA_STREAMS_APPLICATION_ID",
    "QUARKUS_KAFKA_STREAMS_APPLICATION_ID",
    "CONSUMER_GROUP_ID",
    "CONSUMER_GROUP",
    "CONSUMER_GROUP_NAME",
    "GROUP_ID",
];

/// Variables that name brokers to begin with.
const SERVERS: [&str; 12] = [
    "KAFKA_BOOTSTRAP_SERVERS",
    "KAFKA_BOOTSTRAP_SERVER",
    "KAFKA_BROKERS",
    "KAFKA_BROKER",
    "KAFKA_BROKER_LIST",
    "KAFKA_SERVERS",
    "KAFKA_HOSTS",
    "BOOTSTRAP_SERVERS",
    "SPRING_KAFKA_BOOTSTRAP_SERVERS",
    "SPRING_KAFKA_BOOTSTRAPSERVERS",
    "SPRING_KAFKA_CONSUMER_BOOTSTRAP_SERVERS",
    "SPRING_CLOUD_STREAM_KAFKA_BINDER_BROKERS",
];

/// Names that begin so belong to a client of Kafka.
const CLIENT: [&str; 3] = ["KAFKA_", "SPRING_KAFKA_", "SPRING_CLOUD_STREAM_KAFKA_"];

/// Names that begin so belong to a broker of Kafka.
const BROKER: [&str; 7] = [
    "KAFKA_CFG_",
    "KAFKA_ADVERTISED_LISTENERS",
    "KAFKA_BROKER_ID",
    "KAFKA_LISTENERS",
    "KAFKA_NODE_ID",
    "KAFKA_PROCESS_ROLES",
    "KAFKA_ZOOKEEPER_CONNECT",
];

/// The variables whose values are asked for; no other is kept.
pub(super) fn asked() -> Vec<&'static str> {
    GROUP.into_iter().chain(SERVERS).collect()
}

/// What containers say about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing.
    Nothing,
    /// This, by a variable such as `GROUP_ID of container app`.
    Plainly { value: String, from: String },
    /// Something that is not plain, for this reason.
    Unclear(String),
}

/// The consumer group.
pub(super) fn group<'a>(containers: impl IntoIterator<Item = &'a ContainerShape>) -> Said {
    said(containers, &GROUP, |name, value| {
        // Images take GROUP_ID for the number of a group of the operating system, too.
        if name == "GROUP_ID" && value.chars().all(|c| c.is_ascii_digit()) {
            return Ok(None);
        }
        match value.chars().any(is_unseen) {
            true => Err("has characters that can't be shown"),
            false => Ok(Some(value.to_owned())),
        }
    })
}

/// Brokers to begin with, as `host:port`.
pub(super) fn servers<'a>(containers: impl IntoIterator<Item = &'a ContainerShape>) -> Said {
    said(containers, &SERVERS, |_, value| {
        // Listeners are named before the address, such as PLAINTEXT://kafka:9092.
        let plain = value
            .split(',')
            .map(|server| server.trim().rsplit_once("://").map_or(server.trim(), |(_, at)| at));
        let plain = plain.collect::<Vec<_>>().join(",");
        // It may come to stand in a command that somebody copies.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[],".contains(c);
        if !plain.chars().all(is_plain) {
            return Err("is no list of host:port");
        }
        // The value is not shown where it is something else: before an '@' may stand a password.
        kafka_servers(&plain).map(|_| Some(plain)).map_err(|_| "is no list of host:port")
    })
}

/// One of its variables belongs to a broker.
pub(super) fn is_broker(containers: &[ContainerShape]) -> bool {
    names(containers).any(|name| BROKER.iter().any(|broker| name.starts_with(broker)))
}

/// A variable that belongs to a client of Kafka.
pub(super) fn of_client(containers: &[ContainerShape]) -> Option<&str> {
    names(containers).find(|name| CLIENT.iter().any(|client| name.starts_with(client)))
}

fn names(containers: &[ContainerShape]) -> impl Iterator<Item = &str> {
    containers.iter().flat_map(|container| container.environment.keys().map(String::as_str))
}

/// Two variables that disagree, or one that can't be read beside one that can, are not plain.
fn said<'a>(
    containers: impl IntoIterator<Item = &'a ContainerShape>,
    variables: &[&str],
    usable: impl Fn(&str, &str) -> Result<Option<String>, &'static str>,
) -> Said {
    let (mut plain, mut unclear): (Vec<(String, String)>, Vec<String>) = (Vec::new(), Vec::new());
    for container in containers {
        for name in variables {
            let Some(told) = container.environment.get(*name) else { continue };
            let from = format!("{name} of container {}", container.name);
            match told {
                Told::Plainly(value) if value.trim().is_empty() => {}
                Told::Plainly(value) => match usable(name, value.trim()) {
                    Ok(Some(value)) => plain.push((value, from)),
                    Ok(None) => {}
                    Err(why) => unclear.push(format!("{from} {why}")),
                },
                Told::Composed => unclear.push(format!("{from} is composed of other variables")),
                Told::Elsewhere(place) => {
                    unclear.push(format!("{from} stands in {place}, which is not read"))
                }
                Told::NotAsked => {}
            }
        }
    }
    let Some((value, from)) = plain.first().cloned() else {
        return if unclear.is_empty() { Said::Nothing } else { Said::Unclear(unclear.join("; ")) };
    };
    if plain.iter().all(|(other, _)| *other == value) && unclear.is_empty() {
        return Said::Plainly { value, from };
    }
    let plain = plain.into_iter().map(|(value, from)| format!("{from} is {value}"));
    Said::Unclear(plain.chain(unclear).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(name: &str, variables: &[(&str, Told)]) -> ContainerShape {
        let environment = variables.iter().map(|(name, told)| ((*name).to_owned(), told.clone())).collect();
        ContainerShape { name: name.to_owned(), environment, sources: Vec::new() }
    }

    fn plainly(text: &str) -> Told {
        Told::Plainly(text.to_owned())
    }

    fn answer(said: Said) -> String {
        match said {
            Said::Nothing => "-".to_owned(),
            Said::Plainly { value, from } => format!("{value} by {from}"),
            Said::Unclear(why) => format!("? {why}"),
        }
    }

    #[test]
    fn a_group_is_known_only_where_every_variable_says_the_same() {
        let secret = Told::Elsewhere("Secret kafka".to_owned());
        for (variables, expected) in [
            (vec![], "-"),
            (vec![("KAFKA_GROUP_ID", plainly("orders"))], "orders by KAFKA_GROUP_ID of container app"),
            (
                vec![("SPRING_KAFKA_CONSUMER_GROUPID", plainly(" orders "))],
                "orders by SPRING_KAFKA_CONSUMER_GROUPID of container app",
            ),
            (
                vec![("KAFKA_GROUP_ID", plainly("orders")), ("GROUP_ID", plainly("orders"))],
                "orders by KAFKA_GROUP_ID of container app",
            ),
            (
                vec![("KAFKA_GROUP_ID", plainly("orders")), ("CONSUMER_GROUP", plainly("payments"))],
                "? KAFKA_GROUP_ID of container app is orders; CONSUMER_GROUP of container app is payments",
            ),
            // A number may be a group of the operating system.
            (vec![("GROUP_ID", plainly("1000"))], "-"),
            (vec![("KAFKA_GROUP_ID", plainly("1000"))], "1000 by KAFKA_GROUP_ID of container app"),
            (vec![("KAFKA_GROUP_ID", plainly(" "))], "-"),
            (
                vec![("KAFKA_GROUP_ID", plainly("a\nb"))],
                "? KAFKA_GROUP_ID of container app has characters that can't be shown",
            ),
            (
                vec![("KAFKA_GROUP_ID", Told::Composed)],
                "? KAFKA_GROUP_ID of container app is composed of other variables",
            ),
            (
                vec![("KAFKA_GROUP_ID", secret.clone())],
                "? KAFKA_GROUP_ID of container app stands in Secret kafka, which is not read",
            ),
            (
                vec![("KAFKA_GROUP_ID", plainly("orders")), ("GROUP_ID", secret)],
                "? KAFKA_GROUP_ID of container app is orders; GROUP_ID of container app stands in Secret kafka, which is not read",
            ),
            (vec![("PATH", plainly("orders"))], "-"),
        ] {
            assert_eq!(answer(group([&container("app", &variables)])), expected, "{variables:?}");
        }
        let two = [("a", "orders"), ("b", "payments")]
            .map(|(name, group)| container(name, &[("GROUP_ID", plainly(group))]));
        assert_eq!(
            answer(group(&two)),
            "? GROUP_ID of container a is orders; GROUP_ID of container b is payments"
        );
    }

    #[test]
    fn brokers_are_hosts_with_ports_and_anything_else_is_not_shown() {
        for (value, expected) in [
            ("kafka:9092", "kafka:9092 by KAFKA_BROKERS of container app"),
            ("PLAINTEXT://a:9092, SSL://b:9093", "a:9092,b:9093 by KAFKA_BROKERS of container app"),
            ("user:hush@kafka", "? KAFKA_BROKERS of container app is no list of host:port"),
            ("hush", "? KAFKA_BROKERS of container app is no list of host:port"),
        ] {
            assert_eq!(answer(servers([&container("app", &[("KAFKA_BROKERS", plainly(value))])])), expected);
        }
    }

    #[test]
    fn a_broker_is_no_client() {
        let of = |name: &str| [container("app", &[(name, Told::NotAsked)])];
        assert!(is_broker(&of("KAFKA_CFG_NODE_ID")) && is_broker(&of("KAFKA_ADVERTISED_LISTENERS")));
        assert!(!is_broker(&of("KAFKA_TOPIC")));
        assert_eq!(of_client(&of("KAFKA_TOPIC")), Some("KAFKA_TOPIC"));
        assert_eq!(of_client(&of("DATABASE_URL")), None);
    }
}
