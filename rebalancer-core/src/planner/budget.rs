//! How many pods disruption budgets let go, looked at before anything is decided: an eviction that is refused in the
//! middle of a batch leaves half a rotation.

use crate::eligibility::Veto;
use crate::fleet::DisruptionBudget;
use crate::fleet::Pod;
use crate::report::Hold;
use crate::snapshot::Snapshot;

/// The disruption budgets that cover pods of a snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Headroom<'a> {
    snapshot: &'a Snapshot,
    budgets: &'a [DisruptionBudget],
}

/// What is left of each budget while a batch is put together.
pub(crate) struct Left<'a> {
    headroom: Headroom<'a>,
    allowed: Vec<u32>,
}

impl<'a> Headroom<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, budgets: &snapshot.surroundings.budgets }
    }

    /// The Eviction API refuses a pod with more than one budget.
    pub(crate) fn veto(&self, pod: &Pod) -> Option<Veto> {
        let budgets = self.budgets.iter().filter(|budget| budget.covers(pod)).count();
        (budgets > 1).then_some(Veto::SeveralBudgets { budgets })
    }

    /// All of these pods, by their places in the snapshot, may go together.
    pub(crate) fn fits(&self, pods: impl Iterator<Item = usize>) -> bool {
        let mut left = self.left();
        let mut pods = pods;
        pods.all(|pod| left.take(pod))
    }

    /// As much as there is.
    pub(crate) fn left(&self) -> Left<'a> {
        Left { headroom: *self, allowed: self.budgets.iter().map(allowed).collect() }
    }

    /// The hold for the budget of the workload that allows least; `None` when none covers any of its pods.
    pub(crate) fn tightest(&self) -> Option<Hold> {
        let own = |budget: &&DisruptionBudget| {
            self.snapshot.pods.iter().any(|pod| pod.own && budget.covers(&pod.pod))
        };
        let tightest = self.budgets.iter().filter(own).min_by_key(|budget| allowed(budget))?;
        Some(Hold::BudgetsTooTight {
            budget: tightest.name.clone(),
            allowed: tightest.allowed,
            status_is_current: tightest.status_is_current,
        })
    }
}

impl Left<'_> {
    /// Takes one disruption for this pod, if its budget has one left.
    pub(crate) fn take(&mut self, pod: usize) -> bool {
        let Some(observed) = self.headroom.snapshot.pods.get(pod) else { return false };
        let covering = self.headroom.budgets.iter().position(|budget| budget.covers(&observed.pod));
        let Some(allowed) = covering.and_then(|budget| self.allowed.get_mut(budget)) else { return true };
        let taken = allowed.checked_sub(1);
        *allowed = taken.unwrap_or(0);
        taken.is_some()
    }
}

/// A budget whose status is of an earlier specification allows nothing that is known.
const fn allowed(budget: &DisruptionBudget) -> u32 {
    if budget.status_is_current { budget.allowed } else { 0 }
}

#[cfg(test)]
mod tests;
