//! The memory of a cycle: opened before it observes, closed however it ends.

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::cycle::{Observation, Outcome};
use rebalancer_core::history::{Rotation, StateError};
use rebalancer_core::policy::Policy;
use rebalancer_core::port::Mode;
use rebalancer_core::remember::{LookBack, Memory, NotBegun};
use rebalancer_core::report::{Decision, Report};
use rebalancer_kube::{Connection, LeaseStore};
use tracing::{info, warn};

use crate::config::Task;

/// What is remembered, and where; nothing when the user wants no memory.
pub(super) struct Remembering {
    store: LeaseStore,
    memory: Option<Memory>,
}

impl Remembering {
    /// Takes the lock, or peeks in a dry run.
    ///
    /// # Errors
    /// When another run holds the lock, or the record can't be used.
    pub(super) async fn open(
        connection: &Connection,
        task: &Task,
        mode: Mode,
        cycle: &str,
    ) -> Result<Self, StateError> {
        let store = LeaseStore::new(connection, &task.subject.workload);
        let memory = match task.patience {
            None => None,
            Some(patience) => {
                let ttl = SignedDuration::try_from(task.lock).unwrap_or(SignedDuration::from_mins(10));
                Some(Memory::open(&store, cycle, mode, ttl, patience, Timestamp::now()).await?)
            }
        };
        Ok(Self { store, memory })
    }

    /// Until when the lock is held, when there is one.
    pub(super) fn locked_until(&self) -> Option<Timestamp> {
        self.memory.as_ref()?.held_until()
    }

    /// No memory at all.
    pub(super) fn nothing(connection: &Connection, task: &Task) -> Self {
        Self { store: LeaseStore::new(connection, &task.subject.workload), memory: None }
    }

    /// The last rotation, with what was predicted and, once it has settled, measured.
    pub(super) fn last_rotation(&self) -> Option<&Rotation> {
        self.memory.as_ref()?.record().rotations().last()
    }

    /// The policy, limited to what the removal budget still allows.
    pub(super) fn limited(&self, policy: &Policy) -> Policy {
        self.memory.as_ref().map_or_else(|| policy.clone(), |memory| memory.limited(policy, Timestamp::now()))
    }

    /// Looks back, and holds the plan when there is a reason to.
    pub(super) fn judge(&mut self, observation: &mut Observation) {
        let Some(memory) = &mut self.memory else { return };
        log(&memory.look_back(observation, Timestamp::now()));
        memory.hold_if_paused(&mut observation.report, Timestamp::now());
    }

    /// Writes the intent down, when there is a plan.
    ///
    /// # Errors
    /// When it was not written for sure.
    pub(super) async fn begin(&mut self, report: &Report) -> Result<(), NotBegun> {
        match (&mut self.memory, &report.decision) {
            (Some(memory), Decision::Rotate(plan)) => {
                memory.begin(&self.store, report, plan, Timestamp::now()).await
            }
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// Writes down how the cycle ended.
    pub(super) async fn close(self, outcome: Option<&Outcome>) {
        let Some(memory) = self.memory else { return };
        if let Err(error) = memory.close(&self.store, outcome, Timestamp::now()).await {
            warn!(
                event = "record_not_written",
                reason = error.name(),
                %error,
                "how the cycle ended was not recorded; the lock frees itself, and the next cycle finishes the story"
            );
        }
    }
}

fn log(look_back: &LookBack) {
    for story in &look_back.stories {
        warn!(event = "story_finished", pod = story.name, uid = %story.uid, earlier_cycle = story.cycle, %story, "an earlier cycle was cut off");
    }
    if let Some(rotation) = &look_back.judged {
        info!(
            event = "rotation_measured",
            earlier_cycle = rotation.cycle,
            indicator = rotation.indicator.name(),
            pods = rotation.pods.len(),
            cv_before = rotation.before.cv.get(),
            predicted_cv = rotation.predicted_cv.map(|cv| cv.get()),
            measured_cv = rotation.effect.measured().map(|after| after.cv.get()),
            effect = rotation.effect.name(),
            "what the last rotation did"
        );
    }
}
