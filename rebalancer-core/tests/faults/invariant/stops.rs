//! It stops when asked: no removal is begun once the process was asked to stop, or its time is up by the clock that
//! nobody sets.

use super::{Invariant, ensure};
use crate::event::{Event, What};
use crate::world::World;

pub(super) struct Stops;

impl Invariant for Stops {
    fn name(&self) -> &'static str {
        "it stops when asked"
    }

    fn see(&mut self, event: &Event<'_>, _: &World) -> Result<(), String> {
        let What::Intended { uid, stop } = &event.what else { return Ok(()) };
        ensure(stop.is_none(), || format!("the removal of {uid} is begun in spite of: {stop:?}"))
    }
}
