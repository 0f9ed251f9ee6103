//! Minimum kept: of the pods that a cycle saw serve since its last removal, in a list or each by itself, at least the
//! minimum is left that no rebalancer has removed since.
//!
//! Pods that failed by themselves after they were seen are not held against it: nobody can know of them in time. So that
//! this is no excuse for not looking, what was seen before a removal, or before its intent was written, counts no more.

use std::collections::BTreeSet;

use rebalancer_core::fleet::{Pod, Uid};

use super::{ByCycle, Invariant, ensure};
use crate::event::{Event, What};
use crate::setup::Setup;
use crate::world::{World, is_own};

pub(super) struct Minimum {
    least: usize,
    /// Pods that each cycle has seen serve since its last removal.
    serving: ByCycle<BTreeSet<Uid>>,
}

impl Minimum {
    pub(super) fn of(setup: &Setup) -> Self {
        Self { least: setup.policy.limits.minimum_pods, serving: ByCycle::new() }
    }

    fn of_cycle(&mut self, cycle: &str) -> &mut BTreeSet<Uid> {
        self.serving.entry(cycle.to_owned()).or_default()
    }
}

impl Invariant for Minimum {
    fn name(&self) -> &'static str {
        "minimum kept"
    }

    fn see(&mut self, event: &Event<'_>, _: &World) -> Result<(), String> {
        let serves = |pod: &&Pod| is_own(pod) && pod.is_serving();
        match &event.what {
            What::Listed { pods } => {
                *self.of_cycle(event.cycle) = pods.iter().filter(serves).map(|pod| pod.uid.clone()).collect();
            }
            What::Read { pod: Some(pod), .. } => {
                let serving = self.of_cycle(event.cycle);
                match serves(pod) {
                    true => serving.insert(pod.uid.clone()),
                    false => serving.remove(&pod.uid),
                };
            }
            What::Wrote { .. } => self.of_cycle(event.cycle).clear(),
            What::Removed { uid, .. } => {
                for serving in self.serving.values_mut() {
                    serving.remove(*uid);
                }
                let left = std::mem::take(self.of_cycle(event.cycle)).len();
                return ensure(left >= self.least, || {
                    format!("{left} were seen to serve, {} must", self.least)
                });
            }
            What::Crashed { .. } | What::Ended { .. } => drop(self.serving.remove(event.cycle)),
            _ => {}
        }
        Ok(())
    }
}
