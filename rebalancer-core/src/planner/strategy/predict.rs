//! *Predict*: searches batches within the limits for the best expected gain for each removal, and refuses with the
//! remedy where no removal helps. Where several rules fit who holds what, a batch must be good under each of them.

use jiff::{SignedDuration, Timestamp};

use self::minimum::Minimum;
use self::pool::{Knowledge, Pool, Removable};
use self::search::{Aim, Effort, Limits, Search};
use super::super::candidates::Candidates;
use super::super::raised::Raised;
use super::super::verdicts::Verdicts;
use super::Selection;
use crate::assignor::{Rules, TopicPartition};
use crate::group::{GroupModel, Unusable, assumed, infer};
use crate::prediction::{Forecast, Foreseen, Prediction};
use crate::report::{Choice, Decision, Expectation, Hold, IndicatorReport, Method, Plan, Spared, Verdict};
use crate::unit::Load;

/// Pods that became Ready within this time of each other are taken to have joined together.
const TOGETHER: SignedDuration = SignedDuration::from_mins(3);

/// A rotation must bring its aim nearer in this share of the draws.
const SURE: f64 = 0.5;

/// Works out what removals do, and selects the best. Gives why that is not possible, if it is not.
pub(super) fn select(candidates: &Candidates<'_>, confirmed: &Raised<'_>) -> Result<Selection, Unusable> {
    let raised = confirmed.report;
    let group = &candidates.policy.group;
    let mut model = GroupModel::of(candidates.snapshot, raised.indicator)?;
    model.expect(&candidates.constraints.replacements, candidates.snapshot);
    let inference = infer(&model, group.assignor)?;
    let timing = assumed(candidates.snapshot, group, candidates.constraints);
    let forecast = Forecast::new(&model, inference, timing, candidates.limits(&model, raised));
    let pool = candidates.pool(&model, &forecast, confirmed);
    let mut verdicts = Verdicts::of_ranked();
    for candidate in &pool.pods {
        verdicts.spare(candidate.pod, candidates.spared(&model, candidate));
    }
    verdicts.spare_passing(confirmed, candidates.policy.balance.persistence);
    let Best { chosen, prediction, decision } = candidates.best(&model, &forecast, &pool, confirmed);
    let planned = matches!(decision, Decision::Rotate(_));
    for (pod, choice) in chosen {
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
    chosen: Vec<(Removable, Choice)>,
    prediction: Option<Prediction>,
    decision: Decision,
}

impl Best {
    const fn none(hold: Hold) -> Self {
        Self { chosen: Vec::new(), prediction: None, decision: Decision::Hold(hold) }
    }
}

/// The best batch for an aim, and whether it brings enough under each rule that is reckoned with.
struct Tried {
    chosen: Vec<(Removable, Choice)>,
    prediction: Prediction,
    /// In pods.
    cost: f64,
    is_enough: bool,
}

impl Candidates<'_> {
    /// For each pod of the group: above this it is hot. Of those that are no candidates the CPU request may not be known.
    fn limits(&self, model: &GroupModel, raised: &IndicatorReport) -> Vec<f64> {
        let request = |pod: usize| self.snapshot.pods.get(pod).and_then(|observed| observed.cpu_request);
        model.pods.iter().map(|pod| raised.limit.for_request(request(pod.pod)).get()).collect()
    }

    fn best(&self, model: &GroupModel, forecast: &Forecast<'_>, pool: &Pool, confirmed: &Raised<'_>) -> Best {
        let raised = confirmed.report;
        let limit = raised.limit.hot_above();
        if let Err(hold) = self.may_act(pool, raised, limit).and_then(|()| self.can_help(model, pool)) {
            return Best::none(hold);
        }
        let is_known = forecast.rules().len() == 1;
        let is_futile = self.only_changes_hands(model, forecast.rules(), pool);
        let mut tried = if is_known || !is_futile { self.tried(forecast, pool, 1) } else { None };
        if let Some(good) = tried.take_if(|tried| tried.is_enough && !is_futile) {
            return self.rotation(good, raised);
        }
        if !is_known {
            let (unclear, rejected) = self.if_it_were_known(model, forecast, confirmed);
            if let Some(unclear) = unclear {
                return unclear;
            }
            tried = tried.or(rejected);
        }
        let Some(rejected) = tried else {
            let (serving, minimum) = (self.pods.serving, self.policy.limits.minimum_pods);
            return Best::none(self.headroom.tightest().unwrap_or(Hold::TooFewPods { serving, minimum }));
        };
        let small = |prediction| Hold::SmallGain {
            prediction: Box::new(prediction),
            minimum: self.policy.selection.minimum_improvement,
        };
        let reason = self.reason(model, forecast, pool, limit);
        rejected.held(|prediction| reason.unwrap_or_else(|| small(prediction)))
    }

    /// Searches for each aim, with so many searches that share the work that is allowed; `None` when the limits allow
    /// no batch.
    fn tried(&self, forecast: &Forecast<'_>, pool: &Pool, searches: usize) -> Option<Tried> {
        let mut rejected = None;
        for aim in [Aim::Evenness, Aim::Relief] {
            let Some(tried) = self.at_the_better_pace(aim, forecast, pool, searches) else { break };
            if tried.is_enough {
                return Some(tried);
            }
            rejected.get_or_insert(tried);
        }
        rejected
    }

    /// The best batch for an aim, of at most so many pods; with a part of the work that is allowed.
    fn searched(
        &self,
        aim: Aim,
        forecast: &Forecast<'_>,
        pool: &Pool,
        all: usize,
        effort: Effort,
    ) -> Option<Tried> {
        let limits = Limits { k: self.top_k(), all, headroom: &self.headroom };
        let search = Search { forecast, pool, limits, aim, minimum: self.minimum(), effort };
        let (batch, foreseen) = search.best()?;
        let foreseen = foreseen.map(|prediction| prediction.widened(self.constraints.prediction_error));
        let stops = forecast.stops(batch.len());
        let is_enough = self.is_enough_under_each(aim, &foreseen, batch.len(), stops);
        let cost = self.minimum().cost(batch.len(), stops);
        let chosen = in_turn(forecast, pool, &batch, self.top_k());
        Some(Tried { chosen, prediction: foreseen.all, cost, is_enough })
    }

    /// No batch is good under each rule that fits: whether one would be good under some of them, if it were known which it
    /// is, and a batch that is not.
    fn if_it_were_known(
        &self,
        model: &GroupModel,
        forecast: &Forecast<'_>,
        confirmed: &Raised<'_>,
    ) -> (Option<Best>, Option<Tried>) {
        let fits = forecast.rules();
        let moving = fits.without(fits.that_restore_sets());
        let (mut helps, mut best, mut rejected) = (Rules::NONE, None, None);
        for rule in moving.iter() {
            let alone = forecast.under(rule.into());
            let pool = self.pool(model, &alone, confirmed);
            match self.tried(&alone, &pool, moving.len()) {
                Some(good) if good.is_enough => {
                    helps = helps.with(rule);
                    best.get_or_insert(good);
                }
                other => rejected = rejected.or(other),
            }
        }
        let unclear = |prediction| Hold::AssignorUnclear { fits, helps, prediction: Box::new(prediction) };
        (best.map(|best: Tried| best.held(unclear)), rejected)
    }

    fn rotation(&self, good: Tried, raised: &IndicatorReport) -> Best {
        let Tried { chosen, prediction, .. } = good;
        let removals = chosen
            .iter()
            .filter_map(|(pod, choice)| self.removal(pod.pod, raised.indicator, pod.load, *choice));
        let plan = Plan {
            indicator: raised.indicator,
            expectation: Expectation::Predicted(prediction),
            removals: removals.collect(),
            steps: Vec::new(),
        };
        Best { chosen, prediction: Some(prediction), decision: Decision::Rotate(plan) }
    }

    fn is_enough_under_each(&self, aim: Aim, foreseen: &Foreseen, pods: usize, stops: f64) -> bool {
        foreseen.each.iter().all(|(_, prediction)| self.is_enough(aim, prediction, pods, stops))
    }

    /// Whether a rotation brings enough: the CV falls by the minimum, or by a part of it that is in proportion to what the
    /// rotation costs; or the minimum of what the removed pods carry above the limit is gone, more where that stops everybody.
    fn is_enough(&self, aim: Aim, prediction: &Prediction, pods: usize, stops: f64) -> bool {
        let minimum = self.minimum();
        let enough = match aim {
            Aim::Evenness => prediction.improvement_percent() > minimum.of_cost(minimum.cost(pods, stops)),
            Aim::Relief => prediction.relief_percent.get() > minimum.of_relief(pods, stops),
        };
        enough && aim.likely(prediction).get() >= SURE
    }

    const fn minimum(&self) -> Minimum {
        Minimum { percent: self.policy.selection.minimum_improvement, serving: self.pods.serving }
    }

    fn top_k(&self) -> usize {
        self.policy.selection.top_k.get()
    }

    /// What may go. What is measured decides who is hot; what the model explains, in which order they are tried.
    fn pool(&self, model: &GroupModel, forecast: &Forecast<'_>, confirmed: &Raised<'_>) -> Pool {
        let mut all = self.removables(model, forecast, confirmed);
        all.retain(|pod| !confirmed.is_passing(pod.pod));
        let most = self.top_k().saturating_mul(2);
        let knowledge = match (forecast.is_exact(most), forecast.knows_ids()) {
            (true, _) => Knowledge::Exact,
            (false, true) => Knowledge::Ids,
            (false, false) => Knowledge::Drawn,
        };
        Pool::new(all, self.top_k(), knowledge)
    }

    /// Eligible pods that are members of the group and have a sample.
    fn removables(&self, model: &GroupModel, forecast: &Forecast<'_>, raised: &Raised<'_>) -> Vec<Removable> {
        let newest = self.newest();
        let mut members = model.pods.iter().zip(forecast.loads_now()).enumerate().peekable();
        let mut all = Vec::with_capacity(self.pods.eligible.len());
        for eligible in &self.pods.eligible {
            let pod = eligible.index;
            while members.next_if(|(_, (member, _))| member.pod < pod).is_some() {}
            if let (Some(&(place, (consumer, &explained))), Some((load, limit))) =
                (members.peek(), raised.load_of(eligible))
                && consumer.pod == pod
            {
                let newest = self.snapshot.pods.get(pod).is_some_and(|pod| pod.pod.ready_since >= newest);
                let (may_be, _) = raised.candidate_role(eligible);
                let moves_anyway = eligible.on_leaving_node;
                all.push(Removable { place, pod, load, limit, explained, may_be, newest, moves_anyway });
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
    fn may_act(&self, pool: &Pool, raised: &IndicatorReport, limit: Load) -> Result<(), Hold> {
        if pool.hot().is_empty() {
            let max = Load::new(raised.distribution.max).unwrap_or(Load::MAX);
            return Err(Hold::NoHotPod { indicator: raised.indicator, max, limit });
        }
        // A prediction knows what one pod alone does.
        self.removable(1).map(drop)
    }

    /// Where removing pods can't help whatever they carry. A hot pod with a cause of its own may still be helped.
    fn can_help(&self, model: &GroupModel, pool: &Pool) -> Result<(), Hold> {
        if pool.hot().iter().any(|pod| self.may_be_mended(model, pod)) {
            return Ok(());
        }
        self.can_move(model, pool).map_err(|hold| self.slow_node(model, pool).unwrap_or(hold))
    }

    /// Whether partitions can move at all.
    fn can_move(&self, model: &GroupModel, pool: &Pool) -> Result<(), Hold> {
        let known = |pod: &Removable| model.pods.get(pod.place).is_some_and(|pod| model.is_static(pod));
        if self.policy.group.static_members || pool.hot().iter().any(known) {
            return Err(Hold::StaticMembers);
        }
        let (partitions, members) = (model.partitions(), model.members.len());
        if partitions <= members {
            return Err(Hold::TooFewPartitions { partitions, members });
        }
        Ok(())
    }

    /// Why even the best batch is not good enough, where there is a better reason than its numbers.
    fn reason(&self, model: &GroupModel, forecast: &Forecast<'_>, pool: &Pool, limit: Load) -> Option<Hold> {
        if let Some(hold) = self.slow_node(model, pool) {
            return Some(hold);
        }
        let rules = forecast.rules();
        if rules == rules.that_restore_sets() {
            return Some(Hold::AssignorRestoresSets { assignor: forecast.inference() });
        }
        let hottest = pool.hot().first().and_then(|pod| model.pods.get(pod.place))?;
        let cost = |held: &TopicPartition| model.cost.of(model.load(held));
        let worst = model.held(hottest).max_by(|a, b| cost(a).total_cmp(&cost(b)))?;
        let load = Load::new(cost(worst)).ok().filter(|load| *load > limit)?;
        let topic = model.topics.get(worst.topic as usize)?.name.clone();
        Some(Hold::HotPartition { topic, partition: worst.partition, load, limit })
    }

    /// By one of these rules, the same sets of partitions are made again, and no hot pod has a cause of its own that may be
    /// mended. That a hot set may go to a pod with a larger request is luck.
    fn only_changes_hands(&self, model: &GroupModel, rules: Rules, pool: &Pool) -> bool {
        !rules.that_restore_sets().is_empty() && !pool.hot().iter().any(|pod| self.may_be_mended(model, pod))
    }

    fn pod_side(&self, model: &GroupModel) -> Vec<(String, f64)> {
        let stands_out = model.pods.iter().filter(|pod| (pod.factor - 1.0).abs() > f64::EPSILON);
        stands_out
            .filter_map(|pod| Some((self.snapshot.pods.get(pod.pod)?.pod.name.clone(), pod.factor)))
            .collect()
    }
}

impl Tried {
    /// Holds it.
    fn held(self, hold: impl FnOnce(Prediction) -> Hold) -> Best {
        let Self { chosen, prediction, .. } = self;
        Best { chosen, prediction: Some(prediction), decision: Decision::Hold(hold(prediction)) }
    }
}

/// Hot pods and others in turn, with what each was chosen as.
fn in_turn(forecast: &Forecast<'_>, pool: &Pool, batch: &[usize], k: usize) -> Vec<(Removable, Choice)> {
    let together = pool.places(batch);
    let chosen = |place: usize| {
        let pod = *pool.pods.get(place)?;
        Some((pod, pool.choice(place, k, forecast.exchanges(&together, pod.place))?))
    };
    pool.in_turn(batch).into_iter().filter_map(chosen).collect()
}

mod effort;
mod minimum;
mod node;
mod pace;
mod pool;
mod search;
#[cfg(test)]
mod tests;
