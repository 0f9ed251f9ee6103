//! Replacements in a group whose coordinator assigns (KIP-848).

use rand::Rng as _;

use super::World;
use crate::prediction::{Course, Step};

impl World {
    /// As the coordinator assigns: any of the courses that it may take.
    pub(super) fn replace_in_steps(&mut self, leavers: &[String], course: Course) {
        let draw = self.random.next_u64();
        for step in course.steps(0..leavers.len(), draw) {
            match step {
                Step::Leave(place) => {
                    leavers.get(place).into_iter().for_each(|name| self.consumers.leave(name));
                }
                Step::Join(_) => drop(self.start_pod()),
                Step::Rebalance => self.consumers.rebalance(),
                Step::JoinAndRebalance(_) => {
                    let newest = self.start_pod();
                    self.consumers.is_newest(&newest);
                    self.consumers.rebalance();
                }
            }
        }
    }
}
