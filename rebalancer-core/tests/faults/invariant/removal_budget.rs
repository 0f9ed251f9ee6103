//! Removal budget kept: in no time window of the budget's length are more pods removed than it allows, by true time.
//!
//! A removal is remembered by the clock of the process that made it, and forgotten by that of another. So a window is
//! taken shorter by what the two may differ; without clock steps it is exact.

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::history::Budget;

use super::{Invariant, ensure};
use crate::event::{Event, What};
use crate::setup::Setup;
use crate::world::World;

pub(super) struct RemovalBudget {
    budget: Option<Budget>,
    slack: SignedDuration,
    removals: Vec<Timestamp>,
}

impl RemovalBudget {
    pub(super) fn of(setup: &Setup) -> Self {
        Self { budget: setup.budget(), slack: setup.clock_error * 2, removals: Vec::new() }
    }
}

impl Invariant for RemovalBudget {
    fn name(&self) -> &'static str {
        "removal budget kept"
    }

    fn see(&mut self, event: &Event<'_>, world: &World) -> Result<(), String> {
        let (What::Removed { .. }, Some(budget)) = (&event.what, self.budget) else { return Ok(()) };
        self.removals.push(world.now);
        let from = world.now - (budget.window() - self.slack);
        self.removals.retain(|at| *at > from);
        let removed = self.removals.len() as u64;
        ensure(removed <= budget.pods(), || {
            format!("{removed} removals since {from:.3}, {} are allowed", budget.pods())
        })
    }
}
