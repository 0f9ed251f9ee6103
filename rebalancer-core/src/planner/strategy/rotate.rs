//! *Rotate outliers*: the hottest pods above the limit and the coldest ones.

use super::super::candidates::Candidates;
use super::super::outlier::{self, Candidate, Outliers};
use super::super::raised::Raised;
use super::super::verdicts::Verdicts;
use crate::report::{Decision, Expectation, Hold, IndicatorReport, Plan, Spared, Verdict};
use crate::unit::Load;

/// One hot and one cold pod.
const SMALLEST_ROTATION: usize = 2;

pub(super) fn select(candidates: &Candidates<'_>, raised: &Raised<'_>) -> (Decision, Verdicts) {
    let mut verdicts = Verdicts::of_ranked();
    let mut outliers = outlier::choose(ranked(candidates, raised), candidates.policy.selection.top_k.get());
    for candidate in &outliers.not_hot {
        verdicts.spare(candidate.index, Spared::NotHot { limit: candidate.limit });
    }
    verdicts.spare_passing(raised, candidates.policy.balance.persistence);
    let (trimmed, gated) = gate(candidates, &mut outliers, raised.report);
    for (candidate, choice) in trimmed {
        verdicts.spare(candidate.index, Spared::Trimmed(choice));
    }
    let decision = gated.map_or_else(Decision::Hold, Decision::Rotate);
    let planned = matches!(decision, Decision::Rotate(_));
    for (candidate, choice) in outliers.in_turn() {
        let held = || Verdict::Spared(Spared::Held(choice));
        verdicts.say(candidate.index, if planned { Verdict::Chosen(choice) } else { held() });
    }
    (decision, verdicts)
}

/// Every eligible pod with a load that is not hot only now.
fn ranked(candidates: &Candidates<'_>, raised: &Raised<'_>) -> Vec<Candidate> {
    let mut ranked = Vec::with_capacity(candidates.pods.eligible.len());
    for pod in candidates.pods.eligible.iter().filter(|pod| !raised.is_passing(pod.index)) {
        let Some((load, limit)) = raised.load_of(pod) else { continue };
        let (score, (may_be, _)) = (raised.measured.score(&pod.loads), raised.candidate_role(pod));
        let moves_anyway = pod.on_leaving_node;
        ranked.push(Candidate { index: pod.index, load, limit, score, may_be, moves_anyway });
    }
    ranked
}

/// The pods that were left out, with the role for which each had been selected.
type Trimmed = Vec<(Candidate, crate::report::Choice)>;

/// Trims the outliers to what may go, and asks whether it is worth it.
fn gate(
    candidates: &Candidates<'_>,
    outliers: &mut Outliers,
    raised: &IndicatorReport,
) -> (Trimmed, Result<Plan, Hold>) {
    if outliers.hot.is_empty() {
        let max = Load::new(raised.distribution.max).unwrap_or(Load::MAX);
        let limit = raised.limit.hot_above();
        return (Vec::new(), Err(Hold::NoHotPod { indicator: raised.indicator, max, limit }));
    }
    let removable = match candidates.removable(SMALLEST_ROTATION) {
        Ok(removable) => removable,
        Err(hold) => return (Vec::new(), Err(hold)),
    };
    let mut trimmed = outliers.trim(removable);
    let both = !outliers.cold.is_empty();
    trimmed.extend(outliers.fit(&candidates.headroom));
    let one_sided = outliers.hot.is_empty() || outliers.cold.is_empty() && both;
    match (one_sided, candidates.headroom.tightest()) {
        (true, Some(tightest)) => (trimmed, Err(tightest)),
        _ => (trimmed, worth_it(candidates, outliers, raised)),
    }
}

fn worth_it(
    candidates: &Candidates<'_>,
    outliers: &Outliers,
    raised: &IndicatorReport,
) -> Result<Plan, Hold> {
    let improvement = outliers.improvement();
    let minimum = candidates.policy.selection.minimum_improvement;
    // What can't be told is no improvement.
    let enough = improvement.percent.is_some_and(|percent| percent.get() > minimum.get());
    if outliers.cold.is_empty() || !enough {
        return Err(Hold::SmallImprovement { improvement, minimum });
    }
    let indicator = raised.indicator;
    let removals = outliers.in_turn().filter_map(|(candidate, choice)| {
        candidates.removal(candidate.index, indicator, candidate.load, choice)
    });
    let (expectation, removals) = (Expectation::EvenMixing(improvement), removals.collect());
    Ok(Plan { indicator, expectation, removals, steps: Vec::new() })
}
