//! What the API server does when it is asked to remove a pod.

use jiff::SignedDuration;
use rebalancer_core::fleet::PodRef;
use rebalancer_core::fleet::{Pod, Uid};
use rebalancer_core::port::{Mode, RemovalError};

use super::{Budget, World};

impl World {
    /// The Eviction API: the UID is a precondition, and budgets are kept. Gives the pod that it hit.
    pub(crate) fn evict(&mut self, pod: &PodRef, cycle: &str, mode: Mode) -> Result<Uid, RemovalError> {
        let found = self.pods.get(&pod.name).ok_or(RemovalError::Gone)?;
        if found.pod.uid != pod.uid {
            return Err(RemovalError::Replaced);
        }
        let covering: Vec<&Budget> =
            self.budgets.iter().filter(|_| found.pod.labels.contains_key("app")).collect();
        match covering.as_slice() {
            [] => {}
            [budget] if budget.status_is_current && self.allowed(budget) > 0 => {}
            [budget] => return Err(RemovalError::Blocked { message: budget.name.clone() }),
            _ => return Err(RemovalError::Rejected { message: "more than one budget".to_owned() }),
        }
        self.delete(pod, cycle, mode)
    }

    /// A plain deletion, which no budget stops.
    pub(crate) fn delete(&mut self, pod: &PodRef, cycle: &str, mode: Mode) -> Result<Uid, RemovalError> {
        let uid = self.pods.get(&pod.name).map(|life| life.pod.uid.clone()).ok_or(RemovalError::Gone)?;
        if mode == Mode::Real {
            self.end(&pod.name, SignedDuration::from_secs(15));
            self.removed.entry(uid.clone()).or_insert_with(|| cycle.to_owned());
        }
        Ok(uid)
    }

    /// How many disruptions a budget allows now: it counts every pod with the label.
    pub(crate) fn allowed(&self, budget: &Budget) -> usize {
        self.covered().count().saturating_sub(budget.keeps)
    }

    /// Serving pods that budgets count.
    pub(crate) fn covered(&self) -> impl Iterator<Item = &Pod> {
        self.pods
            .values()
            .map(|life| &life.pod)
            .filter(|pod| pod.is_serving() && pod.labels.contains_key("app"))
    }
}
