//! What a cycle reports while it runs, and the audit trail.

use jiff::SignedDuration;

use super::{Asked, LookBack, Observation, PodOutcome, Watched};
use crate::fleet::Workload;
use crate::history::{Approved, Imbalance};
use crate::port::Mode;
use crate::report::Removal;

/// A removal in the audit trail: who does what to which pod, and why.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Intent<'a> {
    /// The cycle's id.
    pub cycle: &'a str,
    /// The workload.
    pub workload: &'a Workload,
    /// The account that requests it, as the API server knows it.
    pub actor: Option<&'a str>,
    /// Who approved it; `None` where nobody has to.
    pub approval: Option<&'a Approved>,
    /// Which pod, and why.
    pub removal: &'a Removal,
    /// Real or dry run.
    pub mode: Mode,
}

/// Work that a cycle does by itself, between what it asks of the world. It never waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Decides.
    Plan,
    /// Checks a plan against the safety rules.
    Audit,
}

/// Learns what a cycle does while it runs, and keeps the audit trail: an intent before each call, an outcome
/// after it.
pub trait Journal: Send + Sync {
    /// This step begins. The core has no clock of its own for how long it takes.
    fn began(&self, _step: Step) {}
    /// The step that began last is done.
    fn ended(&self, _step: Step) {}
    /// What memory shows of earlier cycles.
    fn looked_back(&self, _look_back: &LookBack) {}
    /// What was seen and decided, before anything is done.
    fn decided(&self, _observation: &Observation) {}
    /// The plan is not carried out: somebody has to approve it.
    fn asked(&self, _observation: &Observation, _mode: Mode, _asked: &Asked) {}
    /// The plan was approved, and is about to be carried out; not in a dry run.
    fn approved(&self, _observation: &Observation, _approved: &Approved) {}
    /// What the consumer group did after the removals.
    fn watched(&self, _observation: &Observation, _watched: &Watched) {}
    /// In the middle of a batch: what was removed so far has its replacements, the group came to rest so long after the
    /// removal, and what pods carry is so uneven now. The next removal follows.
    fn replaced(&self, _after: SignedDuration, _carried: Imbalance) {}
    /// About to request this removal.
    fn intended(&self, intent: &Intent<'_>);
    /// What became of it. Also called for removals that were not requested after all.
    fn finished(&self, intent: &Intent<'_>, outcome: &PodOutcome);
}
