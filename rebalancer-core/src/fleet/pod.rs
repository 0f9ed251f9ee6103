//! Pods, as Kubernetes lists them.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;

use super::{Addresses, ContainerId, Extras, Labels, Owner, Text, Uid};
use crate::unit::{Bytes, Cores};

/// Where a pod is in its life, as Kubernetes says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

/// What a container asks of its node. `None` is "not set", never zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Requests {
    /// CPU request.
    pub cpu: Option<Cores>,
    /// Memory request.
    pub memory: Option<Bytes>,
}

/// One pod as Kubernetes lists it now. What pods have in common they share, so that a fleet takes little memory.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pod {
    /// Its namespace.
    pub namespace: Text,
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
    /// The ID of the target container that runs now, without its runtime; `None` where none runs, or it is not told.
    #[cfg_attr(feature = "serde", serde(default))]
    pub container_id: Option<ContainerId>,
    /// It has a deletion time stamp: it is on its way out.
    pub terminating: bool,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// The node it runs on.
    pub node: Option<Text>,
    /// Its addresses; those of the node, for a pod on the host's network. Empty until it has some.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ips: Addresses,
    /// The controlling owner.
    pub owner: Option<Owner>,
    /// The kubelet made it from a file on the node; the API can't remove it.
    pub mirror: bool,
    /// Its priority, as the class resolved to when it was created.
    pub priority: Option<i32>,
    /// Its labels.
    pub labels: Labels,
    /// Those of its annotations that matter here: [`ANNOTATIONS`](crate::eligibility::ANNOTATIONS).
    pub annotations: Labels,
    /// Requests of the target container; `None` when the pod has no container of that name.
    pub container: Option<Requests>,
    /// What few pods have.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub extras: Extras,
}

impl Pod {
    /// A pod that serves: Running and Ready, with a container of the configured name. What is not known of it stays so:
    /// since when it is Ready, who owns it, what it requests. A pod without an owner, or of unknown age, is never removed.
    #[must_use]
    pub fn new(name: impl Into<String>, uid: impl AsRef<str>) -> Self {
        Self {
            namespace: Text::default(),
            name: name.into(),
            uid: Uid::new(uid),
            phase: Phase::Running,
            ready: true,
            ready_since: None,
            terminating: false,
            created_at: None,
            node: None,
            owner: None,
            mirror: false,
            priority: None,
            labels: Labels::default(),
            annotations: Labels::default(),
            container: Some(Requests::default()),
            ips: Addresses::default(),
            container_id: None,
            extras: Extras::default(),
        }
    }

    /// In this namespace; a [snapshot's builder](crate::snapshot::SnapshotBuilder) fills in the workload's.
    #[must_use]
    pub fn with_namespace(self, namespace: impl Into<Text>) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    /// Ready, and created, since this time.
    #[must_use]
    pub fn with_ready_since(self, since: Timestamp) -> Self {
        Self { ready: true, ready_since: Some(since), created_at: Some(since), ..self }
    }

    /// Created at this time.
    #[must_use]
    pub fn with_created_at(self, created: Timestamp) -> Self {
        Self { created_at: Some(created), ..self }
    }

    /// Controlled by this object.
    #[must_use]
    pub fn with_owner(self, owner: Owner) -> Self {
        Self { owner: Some(owner), ..self }
    }

    /// With this CPU request of the measured container.
    #[must_use]
    pub fn with_cpu_request(self, cores: Cores) -> Self {
        let requests = Requests { cpu: Some(cores), ..self.container.unwrap_or_default() };
        Self { container: Some(requests), ..self }
    }

    /// On this node.
    #[must_use]
    pub fn with_node(self, node: impl Into<Text>) -> Self {
        Self { node: Some(node.into()), ..self }
    }

    /// At this address.
    #[must_use]
    pub fn with_ip(mut self, ip: IpAddr) -> Self {
        self.ips.push(ip);
        self
    }

    /// Of this priority class.
    #[must_use]
    pub fn with_priority_class(mut self, class: impl Into<Text>) -> Self {
        self.extras.priority_class = Some(class.into());
        self
    }

    /// With a target container that was started again at this time.
    #[must_use]
    pub fn with_restarted_at(mut self, at: Timestamp) -> Self {
        self.extras.restarted_at = Some(at);
        self
    }

    /// With this label.
    #[must_use]
    pub fn with_label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// Running, Ready, and not on its way out: it serves.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.phase == Phase::Running && self.ready && !self.terminating
    }
}

/// A pod by name and identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PodRef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: Uid,
}

impl From<&Pod> for PodRef {
    fn from(pod: &Pod) -> Self {
        Self { namespace: pod.namespace.as_str().to_owned(), name: pod.name.clone(), uid: pod.uid.clone() }
    }
}

impl fmt::Display for PodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ({})", self.namespace, self.name, self.uid)
    }
}
