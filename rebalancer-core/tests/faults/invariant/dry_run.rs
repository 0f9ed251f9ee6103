//! A dry run changes nothing at all: neither the fleet nor the record nor the lock.

use std::collections::BTreeSet;

use rebalancer_core::port::Mode;

use super::{Invariant, ensure};
use crate::event::{Event, What};
use crate::world::World;

#[derive(Default)]
pub(super) struct DryRun {
    dry: BTreeSet<String>,
}

impl Invariant for DryRun {
    fn name(&self) -> &'static str {
        "a dry run changes nothing"
    }

    fn see(&mut self, event: &Event<'_>, _: &World) -> Result<(), String> {
        match &event.what {
            What::Started { mode: Mode::DryRun } => drop(self.dry.insert(event.cycle.to_owned())),
            What::Removed { .. }
            | What::Wrote { .. }
            | What::Locked { .. }
            | What::Asked { mode: Mode::Real, .. } => {
                return ensure(!self.dry.contains(event.cycle), || format!("{event}"));
            }
            _ => {}
        }
        Ok(())
    }
}
