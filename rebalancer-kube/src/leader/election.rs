//! Who may lead, from what the Lease shows. Pure: time comes in.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use tokio::time::Instant;

use super::ElectionSettings;

/// What one candidate has seen, and holds.
pub(super) struct Election {
    settings: ElectionSettings,
    /// The Lease as it was seen last, and since when it is so.
    seen: Option<(Lease, Instant)>,
    /// This one made the Lease, or tried to.
    made: bool,
    /// From when on this one may begin something, where it made the Lease.
    from: Option<Instant>,
    /// Until when this one may begin something.
    until: Option<Instant>,
}

/// What to do about a Lease.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// It is another's.
    Wait,
    /// Write this: it makes or keeps this one the holder.
    Write(Box<Lease>),
}

impl Election {
    pub(super) fn new(settings: &ElectionSettings) -> Self {
        Self { settings: settings.clone(), seen: None, made: false, from: None, until: None }
    }

    /// Until when this one may begin something, if it may do so now.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|_| self.from.is_none_or(|from| now >= from))
    }

    pub(super) fn holder(&self) -> Option<String> {
        holder(&self.seen.as_ref()?.0).map(str::to_owned)
    }

    /// What follows from what was found by a request that was answered at `at`.
    pub(super) fn next(&mut self, found: Option<Lease>, at: Instant, now: Timestamp) -> Next {
        let Some(found) = found else {
            self.beaten();
            (self.seen, self.made) = (None, true);
            return Next::Write(Box::new(self.claimed(self.fresh(), now)));
        };
        let ours = holder(&found) == Some(&self.settings.identity);
        if !ours {
            self.beaten();
        }
        let same = |(seen, _): &&(Lease, Instant)| version(seen) == version(&found);
        let since = self.seen.as_ref().filter(same).map_or(at, |(_, since)| *since);
        self.seen = Some((found.clone(), since));
        let over = at.saturating_duration_since(since) >= self.lasts(&found);
        match ours || over || holder(&found).is_none() {
            true => Next::Write(Box::new(self.claimed(found, now))),
            false => Next::Wait,
        }
    }

    /// A write that was sent at `asked` was accepted by `at`, and this is what is there now.
    pub(super) fn written(&mut self, stored: &Lease, asked: Instant, at: Instant) {
        let ElectionSettings { duration, margin, .. } = &self.settings;
        if self.made {
            self.from.get_or_insert(at + *duration);
        }
        self.seen = Some((stored.clone(), asked));
        self.until = Some(asked + duration.saturating_sub(*margin));
    }

    /// The Lease is not this one's, or not there any more.
    pub(super) fn beaten(&mut self) {
        (self.made, self.from, self.until) = (false, None, None);
    }

    /// The Lease without a holder, where this one holds it.
    pub(super) fn given_back(&mut self, now: Timestamp) -> Option<Lease> {
        let (held, _) =
            self.seen.take().filter(|(lease, _)| holder(lease) == Some(&self.settings.identity))?;
        self.beaten();
        let spec = LeaseSpec { holder_identity: None, renew_time: Some(MicroTime(now)), ..held.spec? };
        Some(Lease { spec: Some(spec), metadata: addressed(held.metadata) })
    }

    /// For how long the Lease is its holder's without being renewed. Where it does not say so, or says less, by our own
    /// setting.
    fn lasts(&self, lease: &Lease) -> Duration {
        let says = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
        let says = says.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
        says.unwrap_or_default().max(self.settings.duration)
    }

    fn fresh(&self) -> Lease {
        let ElectionSettings { namespace, lease, .. } = &self.settings;
        let (name, namespace) = (Some(lease.clone()), Some(namespace.clone()));
        let metadata = ObjectMeta { name, namespace, ..ObjectMeta::default() };
        Lease { metadata, spec: None }
    }

    fn claimed(&self, found: Lease, now: Timestamp) -> Lease {
        let ElectionSettings { identity, duration, .. } = &self.settings;
        let before = found.spec.unwrap_or_default();
        let again = before.holder_identity.as_ref() == Some(identity);
        let times = before.lease_transitions.unwrap_or(0);
        let spec = LeaseSpec {
            holder_identity: Some(identity.clone()),
            lease_duration_seconds: i32::try_from(duration.as_secs().max(1)).ok(),
            acquire_time: before.acquire_time.filter(|_| again).or(Some(MicroTime(now))),
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(if again { times } else { times.saturating_add(1) }),
            ..before
        };
        Lease { metadata: addressed(found.metadata), spec: Some(spec) }
    }
}

/// What a write must say of the object.
fn addressed(metadata: ObjectMeta) -> ObjectMeta {
    ObjectMeta { managed_fields: None, ..metadata }
}

fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

fn version(lease: &Lease) -> Option<&str> {
    lease.metadata.resource_version.as_deref()
}

#[cfg(test)]
mod tests;
