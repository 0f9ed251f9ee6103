//! Pods that are hot because of where they run: whether a replacement is expected to be better, and what is said where
//! earlier ones were not.

use super::pool::{Pool, Removable};
use crate::group::GroupModel;
use crate::planner::candidates::Candidates;
use crate::report::{Hold, Spared};
use crate::unit::Ratio;

impl Candidates<'_> {
    /// It is hot because the same work costs more there, and a replacement may be a usual pod.
    pub(super) fn may_be_mended(&self, model: &GroupModel, pod: &Removable) -> bool {
        is_pod_side(model, pod) && !self.constraints.replacements.is_hopeless(self.node_of(pod))
    }

    /// The hottest pod is hot because of its node, where replacements did not help.
    pub(super) fn slow_node(&self, model: &GroupModel, pool: &Pool) -> Option<Hold> {
        let pod = pool.hot().first().filter(|pod| is_pod_side(model, pod))?;
        let factor = Ratio::new(model.pods.get(pod.place)?.factor).ok()?;
        let node = self.node_of(pod)?.to_owned();
        let replacements = self.constraints.replacements.in_vain(Some(&node));
        let pod = self.snapshot.pods.get(pod.pod)?.pod.name.clone();
        (replacements > 0).then_some(Hold::SlowNode { node, pod, factor, replacements })
    }

    /// What is said of a pod that was considered, but not chosen.
    pub(super) fn spared(&self, model: &GroupModel, pod: &Removable) -> Spared {
        let replacements = self.constraints.replacements.in_vain(self.node_of(pod));
        let hopeless = pod.is_hot() && is_pod_side(model, pod) && !self.may_be_mended(model, pod);
        if hopeless { Spared::SlowNode { replacements } } else { Spared::NotInTheBest }
    }

    fn node_of(&self, pod: &Removable) -> Option<&str> {
        self.snapshot.pods.get(pod.pod)?.pod.node.as_deref()
    }
}

/// Hot because the same work costs more there: on a usual pod its partitions would stay below its limit.
fn is_pod_side(model: &GroupModel, pod: &Removable) -> bool {
    model
        .pods
        .get(pod.place)
        .is_some_and(|known| known.factor > 1.0 && pod.explained / known.factor <= pod.limit.get())
}
