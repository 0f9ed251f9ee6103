//! Removals, which may be refused, or happen without an answer.

use async_trait::async_trait;
use rebalancer_core::fleet::PodRef;
use rebalancer_core::port::{Mode, PodDeleter, RemovalError};

use super::{Call, Port, call};
use crate::event::What;
use crate::fault::Fault;
use crate::plant::Bug;
use crate::sim::Sim;

#[async_trait]
impl PodDeleter for Port {
    async fn remove(&self, pod: &PodRef, mode: Mode) -> Result<(), RemovalError> {
        self.call(call!("a removal", bound), |sim| {
            let answer = match refused(sim) {
                Some(error) => Err(error),
                None => self.ask(sim, pod, mode),
            };
            self.tell(sim, What::Answered { pod, answer: &answer });
            let name = answer.as_ref().err().map_or("ok", name);
            sim.tally.add(format!("removal: {name}"));
            answer
        })
        .await
    }
}

impl Port {
    /// The request arrives; its answer may be lost.
    fn ask(&self, sim: &mut Sim, pod: &PodRef, mode: Mode) -> Result<(), RemovalError> {
        let answer = self.arrive(sim, pod, mode);
        if sim.fault(Fault::RemoveAnswerLost) {
            if sim.has(Bug::RemovalRepeated) {
                return self.arrive(sim, pod, mode);
            }
            return Err(RemovalError::Unknown { message: "injected".to_owned() });
        }
        answer
    }

    fn arrive(&self, sim: &mut Sim, pod: &PodRef, mode: Mode) -> Result<(), RemovalError> {
        self.tell(sim, What::Asked { pod, mode });
        let acts = if sim.has(Bug::DryRunIgnored) { Mode::Real } else { mode };
        if sim.has(Bug::RemovalClaimed) {
            return Ok(());
        }
        let hit = match sim.bug {
            Some(Bug::BudgetsBypassed) => sim.world.delete(pod, &self.cycle, acts)?,
            Some(Bug::UidIgnored) => sim.world.evict(&now_called(sim, pod), &self.cycle, acts)?,
            _ => sim.world.evict(pod, &self.cycle, acts)?,
        };
        if acts == Mode::Real {
            let stored = sim.stored();
            self.tell(sim, What::Removed { uid: &hit, stored: &stored });
            sim.tally.add("removals");
            if sim.setup.approval.is_some() {
                sim.tally.add("removals that were approved");
            }
            if sim.calm {
                sim.tally.add("removals while nothing goes wrong");
            }
            sim.removals.push(sim.world.now);
            let world = &mut sim.world;
            world.meet(&mut sim.random);
        }
        Ok(())
    }
}

/// Whoever has the name.
fn now_called(sim: &Sim, pod: &PodRef) -> PodRef {
    let uid = sim.world.pod(&pod.name).map_or_else(|| pod.uid.clone(), |found| found.uid);
    PodRef { uid, ..pod.clone() }
}

fn refused(sim: &mut Sim) -> Option<RemovalError> {
    let message = || "injected".to_owned();
    if sim.fault(Fault::RemoveConflict) {
        return Some(RemovalError::Conflict { message: message() });
    }
    if sim.fault(Fault::RemoveThrottled) {
        return Some(RemovalError::Throttled { message: message() });
    }
    if sim.fault(Fault::RemoveRejected) {
        return Some(RemovalError::Rejected { message: message() });
    }
    if sim.fault(Fault::RemoveForbidden) {
        return Some(RemovalError::Forbidden {
            verb: "create",
            resource: "pods/eviction",
            message: message(),
        });
    }
    sim.fault(Fault::RemoveLost).then(|| RemovalError::Unknown { message: message() })
}

const fn name(error: &RemovalError) -> &'static str {
    match error {
        RemovalError::Gone => "gone",
        RemovalError::Replaced => "replaced",
        RemovalError::Conflict { .. } => "conflict",
        RemovalError::Blocked { .. } => "blocked",
        RemovalError::Throttled { .. } => "throttled",
        RemovalError::Unauthorized { .. } => "unauthorized",
        RemovalError::Forbidden { .. } => "forbidden",
        RemovalError::Rejected { .. } => "rejected",
        RemovalError::Unknown { .. } => "unknown",
    }
}
