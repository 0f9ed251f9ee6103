//! Whose pods are whose: the chain of owner references, followed by UID.
//!
//! ```text
//!   pod ──> ReplicaSet ──> Deployment, Rollout ──> what a platform puts above it
//!   pod ──> StatefulSet, CloneSet, StrimziPodSet ──> ...
//! ```
//!
//! An object that has the workload's name and is not in the chain says nothing of the pods.

use super::{Controller, Owner, OwnerReference, Pod};

/// Longer than any chain that makes sense, so that a circle ends.
const LONGEST_CHAIN: usize = 8;

/// Labels by which controllers tell the revisions of their pods apart: of Deployments and CloneSets, of StatefulSets, and
/// of Argo Rollouts.
const REVISION_LABELS: [&str; 3] =
    ["pod-template-hash", "controller-revision-hash", "rollouts-pod-template-hash"];

/// The label of a DeploymentConfig's pods, which has the name of their ReplicationController. Others use it too.
const DEPLOYMENT_LABEL: &str = "deployment";

/// The labels that decide by themselves. Others do only where a disruption budget selects by them.
pub const LABELS: [&str; 4] = {
    let [replica_set, revision, rollout] = REVISION_LABELS;
    [replica_set, revision, rollout, DEPLOYMENT_LABEL]
};

/// The annotation of a StrimziPodSet's pods, which have no such label.
pub(crate) const REVISION_ANNOTATION: &str = "strimzi.io/revision";

/// Who owns the pods, as far as that could be read.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ownership {
    /// Objects that some reference names, by name and UID.
    pub objects: Vec<Controller>,
    /// References beyond which nothing is known. The workload's own object may be among [`objects`](Self::objects) all the
    /// same: then its scale subresource alone told of it.
    pub unread: Vec<Unread>,
    /// The object that has the workload's name, when no chain leads to it and none shows that another object is meant.
    /// It gives reasons to hold, and none to act.
    pub by_name: Option<Controller>,
}

/// A reference that could not be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unread {
    /// What it names.
    pub owner: Owner,
    /// Why it could not be followed.
    pub why: NotRead,
}

/// Why a reference could not be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum NotRead {
    /// We may not read objects of this kind.
    NotAllowed,
    /// There is no such object. The garbage collector is about to remove what it owns.
    Gone,
    /// Another object has its name now.
    Replaced,
    /// The server could not tell, as for a kind that it does not know.
    Unreadable,
}

impl NotRead {
    /// A short stable name for logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAllowed => "not_allowed",
            Self::Gone => "gone",
            Self::Replaced => "replaced",
            Self::Unreadable => "unreadable",
        }
    }
}

impl Unread {
    /// What the reference means does certainly not exist. Nobody replaces a pod then, and the garbage collector removes
    /// those that there are.
    ///
    /// Where nothing has the name, that is certain of a Deployment only: the ReplicaSet that names it was read from the same
    /// server. Of other kinds the place was guessed from the kind, or what stands in front of the server may not pass them
    /// on.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let OwnerReference { api_version, kind, .. } = &*self.owner;
        match self.why {
            NotRead::Replaced => true,
            NotRead::Gone => kind == "Deployment" && api_version.starts_with("apps/"),
            NotRead::NotAllowed | NotRead::Unreadable => false,
        }
    }
}

/// How a pod is tied to the workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie<'a> {
    /// Its chain of owners leads to this object of the workload's name.
    Owned(&'a Owner),
    /// This owner can't be followed, and is called as a revision of the workload would be.
    Presumed(&'a Owner),
    /// It belongs to others, or to nobody.
    Stranger,
}

impl Ownership {
    /// The object that a reference means, not merely one of its name.
    #[must_use]
    pub fn object(&self, owner: &Owner) -> Option<&Controller> {
        let fits = |object: &&Controller| {
            object.uid == owner.uid && object.name == owner.name && object.kind == owner.kind
        };
        self.objects.iter().find(fits)
    }

    /// Only its scale subresource told of this object: its annotations, and what controls it, are not known.
    #[must_use]
    pub fn is_by_scale(&self, object: &Controller) -> bool {
        let means = |owner: &Owner| owner.uid == object.uid && owner.kind == object.kind;
        self.unread.iter().any(|unread| means(&unread.owner))
    }

    /// The owners of a pod, its own first, as far as they are known.
    pub fn chain<'a>(&'a self, pod: &'a Pod) -> impl Iterator<Item = &'a Owner> {
        let above = |owner: &&'a Owner| self.object(owner).and_then(|object| object.owner.as_ref());
        std::iter::successors(pod.owner.as_ref(), above).take(LONGEST_CHAIN)
    }

    /// The owner in a pod's chain that does not exist any more.
    #[must_use]
    pub fn lost<'a>(&'a self, pod: &'a Pod) -> Option<&'a Owner> {
        self.chain(pod).find(|owner| self.is_lost(owner))
    }

    /// This owner does not exist any more.
    #[must_use]
    pub fn is_lost(&self, owner: &Owner) -> bool {
        self.unread.iter().any(|unread| unread.owner == *owner && unread.is_lost())
    }

    /// The objects above a pod whose marks count.
    ///
    /// A ReplicaSet's are copies of its owner's, and its owner does not take them back: they count only where the owner
    /// itself can't be read.
    pub fn marking<'a>(&'a self, pod: &'a Pod) -> impl Iterator<Item = &'a Controller> {
        let is_copy = |object: &&Controller| {
            let is_revision = matches!(object.kind.as_str(), "ReplicaSet" | "ReplicationController");
            let original = object.owner.as_ref().and_then(|owner| self.object(owner));
            is_revision && original.is_some_and(|original| !self.is_by_scale(original))
        };
        self.chain(pod).filter_map(|owner| self.object(owner)).filter(move |object| !is_copy(object))
    }

    /// How a pod is tied to the workload of this name.
    #[must_use]
    pub fn tie<'a>(&'a self, pod: &'a Pod, workload: &str) -> Tie<'a> {
        let mut last = None;
        for owner in self.chain(pod) {
            if owner.name == workload {
                return Tie::Owned(owner);
            }
            last = Some(owner);
        }
        match last.filter(|owner| self.object(owner).is_none() && is_called_as_revision(owner, workload)) {
            Some(owner) => Tie::Presumed(owner),
            None => Tie::Stranger,
        }
    }

    /// The workload owns the pod, or is presumed to, whatever its containers are called.
    #[must_use]
    pub fn owns(&self, pod: &Pod, workload: &str) -> bool {
        match self.tie(pod, workload) {
            Tie::Owned(_) | Tie::Presumed(_) => true,
            Tie::Stranger => false,
        }
    }

    /// One of the workload's own pods: it has the container too.
    #[must_use]
    pub fn belongs(&self, pod: &Pod, workload: &str) -> bool {
        pod.container.is_some() && self.owns(pod, workload)
    }

    /// Every object of the workload's name that owns some of these pods. More than one is a contradiction: only one of
    /// them is meant.
    #[must_use]
    pub fn tops<'a>(&'a self, pods: impl Iterator<Item = &'a Pod>, workload: &str) -> Vec<&'a Owner> {
        let mut tops = Vec::new();
        for pod in pods {
            match self.tie(pod, workload) {
                Tie::Owned(owner) if !tops.contains(&owner) => tops.push(owner),
                Tie::Owned(_) | Tie::Presumed(_) | Tie::Stranger => {}
            }
        }
        tops.sort_unstable();
        tops
    }

    /// The workload's own object, where it could be read: that which owns the pods, or else [`by_name`](Self::by_name).
    #[must_use]
    pub fn controller<'a>(
        &'a self,
        pods: impl Iterator<Item = &'a Pod>,
        workload: &str,
    ) -> Option<&'a Controller> {
        match self.tops(pods, workload).as_slice() {
            [] => self.by_name.as_ref(),
            [only] => self.object(only),
            [_, _, ..] => None,
        }
    }
}

/// A ReplicaSet of a Deployment or an Argo Rollout is called `<workload>-<hash>`, and a hash has no dash; a
/// ReplicationController of a DeploymentConfig `<workload>-<number>`.
fn is_called_as_revision(owner: &Owner, workload: &str) -> bool {
    let revision = owner.name.strip_prefix(workload).and_then(|rest| rest.strip_prefix('-')).unwrap_or("");
    match owner.kind.as_str() {
        "ReplicaSet" => !revision.is_empty() && !revision.contains('-'),
        "ReplicationController" => !revision.is_empty() && revision.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

/// The label and its value by which every pod of another revision than this pod's can be told from outside, as long as the
/// workload's own object is the same: its controllers give a new value to each revision. `None` where it is not one label
/// that tells.
#[must_use]
pub fn revision_label(pod: &Pod) -> Option<(&'static str, &str)> {
    let kind = pod.owner.as_ref().map(|owner| owner.kind.as_str())?;
    let [template, controller, rollout] = REVISION_LABELS;
    let label = match kind {
        "ReplicaSet" if pod.labels.contains_key(rollout) => rollout,
        "ReplicaSet" => template,
        "StatefulSet" => controller,
        _ => return None,
    };
    let only = !pod.annotations.contains_key(REVISION_ANNOTATION);
    Some((label, pod.labels.get(label).filter(|_| only)?.as_str()))
}

/// Nothing tells the [revisions](revision) of these pods apart.
#[inline]
pub(crate) fn are_of_one_revision(one: &Pod, other: &Pod) -> bool {
    let unmarked = one.annotations.is_empty() && other.annotations.is_empty();
    let same = unmarked && one.owner == other.owner && one.labels.are_shared_with(&other.labels);
    same || revision(one) == revision(other)
}

/// What tells the revisions of a workload's pods apart: who controls them directly, and the labels (of a
/// StrimziPodSet, the annotation) that controllers give.
#[must_use]
pub fn revision(pod: &Pod) -> (Option<&Owner>, [Option<&str>; 5]) {
    let label = |name: &str| pod.labels.get(name).map(String::as_str);
    let by_number = pod.owner.as_ref().is_some_and(|owner| owner.kind == "ReplicationController");
    let [template, controller, rollout] = REVISION_LABELS.map(label);
    let deployment = label(DEPLOYMENT_LABEL).filter(|_| by_number);
    let annotated = pod.annotations.get(REVISION_ANNOTATION).map(String::as_str);
    (pod.owner.as_ref(), [template, controller, rollout, deployment, annotated])
}
