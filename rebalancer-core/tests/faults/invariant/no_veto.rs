//! No vetoed pod: what is removed is the very pod that was read again last, and as it was read nothing spoke against it.
//!
//! What changes while the answer of that reading or the removal itself is under way can't be known; a UID does not
//! change, so a stranger is never hit. The age is judged when the answer is there, by
//! the process's clock, which may be off by what clocks are off.

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::{Phase, Pod};

use super::{ByCycle, Invariant};
use crate::event::{Event, What};
use crate::setup::Setup;
use crate::world::{World, is_own};

pub(super) struct NoVeto {
    minimum_age: SignedDuration,
    opt_in: bool,
    read: ByCycle<Option<Pod>>,
    workload_opted_in: ByCycle<bool>,
}

impl NoVeto {
    pub(super) fn of(setup: &Setup) -> Self {
        Self {
            minimum_age: setup.policy.eligibility.minimum_age - setup.clock_error,
            opt_in: setup.policy.eligibility.opt_in,
            read: ByCycle::new(),
            workload_opted_in: ByCycle::new(),
        }
    }

    fn veto(&self, cycle: &str, pod: &Pod, now: Timestamp) -> Option<&'static str> {
        let says =
            |name: &str, value: &str| pod.annotations.iter().any(|(key, text)| key == name && text == value);
        let opted_in =
            self.workload_opted_in.get(cycle) == Some(&true) || says("pod-rebalancer.io/opt-in", "true");
        let old_enough = pod.ready_since.is_some_and(|since| now.duration_since(since) >= self.minimum_age);
        [
            (pod.terminating, "it is on its way out"),
            (pod.phase != Phase::Running, "it is not Running"),
            (!pod.ready, "it is not Ready"),
            (!old_enough, "it is too young"),
            (!is_own(pod), "it is of another workload"),
            (says("pod-rebalancer.io/opt-out", "true"), "it opted out"),
            (says("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"), "it is not safe to evict"),
            (says("descheduler.alpha.kubernetes.io/prefer-no-eviction", ""), "it asks not to be evicted"),
            (says("karpenter.sh/do-not-disrupt", "true"), "it asks not to be disrupted"),
            (pod.priority > Some(1_000_000_000), "its priority is that of the system"),
            (self.opt_in && !opted_in, "it did not opt in"),
        ]
        .iter()
        .find_map(|(holds, why)| holds.then_some(*why))
    }
}

impl Invariant for NoVeto {
    fn name(&self) -> &'static str {
        "no vetoed pod"
    }

    fn see(&mut self, event: &Event<'_>, world: &World) -> Result<(), String> {
        match &event.what {
            What::Read { pod, .. } => {
                self.read.insert(event.cycle.to_owned(), pod.cloned());
            }
            What::ShownController { controller } => {
                let says =
                    controller.annotations.get("pod-rebalancer.io/opt-in").is_some_and(|it| it == "true");
                self.workload_opted_in.insert(event.cycle.to_owned(), says);
            }
            What::Removed { uid, .. } => {
                let Some(Some(pod)) = self.read.get(event.cycle) else {
                    return Err(format!("{uid} was not read again"));
                };
                if pod.uid != **uid {
                    return Err(format!("{} was read again, {uid} was hit", pod.uid));
                }
                return self
                    .veto(event.cycle, pod, world.now)
                    .map_or(Ok(()), |why| Err(format!("{}: {why}", pod.name)));
            }
            What::Crashed { .. } | What::Ended { .. } => {
                self.read.remove(event.cycle);
                self.workload_opted_in.remove(event.cycle);
            }
            _ => {}
        }
        Ok(())
    }
}
