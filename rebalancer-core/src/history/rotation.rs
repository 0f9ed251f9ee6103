//! One rotation, as it is remembered.

use std::fmt;

use jiff::Timestamp;

use super::effect::rounded;
use super::{Effect, GroupEffect, Imbalance, Promised, SlowPod};
use crate::fleet::PodRef;
use crate::fleet::{Indicator, Pod, Uid};
use crate::policy::ByTiming;
use crate::port::RemovalError;
use crate::unit::Ratio;

/// A larger batch is not remembered, so it must not be made: a crash would leave no trace of its removals.
pub(super) const MOST_PODS: usize = 40;
pub(super) const LONGEST_NAME: usize = 253;
pub(super) const LONGEST_ID: usize = 64;

/// A batch of removals that was decided on. Made by [`intended`](Self::intended), which checks that it fits.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rotation {
    /// The cycle that made it.
    pub cycle: String,
    /// When it began; the effect is settled from here.
    pub at: Timestamp,
    /// The indicator that raised the imbalance.
    pub indicator: Indicator,
    /// Each pod and what became of it. Of older rotations it may be forgotten.
    pub pods: Vec<RotatedPod>,
    /// How uneven the indicator was.
    pub before: Imbalance,
    /// The CV that was predicted, where one was.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::codec::maybe_ratio"))]
    pub predicted_cv: Option<Ratio>,
    /// The CV that each timing would lead to, where that was worked out.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub promised: Option<ByTiming<Promised>>,
    /// What it did.
    pub effect: Effect,
    /// What it did to the consumer group, where Kafka was asked.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub group: Option<GroupEffect>,
}

/// One pod of a rotation.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RotatedPod {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: Uid,
    /// The role for which it was selected.
    pub role: Role,
    /// What became of it.
    pub fate: RemovalFate,
    /// How it stood out, where it did.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub slow: Option<SlowPod>,
}

/// The role for which a pod was selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Role {
    /// One of the hottest.
    Hot,
    /// One of the coldest.
    Cold,
    /// Neither: for what becomes of its partitions, which a prediction knows.
    Partner,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Hot, Self::Cold, Self::Partner];

    /// `hot`, `cold` or `partner`, as in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Cold => "cold",
            Self::Partner => "partner",
        }
    }
}

/// What became of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RemovalFate {
    /// Its removal was about to be requested. When this is read back, the process died in between.
    Intended,
    /// It was removed.
    Removed,
    /// A disruption budget refused.
    Refused,
    /// Its removal failed; it was not removed.
    Failed,
    /// It may have been removed.
    Unknown,
    /// It was left alone: not requested, changed in between, or found still there afterwards.
    Spared,
}

impl RemovalFate {
    /// It may have been removed, and only the state of the fleet can show it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Intended | Self::Unknown)
    }

    pub(super) const fn may_be_removed(self) -> bool {
        matches!(self, Self::Intended | Self::Unknown | Self::Removed)
    }
}

impl From<&RemovalError> for RemovalFate {
    fn from(error: &RemovalError) -> Self {
        match error {
            RemovalError::Gone | RemovalError::Replaced => Self::Spared,
            RemovalError::Blocked { .. } => Self::Refused,
            RemovalError::Unknown { .. } => Self::Unknown,
            RemovalError::Conflict { .. }
            | RemovalError::Throttled { .. }
            | RemovalError::Unauthorized { .. }
            | RemovalError::Forbidden { .. }
            | RemovalError::Rejected { .. } => Self::Failed,
        }
    }
}

/// The counter's name of a removal error.
pub(super) const fn reason(error: &RemovalError) -> &'static str {
    match error {
        RemovalError::Gone => "gone",
        RemovalError::Replaced => "replaced",
        RemovalError::Conflict { .. } => "conflict",
        RemovalError::Blocked { .. } => "disruption_budget",
        RemovalError::Throttled { .. } => "throttled",
        RemovalError::Unauthorized { .. } => "unauthorized",
        RemovalError::Forbidden { .. } => "forbidden",
        RemovalError::Rejected { .. } => "rejected",
        RemovalError::Unknown { .. } => "unknown",
    }
}

/// What became of one removal, as reported by the cycle that requested it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalResult {
    /// The pod.
    pub uid: Uid,
    /// What became of it.
    pub fate: RemovalFate,
    /// The counter's name of why it was not removed for sure.
    pub(super) reason: Option<&'static str>,
}

impl RemovalResult {
    /// The pod was removed.
    #[must_use]
    pub const fn removed(uid: Uid) -> Self {
        Self { uid, fate: RemovalFate::Removed, reason: None }
    }

    /// The pod was left alone.
    #[must_use]
    pub const fn spared(uid: Uid) -> Self {
        Self { uid, fate: RemovalFate::Spared, reason: None }
    }

    /// Its removal was requested, and this came back.
    #[must_use]
    pub fn failed(uid: Uid, error: &RemovalError) -> Self {
        Self { uid, fate: RemovalFate::from(error), reason: Some(reason(error)) }
    }
}

/// A removal that an earlier process intended, and ended before it could record the result: what is found now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ReconciledRemoval {
    /// The cycle that intended it.
    pub cycle: String,
    /// The pod's name.
    pub name: String,
    /// The pod's identity.
    pub uid: Uid,
    /// The role for which it was selected.
    pub role: Role,
    /// What is found now.
    pub found: Found,
}

/// What Kubernetes lists now of a pod whose removal was intended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Found {
    /// It is gone, or on its way out.
    Removed,
    /// It is gone, and another pod has its name.
    Replaced {
        /// The other one.
        by: Uid,
    },
    /// It is there and stays.
    StillThere,
}

impl fmt::Display for ReconciledRemoval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cycle, name, uid, .. } = self;
        write!(f, "{name} ({uid}), which cycle {cycle} meant to remove, ")?;
        match &self.found {
            Found::Removed => f.write_str("was removed"),
            Found::Replaced { by } => write!(f, "was replaced by {by}"),
            Found::StillThere => f.write_str("is still there"),
        }
    }
}

/// Why a rotation can't be remembered, and so must not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unrecordable {
    /// The batch is too large.
    #[error("a rotation of {pods} pods does not fit into the record, which holds {most}")]
    TooManyPods {
        /// Pods of the batch.
        pods: usize,
        /// The most that fit.
        most: usize,
    },
    /// A name, UID or cycle id is longer than Kubernetes allows, or not plain.
    #[error("{text:?} is no name that can be recorded")]
    NotPlain {
        /// What was given.
        text: String,
    },
}

impl Rotation {
    /// The most pods that one rotation may have.
    pub const MOST_PODS: usize = MOST_PODS;

    /// A rotation that is about to be made, with an intent for each pod.
    ///
    /// # Errors
    /// When it would make the record too large.
    pub fn intended(
        cycle: &str,
        at: Timestamp,
        indicator: Indicator,
        pods: impl IntoIterator<Item = (PodRef, Role)>,
        before: Imbalance,
        predicted_cv: Option<Ratio>,
    ) -> Result<Self, Unrecordable> {
        let intent = |(pod, role): (PodRef, Role)| RotatedPod {
            name: pod.name,
            uid: pod.uid,
            role,
            fate: RemovalFate::Intended,
            slow: None,
        };
        let rotation = Self {
            cycle: cycle.to_owned(),
            at,
            indicator,
            pods: pods.into_iter().map(intent).collect(),
            before: Imbalance::new(before.cv, before.max_to_mean),
            predicted_cv: predicted_cv.map(rounded),
            promised: None,
            effect: Effect::NotYetKnown,
            group: None,
        };
        rotation.fits().map(|()| rotation)
    }

    /// With the CV that each timing would lead to.
    #[must_use]
    pub fn with_promised(self, promised: Option<ByTiming<Promised>>) -> Self {
        Self { promised, ..self }
    }

    /// With what is predicted for the consumer group.
    #[must_use]
    pub fn with_group(self, group: Option<GroupEffect>) -> Self {
        Self { group, ..self }
    }

    pub(super) fn fits(&self) -> Result<(), Unrecordable> {
        if self.pods.len() > MOST_PODS {
            return Err(Unrecordable::TooManyPods { pods: self.pods.len(), most: MOST_PODS });
        }
        plain(&self.cycle, LONGEST_ID)?;
        self.pods.iter().try_for_each(|pod| {
            plain(&pod.name, LONGEST_NAME)?;
            plain(&pod.uid.to_string(), LONGEST_ID)?;
            let node = pod.slow.as_ref().and_then(|slow| slow.node.as_deref());
            node.map_or(Ok(()), |node| plain(node, LONGEST_NAME))
        })
    }

    /// Pods that may have been removed, and only the state of the fleet can show it.
    pub(super) fn open(&self) -> u64 {
        self.pods.iter().filter(|pod| pod.fate.is_open()).fold(0, |count, _| count + 1)
    }

    /// What was promised of all its pods says nothing of a part of them.
    pub(super) fn drop_promises_of_a_part(&mut self) {
        let stayed = |pod: &RotatedPod| !pod.fate.may_be_removed();
        if self.pods.iter().any(stayed) {
            (self.predicted_cv, self.promised) = (None, None);
            self.group = self.group.map(GroupEffect::without_promises);
        }
    }

    /// Nothing of it can have changed the fleet.
    pub(super) fn close_if_not_made(&mut self) {
        if self.effect == Effect::NotYetKnown && !self.pods.iter().any(|pod| pod.fate.may_be_removed()) {
            self.effect = Effect::NotMade;
        }
    }
}

impl RotatedPod {
    pub(super) fn look_up(&self, listed: &[Pod]) -> Found {
        if let Some(pod) = listed.iter().find(|pod| pod.uid == self.uid) {
            return if pod.terminating { Found::Removed } else { Found::StillThere };
        }
        match listed.iter().find(|pod| pod.name == self.name) {
            Some(stranger) => Found::Replaced { by: stranger.uid.clone() },
            None => Found::Removed,
        }
    }
}

/// No character of it grows in JSON.
pub(super) fn plain(text: &str, longest: usize) -> Result<(), Unrecordable> {
    let is_plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    if text.len() <= longest && text.bytes().all(is_plain) {
        Ok(())
    } else {
        Err(Unrecordable::NotPlain { text: text.chars().take(LONGEST_NAME).collect() })
    }
}
