//! Records what was done as Kubernetes Events, `events.k8s.io/v1`: `kubectl describe` shows them with their object.
//!
//! An Event is information, never state: it may be lost, and nobody waits for it longer than the caller allows. Each
//! has a name of its own, so one that is sent again after a failure is stored once.
//!
//! kube-runtime's `Recorder` isn't used: it would bring that whole crate, with its watchers and caches, for one POST.

mod event;

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use k8s_openapi::api::events::v1::Event;
use rebalancer_core::fleet::Uid;
use rebalancer_core::port::InventoryError;
use tracing::{Instrument as _, debug, info_span};

use crate::classify::{Right, write_error};
use crate::client::Connection;
use crate::retry::{Deadline, read};
use crate::wire::{self, Failure};

const API: &str = "/apis/events.k8s.io/v1";
const CREATE: Right = Right { verb: "create", resource: "events.events.k8s.io" };

/// The object that an Event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regarding {
    /// Such as `v1` or `apps/v1`.
    pub api_version: String,
    /// Such as `Pod`.
    pub kind: String,
    /// Its namespace, which is the Event's too.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its identity: `kubectl describe` shows no Event of another object of this name.
    pub uid: Uid,
}

impl fmt::Display for Regarding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name, .. } = self;
        write!(f, "{kind} {namespace}/{name}")
    }
}

/// The type of an Event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventType {
    /// Information.
    Normal,
    /// Someone may have to look.
    Warning,
}

/// An Event to post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Which object it is about.
    pub regarding: Regarding,
    /// Its type.
    pub event_type: EventType,
    /// Why it was done, for machines: `CamelCase`, not empty, at most 128 bytes.
    pub reason: String,
    /// What was done, for machines: `CamelCase`, not empty, at most 128 bytes.
    pub action: String,
    /// What happened, for people. What is beyond 1024 bytes is cut off.
    pub text: String,
    /// When. The server keeps microseconds.
    pub at: Timestamp,
}

/// An Event that was not posted, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event {reason} of {regarding} was not posted")]
pub struct NotPosted {
    /// The object that it is about.
    pub regarding: Regarding,
    /// Its reason.
    pub reason: String,
    /// Why.
    #[source]
    pub error: InventoryError,
}

/// Posts Events. Needs `create` on `events` of the group `events.k8s.io`.
#[derive(Clone)]
pub struct EventRecorder {
    connection: Connection,
    instance: String,
}

impl EventRecorder {
    /// Posts over this connection; `instance` distinguishes the run from others, such as its cycle's id. Not empty;
    /// what is beyond 128 bytes is cut off.
    #[must_use]
    pub fn new(connection: &Connection, instance: &str) -> Self {
        Self { connection: connection.clone(), instance: instance.to_owned() }
    }

    /// Posts one Event, within the connection's time limit.
    ///
    /// # Errors
    /// When it is not known to be stored.
    pub async fn post(&self, note: &Note) -> Result<(), InventoryError> {
        self.post_until(note, Deadline::after(self.connection.timeout)).await
    }

    /// Posts all of these, a few at a time, and gives up on what is left when the time is up. Gives back those that are
    /// not known to be stored, in any order.
    pub async fn post_all(&self, notes: &[Note], within: Duration) -> Vec<NotPosted> {
        if notes.is_empty() {
            return Vec::new();
        }
        let (deadline, next) = (Deadline::after(within), AtomicUsize::new(0));
        let lane = || self.lane(notes, &next, deadline);
        // Few enough to be no burden to the server, and one that hangs holds up only its own lane.
        let lanes = async { tokio::join!(lane(), lane(), lane(), lane()) };
        let (a, b, c, d) = lanes.instrument(info_span!("post_events", events = notes.len())).await;
        [a, b, c, d].into_iter().flatten().collect()
    }

    /// Posts what comes next, again and again; the lanes share the count.
    async fn lane(&self, notes: &[Note], next: &AtomicUsize, deadline: Deadline) -> Vec<NotPosted> {
        let mut failed = Vec::new();
        while let Some(note) = notes.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = self.post_until(note, deadline).await {
                let (regarding, reason) = (note.regarding.clone(), note.reason.clone());
                failed.push(NotPosted { regarding, reason, error });
            }
        }
        failed
    }

    async fn post_until(&self, note: &Note, deadline: Deadline) -> Result<(), InventoryError> {
        let answer = self.create(note, deadline).await;
        let (reason, ok) = (&note.reason, answer.is_ok());
        debug!(event = "kubernetes_event", about = %note.regarding, reason, ok, "an Event was posted");
        match answer {
            Ok(_) => Ok(()),
            // An earlier attempt was applied, and its answer was lost: nobody else makes this name.
            Err(Failure::Refused(refusal)) if refusal.status.reason == "AlreadyExists" => Ok(()),
            Err(failure) => Err(write_error(&failure, CREATE, &note.regarding.namespace)),
        }
    }

    async fn create(&self, note: &Note, deadline: Deadline) -> Result<Event, Failure> {
        let path = wire::collection(API, &note.regarding.namespace, "events")?;
        let event = event::event(note, &self.instance, number());
        read(&self.connection, &wire::request(Method::POST, &path, Some(&event))?, deadline).await
    }
}

/// Tells Events of one object and one time apart, whichever recorder of this process posts them.
fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
