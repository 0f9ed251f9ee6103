//! Only what is written is told: the record that a cycle hands out, whose counters are shown to the world, is the one
//! that it left in the store. Otherwise the next cycle's would be lower.

use std::collections::BTreeSet;

use rebalancer_core::history::Record;
use rebalancer_core::port::Mode;

use super::{ByCycle, Invariant, ensure};
use crate::event::{Event, What};
use crate::world::World;

#[derive(Default)]
pub(super) struct Told {
    dry: BTreeSet<String>,
    left: ByCycle<Record>,
}

impl Invariant for Told {
    fn name(&self) -> &'static str {
        "only what is written is told"
    }

    fn see(&mut self, event: &Event<'_>, _: &World) -> Result<(), String> {
        match &event.what {
            What::Started { mode: Mode::DryRun } => drop(self.dry.insert(event.cycle.to_owned())),
            What::Wrote { record, freed: true } => {
                self.left.insert(event.cycle.to_owned(), (*record).clone());
            }
            What::Ended { end } if !self.dry.contains(event.cycle) => {
                let (left, told) = (self.left.remove(event.cycle), &end.record);
                return ensure(told.is_none() || left == *told, || {
                    format!("{told:?} is told, {left:?} was left")
                });
            }
            _ => {}
        }
        Ok(())
    }
}
