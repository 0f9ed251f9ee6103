//! What was done, as Kubernetes Events on each pod and on its workload; written before the program ends. A dry run
//! writes none.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rebalancer_core::cycle::{Asked, Intent, Journal};
use rebalancer_core::cycle::{Observation, Outcome, PodOutcome};
use rebalancer_core::fleet::Controller;
use rebalancer_core::history::{APPROVE_ANNOTATION, Approved};
use rebalancer_core::port::Mode;
use rebalancer_kube::{EventRecorder, Note, Regarding};
use tracing::warn;

use super::audit;
use super::reason::Reason;

/// For how long the end of the program may wait for its Events.
const PATIENCE: Duration = Duration::from_secs(5);

/// Collects Events while a cycle acts, and posts them at its end.
#[derive(Default)]
pub(crate) struct EventJournal(Mutex<Collected>);

#[derive(Default)]
struct Collected {
    notes: Vec<Note>,
    /// What the Event on the workload is about.
    workload: Option<(Regarding, String)>,
}

impl EventJournal {
    /// Posts what was collected. One that can't be written is logged, and changes nothing else.
    pub(crate) async fn post(&self, recorder: &EventRecorder, outcome: &Outcome) {
        let notes = {
            let mut collected = self.collected();
            let of_workload = collected.workload.take().and_then(|told| batch(told, outcome));
            let mut notes = std::mem::take(&mut collected.notes);
            notes.extend(of_workload);
            notes
        };
        let failed = recorder.post_all(&notes, PATIENCE).await;
        for error in &failed {
            warn!(event = "event_not_written", reason = error.reason, about = %error.regarding, error = %error.error, "a Kubernetes Event could not be written");
        }
    }

    fn collected(&self) -> MutexGuard<'_, Collected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for EventJournal {
    fn decided(&self, observation: &Observation) {
        let Observation { snapshot, report, .. } = observation;
        let controller = snapshot.surroundings.controller.as_ref();
        let regarding = controller.map(|controller| owner(controller, &snapshot.workload.namespace));
        self.collected().workload =
            regarding.map(|regarding| (regarding, crate::advice::decision(&report.decision)));
    }

    fn asked(&self, observation: &Observation, mode: Mode, asked: &Asked) {
        let Asked::Proposed { proposal, .. } = asked else { return };
        let mut collected = self.collected();
        let Some((regarding, _)) = collected.workload.clone().filter(|_| mode == Mode::Real) else { return };
        let reason = Reason::RotationProposed;
        let plan = crate::advice::decision(&observation.report.decision);
        let (id, workload) = (&proposal.id, &observation.report.workload);
        collected.notes.push(Note {
            regarding,
            event_type: reason.event_type(),
            reason: reason.name().to_owned(),
            action: "Propose".to_owned(),
            text: format!(
                "proposal {id}, until {:.0}: `rebalancer approve {id} {} -n {}`, or annotate with {APPROVE_ANNOTATION}={id}; {plan}",
                proposal.until, workload.name, workload.namespace
            ),
            at: Timestamp::now(),
        });
    }

    fn approved(&self, _: &Observation, Approved { proposal, by }: &Approved) {
        if let Some((_, told)) = &mut self.collected().workload {
            told.push_str(&format!("; proposal {proposal}, approved by {by}"));
        }
    }

    fn intended(&self, _: &Intent<'_>) {}

    fn finished(&self, intent: &Intent<'_>, outcome: &PodOutcome) {
        if intent.mode == Mode::Real {
            self.collected().notes.push(of_pod(intent, outcome));
        }
    }
}

fn owner(controller: &Controller, namespace: &str) -> Regarding {
    let Controller { api_version, kind, name, uid, .. } = controller.clone();
    Regarding { api_version, kind, namespace: namespace.to_owned(), name, uid }
}

fn of_pod(intent: &Intent<'_>, outcome: &PodOutcome) -> Note {
    let removal = intent.removal;
    let reason = match outcome {
        PodOutcome::Removed | PodOutcome::WouldBeRemoved => Reason::Rotated,
        PodOutcome::Failed(_) if outcome.name() == "refused" => Reason::RotationRefused,
        PodOutcome::Failed(_) => Reason::RotationFailed,
        PodOutcome::Spared(_) | PodOutcome::NotAttempted(_) => Reason::RotationSkipped,
    };
    let (load, indicator) = (removal.load, removal.indicator);
    let text = format!(
        "{}; {indicator} {}; {} (cycle {})",
        removal.choice.by(indicator),
        indicator.with_unit(load),
        audit::detail(outcome),
        intent.cycle
    );
    Note {
        regarding: Regarding {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: removal.pod.namespace.clone(),
            name: removal.pod.name.clone(),
            uid: removal.pod.uid.clone(),
        },
        event_type: reason.event_type(),
        reason: reason.name().to_owned(),
        action: "Rotate".to_owned(),
        text,
        at: Timestamp::now(),
    }
}

/// The Event on the workload; none when nothing was tried.
fn batch((regarding, decision): (Regarding, String), outcome: &Outcome) -> Option<Note> {
    let Outcome::Acted { mode: Mode::Real, pods } = outcome else { return None };
    let removed = pods.iter().filter(|(_, outcome)| *outcome == PodOutcome::Removed).count();
    let reason = if removed == pods.len() { Reason::Rebalanced } else { Reason::RebalanceIncomplete };
    Some(Note {
        regarding,
        event_type: reason.event_type(),
        reason: reason.name().to_owned(),
        action: "Rebalance".to_owned(),
        text: format!("removed {removed} of {} pods; {decision}", pods.len()),
        at: Timestamp::now(),
    })
}
