//! What came of replacing slow pods: those on which the same work costs more than on others, as on a slow node or beside a
//! noisy neighbor. What is expected of the next replacement is what earlier ones brought.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::effect::rounded;
use super::rotation::{LONGEST_NAME, plain};
use super::{Effect, HistoryPolicy, Record, RotatedPod, Rotation, earlier, later};
use crate::fleet::{Pod, Uid};
use crate::unit::Ratio;

/// After so many replacements on one node that did not help, no other one is made in the hope that it does.
const IN_VAIN: usize = 2;

/// For how long that is remembered: a node may be mended, or be another one of the same name.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// The API server's clock may be so far behind the one that times a rotation.
const SKEW: SignedDuration = SignedDuration::from_secs(30);

/// How a removed pod stood out, and what its replacement is like.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SlowPod {
    /// The node it ran on; `None` where that is not known.
    pub node: Option<String>,
    /// How many times as much as on a usual pod the same work cost there.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::codec::ratio"))]
    pub factor: Ratio,
    /// Its replacement; `None` until it is measured.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub replacement: Option<Replacement>,
}

/// What the replacement of a slow pod is like, once the rotation has settled.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Replacement {
    /// How many times as much as on a usual pod the same work costs there; 1 where it does not stand out.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::codec::ratio"))]
    pub factor: Ratio,
    /// Where it runs.
    pub landed: Landed,
}

/// Where a replacement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Landed {
    /// On the node of the pod that it replaces.
    SameNode,
    /// On another one, or it is not known where.
    OtherNode,
}

/// A pod that is there now, with what the same work costs on it.
#[derive(Debug, Clone, Copy)]
pub struct PodFactor<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// How many times as much as on a usual pod; 1 where it does not stand out.
    pub factor: Ratio,
}

/// What earlier replacements of slow pods brought, by node.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Replacements {
    nodes: BTreeMap<String, OfNode>,
    all: Brought,
}

/// Those of the pods of one node.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct OfNode {
    /// So many did not help, the last ones in a row.
    in_vain: usize,
    brought: Brought,
}

/// Measured replacements.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Brought {
    replaced: usize,
    /// Sum of their factors.
    factors: f64,
}

impl SlowPod {
    /// A pod of this node on which the same work costs so many times as much as on others. A name that is none of
    /// Kubernetes's is not kept.
    #[must_use]
    pub fn new(node: Option<&str>, factor: Ratio) -> Self {
        let node = node.filter(|node| plain(node, LONGEST_NAME).is_ok()).map(str::to_owned);
        Self { node, factor: rounded(factor), replacement: None }
    }

    fn is_of(&self, node: Option<&str>) -> bool {
        self.node.is_some() && self.node.as_deref() == node
    }

    /// Whether its replacement helped; `None` when that says nothing of the node.
    fn in_vain(&self, effect: Effect) -> Option<bool> {
        match (self.replacement, effect) {
            (Some(Replacement { factor, landed: Landed::SameNode }), _) => Some(factor.get() > 1.0),
            (Some(Replacement { landed: Landed::OtherNode, .. }), _) => None,
            (None, Effect::DidNotHelp { .. } | Effect::NeverSeen { .. }) => Some(true),
            (None, Effect::Helped { .. }) => Some(false),
            (None, Effect::NotMade | Effect::NotYetKnown) => None,
        }
    }
}

impl Replacements {
    /// The factor that is expected of the replacement of a pod with this one: the mean of what was measured on this node,
    /// or else on any, and of one usual pod, which is the hope; after too many in vain there is none left.
    #[must_use]
    pub fn expected(&self, node: Option<&str>, factor: f64) -> f64 {
        if self.is_hopeless(node) {
            return factor;
        }
        let of_node = node.and_then(|node| self.nodes.get(node)).map(|of_node| &of_node.brought);
        let brought = of_node.filter(|brought| brought.replaced > 0).unwrap_or(&self.all);
        (brought.factors + 1.0) / (brought.replaced + 1) as f64
    }

    /// How many replacements of slow pods of this node did not help, the last ones in a row.
    #[must_use]
    pub fn in_vain(&self, node: Option<&str>) -> usize {
        node.and_then(|node| self.nodes.get(node)).map_or(0, |of_node| of_node.in_vain)
    }

    /// So many that another one is made in hope only.
    #[must_use]
    pub fn is_hopeless(&self, node: Option<&str>) -> bool {
        self.in_vain(node) >= IN_VAIN
    }

    /// Of one replacement, later than those that are counted.
    fn count(&mut self, slow: &SlowPod, effect: Effect) {
        let brought = |of: &mut Brought| {
            if let Some(replacement) = slow.replacement {
                of.replaced += 1;
                of.factors += replacement.factor.get();
            }
        };
        brought(&mut self.all);
        let Some(node) = &slow.node else { return };
        let of_node = self.nodes.entry(node.clone()).or_default();
        brought(&mut of_node.brought);
        match slow.in_vain(effect) {
            Some(true) => of_node.in_vain += 1,
            Some(false) => of_node.in_vain = 0,
            None => {}
        }
    }
}

impl Rotation {
    /// With what is known of the pods among them that stand out, by their identity.
    #[must_use]
    pub fn with_slow(mut self, slow: &BTreeMap<Uid, SlowPod>) -> Self {
        for pod in &mut self.pods {
            pod.slow = slow.get(&pod.uid).cloned();
        }
        self
    }
}

impl Record {
    /// Puts in what the replacements are like of the slow pods that the last rotation removed. Call it before
    /// [`measure`](Self::measure), which closes the rotation.
    ///
    /// Nobody says which pod replaced which. One of the same name did, or one that runs on the same node; where there is
    /// none, the slowest of the other new ones counts.
    pub fn replaced(&mut self, seen: &[PodFactor<'_>], now: Timestamp, policy: &HistoryPolicy) {
        let open = |rotation: &&mut Rotation| {
            rotation.effect == Effect::NotYetKnown && later(rotation.at, policy.settle()) <= now
        };
        let Some(last) = self.rotations.last_mut().filter(open) else { return };
        let since = earlier(last.at, SKEW);
        let is_new = |seen: &PodFactor<'_>| {
            let known = last.pods.iter().any(|pod| pod.uid == seen.pod.uid);
            !known && seen.pod.created_at.is_some_and(|created| created >= since)
        };
        let mut new: Vec<PodFactor<'_>> = seen.iter().copied().filter(is_new).collect();
        new.sort_by(|a, b| b.factor.total_cmp(&a.factor).then_with(|| a.pod.name.cmp(&b.pod.name)));
        let mut open: Vec<&mut RotatedPod> =
            last.pods.iter_mut().filter(|pod| pod.awaits_replacement()).collect();
        let passes: [fn(&RotatedPod, &Pod) -> bool; 3] =
            [|gone, new| gone.name == new.name, |gone, new| gone.was_on(new.node.as_deref()), |_, _| true];
        for replaces in passes {
            for gone in open.iter_mut().filter(|pod| pod.awaits_replacement()) {
                let found = new.iter().position(|seen| replaces(gone, seen.pod));
                if let Some(place) = found {
                    gone.replaced_by(&new.remove(place));
                }
            }
        }
    }

    /// What replacements of slow pods brought in the last day.
    #[must_use]
    pub fn replacements(&self, now: Timestamp) -> Replacements {
        let mut replacements = Replacements::default();
        for rotation in self.rotations.iter().filter(|one| one.at > earlier(now, REMEMBERED)) {
            let removed = rotation.pods.iter().filter(|pod| pod.fate.may_be_removed());
            removed
                .filter_map(|pod| pod.slow.as_ref())
                .for_each(|slow| replacements.count(slow, rotation.effect));
        }
        replacements
    }

    /// Forgets them.
    pub(super) fn forget_slow(&mut self) {
        self.rotations.iter_mut().flat_map(|rotation| &mut rotation.pods).for_each(|pod| pod.slow = None);
    }
}

impl RotatedPod {
    fn awaits_replacement(&self) -> bool {
        self.fate.may_be_removed() && self.slow.as_ref().is_some_and(|slow| slow.replacement.is_none())
    }

    fn was_on(&self, node: Option<&str>) -> bool {
        self.slow.as_ref().is_some_and(|slow| slow.is_of(node))
    }

    fn replaced_by(&mut self, by: &PodFactor<'_>) {
        let same = self.was_on(by.pod.node.as_deref());
        let landed = if same { Landed::SameNode } else { Landed::OtherNode };
        if let Some(slow) = &mut self.slow {
            slow.replacement = Some(Replacement { factor: rounded(by.factor), landed });
        }
    }
}
