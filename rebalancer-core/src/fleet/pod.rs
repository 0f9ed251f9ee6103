//! Pods, as Kubernetes lists them.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::unit::{Bytes, Cores};

/// A pod's identity. A name can be taken over by another pod; a UID can't.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct Uid(String);

impl Uid {
    /// Takes the UID as the API server gives it.
    #[must_use]
    pub fn new(uid: impl Into<String>) -> Self {
        Self(uid.into())
    }

    /// The UID as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where a pod is in its life, as Kubernetes says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Phase {
    /// Accepted, not all containers started.
    Pending,
    /// Bound to a node, containers started.
    Running,
    /// All containers ended well; it won't run again.
    Succeeded,
    /// All containers ended, one of them badly; it won't run again.
    Failed,
    /// The node can't be asked, or the API server gave a phase that is not known here.
    Unknown,
}

/// A reference to the object that controls another one, as that one carries it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Owner {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `ReplicaSet`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its identity: a name can be taken over by another object.
    pub uid: Uid,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// What a container asks of its node. `None` is "not set", never zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Requests {
    /// CPU request.
    pub cpu: Option<Cores>,
    /// Memory request.
    pub memory: Option<Bytes>,
}

/// One pod as Kubernetes lists it now.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name, unique in the namespace at one time.
    pub name: String,
    /// Its identity.
    pub uid: Uid,
    /// Where it is in its life.
    pub phase: Phase,
    /// The Ready condition is True.
    pub ready: bool,
    /// Since when the Ready condition is what it is, with the container that runs now: the later of the two. A container
    /// that was restarted is a fresh member of the group, whether or not the condition went to False meanwhile.
    pub ready_since: Option<Timestamp>,
    /// When the target container started that runs now, if another one ran before it in this pod.
    pub restarted_at: Option<Timestamp>,
    /// It has a deletion time stamp: it is on its way out.
    pub terminating: bool,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// The node it runs on.
    pub node: Option<String>,
    /// The controlling owner.
    pub owner: Option<Owner>,
    /// The kubelet made it from a file on the node; the API can't remove it.
    pub mirror: bool,
    /// Its priority class.
    pub priority_class: Option<String>,
    /// Its priority, as the class resolved to when it was created.
    pub priority: Option<i32>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Those of its annotations that matter here: [`ANNOTATIONS`](crate::eligibility::ANNOTATIONS).
    pub annotations: BTreeMap<String, String>,
    /// Requests of the target container; `None` when the pod has no container of that name.
    pub container: Option<Requests>,
    /// Requests of the pod as a whole (`spec.resources`, with its overhead), where it sets them.
    pub whole: Requests,
}

impl Pod {
    /// Running, Ready, and not on its way out: it serves.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.phase == Phase::Running && self.ready && !self.terminating
    }
}

/// A pod by name and identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PodRef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: Uid,
}

impl fmt::Display for PodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ({})", self.namespace, self.name, self.uid)
    }
}
