//! Disruption budget kept: no cycle asks for more pods than a budget allowed when it looked, or for one whose budget
//! could not be known; and after a removal as many pods serve as each budget keeps.

use rebalancer_core::fleet::DisruptionBudget;
use rebalancer_core::port::Mode;

use super::{ByCycle, Invariant, ensure};
use crate::event::{Event, What};
use crate::world::World;

#[derive(Default)]
pub(super) struct DisruptionBudgets {
    /// As they were shown, and how many pods were asked for since.
    shown: ByCycle<(Vec<DisruptionBudget>, u32)>,
}

impl Invariant for DisruptionBudgets {
    fn name(&self) -> &'static str {
        "disruption budget kept"
    }

    fn see(&mut self, event: &Event<'_>, world: &World) -> Result<(), String> {
        match &event.what {
            What::ShownBudgets { budgets } => {
                self.shown.insert(event.cycle.to_owned(), (budgets.to_vec(), 0));
            }
            What::Asked { mode: Mode::Real, .. } => {
                let Some((budgets, asked)) = self.shown.get_mut(event.cycle) else { return Ok(()) };
                *asked += 1;
                // Here every budget covers every pod.
                let keeps = |budget: &DisruptionBudget| budget.status_is_current && *asked <= budget.allowed;
                return ensure(budgets.len() < 2 && budgets.iter().all(keeps), || {
                    format!("{asked} pods were asked for, shown were {budgets:?}")
                });
            }
            What::Removed { .. } => {
                let serving = world.covered().count();
                let broken = world.budgets.iter().find(|budget| serving < budget.keeps);
                return broken.map_or(Ok(()), |budget| Err(format!("{serving} serve, {budget:?}")));
            }
            What::Crashed { .. } | What::Ended { .. } => drop(self.shown.remove(event.cycle)),
            _ => {}
        }
        Ok(())
    }
}
