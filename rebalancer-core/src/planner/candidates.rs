//! The pods that may be removed by their own state, and how many of them may go.

use std::collections::BTreeMap;

use super::budget::Headroom;
use crate::eligibility::{Criteria, Veto};
use crate::fleet::Indicator;
use crate::fleet::{PodRef, Target};
use crate::history::Constraints;
use crate::policy::Policy;
use crate::report::{Choice, Hold, IndicatorReport, Limit, Removal};
use crate::snapshot::{Loads, ObservedPod, Snapshot};
use crate::unit::{Cores, Load};

/// A snapshot with the pods that may be removed.
pub(super) struct Candidates<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) policy: &'a Policy,
    pub(super) constraints: &'a Constraints,
    pub(super) pods: JudgedPods,
    pub(super) headroom: Headroom<'a>,
}

/// Every pod, judged by its own state.
pub(super) struct JudgedPods {
    /// In the order of the snapshot.
    pub(super) eligible: Vec<Eligible>,
    /// Every pod's veto, in the order of the snapshot.
    pub(super) vetoes: Vec<Option<Veto>>,
    /// Pods of the workload that serve.
    pub(super) serving: usize,
}

/// What matters of an eligible pod. Small, so that a fleet of 100,000 is walked once, and only these are later.
pub(super) struct Eligible {
    /// Its place in the snapshot.
    pub(super) index: usize,
    pub(super) cpu_request: Option<Cores>,
    pub(super) loads: Loads,
    /// Its node is about to lose its pods.
    pub(super) on_leaving_node: bool,
}

impl Eligible {
    /// Its load by this indicator is above its limit.
    pub(super) fn is_hot(&self, report: &IndicatorReport) -> bool {
        self.exceeds(&report.limit, self.loads.get(report.indicator))
    }

    /// This load, now or earlier, is above its own limit.
    pub(super) fn exceeds(&self, limit: &Limit, load: Option<Load>) -> bool {
        load.is_some_and(|load| load > limit.for_request(self.cpu_request))
    }
}

impl JudgedPods {
    pub(super) fn of(snapshot: &Snapshot, policy: &Policy) -> Self {
        let headroom = Headroom::of(snapshot);
        let criteria = Criteria::of(snapshot, policy);
        let (mut eligible, mut serving) = (Vec::with_capacity(snapshot.pods.len()), 0);
        let mut vetoes = Vec::with_capacity(snapshot.pods.len());
        for (index, observed) in snapshot.pods.iter().enumerate() {
            serving += usize::from(observed.own && observed.pod.is_serving());
            let veto = criteria.veto_of(&observed.pod, observed.own, snapshot.taken_at);
            let veto = veto.or_else(|| headroom.veto(&observed.pod));
            if veto.is_none() {
                let (cpu_request, loads) = (observed.cpu_request, observed.loads);
                let on_leaving_node = snapshot.surroundings.is_leaving(observed.pod.node.as_ref());
                eligible.push(Eligible { index, cpu_request, loads, on_leaving_node });
            }
            vetoes.push(veto);
        }
        Self { eligible, vetoes, serving }
    }
}

impl<'a> Candidates<'a> {
    /// Pods that were judged on this snapshot and by this policy.
    pub(super) fn with(
        pods: JudgedPods,
        snapshot: &'a Snapshot,
        policy: &'a Policy,
        constraints: &'a Constraints,
    ) -> Self {
        Self { snapshot, policy, constraints, pods, headroom: Headroom::of(snapshot) }
    }

    /// The hold when there is nothing to decide about, whatever the loads.
    pub(super) fn nothing_to_decide(&self) -> Option<Hold> {
        match (self.snapshot.pods.len(), self.pods.eligible.len()) {
            (0, _) => Some(Hold::NoPods),
            (pods, 0) => {
                let mut vetoes = BTreeMap::new();
                for veto in self.pods.vetoes.iter().flatten() {
                    *vetoes.entry(veto.name().to_owned()).or_insert(0) += 1;
                }
                Some(Hold::NoEligiblePods { pods, vetoes })
            }
            _ => self.unclear(),
        }
    }

    /// Whatever is out of balance: whose loads they are, or which autoscaler rules the fleet, can't be known. An
    /// indicator that seems to be of this fleet alone comes from the same store as one that is not.
    fn unclear(&self) -> Option<Hold> {
        let ambiguous = self.snapshot.ambiguous();
        let series = ambiguous
            .map(|(query, error)| Hold::AmbiguousSeries { query: query.to_owned(), error: error.clone() });
        series.or_else(|| match &self.snapshot.target {
            Target::Ambiguous { hpas } => Some(Hold::AmbiguousTarget { hpas: hpas.clone() }),
            Target::Known { .. } | Target::NotByCpu { .. } | Target::None => None,
        })
    }

    /// The most pods that may go together.
    pub(super) fn most(&self) -> usize {
        let by_memory = self.constraints.most_removals.unwrap_or(usize::MAX);
        self.policy.limits.removable(self.pods.serving).min(by_memory)
    }

    /// How many pods may go, at least this many; or why that many may not.
    pub(super) fn removable(&self, least: usize) -> Result<usize, Hold> {
        let limits = &self.policy.limits;
        let (serving, minimum) = (self.pods.serving, limits.minimum_pods);
        let removable = self.most();
        if removable >= least {
            Ok(removable)
        } else if limits.share_of(serving) < least && serving.saturating_sub(minimum) >= least {
            Err(Hold::ShareTooSmall { serving, share: limits.most_share })
        } else {
            Err(Hold::TooFewPods { serving, minimum })
        }
    }

    /// The removal of the pod at this place in the snapshot.
    pub(super) fn removal(
        &self,
        index: usize,
        indicator: Indicator,
        load: Load,
        choice: Choice,
    ) -> Option<Removal> {
        let ObservedPod { pod, .. } = self.snapshot.pods.get(index)?;
        let (node, owner) = (pod.node.clone().map(String::from), pod.owner.clone());
        Some(Removal { pod: PodRef::from(pod), node, owner, indicator, load, choice })
    }
}
