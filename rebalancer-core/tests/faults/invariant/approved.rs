//! Where somebody must approve, nothing is removed that was not: each pod by its identity, within the proposal's time, and
//! each approval for one cycle only.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::Uid;

use super::{ByCycle, Invariant, ensure};
use crate::event::{Event, What};
use crate::setup::{LOCK_FOR, Setup};
use crate::world::World;

pub(super) struct OnlyApproved {
    required: bool,
    /// How much later than the proposal's end a removal may take effect that was begun in time.
    late: SignedDuration,
    approved: Vec<Granted>,
    used: ByCycle<usize>,
}

struct Granted {
    id: String,
    pods: BTreeSet<Uid>,
    until: Timestamp,
}

impl OnlyApproved {
    pub(super) fn of(setup: &Setup) -> Self {
        let late = LOCK_FOR + setup.clock_error * 2;
        Self { required: setup.approval.is_some(), late, approved: Vec::new(), used: ByCycle::new() }
    }

    /// The approval that this cycle used already, or one that no other has.
    fn by(&self, cycle: &str, uid: &Uid, now: Timestamp) -> Option<usize> {
        let counts = |place: usize| {
            let granted = &self.approved[place];
            granted.pods.contains(uid) && now < granted.until + self.late
        };
        match self.used.get(cycle) {
            Some(place) => Some(*place).filter(|place| counts(*place)),
            None => (0..self.approved.len())
                .rev()
                .find(|place| counts(*place) && !self.used.values().any(|used| used == place)),
        }
    }
}

impl Invariant for OnlyApproved {
    fn name(&self) -> &'static str {
        "nothing without approval"
    }

    fn see(&mut self, event: &Event<'_>, world: &World) -> Result<(), String> {
        match &event.what {
            What::Approves { proposal } => {
                let pods = proposal.plan.pods.iter().map(|pod| pod.uid.clone()).collect();
                if !self.approved.iter().any(|granted| granted.id == proposal.id) {
                    self.approved.push(Granted { id: proposal.id.clone(), pods, until: proposal.until });
                }
            }
            What::Removed { uid, .. } if self.required => {
                let by = self.by(event.cycle, uid, world.now);
                ensure(by.is_some(), || format!("nobody approved that {uid} goes"))?;
                self.used.extend(by.map(|place| (event.cycle.to_owned(), place)));
            }
            _ => {}
        }
        Ok(())
    }
}
