//! Objects that control pods, or control what controls them.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::{AtWork, Owner, Uid};

/// An object that controls pods, or controls such an object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Controller {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: Uid,
    /// Those of its annotations that matter here: [`ANNOTATIONS`](crate::eligibility::ANNOTATIONS).
    pub annotations: BTreeMap<String, String>,
    /// Who set the annotations that answer a proposal, as far as the server tells.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub marks: Vec<Mark>,
    /// What controls it in turn.
    pub owner: Option<Owner>,
    /// How far it is with what it wants; `None` where it does not tell.
    pub progress: Option<Progress>,
    /// What its own status says that its controller does, or has stopped doing; `None` where that is nothing special.
    #[cfg_attr(feature = "serde", serde(default))]
    pub at_work: Option<AtWork>,
}

/// Who set an annotation, as the server's managed fields tell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Mark {
    /// The annotation's key.
    pub annotation: String,
    /// The field manager: what the client calls itself, such as `kubectl-annotate`.
    pub manager: String,
    /// When it wrote last.
    pub at: Option<Timestamp>,
}

/// How far a controller is with what it wants. By default nothing is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Progress {
    /// Its status speaks of its present specification.
    pub status_is_current: bool,
    /// Pods that it wants.
    pub desired: u32,
    /// Pods that it has, in any state.
    pub current: u32,
    /// Pods that it has of its present template.
    pub updated: u32,
}

/// What the scale subresource of an object tells of it: its identity and two numbers, as the autoscaler sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// The identity of the object itself.
    pub uid: Uid,
    /// Pods that it wants.
    pub desired: u32,
    /// Pods that it has.
    pub current: u32,
}

impl From<&Scale> for Progress {
    /// A scale tells neither which specification its status speaks of nor how many pods are new: those tell themselves.
    fn from(&Scale { desired, current, .. }: &Scale) -> Self {
        Self { status_is_current: true, desired, current, updated: current }
    }
}

impl Controller {
    /// Its own status tells of a rollout before the first pod of it is there: a Deployment or a StatefulSet of Kubernetes itself
    /// does not count the new specification as seen, or has pods of an earlier one. What is known by its numbers alone is
    /// told apart by [`Ownership::is_by_scale`](super::Ownership::is_by_scale).
    #[must_use]
    pub fn tells_of_rollouts(&self) -> bool {
        let built_in = matches!(self.kind.as_str(), "Deployment" | "StatefulSet");
        built_in && self.api_version.starts_with("apps/") && self.progress.is_some()
    }

    /// A StatefulSet of Kubernetes itself. With a partition it keeps two revisions for as long as somebody likes, and its
    /// status tells when that is no rollout.
    #[must_use]
    pub fn is_stateful_set(&self) -> bool {
        self.kind == "StatefulSet" && self.api_version.starts_with("apps/")
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}
