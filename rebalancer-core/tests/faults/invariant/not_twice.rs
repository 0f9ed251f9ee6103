//! No pod twice: a cycle asks for a pod once, whatever the answer, and nobody asks for a pod that was removed already.

use std::collections::BTreeSet;

use rebalancer_core::fleet::Uid;
use rebalancer_core::port::Mode;

use super::{Invariant, ensure};
use crate::event::{Event, What};
use crate::world::World;

#[derive(Default)]
pub(super) struct NotTwice {
    asked: BTreeSet<(String, Uid)>,
}

impl Invariant for NotTwice {
    fn name(&self) -> &'static str {
        "no pod twice"
    }

    fn see(&mut self, event: &Event<'_>, world: &World) -> Result<(), String> {
        let What::Asked { pod, mode: Mode::Real } = &event.what else { return Ok(()) };
        ensure(self.asked.insert((event.cycle.to_owned(), pod.uid.clone())), || {
            format!("{pod} is asked for again")
        })?;
        let by = world.removed.get(&pod.uid);
        by.map_or(Ok(()), |by| Err(format!("{pod} was removed by {by}")))
    }
}
