//! The best rotation: the planner's own, also where it would hold for another reason than what the rotation brings.

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use super::bounds::Found;
use super::estimate::{Estimate, Outcome, Uncertainty};
use super::lever::{Effect, Lever, LeverCost, LeverReport};
use super::stage::{Play, Stage, draws};
use crate::assignor::Assignor;
use crate::history::Constraints;
use crate::planner::plan;
use crate::policy::{Persistence, Policy, Strategy};
use crate::prediction::Prediction;
use crate::report::{Decision, IndicatorReport, PodReport, Report, Spared, Verdict};
use crate::snapshot::Snapshot;
use crate::unit::{Percent, Ratio};

/// What the planner would do if every imbalance of this indicator were enough.
pub(super) fn best(
    snapshot: &Snapshot,
    policy: &Policy,
    constraints: &Constraints,
    measured: &IndicatorReport,
    stage: &Stage<'_>,
) -> LeverReport {
    let report = plan(snapshot, &eager(policy, measured), constraints);
    let pods: Vec<String> =
        report.pods.iter().filter(|pod| is_of_batch(pod)).map(|pod| pod.pod.name.clone()).collect();
    let held = match &report.decision {
        Decision::Hold(hold) => Some(hold.clone()),
        Decision::Balanced | Decision::Rotate(_) => None,
    };
    let effect = match (&report.prediction, &held) {
        (Some(prediction), _) if !pods.is_empty() => {
            Effect::Expected(outcome(prediction, snapshot, &report, stage))
        }
        (_, Some(_)) => Effect::NotFound,
        (_, None) => Effect::NotNeeded,
    };
    let costs = if pods.is_empty() { Vec::new() } else { vec![LeverCost::Restarts { pods: pods.len() }] };
    LeverReport { held, ..LeverReport::new(Lever::Rotation { pods }, effect, costs) }
}

/// One reading is enough, every improvement counts, and no other indicator is looked at. Limits, vetoes and guards stay.
fn eager(policy: &Policy, measured: &IndicatorReport) -> Policy {
    let mut policy = policy.clone();
    policy.selection.strategy = Strategy::Predict;
    policy.selection.minimum_improvement = Percent::new(0.0).unwrap_or(policy.selection.minimum_improvement);
    policy.balance.persistence = Persistence::NONE;
    for indicator in crate::fleet::Indicator::ALL {
        let threshold = if indicator == measured.indicator { 0.0 } else { f64::MAX };
        if let Ok(threshold) = Ratio::new(threshold) {
            policy.balance.variance_thresholds.insert(indicator, threshold);
        }
    }
    policy
}

/// Chosen, or chosen and held for another reason.
fn is_of_batch(pod: &PodReport<'_>) -> bool {
    matches!(pod.verdict, Verdict::Chosen(_) | Verdict::Spared(Spared::Held(_)))
}

/// The planner's expectation. How many pods are above their limit it does not say, so that is drawn here.
fn outcome(prediction: &Prediction, snapshot: &Snapshot, report: &Report, stage: &Stage<'_>) -> Outcome {
    let of_batch = |place: &usize| {
        let pod = stage.model.pods.get(*place).and_then(|pod| snapshot.pods.get(pod.pod));
        pod.is_some_and(|seen| report.pods.iter().any(|pod| is_of_batch(&pod) && pod.pod.uid == seen.pod.uid))
    };
    let batch: Vec<usize> = (0..stage.model.pods.len()).filter(of_batch).collect();
    if stage.rules.len() > 1 {
        // What the planner expects may be under those that help alone.
        return stage.under_each(|rule| Outcome::of_draws(&drawn(stage, rule, &batch)));
    }
    let found = drawn(stage, stage.assignor, &batch);
    let drawn = Outcome::of_draws(&found);
    let (cv, max_to_mean) = (prediction.expected_cv, prediction.expected_max_to_mean);
    Outcome {
        cv: Estimate { expected: cv, ..drawn.cv },
        max_to_mean: Estimate { expected: max_to_mean, ..drawn.max_to_mean },
        uncertainty: Uncertainty::Draws { draws: found.len() },
        ..drawn
    }
}

/// The group after this batch was replaced, under a rule.
fn drawn(stage: &Stage<'_>, rule: Assignor, batch: &[usize]) -> Vec<Found> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let one = |_: usize| {
        let mut play = Play::of(stage.model, &mut random).under(rule);
        play.replace(batch, stage.timing, &mut random);
        // A replacement runs on a usual node.
        for &pod in batch {
            if let Some(pod) = play.pods.get_mut(pod) {
                pod.factor = 1.0;
            }
        }
        play.found(stage)
    };
    (0..draws(stage.model.partitions(), 2)).map(one).collect()
}

/// The same draws each time: an advice on the same snapshot is the same.
const SEED: u64 = 53;
