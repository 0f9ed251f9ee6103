//! The one door to a decision: snapshot and policy in, report out. Pure and deterministic; deciding never fails,
//! since to hold is a result.

use std::collections::BTreeMap;

use crate::eligibility::Criteria;
use crate::fleet::{Indicator, Target};
use crate::group::{Inference, Unusable};
use crate::guard::not_now;
use crate::policy::{Policy, Strategy};
use crate::port::PodRef;
use crate::prediction::Prediction;
use crate::report::{
    Choice, Decision, Hold, IndicatorReport, Limit, Method, Removal, Report, Spared, Verdict, Veto,
};
use crate::snapshot::{Loads, ObservedPod, Snapshot};
use crate::unit::{Cores, Load};
use measure::Seen;
use raised::Raised;
pub(crate) use room::Room;

/// Decides what to do with the fleet.
///
/// The strategy is *rotate outliers*: the hottest pods above the limit go together with the coldest ones, so that
/// the consumer group deals their partitions again.
pub fn plan(snapshot: &Snapshot, policy: &Policy) -> Report {
    let (fleet, mut verdicts) = Fleet::of(snapshot, policy);
    let (seen, Judgement { method, prediction, decision }) = fleet.judge(&mut verdicts);
    let mut report = Report {
        workload: snapshot.workload.clone(),
        taken_at: snapshot.taken_at,
        target: snapshot.target.clone(),
        serving: fleet.serving,
        eligible: fleet.eligible.len(),
        scores: seen.scores(snapshot),
        indicators: seen.indicators,
        degraded: snapshot.degraded.clone(),
        method,
        prediction,
        decision,
        verdicts,
    };
    // Last, so that the report says what would have been done.
    if let (Decision::Rotate(_), Some(guard)) = (&report.decision, not_now(snapshot, policy)) {
        report.hold(Hold::NotNow(guard));
    }
    report
}

/// The indicator whose earlier readings a [`plan`] needs: it is out of balance now, and the policy asks for more than
/// one reading.
#[must_use]
pub fn to_confirm(snapshot: &Snapshot, policy: &Policy) -> Option<Indicator> {
    if policy.persistence.earlier() == 0 || snapshot.ambiguous().is_some() {
        return None;
    }
    let (fleet, _) = Fleet::of(snapshot, policy);
    fleet.see().ok()?.raised().map(|report| report.indicator)
}

/// A snapshot with the pods that may be removed.
struct Fleet<'a> {
    snapshot: &'a Snapshot,
    policy: &'a Policy,
    eligible: Vec<Eligible>,
    serving: usize,
    room: Room<'a>,
}

/// What matters of an eligible pod. Small, so that a fleet of 100,000 is walked once, and only these are later.
struct Eligible {
    /// Its place in the snapshot.
    index: usize,
    cpu_request: Option<Cores>,
    loads: Loads,
}

impl Eligible {
    /// Its load by this indicator is above its limit.
    fn is_hot(&self, report: &IndicatorReport) -> bool {
        self.exceeds(&report.limit, self.loads.get(report.indicator))
    }

    /// This load, now or earlier, is above its own limit.
    fn exceeds(&self, limit: &Limit, load: Option<Load>) -> bool {
        load.is_some_and(|load| load > limit.for_request(self.cpu_request))
    }
}

/// What comes of what is seen.
struct Judgement {
    method: Method,
    prediction: Option<Prediction>,
    decision: Decision,
}

impl Judgement {
    const fn without_choice(decision: Decision) -> Self {
        Self { method: Method::None, prediction: None, decision }
    }

    const fn hold(hold: Hold) -> Self {
        Self::without_choice(Decision::Hold(hold))
    }
}

impl<'a> Fleet<'a> {
    /// Judges every pod by its own state.
    fn of(snapshot: &'a Snapshot, policy: &'a Policy) -> (Self, Vec<Verdict>) {
        let room = Room::of(snapshot);
        let mut fleet = Self { snapshot, policy, eligible: Vec::new(), serving: 0, room };
        let criteria = Criteria::of(snapshot, policy);
        let mut verdicts = Vec::with_capacity(snapshot.pods.len());
        for (index, observed) in snapshot.pods.iter().enumerate() {
            fleet.serving += usize::from(observed.own && observed.pod.is_serving());
            let veto = || criteria.veto_of(&observed.pod, observed.own, snapshot.taken_at);
            let verdict = match veto().or_else(|| fleet.room.veto(&observed.pod)) {
                Some(veto) => Verdict::Vetoed(veto),
                None => {
                    let (cpu_request, loads) = (observed.cpu_request, observed.loads);
                    fleet.eligible.push(Eligible { index, cpu_request, loads });
                    Verdict::Spared(Spared::NothingToDo)
                }
            };
            verdicts.push(verdict);
        }
        (fleet, verdicts)
    }
}

impl Fleet<'_> {
    /// What is seen of the fleet, and what comes of it.
    fn judge(&self, verdicts: &mut [Verdict]) -> (Seen, Judgement) {
        let nothing = self.nothing_to_decide(verdicts).map_or(Ok(()), Err);
        let seen = match nothing.and_then(|()| self.see()) {
            Ok(seen) => seen,
            Err(hold) => return (Seen::default(), Judgement::hold(hold)),
        };
        let judgement = self.decide(&seen, verdicts);
        self.mark_unsampled(verdicts);
        (seen, judgement)
    }

    fn decide(&self, seen: &Seen, verdicts: &mut [Verdict]) -> Judgement {
        match (seen.raised(), &seen.incomplete) {
            // One indicator that sees an imbalance is enough; to call the fleet balanced, all must be whole.
            (Some(report), _) => match self.confirm(report) {
                Ok(passing) => self.choose(&Raised { report, seen, passing }, verdicts),
                Err(hold) => Judgement::hold(hold),
            },
            (None, Some(hold)) => Judgement::hold(hold.clone()),
            (None, None) => Judgement::without_choice(Decision::Balanced),
        }
    }

    /// Chooses by the policy's strategy, or by rotate-outliers when the other one can't be used.
    fn choose(&self, raised: &Raised<'_>, verdicts: &mut [Verdict]) -> Judgement {
        let because = match self.policy.strategy {
            Strategy::RotateOutliers => None,
            Strategy::Predict => match self.predict(raised, verdicts) {
                Ok(predicted) => return predicted,
                Err(why) => match self.known_to_be_useless(&why) {
                    Some(hold) => return Judgement::hold(hold),
                    None => Some(why),
                },
            },
        };
        let decision = self.rotate(raised, verdicts);
        Judgement { method: Method::RotateOutliers { because }, prediction: None, decision }
    }

    /// What is known without partition loads: a group in the middle of a rebalance is left alone, and so is one whose
    /// configured rules give the same sets again.
    fn known_to_be_useless(&self, why: &Unusable) -> Option<Hold> {
        let configured = self.policy.assignor.filter(|assignor| !assignor.is_sticky());
        if why.is_unsettled() {
            Some(Hold::GroupUnsettled { why: why.clone() })
        } else if self.policy.static_members {
            Some(Hold::StaticMembers)
        } else {
            configured
                .map(|assignor| Hold::AssignorRestoresSets { assignor: Inference::Configured { assignor } })
        }
    }

    fn nothing_to_decide(&self, verdicts: &[Verdict]) -> Option<Hold> {
        match (self.snapshot.pods.len(), self.eligible.len()) {
            (0, _) => Some(Hold::NoPods),
            (pods, 0) => {
                let mut vetoes = BTreeMap::new();
                for verdict in verdicts {
                    if let Verdict::Vetoed(veto) = verdict {
                        *vetoes.entry(Veto::name(veto)).or_insert(0) += 1;
                    }
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
        let series = ambiguous.map(|(query, error)| Hold::AmbiguousSeries { query, error: error.clone() });
        series.or_else(|| match &self.snapshot.target {
            Target::Ambiguous { hpas } => Some(Hold::AmbiguousTarget { hpas: hpas.clone() }),
            Target::Known { .. } | Target::NotByCpu { .. } | Target::None => None,
        })
    }

    /// How many pods may go, at least this many; or why that many may not.
    fn removable(&self, least: usize) -> Result<usize, Hold> {
        let (serving, minimum) = (self.serving, self.policy.minimum_pods);
        let removable = self.policy.removable(serving);
        if removable >= least {
            Ok(removable)
        } else if self.policy.share_of(serving) < least && serving.saturating_sub(minimum) >= least {
            Err(Hold::ShareTooSmall { serving, share: self.policy.most_share })
        } else {
            Err(Hold::TooFewPods { serving, minimum })
        }
    }

    /// An eligible pod that lacks a sample and was not ranked by another indicator is told so.
    fn mark_unsampled(&self, verdicts: &mut [Verdict]) {
        for pod in &self.eligible {
            let lacks = |&indicator: &Indicator| pod.loads.get(indicator).is_none();
            let unranked = matches!(verdicts.get(pod.index), Some(Verdict::Spared(Spared::NothingToDo)));
            if unranked && self.snapshot.readable.iter().any(lacks) {
                set(verdicts, pod.index, Verdict::Spared(Spared::NoSample));
            }
        }
    }
}

fn set(verdicts: &mut [Verdict], index: usize, verdict: Verdict) {
    if let Some(slot) = verdicts.get_mut(index) {
        *slot = verdict;
    }
}

fn removal(observed: &ObservedPod, indicator: Indicator, load: Load, choice: Choice) -> Removal {
    let pod = &observed.pod;
    Removal {
        pod: PodRef { namespace: pod.namespace.clone(), name: pod.name.clone(), uid: pod.uid.clone() },
        node: pod.node.clone(),
        owner: pod.owner.clone(),
        indicator,
        load,
        choice,
    }
}

mod confirm;
mod measure;
mod predict;
mod raised;
mod room;
mod rotate;
mod score;
#[cfg(test)]
mod tests;
