//! The story is true, and is told to its end.
//!
//! - What a cycle writes of its own removals is what happened: removed is what it removed, refused and failed is what it
//!   did not. It leaves open only what it asked for and has no answer to.
//! - A later run that finds a removal open tells it from the fleet: a pod that is there was not removed, and one that was
//!   removed is never called spared.
//! - Removals are counted once each.
//!
//! One thing can't be known in principle: when a run died, or its last answers were lost, and a pod that it had meant to
//! remove was deleted by someone else meanwhile. Such a pod may be counted as removed, which counts against acting; a pod that
//! was removed is never left out.

use std::collections::BTreeSet;

use rebalancer_core::fleet::Uid;
use rebalancer_core::history::{Record, RemovalFate, RotatedPod};
use rebalancer_core::port::RemovalError;

use super::{Invariant, ensure};
use crate::event::{Event, What};
use crate::world::World;

#[derive(Default)]
pub(super) struct TrueStory {
    /// Asked for without an answer, as the cycle itself was told.
    unknown: BTreeSet<(String, Uid)>,
    /// Called removed in any record, by cycle.
    counted: BTreeSet<(String, Uid)>,
}

impl TrueStory {
    fn check(&mut self, writer: &str, freed: bool, record: &Record, world: &World) -> Result<(), String> {
        for rotation in record.rotations() {
            for pod in &rotation.pods {
                let own = rotation.cycle == writer && freed;
                self.check_pod(&rotation.cycle, own, pod, world)?;
            }
        }
        let total: u64 = record.counters().removed.iter().map(|(_, count)| count).sum();
        ensure(total == self.counted.len() as u64, || {
            format!("{total} removals are counted, {} are told of", self.counted.len())
        })
    }

    fn check_pod(&mut self, cycle: &str, own: bool, pod: &RotatedPod, world: &World) -> Result<(), String> {
        let removed = world.removed.get(&pod.uid).is_some_and(|by| by == cycle);
        let key = (cycle.to_owned(), pod.uid.clone());
        let holds = match pod.fate {
            RemovalFate::Removed if self.counted.contains(&key) => true,
            RemovalFate::Removed => {
                let gone = world.by_uid(&pod.uid).is_none_or(|pod| pod.terminating);
                self.counted.insert(key);
                removed || (gone && !own)
            }
            RemovalFate::Refused | RemovalFate::Failed | RemovalFate::Spared => !removed,
            RemovalFate::Unknown => self.unknown.contains(&key),
            RemovalFate::Intended => !own,
        };
        ensure(holds, || format!("{} of {cycle} is {:?}, removed: {removed}", pod.name, pod.fate))
    }
}

impl Invariant for TrueStory {
    fn name(&self) -> &'static str {
        "the story is true"
    }

    fn see(&mut self, event: &Event<'_>, world: &World) -> Result<(), String> {
        match &event.what {
            What::Answered { pod, answer: Err(RemovalError::Unknown { .. }) } => {
                self.unknown.insert((event.cycle.to_owned(), pod.uid.clone()));
            }
            What::Wrote { record, freed } => return self.check(event.cycle, *freed, record, world),
            What::Over { stored } => {
                ensure(stored.unfinished().next().is_none(), || "a story has no end".to_owned())?;
                let told =
                    |(uid, cycle): (&Uid, &String)| self.counted.contains(&(cycle.clone(), uid.clone()));
                return ensure(world.removed.iter().all(told), || "a removal is not counted".to_owned());
            }
            _ => {}
        }
        Ok(())
    }
}
