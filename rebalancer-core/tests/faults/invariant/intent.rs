//! Every removal has its intent: in the stored record, as one that is about to be asked for, and in the journal.

use std::collections::BTreeSet;

use rebalancer_core::fleet::Uid;
use rebalancer_core::history::{Record, RemovalFate};

use super::{Invariant, ensure};
use crate::event::{Event, What};
use crate::world::World;

#[derive(Default)]
pub(super) struct Intents {
    told: BTreeSet<(String, Uid)>,
}

fn is_intended(stored: &Record, cycle: &str, uid: &Uid) -> bool {
    let of_cycle = stored.rotations().iter().filter(|rotation| rotation.cycle == cycle);
    of_cycle
        .flat_map(|rotation| &rotation.pods)
        .any(|pod| pod.uid == *uid && pod.fate == RemovalFate::Intended)
}

impl Invariant for Intents {
    fn name(&self) -> &'static str {
        "every removal has its intent"
    }

    fn see(&mut self, event: &Event<'_>, _: &World) -> Result<(), String> {
        match &event.what {
            What::Intended { uid, .. } => drop(self.told.insert((event.cycle.to_owned(), (*uid).clone()))),
            What::Removed { uid, stored } => {
                let told = self.told.contains(&(event.cycle.to_owned(), (*uid).clone()));
                ensure(told, || format!("the journal knows nothing of {uid}"))?;
                return ensure(is_intended(stored, event.cycle, uid), || {
                    format!("nothing is stored of {uid}")
                });
            }
            _ => {}
        }
        Ok(())
    }
}
