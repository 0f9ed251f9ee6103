//! Settings of a process that stays.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use rebalancer_core::fleet::Workload;
use rebalancer_core::policy::Policy;
use rebalancer_kube::ConnectionSettings;

use super::cluster;
use super::layers::Raw;
use super::parse::{self, Expected, Reader};
use super::problem::{Given, Problem};

const INTERVALS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(24 * 60 * 60));
/// A watch shows a sign of life every 30 seconds, unless something happens.
const SILENCES: (Duration, Duration) = (Duration::from_secs(40), Duration::from_secs(600));
const LEASES: (Duration, Duration) = (Duration::from_secs(6), Duration::from_secs(600));
/// Of a Lease's duration, what is left when nothing may be begun any more.
const LEAST_LEAD: Duration = Duration::from_secs(5);

/// How a process that stays works.
#[derive(Debug, Clone)]
pub(crate) struct ServeSettings {
    /// From one cycle of a workload to the next, where nothing changes.
    pub(crate) interval: Duration,
    /// From the end of one cycle to the beginning of the next, at least.
    pub(crate) shortest: Duration,
    /// Cycles at one time.
    pub(crate) at_once: NonZeroUsize,
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// The API server of the Lease, which replicas share.
    pub(crate) home: ConnectionSettings,
    /// How the replica that acts is elected; `None`: this one acts.
    pub(crate) election: Option<LeaseSettings>,
}

/// The Lease that replicas compete for.
#[derive(Debug, Clone)]
pub(crate) struct LeaseSettings {
    /// `None`: that of the first workload.
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) duration: Duration,
}

impl LeaseSettings {
    /// Where the Lease is.
    pub(crate) fn namespace(&self, first: Option<&Workload>) -> String {
        let first = || first.map(|workload| workload.namespace.clone());
        self.namespace.clone().or_else(first).unwrap_or_else(|| "default".to_owned())
    }
}

/// How a process that stays works.
///
/// # Errors
/// Every variable with a value that can't be used.
pub(crate) fn serve(raw: &Raw) -> Result<ServeSettings, Vec<Problem>> {
    let mut reader = Reader::new(raw);
    let settings = read(&mut reader);
    reader.finish(settings)
}

/// Puts the longest silence of a watch into a policy.
pub(super) fn watched(reader: &mut Reader<'_>, policy: Option<Policy>) -> Option<Policy> {
    let silence = reader.required("WATCH_STALE_AFTER", parse::duration_within(SILENCES.0, SILENCES.1));
    Some(policy?.with_longest_silence(jiff::SignedDuration::try_from(silence?).ok()?))
}

fn read(reader: &mut Reader<'_>) -> Option<ServeSettings> {
    let interval = reader.required("INTERVAL", parse::duration_within(INTERVALS.0, INTERVALS.1));
    let shortest = reader.required("SHORTEST_INTERVAL", parse::duration_within(INTERVALS.0, INTERVALS.1));
    let at_once = reader.required("CONCURRENT_CYCLES", parse::positive);
    let listen = reader.required("LISTEN_ADDRESS", address);
    let home = cluster::connection(reader);
    let election = election(reader, home.as_ref().map(|home| home.timeout));
    let (interval, shortest) = (interval?, shortest?);
    if shortest > interval {
        let expected = "at most INTERVAL".to_owned();
        reader.problem("SHORTEST_INTERVAL", Given::Value(format!("{}s", shortest.as_secs())), expected);
        return None;
    }
    Some(ServeSettings {
        interval,
        shortest,
        at_once: at_once?,
        listen: listen?,
        home: home?,
        election: election?,
    })
}

/// `None` within: there is none.
fn election(reader: &mut Reader<'_>, request: Option<Duration>) -> Option<Option<LeaseSettings>> {
    let wanted = reader.required("LEADER_ELECTION", parse::truth);
    let name = reader.required("LEADER_LEASE_NAME", parse::subdomain);
    let duration = reader.required("LEADER_LEASE_DURATION", parse::duration_within(LEASES.0, LEASES.1));
    let set = ["LEADER_LEASE_NAMESPACE", "KUBE_NAMESPACE"];
    let set = set.into_iter().find(|name| reader.text(name).is_some());
    let namespace = match set {
        Some(name) => reader.optional(name, parse::label).map(Some),
        None => Some(None),
    };
    let (duration, request) = (duration?, request?);
    if wanted? {
        let least = request + LEAST_LEAD;
        if duration < least {
            let expected =
                format!("at least {}s, since a removal may take as long as KUBE_TIMEOUT", least.as_secs());
            reader.problem(
                "LEADER_LEASE_DURATION",
                Given::Value(format!("{}s", duration.as_secs())),
                expected,
            );
            return None;
        }
        return Some(Some(LeaseSettings { namespace: namespace?, name: name?, duration }));
    }
    Some(None)
}

fn address(text: &str) -> Result<SocketAddr, Expected> {
    let expected = "an address and a port, such as 127.0.0.1:8080 or [::]:8080".to_owned();
    parse::text(text)?.parse().map_err(|_| expected)
}
