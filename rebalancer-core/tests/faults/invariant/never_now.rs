//! Never now: nothing is removed by a cycle that was shown a rollout, a scaling, an autoscaler about to scale in or that
//! has just scaled, or an opted-out workload, or that decided in a quiet hour.
//!
//! What begins after the cycle looked can't be known. After its first removal, or a request that may have been one, the
//! controller's numbers show the cycle's own doings too, so that from then on only the mark counts. Times are those of the cycle's own clock.

use jiff::SignedDuration;
use jiff::Timestamp;
use rebalancer_core::fleet::{Controller, Hpa, Phase, Pod, Progress};
use rebalancer_core::port::RemovalError;

use super::{ByCycle, Invariant};
use crate::event::{Event, What};
use crate::setup::Setup;
use crate::world::{World, is_own};

pub(super) struct NeverNow {
    minimum_age: SignedDuration,
    quiet: bool,
    measured: ByCycle<Timestamp>,
    reasons: ByCycle<&'static str>,
    acted: ByCycle<()>,
}

impl NeverNow {
    pub(super) fn of(setup: &Setup) -> Self {
        Self {
            minimum_age: setup.policy.eligibility.minimum_age,
            quiet: setup.policy.guards.quiet_hours.is_some(),
            measured: ByCycle::new(),
            reasons: ByCycle::new(),
            acted: ByCycle::new(),
        }
    }

    fn scaling(&self, cycle: &str, hpas: &[Hpa]) -> Option<&'static str> {
        let scaling = hpas.iter().find_map(|hpa| hpa.scaling)?;
        let now = self.measured.get(cycle)?;
        let just = scaling.last_scaled_at.is_some_and(|at| now.duration_since(at) < self.minimum_age);
        [
            (scaling.current != scaling.desired, "the autoscaler is scaling"),
            (scaling.wants_fewer && scaling.current > scaling.minimum, "the autoscaler is about to scale in"),
            (just, "the autoscaler has just scaled"),
        ]
        .iter()
        .find_map(|(holds, why)| holds.then_some(*why))
    }
}

fn opted_out(controller: &Controller) -> Option<&'static str> {
    let mark = controller.annotations.get("pod-rebalancer.io/opt-out");
    mark.is_some_and(|it| it != "false").then_some("the workload opted out")
}

fn rolling(controller: &Controller) -> Option<&'static str> {
    let Progress { status_is_current, desired, current, updated } = controller.progress?;
    [
        (!status_is_current, "the controller's status is old"),
        (updated != current, "a rollout is in progress"),
        (current != desired, "a scaling is in progress"),
    ]
    .iter()
    .find_map(|(holds, why)| holds.then_some(*why))
}

fn stays(pod: &Pod) -> bool {
    !pod.terminating && !matches!(pod.phase, Phase::Succeeded | Phase::Failed)
}

/// From one to half past two in the night; the simulated world is in UTC.
fn is_quiet(at: Timestamp) -> bool {
    let minute = at.as_second().rem_euclid(24 * 3600) / 60;
    (60..150).contains(&minute)
}

impl Invariant for NeverNow {
    fn name(&self) -> &'static str {
        "never now"
    }

    fn see(&mut self, event: &Event<'_>, _: &World) -> Result<(), String> {
        let reason = match &event.what {
            What::Measured { at } => {
                self.measured.insert(event.cycle.to_owned(), *at);
                (self.quiet && is_quiet(*at)).then_some("a quiet hour")
            }
            What::ShownController { controller } if self.acted.contains_key(event.cycle) => {
                opted_out(controller)
            }
            What::ShownController { controller } => opted_out(controller).or_else(|| rolling(controller)),
            What::Unlike { pods } => {
                pods.iter().any(|pod| is_own(pod) && stays(pod)).then_some("pods are of several revisions")
            }
            What::ShownAutoscalers { hpas } => self.scaling(event.cycle, hpas),
            What::Removed { .. } => {
                self.acted.insert(event.cycle.to_owned(), ());
                let reason = self.reasons.get(event.cycle);
                return reason.map_or(Ok(()), |why| Err(format!("it was shown: {why}")));
            }
            What::Answered { answer: Err(RemovalError::Unknown { .. }), .. } => {
                self.acted.insert(event.cycle.to_owned(), ());
                None
            }
            What::Crashed { .. } | What::Ended { .. } => {
                self.reasons.remove(event.cycle);
                self.measured.remove(event.cycle);
                self.acted.remove(event.cycle);
                None
            }
            _ => None,
        };
        if let Some(reason) = reason {
            self.reasons.insert(event.cycle.to_owned(), reason);
        }
        Ok(())
    }
}
