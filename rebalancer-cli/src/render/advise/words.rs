//! The conclusion of an advice, in words that a team can act on.

use rebalancer_core::advice::{
    Advice, BoundKind, Conclusion, Effect, Known, Lever, LeverCost, LeverReport, Outcome, Outlook,
    RuleSpread, Uncertainty,
};

use rebalancer_core::report::Hold;

use super::SHOWN;
use crate::advice;

/// What follows, one sentence a line.
pub(super) fn conclusion(given: &Advice) -> String {
    match &given.outlook {
        Outlook::Unknown { why } => format!(
            "what each lever would bring is not known, and is not estimated: {}",
            advice::unusable(why)
        ),
        Outlook::Known(known) => {
            let mut sentences = vec![rotation(known)];
            sentences.extend(verdict(known));
            sentences.push(bound(known));
            sentences.retain(|sentence| !sentence.is_empty());
            sentences.join("\n")
        }
    }
}

/// What removing pods can bring.
fn rotation(known: &Known) -> String {
    let is_rotation = |report: &&LeverReport| matches!(report.lever, Lever::Rotation { .. });
    let Some(report) = known.levers.iter().find(is_rotation) else { return String::new() };
    let now = known.now.cv;
    let held = report.held.as_ref().map(advice::hold);
    match (&report.effect, held) {
        (Effect::Expected(outcome), None) if now - outcome.cv.expected < SHOWN => {
            format!("Removing pods would leave CV {now:.3} as it is.")
        }
        (Effect::Expected(outcome), None) => {
            format!(
                "Removing pods can bring CV {now:.3} to {:.3} in one rotation{}.",
                outcome.cv.expected,
                at_best(outcome)
            )
        }
        (Effect::Expected(outcome), Some(held)) => {
            let after = outcome.cv.expected;
            match &report.held {
                // It was asked with every improvement being enough, so the setting decides nothing.
                Some(Hold::SmallGain { .. }) | None => format!(
                    "Removing pods is no lever now: the best rotation is expected to bring CV {now:.3} to {after:.3}{}.",
                    at_best(outcome)
                ),
                Some(_) if (now - after).abs() < SHOWN => {
                    format!("Removing pods would leave CV {now:.3} as it is, and the planner holds: {held}.")
                }
                Some(_) => format!(
                    "Removing pods would bring CV {now:.3} to {after:.3}{}, and the planner holds: {held}.",
                    at_best(outcome)
                ),
            }
        }
        (Effect::NotFound | Effect::NotNeeded, Some(held)) => {
            format!("Removing pods is no lever now: {held}.")
        }
        (Effect::NotFound | Effect::NotNeeded, None) => {
            "Removing pods is not needed: no pod is above its limit.".to_owned()
        }
    }
}

/// What it would be under the best of the rules that fit.
fn at_best(outcome: &Outcome) -> String {
    match outcome.rules {
        Some(RuleSpread { best, best_cv, worst, .. }) if outcome.cv.expected - best_cv >= SHOWN => {
            format!(" if the assignor is {worst}, to {best_cv:.3} if it is {best}")
        }
        Some(_) | None => String::new(),
    }
}

fn verdict(known: &Known) -> Vec<String> {
    let now = known.now.cv;
    match &known.conclusion {
        Conclusion::Even => {
            vec!["The loads are within the policy's limits: nothing needs to be done.".to_owned()]
        }
        Conclusion::OneHotPartition => one_hot_partition(known),
        Conclusion::NothingHelps => {
            vec![format!("No lever brings CV {now:.3} down by the policy's minimum improvement.")]
        }
        Conclusion::Best { lever: Lever::Rotation { pods }, .. } => {
            let restarts = LeverCost::Restarts { pods: pods.len() };
            vec![format!(
                "It costs {restarts}; no other lever brings that much more that it is worth its work."
            )]
        }
        Conclusion::Best { lever, expected_cv } => {
            let costs = known.levers.iter().find(|report| report.lever == *lever).map(|report| &report.costs);
            let costs: Vec<String> = costs.into_iter().flatten().map(ToString::to_string).collect();
            let costs = costs.join(", ");
            vec![format!(
                "{} would bring CV {expected_cv:.3} instead. It costs {costs}.",
                subject(lever, known)
            )]
        }
    }
}

/// The group's assignor; one of several where it is not known.
fn present(known: &Known) -> String {
    let rules = known.assignor.rules();
    if rules.len() == 1 { known.assignor.assignor().to_string() } else { format!("{rules}, whichever it is") }
}

/// The lever as the beginning of a sentence.
fn subject(lever: &Lever, known: &Known) -> String {
    match lever {
        Lever::Assignor { assignor } => {
            format!("The assignor {assignor} in place of {}", present(known))
        }
        Lever::Replicas { pods } => format!("{pods} pods in place of {}", known.pods),
        Lever::DoublePartitions => "Twice the partitions".to_owned(),
        Lever::HottestKey { topic, partition } => format!("Spreading the hottest key of {topic}-{partition}"),
        Lever::Nothing | Lever::Rotation { .. } => lever.to_string(),
    }
}

fn one_hot_partition(known: &Known) -> Vec<String> {
    let hottest = &known.hottest;
    let mut sentences = vec![format!(
        "One hot partition is one hot partition: {}-{} alone carries {:.2} times what a pod carries on average, so no \
         assignment brings the policy's minimum improvement.",
        hottest.topic, hottest.partition, hottest.of_mean_pod
    )];
    let key = known.levers.iter().find(|report| matches!(report.lever, Lever::HottestKey { .. }));
    if let Some(outcome) = key.and_then(LeverReport::outcome) {
        debug_assert_eq!(outcome.uncertainty, Uncertainty::OneKey);
        sentences.push(format!(
            "If that is one key, spreading it over the topic would bring CV {:.3} at best.",
            outcome.cv.low
        ));
    }
    sentences
}

/// What nothing can beat.
fn bound(known: &Known) -> String {
    let any = known.bounds.iter().find(|bound| bound.kind == BoundKind::AnyAssignment);
    match any.and_then(|bound| bound.floor) {
        Some(floor) => format!(
            "No assignment of these partitions to these pods can have a CV below {:.3}; no assignor of Kafka's looks at \
             loads.",
            floor.cv
        ),
        None => String::new(),
    }
}
