//! Minimum kept: of the pods that served when the cycle last listed them, at least the minimum is left that no
//! rebalancer has removed since.
//!
//! Pods that failed by themselves after that list are not held against it: nobody can know of them in time. So that
//! this is no excuse for not looking, the list must be newer than the removal before.

use std::collections::BTreeSet;

use rebalancer_core::fleet::Uid;

use super::{ByCycle, Invariant, ensure};
use crate::event::{Event, What};
use crate::setup::Setup;
use crate::world::{World, is_own};

pub(super) struct Minimum {
    least: usize,
    serving: ByCycle<BTreeSet<Uid>>,
    /// Cycles that have listed pods since their last removal.
    looked: BTreeSet<String>,
}

impl Minimum {
    pub(super) fn of(setup: &Setup) -> Self {
        Self { least: setup.policy.limits.minimum_pods, serving: ByCycle::new(), looked: BTreeSet::new() }
    }
}

impl Invariant for Minimum {
    fn name(&self) -> &'static str {
        "minimum kept"
    }

    fn see(&mut self, event: &Event<'_>, _: &World) -> Result<(), String> {
        match &event.what {
            What::Listed { pods } => {
                let serving = pods.iter().filter(|pod| is_own(pod) && pod.is_serving());
                let serving = serving.map(|pod| pod.uid.clone()).collect();
                self.serving.insert(event.cycle.to_owned(), serving);
                self.looked.insert(event.cycle.to_owned());
            }
            What::Removed { uid, .. } => {
                let looked = self.looked.remove(event.cycle);
                ensure(looked, || "pods were not counted since the removal before".to_owned())?;
                for serving in self.serving.values_mut() {
                    serving.remove(*uid);
                }
                let left = self.serving.get(event.cycle).map_or(0, BTreeSet::len);
                return ensure(left >= self.least, || format!("{left} serve, {} must", self.least));
            }
            What::Crashed { .. } | What::Ended { .. } => drop(self.serving.remove(event.cycle)),
            _ => {}
        }
        Ok(())
    }
}
