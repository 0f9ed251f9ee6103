//! Replacements in a group whose coordinator assigns (KIP-848).

use rand::Rng as _;

use super::{Leaver, World};
use crate::prediction::{Course, Step};

impl World {
    /// As the coordinator assigns: any of the courses that it may take.
    pub(super) fn replace_in_steps(&mut self, leavers: &[Leaver], course: Course) {
        let draw = self.random.next_u64();
        let node = |place: usize| leavers.get(place).map(|leaver| leaver.node);
        for step in course.steps(0..leavers.len(), draw) {
            match step {
                Step::Leave(place) => {
                    leavers.get(place).into_iter().for_each(|leaver| self.consumers.leave(&leaver.name));
                }
                Step::Join(place) => drop(self.start_pod(node(place))),
                Step::Rebalance => self.consumers.rebalance(),
                Step::JoinAndRebalance(place) => {
                    let newest = self.start_pod(node(place));
                    self.consumers.is_newest(&newest);
                    self.consumers.rebalance();
                }
            }
        }
    }
}
