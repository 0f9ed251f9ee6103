//! One rotation of a group at a time: where it spans clusters, nothing is removed in one while the group settles after a
//! removal in another.
//!
//! As with the lock on a workload, that holds as far as clocks agree.

use std::sync::{Arc, PoisonError};

use super::{Invariant, ensure};
use crate::event::{Event, What};
use crate::group::{Group, Removal};
use crate::setup::Setup;
use crate::world::World;

pub(super) struct OneRotation {
    cluster: &'static str,
    group: Arc<Group>,
    /// What a removal here is, but for its time.
    removal: Removal,
}

impl OneRotation {
    pub(super) fn of(setup: &Setup, cluster: &'static str, group: &Arc<Group>) -> Self {
        let (settles, clock_error) = (setup.memory.policy.settle(), setup.clock_error);
        let removal = Removal { at: jiff::Timestamp::MIN, settles, clock_error };
        Self { cluster, group: Arc::clone(group), removal }
    }
}

impl Invariant for OneRotation {
    fn name(&self) -> &'static str {
        "one rotation of a group at a time"
    }

    fn see(&mut self, event: &Event<'_>, world: &World) -> Result<(), String> {
        let What::Removed { .. } = event.what else { return Ok(()) };
        let now = world.now;
        let mut removals = self.group.removals.lock().unwrap_or_else(PoisonError::into_inner);
        removals.insert(self.cluster, Removal { at: now, ..self.removal });
        let elsewhere = removals.iter().filter(|(cluster, _)| **cluster != self.cluster);
        for (_, Removal { at, settles, clock_error }) in elsewhere {
            let least = *settles - *clock_error - self.removal.clock_error;
            let passed = now.duration_since(*at);
            ensure(passed >= least, || format!("the other cluster removed a pod {passed:#} ago"))?;
        }
        Ok(())
    }
}
