//! Nothing is removed on what a watch told too long ago.

use jiff::SignedDuration;

use super::{ByCycle, Invariant, ensure};
use crate::event::{Event, What};
use crate::setup::Setup;
use crate::world::World;

/// Reading takes time, and clocks are set meanwhile.
const SLACK: SignedDuration = SignedDuration::from_secs(40);

pub(super) struct OldView {
    longest: SignedDuration,
    /// How old the fleet was that each cycle knows.
    ages: ByCycle<SignedDuration>,
}

impl OldView {
    pub(super) fn of(setup: &Setup) -> Self {
        Self { longest: setup.policy.guards.longest_silence + SLACK, ages: ByCycle::new() }
    }
}

impl Invariant for OldView {
    fn name(&self) -> &'static str {
        "no old view"
    }

    fn see(&mut self, event: &Event<'_>, world: &World) -> Result<(), String> {
        match &event.what {
            What::Known { at } => {
                self.ages.insert(event.cycle.to_owned(), world.now.duration_since(*at));
            }
            What::Removed { uid, .. } => {
                let age = self.ages.get(event.cycle).copied().unwrap_or_default();
                return ensure(age <= self.longest, || {
                    format!("{uid} was removed on a fleet of {}s ago", age.as_secs())
                });
            }
            _ => {}
        }
        Ok(())
    }
}
