//! The clock, the interrupt and the journal.

use std::future::poll_fn;
use std::task::Poll;

use async_trait::async_trait;
use jiff::Timestamp;
use rebalancer_core::cycle::LookBack;
use rebalancer_core::cycle::{Intent, Journal};
use rebalancer_core::cycle::{NotAttempted, Observation, PodOutcome};
use rebalancer_core::port::{Clock, Interrupt, Interruption};

use super::Port;
use crate::event::What;
use crate::plant::Bug;
use crate::setup::DEADLINE;

impl Clock for Port {
    fn now(&self) -> Timestamp {
        self.sim().clock(self.process)
    }
}

#[async_trait]
impl Interrupt for Port {
    fn requested(&self) -> Option<Interruption> {
        if self.sim().has(Bug::Deaf) { None } else { self.reason_to_stop() }
    }

    async fn stopped(&self) -> Interruption {
        poll_fn(|_| self.requested().map_or(Poll::Pending, Poll::Ready)).await
    }
}

impl Port {
    fn reason_to_stop(&self) -> Option<Interruption> {
        let sim = self.sim();
        let process = sim.processes.get(self.process)?;
        let lived = sim.world.now.duration_since(process.started) - process.suspended;
        if process.signalled {
            Some(Interruption::Signal)
        } else {
            (lived >= DEADLINE).then_some(Interruption::Deadline)
        }
    }
}

impl Journal for Port {
    fn looked_back(&self, look_back: &LookBack) {
        let mut sim = self.sim();
        for story in &look_back.reconciled {
            sim.tally.add(format!("story: {}", found(story)));
            sim.note(|| format!("    {}: {story}", self.cycle));
        }
        if let Some(rotation) = &look_back.judged {
            sim.tally.add(format!("judged: {}", rotation.effect.name()));
            sim.note(|| format!("    {}: judged {:?}", self.cycle, rotation.effect));
        }
    }

    fn decided(&self, observation: &Observation) {
        let mut sim = self.sim();
        sim.tally.add(format!("decision: {}", name(observation)));
        sim.note(|| format!("    {}: {}", self.cycle, observation.report.decision));
    }

    fn intended(&self, intent: &Intent<'_>) {
        let stop = self.reason_to_stop();
        let mut sim = self.sim();
        if !sim.has(Bug::JournalLate) {
            self.tell(&mut sim, What::Intended { uid: &intent.removal.pod.uid, stop });
        }
    }

    fn finished(&self, intent: &Intent<'_>, outcome: &PodOutcome) {
        let mut sim = self.sim();
        sim.tally.add(format!("pod: {}", outcome.name()));
        if let PodOutcome::NotAttempted(NotAttempted::Interrupted(why)) = outcome {
            sim.tally.add(format!("broken off: {why:?}"));
        }
        if let PodOutcome::NotAttempted(NotAttempted::TooFewLeft { .. }) = outcome {
            sim.tally.add("broken off: too few left");
        }
        sim.note(|| format!("    {}: {} is {outcome:?}", self.cycle, intent.removal.pod.name));
    }
}

fn name(observation: &Observation) -> &'static str {
    use rebalancer_core::report::Decision;
    match &observation.report.decision {
        Decision::Rotate(_) => "rotate",
        Decision::Balanced => "balanced",
        Decision::Hold(hold) => hold.name(),
    }
}

const fn found(story: &rebalancer_core::history::ReconciledRemoval) -> &'static str {
    use rebalancer_core::history::Found;
    match story.found {
        Found::Removed => "removed",
        Found::Replaced { .. } => "replaced",
        Found::StillThere => "still there",
    }
}
