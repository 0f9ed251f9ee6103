//! *Predict*: searches batches within the limits for the best expected gain for each removal, and refuses with the
//! remedy where no removal helps.

use super::{Eligible, Fleet, Judgement, removal, set};
use crate::assignor::TopicPartition;
use crate::group::{GroupModel, Unusable, infer};
use crate::prediction::{Forecast, Prediction};
use crate::report::{Choice, Decision, Expectation, Hold, IndicatorReport, Method, Plan, Spared, Verdict};
use crate::unit::Load;

/// Draws of member ids in the three rounds: all candidates, the best few, and the winner. The winner is drawn anew,
/// from seeds of its own: what made it win would otherwise be counted twice.
const DRAWS: [usize; 3] = [4, 12, 32];

/// How many candidates reach the second round.
const FINALISTS: usize = 4;

/// Members and partitions that may be dealt in one search; it bounds the time, whatever the size of the group.
const WORK: usize = 3_000_000;

/// A rotation must make the fleet more even in this share of the draws.
const SURE: f64 = 0.75;

/// Hot pods first, then cold ones, each by its place in the order of loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Batch {
    hot: usize,
    cold: usize,
}

/// A member of the group that may be removed.
#[derive(Debug, Clone, Copy)]
struct Removable {
    /// Index of the member in the model.
    member: usize,
    /// Index of its pod in the snapshot.
    pod: usize,
    /// Its measured load.
    load: Load,
    /// Its load as the model explains it, without the noise of the measurement.
    explained: f64,
}

/// The two ends of the fleet, the most extreme first.
struct Ends {
    hot: Vec<Removable>,
    cold: Vec<Removable>,
}

impl Ends {
    fn chosen(&self, batch: Batch) -> impl Iterator<Item = (Removable, bool)> + '_ {
        let hot = self.hot.iter().take(batch.hot).map(|pod| (*pod, true));
        hot.chain(self.cold.iter().take(batch.cold).map(|pod| (*pod, false)))
    }

    fn members(&self, batch: Batch) -> Vec<usize> {
        self.chosen(batch).map(|(pod, _)| pod.member).collect()
    }
}

impl Fleet<'_> {
    /// Works out what removals do. Gives why that is not possible, if it is not.
    pub(super) fn predict(
        &self,
        raised: &IndicatorReport,
        verdicts: &mut [Verdict],
    ) -> Result<Judgement, Unusable> {
        let model = GroupModel::of(self.snapshot, raised.indicator)?;
        let inference = infer(&model, self.policy.assignor).ok_or(Unusable::NoKnownRule)?;
        let limit = raised.limit.hot_above();
        let forecast = Forecast::new(&model, inference, self.policy.timing, limit.get());
        let ends = self.ends(&model, &forecast, raised);
        for candidate in ends.hot.iter().chain(&ends.cold) {
            set(verdicts, candidate.pod, Verdict::Spared(Spared::Between));
        }
        let (prediction, decision) = self.best(&model, &forecast, &ends, raised, verdicts);
        let method = Method::Predict {
            assignor: inference,
            members: model.members.len(),
            partitions: model.partitions(),
            pod_side: self.pod_side(&model),
        };
        Ok(Judgement { indicators: Vec::new(), method, prediction, decision })
    }

    fn best(
        &self,
        model: &GroupModel,
        forecast: &Forecast<'_>,
        ends: &Ends,
        raised: &IndicatorReport,
        verdicts: &mut [Verdict],
    ) -> (Option<Prediction>, Decision) {
        let limit = raised.limit.hot_above();
        if let Err(hold) = self.may_act(ends, raised, limit).and_then(|()| self.can_help(model, ends, limit))
        {
            return (None, Decision::Hold(hold));
        }
        let removable = self.serving.saturating_sub(self.policy.minimum_pods);
        let Some((batch, prediction)) = search(model, forecast, ends, removable) else {
            let (serving, minimum) = (self.serving, self.policy.minimum_pods);
            return (None, Decision::Hold(Hold::TooFewPods { serving, minimum }));
        };
        let minimum = self.policy.minimum_improvement;
        if prediction.relief_percent <= minimum.get() || prediction.better < SURE {
            mark(verdicts, ends, batch, limit, |choice| Verdict::Spared(Spared::Held(choice)));
            let hold =
                self.reason(model, forecast, ends, limit).unwrap_or(Hold::SmallGain { prediction, minimum });
            return (Some(prediction), Decision::Hold(hold));
        }
        mark(verdicts, ends, batch, limit, Verdict::Chosen);
        (Some(prediction), Decision::Rotate(self.plan_of(ends, batch, prediction, raised)))
    }

    /// The K hottest that are above the limit, and the K coldest of the rest. What is measured decides who is hot;
    /// what the model explains, in which order they are tried.
    fn ends(&self, model: &GroupModel, forecast: &Forecast<'_>, raised: &IndicatorReport) -> Ends {
        let limit = raised.limit.hot_above();
        let mut all: Vec<Removable> = Vec::with_capacity(self.eligible.len());
        let mut members = model.members.iter().zip(forecast.loads_now()).enumerate().peekable();
        for Eligible { index, loads, .. } in &self.eligible {
            while members.next_if(|(_, (member, _))| member.pod < *index).is_some() {}
            if let (Some((at, (member, explained))), Some(load)) =
                (members.peek(), loads.get(raised.indicator))
                && member.pod == *index
            {
                all.push(Removable { member: *at, pod: *index, load, explained: **explained });
            }
        }
        let k = self.policy.top_k.get();
        all.sort_unstable_by(|a, b| b.explained.total_cmp(&a.explained).then(a.pod.cmp(&b.pod)));
        let hot: Vec<Removable> = all.iter().filter(|pod| pod.load > limit).take(k).copied().collect();
        let is_hot = |pod: &Removable| hot.iter().any(|hot| hot.pod == pod.pod);
        let cold = all.iter().rev().filter(|pod| !is_hot(pod)).take(k).copied().collect();
        Ends { hot, cold }
    }

    /// Whether the limits allow anything at all.
    fn may_act(&self, ends: &Ends, raised: &IndicatorReport, limit: Load) -> Result<(), Hold> {
        if ends.hot.is_empty() {
            let max = Load::new(raised.distribution.max).unwrap_or(Load::MAX);
            return Err(Hold::NoHotPod { indicator: raised.indicator, max, limit });
        }
        if self.serving <= self.policy.minimum_pods {
            return Err(Hold::TooFewPods { serving: self.serving, minimum: self.policy.minimum_pods });
        }
        Ok(())
    }

    /// Where removing pods can't help whatever they carry. A hot pod with a cause of its own may still be helped.
    fn can_help(&self, model: &GroupModel, ends: &Ends, limit: Load) -> Result<(), Hold> {
        if ends.hot.iter().any(|pod| is_pod_side(model, pod, limit)) {
            return Ok(());
        }
        if self.policy.static_members {
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
        let hottest = ends.hot.first().and_then(|pod| model.members.get(pod.member))?;
        let cost = |held: &TopicPartition| model.cost.of(model.load(held));
        let worst = hottest.owned.iter().max_by(|a, b| cost(a).total_cmp(&cost(b)))?;
        let load = Load::new(cost(worst)).ok().filter(|load| *load > limit)?;
        let topic = model.topics.get(worst.topic as usize)?.name.clone();
        Some(Hold::HotPartition { topic, partition: worst.partition, load, limit })
    }

    fn plan_of(&self, ends: &Ends, batch: Batch, prediction: Prediction, raised: &IndicatorReport) -> Plan {
        let removals = in_turn(ends, batch, raised.limit.hot_above()).filter_map(|(pod, choice)| {
            self.snapshot
                .pods
                .get(pod.pod)
                .map(|observed| removal(observed, raised.indicator, pod.load, choice))
        });
        Plan {
            indicator: raised.indicator,
            expectation: Expectation::Predicted(prediction),
            removals: removals.collect(),
        }
    }

    fn pod_side(&self, model: &GroupModel) -> Vec<(String, f64)> {
        let stands_out = model.members.iter().filter(|member| (member.factor - 1.0).abs() > f64::EPSILON);
        stands_out
            .filter_map(|member| Some((self.snapshot.pods.get(member.pod)?.pod.name.clone(), member.factor)))
            .collect()
    }
}

/// Hot because the same work costs more there: on a usual pod its partitions would stay below the limit.
fn is_pod_side(model: &GroupModel, pod: &Removable, limit: Load) -> bool {
    model
        .members
        .get(pod.member)
        .is_some_and(|member| member.factor > 1.0 && pod.explained / member.factor <= limit.get())
}

/// The batch with the best expected gain for each removal, with a prediction made from fresh draws.
fn search(
    model: &GroupModel,
    forecast: &Forecast<'_>,
    ends: &Ends,
    removable: usize,
) -> Option<(Batch, Prediction)> {
    let mut batches = batches(ends, removable);
    let once = model.partitions() + model.members.len();
    let affordable = (WORK / once.max(1)).max(16);
    batches.truncate(affordable / 4);
    let first = (affordable / 2 / batches.len().max(1)).clamp(1, DRAWS[0]);
    let second = (affordable / 4 / FINALISTS).clamp(2, DRAWS[1]);
    let third = (affordable / 4).clamp(8, DRAWS[2]);
    let rank = |batches: &[Batch], draws: usize, seed: u64| {
        let mut ranked: Vec<(Batch, f64)> = batches
            .iter()
            .map(|&batch| {
                let prediction = forecast.predict(&ends.members(batch), draws, seed);
                let gain = prediction.cv_before - prediction.expected_cv;
                (batch, gain / (batch.hot + batch.cold) as f64)
            })
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked.into_iter().map(|(batch, _)| batch).collect::<Vec<_>>()
    };
    let mut finalists = rank(&batches, first, 1);
    finalists.truncate(FINALISTS);
    let winner = rank(&finalists, second, 2).into_iter().next()?;
    Some((winner, forecast.predict(&ends.members(winner), third, 3)))
}

/// Every number of hot pods, at least one, with every number of cold ones, smaller batches first.
fn batches(ends: &Ends, removable: usize) -> Vec<Batch> {
    let mut batches: Vec<Batch> = (1..=ends.hot.len())
        .flat_map(|hot| (0..=ends.cold.len()).map(move |cold| Batch { hot, cold }))
        .filter(|batch| batch.hot + batch.cold <= removable)
        .collect();
    batches.sort_by_key(|batch| (batch.hot + batch.cold, batch.cold));
    batches
}

/// Hot and cold pods in turn, with what each was chosen as.
fn in_turn(ends: &Ends, batch: Batch, limit: Load) -> impl Iterator<Item = (Removable, Choice)> + '_ {
    (0..batch.hot.max(batch.cold)).flat_map(move |place| {
        let rank = place + 1;
        let hot = ends.hot.get(place).filter(|_| place < batch.hot);
        let cold = ends.cold.get(place).filter(|_| place < batch.cold);
        let hot = hot.map(|pod| (*pod, Choice::Hot { rank, above: limit }));
        hot.into_iter().chain(cold.map(|pod| (*pod, Choice::Cold { rank })))
    })
}

fn mark(
    verdicts: &mut [Verdict],
    ends: &Ends,
    batch: Batch,
    limit: Load,
    verdict: impl Fn(Choice) -> Verdict,
) {
    for (pod, choice) in in_turn(ends, batch, limit) {
        set(verdicts, pod.pod, verdict(choice));
    }
}

#[cfg(test)]
mod tests;
