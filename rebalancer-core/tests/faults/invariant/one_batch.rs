//! One batch at a time: only the run that took the lock last removes pods, it writes one intent down, and removes no
//! more than K hot and K cold pods.
//!
//! That holds as far as clocks agree and requests arrive in time; see [`Setup`]. No lock can stop a request that was
//! sent while it was held.

use super::{ByCycle, Invariant, ensure};
use crate::event::{Event, What};
use crate::setup::Setup;
use crate::world::World;

pub(super) struct OneBatch {
    most: usize,
    holder: Option<String>,
    /// Intents and removals.
    made: ByCycle<(usize, usize)>,
}

impl OneBatch {
    pub(super) fn of(setup: &Setup) -> Self {
        Self { most: 2 * setup.policy.selection.top_k.get(), holder: None, made: ByCycle::new() }
    }
}

impl Invariant for OneBatch {
    fn name(&self) -> &'static str {
        "one batch at a time"
    }

    fn see(&mut self, event: &Event<'_>, _: &World) -> Result<(), String> {
        match &event.what {
            What::Locked { .. } => self.holder = Some(event.cycle.to_owned()),
            What::Wrote { freed: false, .. } => {
                let (intents, _) = self.made.entry(event.cycle.to_owned()).or_default();
                *intents += 1;
                return ensure(*intents == 1, || "a second batch is begun".to_owned());
            }
            What::Removed { .. } => {
                let (_, removals) = self.made.entry(event.cycle.to_owned()).or_default();
                *removals += 1;
                ensure(*removals <= self.most, || format!("{removals} pods, {} are a batch", self.most))?;
                return ensure(self.holder.as_deref() == Some(event.cycle), || {
                    format!("the lock is that of {:?}", self.holder)
                });
            }
            What::Crashed { .. } | What::Ended { .. } => drop(self.made.remove(event.cycle)),
            _ => {}
        }
        Ok(())
    }
}
