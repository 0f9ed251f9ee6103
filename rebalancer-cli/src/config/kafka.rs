//! Settings of Kafka itself: which group is read, by which brokers, and what a cycle takes from it.

mod credentials;

use std::time::Duration;

use jiff::SignedDuration;
use rebalancer_core::cycle::Subject;
use rebalancer_core::fleet::Indicator;
use rebalancer_core::policy::{MemberMatching, Policy};
use rebalancer_core::snapshot::GroupQuestion;
use rebalancer_kafka::{Address, Sasl, Security, Settings, SettingsError, Tls};

use super::parse::{self, Expected, Reader};
use super::problem::Given;
use super::{indicators, metrics};

/// Turns Kafka on.
pub(super) const SERVERS: &str = "KAFKA_BOOTSTRAP_SERVERS";
const GROUP: &str = "KAFKA_GROUP_ID";
const TIMEOUTS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(600));

/// Kafka as a source.
#[derive(Debug, Clone)]
pub(crate) struct KafkaSettings {
    /// How it is reached, and which group is read.
    pub(crate) source: Settings,
    /// The consumer group's id.
    pub(crate) group: String,
    /// The brokers to begin with, as Kafka's tools take them.
    servers: String,
    /// Who we are to Kafka's ACLs, as far as settings tell.
    principal: String,
    /// What a cycle takes from its offsets.
    pub(crate) question: GroupQuestion,
}

/// Kafka is asked.
pub(super) fn is_set(reader: &Reader<'_>) -> bool {
    reader.text(SERVERS).is_some()
}

/// `None` within: Kafka is not asked. Every setting is read all the same, so that all problems are found.
pub(super) fn kafka(
    reader: &mut Reader<'_>,
    subject: Option<&Subject>,
    cycle: Option<Duration>,
) -> Option<Option<KafkaSettings>> {
    let servers = reader.optional(SERVERS, servers);
    let group_id = group_id(reader);
    let security = credentials::security(reader);
    let timeout = reader.required("KAFKA_TIMEOUT", parse::duration_within(TIMEOUTS.0, TIMEOUTS.1));
    if !is_set(reader) {
        return match (group_id?, security, timeout) {
            (GroupId::Unset, Some(_), Some(_)) => Some(None),
            (GroupId::Unset, _, _) => None,
            (GroupId::Named(_), _, _) => {
                let expected = format!("brokers to begin with, as host:port, since {GROUP} is set");
                reader.problem(SERVERS, Given::Nothing, expected);
                None
            }
        };
    }
    let question = question(reader);
    let group_id = match group_id? {
        GroupId::Named(group_id) => group_id,
        GroupId::Unset => subject?.workload.name.clone(),
    };
    // The rest of the cycle needs time too.
    let timeout = timeout?.min(cycle?.mul_f64(0.75));
    let (servers, security) = (servers?, security?);
    let listed: Vec<String> = servers.iter().map(ToString::to_string).collect();
    let principal = principal(&security);
    let source = Settings::new(servers, group_id.as_str())
        .map_err(|error| reader.problem(SERVERS, Given::Hidden, reason(&error)))
        .ok()?
        .security(security)
        .timeout(timeout)
        .request_timeout(timeout.div_f64(2.0));
    let servers = listed.join(",");
    Some(Some(KafkaSettings { source, group: group_id, servers, principal, question: question? }))
}

/// What is set for the metric server is not taken from Kafka.
fn question(reader: &mut Reader<'_>) -> Option<GroupQuestion> {
    let (enabled, window) = (indicators::enabled(reader), metrics::window(reader));
    Some(GroupQuestion {
        indicators: enabled?.into_iter().filter(|one| gives(reader, *one)).collect(),
        partitions: !metrics::asks_for_partitions(reader),
        window: SignedDuration::try_from(window?).ok()?,
    })
}

/// Puts into a policy how members of the group are matched with pods.
pub(super) fn matched(reader: &mut Reader<'_>, policy: Option<Policy>) -> Option<Policy> {
    let matching = reader.required("KAFKA_POD_MATCHING", parse::one_of(&MATCHINGS))?;
    policy.map(|policy| policy.with_matching(matching))
}

impl KafkaSettings {
    /// The command that adds an ACL for us; operation and resource go on.
    pub(crate) fn kafka_acls(&self) -> String {
        let Self { servers, principal, .. } = self;
        format!("kafka-acls --bootstrap-server {servers} --add --allow-principal {principal}")
    }
}

fn principal(security: &Security) -> String {
    match security {
        Security::Plaintext => "User:ANONYMOUS".to_owned(),
        Security::Ssl(Tls { identity: None, .. }) => "User:ANONYMOUS".to_owned(),
        Security::Ssl(Tls { identity: Some(_), .. }) => "'User:<subject of the certificate>'".to_owned(),
        Security::SaslPlaintext(sasl) | Security::SaslSsl(_, sasl) => match sasl {
            Sasl::Plain(login) | Sasl::ScramSha256(login) | Sasl::ScramSha512(login) => {
                format!("'User:{}'", login.username.replace('\'', r"'\''"))
            }
            Sasl::OauthBearer(_) => "'User:<sub of the token>'".to_owned(),
        },
    }
}

/// This indicator is read from Kafka: nothing else is set for it.
pub(super) fn gives(reader: &Reader<'_>, indicator: Indicator) -> bool {
    let own = reader.text(indicators::query_variable(indicator)).is_some();
    is_set(reader) && can_give(indicator) && !own && reader.text(metrics::PRESET).is_none()
}

/// Kafka knows it by itself.
pub(super) const fn can_give(indicator: Indicator) -> bool {
    match indicator {
        Indicator::Lag | Indicator::ProductionRate => true,
        Indicator::Cpu | Indicator::Memory | Indicator::ConsumptionRate => false,
    }
}

const MATCHINGS: [(&str, MemberMatching); 4] = [
    ("auto", MemberMatching::Auto),
    ("host", MemberMatching::Host),
    ("instance-id", MemberMatching::InstanceId),
    ("client-id", MemberMatching::ClientId),
];

enum GroupId {
    Named(String),
    Unset,
}

/// `None` for one that can't be used.
fn group_id(reader: &mut Reader<'_>) -> Option<GroupId> {
    match reader.text(GROUP) {
        None => Some(GroupId::Unset),
        Some(_) => reader.optional(GROUP, plain).map(GroupId::Named),
    }
}

/// Kafka takes any text; control characters come from a mistake.
fn plain(text: &str) -> Result<String, Expected> {
    let text = parse::text(text)?;
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("the id of a consumer group, without control characters".to_owned());
    }
    Ok(text)
}

/// Brokers to begin with.
///
/// # Errors
/// What would have been accepted.
pub(crate) fn servers(text: &str) -> Result<Vec<Address>, Expected> {
    let text = parse::text(text)?;
    let servers = text.split(',').filter(|server| !server.trim().is_empty());
    let servers: Vec<Address> = servers.map(str::parse).collect::<Result<_, _>>().map_err(|e| reason(&e))?;
    if servers.is_empty() { Err(reason(&SettingsError::NoBootstrapServer)) } else { Ok(servers) }
}

/// Without the address itself: what stands before an '@' may be a password.
fn reason(error: &SettingsError) -> Expected {
    let expected = "host:port of one or more brokers, separated by commas";
    match error {
        SettingsError::NoBootstrapServer | SettingsError::NoGroup => expected.to_owned(),
        SettingsError::Address { problem, .. } => format!("{expected}; one of them {problem}"),
    }
}
