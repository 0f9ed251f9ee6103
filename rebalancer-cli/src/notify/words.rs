//! A notice in words, and as facts for machines.

use rebalancer_core::history::{Effect, Notice, Proposal, Rotation};
use rebalancer_core::unit::Ratio;
use serde_json::{Value, json};

use super::Told;
use crate::target::Target;

/// A notice as people read it, with its facts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    /// What happened, for CloudEvents: it goes on after `io.pod-rebalancer.`.
    pub(super) what: &'static str,
    /// One line.
    pub(super) title: String,
    /// What to know and to do.
    pub(super) text: String,
    /// The same, to be worked with.
    pub(super) facts: Value,
}

pub(super) fn message(told: Told<'_>, notice: &Notice) -> Message {
    let workload = told.target;
    match notice {
        Notice::Rotated(rotation) => rotated(&workload.to_string(), rotation),
        Notice::Measured(rotation) => measured(&workload.to_string(), rotation),
        Notice::Proposed(proposal) => proposed(workload, proposal),
        Notice::HoldLasts { hold, words, since } => Message {
            what: "hold.lasts",
            title: format!("{workload}: nothing is rotated since {since:.0}"),
            text: format!("{words} ({hold})"),
            facts: json!({"hold": hold, "reason": words, "since": since}),
        },
        Notice::BreakerOpened { why, until } => Message {
            what: "breaker.opened",
            title: format!("{workload}: the circuit breaker is open"),
            text: format!(
                "{why}. Nothing is rotated until {until:.0}. When the reason is gone, `rebalancer reset` closes it."
            ),
            facts: json!({"reason": why.name(), "words": why.to_string(), "until": until}),
        },
        Notice::BreakerClosed => Message {
            what: "breaker.closed",
            title: format!("{workload}: the circuit breaker is closed again"),
            text: "Rotations are made again.".to_owned(),
            facts: json!({}),
        },
        Notice::Failed { why, in_a_row } => Message {
            what: "cycle.failed",
            title: format!("{workload}: a cycle failed"),
            text: format!("{why}. `rebalancer check` with the same settings looks for the cause."),
            facts: json!({"error": why, "failed_in_a_row": in_a_row}),
        },
    }
}

fn rotated(workload: &str, rotation: &Rotation) -> Message {
    use rebalancer_core::history::RemovalFate::Removed;
    let removed = rotation.pods.iter().filter(|pod| pod.fate == Removed).count();
    let (of, indicator) = (rotation.pods.len(), rotation.indicator);
    let predicted = match rotation.predicted_cv {
        Some(cv) => format!("{} predicted", cv.get().shown()),
        None => "no prediction".to_owned(),
    };
    let names: Vec<String> =
        rotation.pods.iter().map(|pod| format!("{} ({}, {})", pod.name, pod.role, fate(pod))).collect();
    Message {
        what: "rotation.made",
        title: format!("{workload}: {removed} of {of} selected pods were removed"),
        text: format!(
            "CV of {indicator} {}, {predicted}. Pods: {}. What it did is measured once the fleet has settled.",
            rotation.before.cv.get().shown(),
            names.join(", ")
        ),
        facts: facts(rotation),
    }
}

fn measured(workload: &str, rotation: &Rotation) -> Message {
    let (indicator, before) = (rotation.indicator, rotation.before.cv.get().shown());
    let after = rotation.effect.measured().map(|after| after.cv.get().shown());
    let verdict = match rotation.effect {
        Effect::Helped { .. } => "the last rotation helped",
        Effect::DidNotHelp { .. } => "the last rotation did not help",
        Effect::NeverSeen { .. } => "what the last rotation did could not be measured",
        Effect::NotMade | Effect::NotYetKnown => "the last rotation is not measured yet",
    };
    let predicted = rotation.predicted_cv.map(|cv| format!(", {} predicted", cv.get().shown()));
    Message {
        what: "effect.measured",
        title: format!("{workload}: {verdict}"),
        text: format!(
            "CV of {indicator} {before} before, {} after{}.",
            after.unwrap_or_else(|| "unknown".to_owned()),
            predicted.unwrap_or_default()
        ),
        facts: facts(rotation),
    }
}

fn proposed(workload: &Target, proposal: &Proposal) -> Message {
    let (name, namespace) = (&workload.workload.name, &workload.workload.namespace);
    let Proposal { id, until, plan, .. } = proposal;
    let names: Vec<String> = plan.pods.iter().map(|pod| format!("{} ({})", pod.name, pod.role)).collect();
    Message {
        what: "proposal.made",
        title: format!("{workload}: a rotation of {} pods waits for approval", plan.pods.len()),
        text: format!(
            "Proposal {id}, until {until:.0}. Expected: {}. Pods: {}. Answer with `rebalancer approve {id} {name} -n {namespace}` or \
             `rebalancer reject {id} {name} -n {namespace}`, or the annotation `pod-rebalancer.io/approve={id}` on the workload.",
            plan.expected,
            names.join(", ")
        ),
        facts: json!({
            "proposal": id,
            "until": until,
            "indicator": plan.indicator.name(),
            "expected": plan.expected.to_string(),
            "expected_improvement_percent": plan.expected.improvement.map(|percent| percent.get()),
            "pods": plan.pods.iter().map(|pod| json!({
                "name": pod.name, "uid": pod.uid.to_string(), "role": pod.role.name(),
            })).collect::<Vec<_>>(),
        }),
    }
}

fn facts(rotation: &Rotation) -> Value {
    json!({
        "rotation": rotation.cycle,
        "began": rotation.at,
        "indicator": rotation.indicator.name(),
        "cv_before": rotation.before.cv.get(),
        "predicted_cv": rotation.predicted_cv.map(Ratio::get),
        "measured_cv": rotation.effect.measured().map(|after| after.cv.get()),
        "effect": rotation.effect.name(),
        "pods": rotation.pods.iter().map(|pod| json!({
            "name": pod.name, "uid": pod.uid.to_string(), "role": pod.role.name(), "fate": fate(pod),
        })).collect::<Vec<_>>(),
    })
}

const fn fate(pod: &rebalancer_core::history::RotatedPod) -> &'static str {
    use rebalancer_core::history::RemovalFate::{Failed, Intended, Refused, Removed, Spared, Unknown};
    match pod.fate {
        Removed => "removed",
        Refused => "refused",
        Failed => "failed",
        Spared => "spared",
        Intended | Unknown => "unknown",
    }
}

trait Shown {
    fn shown(&self) -> String;
}

impl Shown for f64 {
    fn shown(&self) -> String {
        format!("{self:.3}")
    }
}
