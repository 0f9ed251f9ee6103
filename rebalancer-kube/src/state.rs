//! The record of past rotations and the lock on it, both in one Lease for each workload.
//!
//! Every write names the resourceVersion that it replaces, so it is applied at most once and only over the state
//! that was read. That makes it harmless to send it again after a failure; a conflict may then be our own doing,
//! which one look at the Lease shows.
//!
//! Expiry compares the holder's clock with ours. A lock is taken over five seconds after its time is up; where clocks
//! of nodes differ by more, choose a time to live that is longer than a cycle by as much. A holder that wrote with a
//! clock far ahead and died is waited for; the message says until when, and removing the Lease's holder frees it.

mod annotation;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod lease;

use async_trait::async_trait;
use http::{Method, Request};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use rebalancer_core::fleet::Workload;
use rebalancer_core::history::{Acquired, Peeked, Record, StateError, StateStore, Token};
use tracing::{Instrument as _, debug, info_span};

pub use annotation::ANNOTATION;

use crate::classify::{Right, is_gone, state_error};
use crate::client::Connection;
use crate::retry::{Deadline, read};
use crate::wire::{self, Failure};

const API: &str = "/apis/coordination.k8s.io/v1";
const RESOURCE: &str = "leases.coordination.k8s.io";
const GET: Right = Right { verb: "get", resource: RESOURCE };
const CREATE: Right = Right { verb: "create", resource: RESOURCE };
const UPDATE: Right = Right { verb: "update", resource: RESOURCE };

/// Keeps the record in the Lease `pod-rebalancer-<workload>`. Needs `get`, `create` and `update` on `leases` of the
/// group `coordination.k8s.io`; [`peek`](StateStore::peek) needs only `get`.
#[derive(Clone)]
pub struct LeaseStore {
    connection: Connection,
    namespace: String,
    name: String,
}

impl LeaseStore {
    /// The Lease of this workload, over this connection.
    #[must_use]
    pub fn new(connection: &Connection, workload: &Workload) -> Self {
        Self {
            connection: connection.clone(),
            namespace: workload.namespace.clone(),
            name: lease::name(&workload.name),
        }
    }

    /// The Lease of a consumer group in this namespace, over this connection: the lock of those who work on the group from
    /// several clusters. Its name is no workload's, `pod-rebalancer.group-<group>`.
    #[must_use]
    pub fn of_group(connection: &Connection, namespace: &str, group: &str) -> Self {
        Self {
            connection: connection.clone(),
            namespace: namespace.to_owned(),
            name: lease::name_of_group(group),
        }
    }

    /// The Lease's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    async fn get(&self, deadline: Deadline) -> Result<Option<Lease>, StateError> {
        match self.exchange(Method::GET, None, deadline).await {
            Ok(lease) => Ok(Some(lease)),
            Err(Failure::Refused(refusal)) if is_gone(&refusal) => Ok(None),
            Err(failure) => Err(state_error(&failure, GET, &self.namespace)),
        }
    }

    /// Creates the Lease, or replaces the one that was read. `None` when someone else was quicker.
    async fn write(&self, wanted: &Lease, deadline: Deadline) -> Result<Option<Lease>, StateError> {
        let exists = wanted.metadata.resource_version.is_some();
        let (method, right) = if exists { (Method::PUT, UPDATE) } else { (Method::POST, CREATE) };
        match self.exchange(method, Some(wanted), deadline).await {
            Ok(stored) => Ok(Some(stored)),
            Err(Failure::Refused(refusal)) if exists && is_gone(&refusal) => Ok(None),
            Err(Failure::Refused(refusal)) if refusal.status.code == 409 => self.ours(wanted, deadline).await,
            Err(failure) => Err(state_error(&failure, right, &self.namespace)),
        }
    }

    /// What is there is what we wanted to write: an earlier attempt was applied, and its answer was lost.
    async fn ours(&self, wanted: &Lease, deadline: Deadline) -> Result<Option<Lease>, StateError> {
        Ok(self.get(deadline).await?.filter(|stored| lease::is_same(stored, wanted)))
    }

    async fn exchange(
        &self,
        method: Method,
        body: Option<&Lease>,
        deadline: Deadline,
    ) -> Result<Lease, Failure> {
        let request = request(&self.namespace, &self.name, method.clone(), body)?;
        let result = read::<Lease>(&self.connection, &request, deadline).await;
        debug!(event = "kubernetes_lease", verb = %method, lease = self.name, ok = result.is_ok(), "the Lease was read or written");
        result.map(without_history)
    }

    async fn lock(&self, run: &Run<'_>) -> Result<Acquired, StateError> {
        // Somebody may be quicker once; a second look then tells who. There is no third.
        for _ in 0..2 {
            let found = self.get(run.deadline).await?;
            let found = found.unwrap_or_else(|| lease::fresh(&self.namespace, &self.name));
            if let Some(acquired) = self.take(found, run).await? {
                return Ok(acquired);
            }
        }
        Err(self.conflict())
    }

    /// Takes the lock on what was read, when it is free.
    async fn take(&self, found: Lease, run: &Run<'_>) -> Result<Option<Acquired>, StateError> {
        let (record, wanted) = lease::claimed(found, run.now, run.holder, run.ttl)?;
        let Some(stored) = self.write(&wanted, run.deadline).await? else { return Ok(None) };
        Ok(Some(Acquired { record, token: run.token(&stored)? }))
    }

    async fn put(&self, wanted: &Lease) -> Result<Lease, StateError> {
        let stored = self.write(wanted, Deadline::after(self.connection.timeout)).await?;
        stored.ok_or_else(|| self.conflict())
    }

    fn conflict(&self) -> StateError {
        let message = format!("Lease {}/{} is not as this run left it", self.namespace, self.name);
        StateError::Conflict { message }
    }
}

/// A request about one Lease.
pub(crate) fn request(
    namespace: &str,
    name: &str,
    method: Method,
    body: Option<&Lease>,
) -> Result<Request<Vec<u8>>, Failure> {
    let collection = wire::collection(API, namespace, "leases")?;
    // Creation has the name in its body only, but what is no name is sent in neither way.
    let object = wire::object(API, namespace, "leases", name)?;
    let path = if method == Method::POST { collection } else { object };
    wire::request(method, &path, body)
}

/// One attempt to take the lock.
struct Run<'a> {
    now: Timestamp,
    holder: &'a str,
    ttl: SignedDuration,
    deadline: Deadline,
}

impl Run<'_> {
    fn token(&self, stored: &Lease) -> Result<Token, StateError> {
        let (holder, until) = (self.holder.to_owned(), lease::until(self.now, self.ttl));
        Ok(Token { holder, ttl: self.ttl, until, memo: memo(stored)? })
    }
}

#[async_trait]
impl StateStore for LeaseStore {
    async fn acquire(
        &self,
        now: Timestamp,
        holder: &str,
        ttl: SignedDuration,
    ) -> Result<Acquired, StateError> {
        let run = Run { now, holder, ttl, deadline: Deadline::after(self.connection.timeout) };
        self.lock(&run).instrument(info_span!("acquire_lock", lease = self.name)).await
    }

    async fn save(&self, now: Timestamp, token: &mut Token, record: &Record) -> Result<(), StateError> {
        let wanted = lease::renewed(remembered(token)?, now, token, record)?;
        let stored = self.put(&wanted).instrument(info_span!("save_record", lease = self.name)).await?;
        token.memo = memo(&stored)?;
        token.until = lease::until(now, token.ttl);
        Ok(())
    }

    async fn release(&self, now: Timestamp, token: Token, record: &Record) -> Result<(), StateError> {
        let wanted = lease::freed(lease::renewed(remembered(&token)?, now, &token, record)?);
        self.put(&wanted).instrument(info_span!("release_lock", lease = self.name)).await.map(drop)
    }

    async fn peek(&self, now: Timestamp) -> Result<Peeked, StateError> {
        let found = self.get(Deadline::after(self.connection.timeout));
        let found = found.instrument(info_span!("read_record", lease = self.name)).await?;
        match found {
            Some(found) => lease::seen(&found, now),
            None => Ok(Peeked { record: Record::default(), held: None }),
        }
    }
}

/// Which manager wrote which field is the server's business, and longer than the rest.
fn without_history(mut lease: Lease) -> Lease {
    lease.metadata.managed_fields = None;
    lease
}

fn memo(lease: &Lease) -> Result<String, StateError> {
    serde_json::to_string(lease).map_err(|error| StateError::Rejected { message: error.to_string() })
}

fn remembered(token: &Token) -> Result<Lease, StateError> {
    serde_json::from_str(&token.memo).map_err(|error| StateError::Rejected { message: error.to_string() })
}
