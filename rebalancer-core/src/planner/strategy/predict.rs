//! *Predict*: searches batches within the limits for the best expected gain for each removal, and refuses with the
//! remedy where no removal helps.

use jiff::{SignedDuration, Timestamp};

use self::search::{Aim, Batch};
use super::super::candidates::Candidates;
use super::super::outlier::CandidateRole;
use super::super::raised::Raised;
use super::super::verdicts::Verdicts;
use super::Selection;
use crate::assignor::TopicPartition;
use crate::group::{GroupModel, Unusable, assumed, infer};
use crate::prediction::{Forecast, Prediction};
use crate::report::{Choice, Decision, Expectation, Hold, IndicatorReport, Method, Plan, Spared, Verdict};
use crate::unit::Load;

/// Pods that became Ready within this time of each other are taken to have joined together.
const TOGETHER: SignedDuration = SignedDuration::from_mins(3);

/// A rotation must bring its aim nearer in this share of the draws.
const SURE: f64 = 0.5;

/// A pod of the group that may be removed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Removable {
    /// Index of the pod in the model.
    pub(super) place: usize,
    /// Index of its pod in the snapshot.
    pub(super) pod: usize,
    /// Its measured load.
    pub(super) load: Load,
    /// Above this it is hot.
    limit: Load,
    /// Its load as the model explains it, without the noise of the measurement.
    explained: f64,
    /// The roles for which it may be selected.
    may_be: CandidateRole,
    /// It is one of the last to have joined.
    pub(super) newest: bool,
}

/// The two ends of the fleet, the most extreme first: more pods than may be removed, to choose from.
pub(super) struct Ends {
    pub(super) hot: Vec<Removable>,
    pub(super) cold: Vec<Removable>,
}

/// Works out what removals do, and selects the best. Gives why that is not possible, if it is not.
pub(super) fn select(candidates: &Candidates<'_>, confirmed: &Raised<'_>) -> Result<Selection, Unusable> {
    let raised = confirmed.report;
    let group = &candidates.policy.group;
    let model = GroupModel::of(candidates.snapshot, raised.indicator)?;
    let inference = infer(&model, group.assignor)?;
    let timing = assumed(candidates.snapshot, group, candidates.constraints);
    let forecast = Forecast::new(&model, inference, timing.timing, candidates.limits(&model, raised));
    let ends = candidates.ends(&model, &forecast, confirmed);
    let mut verdicts = Verdicts::of_ranked();
    for candidate in ends.hot.iter().chain(&ends.cold) {
        verdicts.spare(candidate.pod, Spared::NotInTheBest);
    }
    verdicts.spare_passing(confirmed, candidates.policy.balance.persistence);
    let Best { batch, prediction, decision } = candidates.best(&model, &forecast, &ends, raised);
    let planned = matches!(decision, Decision::Rotate(_));
    for (pod, choice) in batch.iter().flat_map(|batch| in_turn(&ends, batch)) {
        let held = || Verdict::Spared(Spared::Held(choice));
        verdicts.say(pod.pod, if planned { Verdict::Chosen(choice) } else { held() });
    }
    let method = Method::Predict {
        assignor: inference,
        members: model.members.len(),
        partitions: model.partitions(),
        timing,
        pod_side: candidates.pod_side(&model),
    };
    Ok(Selection { method, prediction, decision, verdicts })
}

/// The best batch that was found, if there is one, and what is decided about it.
struct Best {
    batch: Option<Batch>,
    prediction: Option<Prediction>,
    decision: Decision,
}

impl Best {
    const fn none(hold: Hold) -> Self {
        Self { batch: None, prediction: None, decision: Decision::Hold(hold) }
    }
}

impl Candidates<'_> {
    /// For each pod of the group: above this it is hot. Of those that are no candidates the CPU request may not be known.
    fn limits(&self, model: &GroupModel, raised: &IndicatorReport) -> Vec<f64> {
        let request = |pod: usize| self.snapshot.pods.get(pod).and_then(|observed| observed.cpu_request);
        model.pods.iter().map(|pod| raised.limit.for_request(request(pod.pod)).get()).collect()
    }

    fn best(
        &self,
        model: &GroupModel,
        forecast: &Forecast<'_>,
        ends: &Ends,
        raised: &IndicatorReport,
    ) -> Best {
        let limit = raised.limit.hot_above();
        if let Err(hold) = self.may_act(ends, raised, limit).and_then(|()| self.can_help(model, ends)) {
            return Best::none(hold);
        }
        let (k, all) = (self.policy.selection.top_k.get(), self.most());
        let limits = search::Limits { hot: k, cold: k, all, headroom: &self.headroom };
        let minimum = self.policy.selection.minimum_improvement;
        let mut rejected = None;
        for aim in [Aim::Evenness, Aim::Relief] {
            let Some((batch, prediction)) = search::best(model, forecast, ends, &limits, aim) else { break };
            let enough =
                prediction.relief_percent.get() > minimum.get() && aim.likely(&prediction).get() >= SURE;
            if enough && !only_changes_hands(model, forecast, ends) {
                let decision = Decision::Rotate(self.plan_of(ends, &batch, prediction, raised));
                return Best { batch: Some(batch), prediction: Some(prediction), decision };
            }
            rejected.get_or_insert((batch, prediction));
        }
        let Some((batch, prediction)) = rejected else {
            let (serving, minimum) = (self.serving, self.policy.limits.minimum_pods);
            return Best::none(self.headroom.tightest().unwrap_or(Hold::TooFewPods { serving, minimum }));
        };
        let reason = self.reason(model, forecast, ends, limit);
        let hold = reason.unwrap_or(Hold::SmallGain { prediction, minimum });
        Best { batch: Some(batch), prediction: Some(prediction), decision: Decision::Hold(hold) }
    }

    /// The hottest that are above the limit, and the coldest of the rest. What is measured decides who is hot; what
    /// the model explains, in which order they are tried.
    fn ends(&self, model: &GroupModel, forecast: &Forecast<'_>, confirmed: &Raised<'_>) -> Ends {
        let mut all = self.removables(model, forecast, confirmed);
        all.retain(|pod| !confirmed.is_passing(pod.pod));
        let pool = self.policy.selection.top_k.get().max(search::POOL);
        all.sort_unstable_by(|a, b| b.explained.total_cmp(&a.explained).then(a.pod.cmp(&b.pod)));
        let (hot, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|pod| pod.load > pod.limit);
        let cold = rest.into_iter().rev().filter(|pod| pod.may_be == CandidateRole::Any).take(pool).collect();
        Ends { hot: hot.into_iter().take(pool).collect(), cold }
    }

    /// Eligible pods that are members of the group and have a sample.
    fn removables(&self, model: &GroupModel, forecast: &Forecast<'_>, raised: &Raised<'_>) -> Vec<Removable> {
        let newest = self.newest();
        let mut members = model.pods.iter().zip(forecast.loads_now()).enumerate().peekable();
        let mut all = Vec::with_capacity(self.eligible.len());
        for eligible in &self.eligible {
            let pod = eligible.index;
            while members.next_if(|(_, (member, _))| member.pod < pod).is_some() {}
            if let (Some(&(place, (consumer, &explained))), Some((load, limit))) =
                (members.peek(), raised.load_of(eligible))
                && consumer.pod == pod
            {
                let newest = self.snapshot.pods.get(pod).is_some_and(|pod| pod.pod.ready_since >= newest);
                let (may_be, _) = raised.candidate_role(eligible);
                all.push(Removable { place, pod, load, limit, explained, may_be, newest });
            }
        }
        all
    }

    /// From when on a pod is one of the last to have joined; never, when most of the fleet is.
    fn newest(&self) -> Option<Timestamp> {
        let since = || self.snapshot.pods.iter().filter_map(|pod| pod.pod.ready_since);
        let from = since().max()?.checked_sub(TOGETHER).ok()?;
        let together = since().filter(|since| *since >= from).count();
        Some(if 2 * together < self.snapshot.pods.len() { from } else { Timestamp::MAX })
    }

    /// Whether the limits allow anything at all.
    fn may_act(&self, ends: &Ends, raised: &IndicatorReport, limit: Load) -> Result<(), Hold> {
        if ends.hot.is_empty() {
            let max = Load::new(raised.distribution.max).unwrap_or(Load::MAX);
            return Err(Hold::NoHotPod { indicator: raised.indicator, max, limit });
        }
        // A prediction knows what one pod alone does.
        self.removable(1).map(drop)
    }

    /// Where removing pods can't help whatever they carry. A hot pod with a cause of its own may still be helped.
    fn can_help(&self, model: &GroupModel, ends: &Ends) -> Result<(), Hold> {
        if ends.hot.iter().any(|pod| is_pod_side(model, pod)) {
            return Ok(());
        }
        let known = |pod: &Removable| model.pods.get(pod.place).is_some_and(|pod| model.is_static(pod));
        if self.policy.group.static_members || ends.hot.iter().any(known) {
            return Err(Hold::StaticMembers);
        }
        let (partitions, members) = (model.partitions(), model.members.len());
        if partitions <= members {
            return Err(Hold::TooFewPartitions { partitions, members });
        }
        Ok(())
    }

    /// Why even the best batch is not good enough, where there is a better reason than its numbers.
    fn reason(&self, model: &GroupModel, forecast: &Forecast<'_>, ends: &Ends, limit: Load) -> Option<Hold> {
        let assignor = forecast.inference();
        if !assignor.assignor().is_sticky() {
            return Some(Hold::AssignorRestoresSets { assignor });
        }
        let hottest = ends.hot.first().and_then(|pod| model.pods.get(pod.place))?;
        let cost = |held: &TopicPartition| model.cost.of(model.load(held));
        let worst = model.held(hottest).max_by(|a, b| cost(a).total_cmp(&cost(b)))?;
        let load = Load::new(cost(worst)).ok().filter(|load| *load > limit)?;
        let topic = model.topics.get(worst.topic as usize)?.name.clone();
        Some(Hold::HotPartition { topic, partition: worst.partition, load, limit })
    }

    fn plan_of(&self, ends: &Ends, batch: &Batch, prediction: Prediction, raised: &IndicatorReport) -> Plan {
        let removals = in_turn(ends, batch)
            .filter_map(|(pod, choice)| self.removal(pod.pod, raised.indicator, pod.load, choice));
        Plan {
            indicator: raised.indicator,
            expectation: Expectation::Predicted(prediction),
            removals: removals.collect(),
        }
    }

    fn pod_side(&self, model: &GroupModel) -> Vec<(String, f64)> {
        let stands_out = model.pods.iter().filter(|pod| (pod.factor - 1.0).abs() > f64::EPSILON);
        stands_out
            .filter_map(|pod| Some((self.snapshot.pods.get(pod.pod)?.pod.name.clone(), pod.factor)))
            .collect()
    }
}

/// The same sets of partitions are made again, and no hot pod has a cause of its own. That a hot set may go to a pod with
/// a larger request is luck.
fn only_changes_hands(model: &GroupModel, forecast: &Forecast<'_>, ends: &Ends) -> bool {
    !forecast.inference().assignor().is_sticky() && !ends.hot.iter().any(|pod| is_pod_side(model, pod))
}

/// Hot because the same work costs more there: on a usual pod its partitions would stay below its limit.
fn is_pod_side(model: &GroupModel, pod: &Removable) -> bool {
    model
        .pods
        .get(pod.place)
        .is_some_and(|known| known.factor > 1.0 && pod.explained / known.factor <= pod.limit.get())
}

/// Hot and cold pods in turn, with what each was chosen as.
fn in_turn<'a>(ends: &'a Ends, batch: &'a Batch) -> impl Iterator<Item = (Removable, Choice)> + 'a {
    let mut hot = batch.hot.iter().filter_map(|&place| {
        let pod = *ends.hot.get(place)?;
        Some((pod, Choice::Hot { rank: place + 1, above: pod.limit, score: None }))
    });
    let mut cold = batch.cold.iter().filter_map(|&place| {
        let pod = *ends.cold.get(place)?;
        Some((pod, Choice::Cold { rank: place + 1, score: None }))
    });
    (0..batch.hot.len().max(batch.cold.len())).flat_map(move |_| [hot.next(), cold.next()]).flatten()
}

mod search;
#[cfg(test)]
mod tests;
