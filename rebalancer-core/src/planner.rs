//! The one door to a decision: snapshot and policy in, report out. Pure and deterministic; deciding never fails,
//! since to hold is a result.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::eligibility::Criteria;
use crate::fleet::{Indicator, Target};
use crate::group::{Inference, Unusable};
use crate::guard::not_now;
use crate::outlier::{self, Candidate, Rotation};
use crate::policy::{Policy, Strategy};
use crate::port::PodRef;
use crate::prediction::Prediction;
use crate::report::{
    Choice, Decision, Expectation, Hold, IndicatorReport, Limit, Method, Plan, Removal, Report, Spared,
    Verdict, Veto,
};
use crate::snapshot::{Loads, ObservedPod, Snapshot};
use crate::stats::Distribution;
use crate::target::{self, CpuLimit};
use crate::unit::{Cores, Load};
use confirm::Raised;
pub(crate) use room::Room;

/// Decides what to do with the fleet.
///
/// The strategy is *rotate outliers*: the hottest pods above the limit go together with the coldest ones, so that
/// the consumer group deals their partitions again.
pub fn plan(snapshot: &Snapshot, policy: &Policy) -> Report {
    let (fleet, mut verdicts) = Fleet::of(snapshot, policy);
    let Judgement { indicators, method, prediction, decision } = fleet.decide(&mut verdicts);
    let mut report = Report {
        workload: snapshot.workload.clone(),
        taken_at: snapshot.taken_at,
        target: snapshot.target.clone(),
        serving: fleet.serving,
        eligible: fleet.eligible.len(),
        indicators,
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
    if policy.persistence.earlier() == 0 {
        return None;
    }
    let (fleet, _) = Fleet::of(snapshot, policy);
    let (indicators, _) = fleet.measure(fleet.cpu_limit().ok()?);
    indicators.iter().find(|report| report.out_of_balance).map(|report| report.indicator)
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

/// What a report says besides the snapshot's own facts.
struct Judgement {
    indicators: Vec<IndicatorReport>,
    method: Method,
    prediction: Option<Prediction>,
    decision: Decision,
}

impl Judgement {
    const fn without_choice(indicators: Vec<IndicatorReport>, decision: Decision) -> Self {
        Self { indicators, method: Method::None, prediction: None, decision }
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
    fn decide(&self, verdicts: &mut [Verdict]) -> Judgement {
        if let Some(hold) = self.nothing_to_decide(verdicts) {
            return Judgement::without_choice(Vec::new(), Decision::Hold(hold));
        }
        let limit = match self.cpu_limit() {
            Ok(limit) => limit,
            Err(hold) => return Judgement::without_choice(Vec::new(), Decision::Hold(hold)),
        };
        let (indicators, incomplete) = self.measure(limit);
        let raised = indicators.iter().find(|report| report.out_of_balance).cloned();
        let judgement = match (raised, incomplete) {
            // One indicator that sees an imbalance is enough; to call the fleet balanced, all must be whole.
            (Some(raised), _) => match self.confirm(&raised) {
                Ok(passing) => self.choose(&Raised { report: &raised, passing }, indicators, verdicts),
                Err(hold) => Judgement::without_choice(indicators, Decision::Hold(hold)),
            },
            (None, Some(hold)) => Judgement::without_choice(indicators, Decision::Hold(hold)),
            (None, None) => Judgement::without_choice(indicators, Decision::Balanced),
        };
        self.mark_unsampled(verdicts);
        judgement
    }

    /// Chooses by the policy's strategy, or by the seeds' when the other one can't be used.
    fn choose(
        &self,
        raised: &Raised<'_>,
        indicators: Vec<IndicatorReport>,
        verdicts: &mut [Verdict],
    ) -> Judgement {
        let because = match self.policy.strategy {
            Strategy::RotateOutliers => None,
            Strategy::Predict => match self.predict(raised, verdicts) {
                Ok(predicted) => return Judgement { indicators, ..predicted },
                Err(why) => match self.known_to_be_useless(&why) {
                    Some(hold) => return Judgement::without_choice(indicators, Decision::Hold(hold)),
                    None => Some(why),
                },
            },
        };
        let decision = self.rotate(raised, verdicts);
        let method = Method::RotateOutliers { because };
        Judgement { indicators, method, prediction: None, decision }
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
            // Whatever is out of balance: which one rules the fleet, and what it is about to do, can't be known.
            _ => match &self.snapshot.target {
                Target::Ambiguous { hpas } => Some(Hold::AmbiguousTarget { hpas: hpas.clone() }),
                Target::Known { .. } | Target::NotByCpu { .. } | Target::None => None,
            },
        }
    }

    fn cpu_limit(&self) -> Result<CpuLimit, Hold> {
        let requests = self.eligible.iter().map(|pod| pod.cpu_request);
        if self.snapshot.readable.contains(&Indicator::Cpu) {
            target::cpu_limit(&self.snapshot.target, self.policy, requests)
        } else {
            Ok(CpuLimit::Variance)
        }
    }

    /// Every readable indicator with enough samples, and the first hold of one that has too few.
    fn measure(&self, cpu: CpuLimit) -> (Vec<IndicatorReport>, Option<Hold>) {
        let mut reports = Vec::new();
        let mut hold = None;
        for &indicator in &self.snapshot.readable {
            match self.measure_one(indicator, cpu) {
                Ok(report) => reports.push(report),
                Err(incomplete) => {
                    hold.get_or_insert(incomplete);
                }
            }
        }
        (reports, hold)
    }

    fn measure_one(&self, indicator: Indicator, cpu: CpuLimit) -> Result<IndicatorReport, Hold> {
        let loads: Vec<Load> = self.eligible.iter().filter_map(|pod| pod.loads.get(indicator)).collect();
        let (sampled, eligible) = (loads.len(), self.eligible.len());
        let required = self.policy.minimum_coverage;
        let incomplete = Hold::MetricsIncomplete { indicator, sampled, eligible, required };
        if (sampled as f64) < required.get() * eligible as f64 {
            return Err(incomplete);
        }
        let distribution = Distribution::of(loads).ok_or(incomplete)?;
        let limit = match (indicator, cpu) {
            (Indicator::Cpu, CpuLimit::Target(limit)) => limit,
            _ => self.variance_limit(indicator, &distribution),
        };
        let out_of_balance = match limit {
            Limit::Target { hot_above, .. } => distribution.max > hot_above.get(),
            Limit::Variance { threshold, .. } => distribution.cv > threshold.get(),
        };
        Ok(IndicatorReport { indicator, distribution, limit, out_of_balance })
    }

    fn variance_limit(&self, indicator: Indicator, distribution: &Distribution) -> Limit {
        let hot_above = Load::new(distribution.mean * self.policy.tolerance.get());
        Limit::Variance {
            threshold: self.policy.variance_threshold(indicator),
            // A mean so large that the product overflows has no pod above it.
            hot_above: hot_above.unwrap_or(Load::MAX),
        }
    }

    fn rotate(&self, raised: &Raised<'_>, verdicts: &mut [Verdict]) -> Decision {
        let ranked = |pod: &Eligible| {
            let load = pod.loads.get(raised.report.indicator).filter(|_| !raised.is_passing(pod.index))?;
            Some(Candidate { index: pod.index, load })
        };
        let candidates: Vec<Candidate> = self.eligible.iter().filter_map(ranked).collect();
        let limit = raised.report.limit.hot_above();
        let mut rotation = outlier::choose(&candidates, self.policy.top_k.get(), limit);
        for candidate in &candidates {
            set(verdicts, candidate.index, Verdict::Spared(Spared::Between));
        }
        for candidate in &rotation.not_hot {
            set(verdicts, candidate.index, Verdict::Spared(Spared::NotHot { limit }));
        }
        raised.mark_passing(verdicts, self.policy.persistence);
        let decision = match self.gate(&mut rotation, raised.report, verdicts) {
            Ok(plan) => Decision::Rotate(plan),
            Err(hold) => Decision::Hold(hold),
        };
        let planned = matches!(decision, Decision::Rotate(_));
        for (candidate, choice) in rotation.in_turn() {
            let verdict =
                if planned { Verdict::Chosen(choice) } else { Verdict::Spared(Spared::Held(choice)) };
            set(verdicts, candidate.index, verdict);
        }
        decision
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

    /// Trims the rotation to what may go, and asks whether it is worth it.
    fn gate(
        &self,
        rotation: &mut Rotation,
        raised: &IndicatorReport,
        verdicts: &mut [Verdict],
    ) -> Result<Plan, Hold> {
        if rotation.hot.is_empty() {
            let max = Load::new(raised.distribution.max).unwrap_or(Load::MAX);
            return Err(Hold::NoHotPod { indicator: raised.indicator, max, limit: rotation.limit });
        }
        let removable = self.removable(SMALLEST_ROTATION)?;
        let mut trimmed = rotation.trim(removable);
        let both = !rotation.cold.is_empty();
        trimmed.extend(rotation.fit(&self.room));
        for (candidate, choice) in trimmed {
            set(verdicts, candidate.index, Verdict::Spared(Spared::Trimmed(choice)));
        }
        if let (true, Some(tightest)) =
            (rotation.hot.is_empty() || rotation.cold.is_empty() && both, self.room.tightest())
        {
            return Err(tightest);
        }
        let improvement = rotation.improvement();
        let minimum = self.policy.minimum_improvement;
        // Loads that are too large to be added up bring what is no number, and is no improvement.
        let enough = improvement.percent.partial_cmp(&minimum.get()) == Some(Ordering::Greater);
        if rotation.cold.is_empty() || !enough {
            return Err(Hold::SmallImprovement { improvement, minimum });
        }
        let removals = rotation.in_turn().filter_map(|(candidate, choice)| {
            self.snapshot
                .pods
                .get(candidate.index)
                .map(|pod| removal(pod, raised.indicator, candidate.load, choice))
        });
        Ok(Plan {
            indicator: raised.indicator,
            expectation: Expectation::EvenMixing(improvement),
            removals: removals.collect(),
        })
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

/// One hot and one cold pod.
const SMALLEST_ROTATION: usize = 2;

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
mod predict;
mod room;
#[cfg(test)]
mod tests;
