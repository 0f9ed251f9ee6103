//! Settings of the lock on a consumer group that spans clusters.

use std::path::PathBuf;

use rebalancer_kube::ConnectionSettings;

use super::KafkaSettings;
use super::kafka::SERVERS;
use super::parse::{self, Reader};
use super::problem::Given;

/// Turns the lock on.
const NAMESPACE: &str = "GROUP_LOCK_NAMESPACE";
const KUBECONFIG: &str = "GROUP_LOCK_KUBECONFIG";
const CONTEXT: &str = "GROUP_LOCK_CONTEXT";

/// Where the lock on a consumer group is.
#[derive(Debug, Clone)]
pub(crate) struct GroupLockSettings {
    /// The cluster whose Lease it is.
    pub(crate) cluster: ConnectionSettings,
    /// The namespace of the Lease.
    pub(crate) namespace: String,
    /// The consumer group.
    pub(crate) group: String,
}

/// `None` within: there is no such lock. It needs Kafka, which tells the group, and the record: a rotation that nobody
/// remembers could not settle.
pub(super) fn group_lock(
    reader: &mut Reader<'_>,
    own: Option<&ConnectionSettings>,
    kafka: Option<&KafkaSettings>,
    remembers: bool,
) -> Option<Option<GroupLockSettings>> {
    let kubeconfig = reader.optional(KUBECONFIG, parse::text).map(PathBuf::from);
    let context = reader.optional(CONTEXT, parse::text);
    if reader.text(NAMESPACE).is_none() {
        let set = [KUBECONFIG, CONTEXT].into_iter().find(|name| reader.text(name).is_some());
        let Some(set) = set else { return Some(None) };
        reader.problem(NAMESPACE, Given::Nothing, format!("the namespace of the Lease, since {set} is set"));
        return None;
    }
    let namespace = reader.optional(NAMESPACE, parse::label)?;
    if reader.text(SERVERS).is_none() {
        let expected = format!("brokers to begin with, as host:port, since {NAMESPACE} is set");
        reader.problem(SERVERS, Given::Nothing, expected);
    }
    if !remembers {
        let expected = format!("lease, since {NAMESPACE} is set");
        reader.problem("RECORD_STORE", Given::Value("none".to_owned()), expected);
        return None;
    }
    let cluster = match kubeconfig {
        Some(_) => ConnectionSettings { kubeconfig, context, ..own?.clone() },
        None => ConnectionSettings { context: context.or_else(|| own?.context.clone()), ..own?.clone() },
    };
    Some(Some(GroupLockSettings { cluster, namespace, group: kafka?.group.clone() }))
}
