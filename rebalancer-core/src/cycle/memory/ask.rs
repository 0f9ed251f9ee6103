//! Asks somebody before anything is removed, where that is required.

use jiff::Timestamp;

use super::Memory;
use crate::cycle::NotBegun;
use crate::cycle::asked::Asked;
use crate::fleet::{Controller, Owner};
use crate::history::{
    APPROVE_ANNOTATION, Answer, AnswerWay, Answered, ApprovalLimits, Approved, Basis, Consent, Gain,
    Proposal, ProposedPlan, ProposedPod, REJECT_ANNOTATION, StateStore, Unanswerable,
};
use crate::report::{Expectation, Plan};
use crate::snapshot::Snapshot;
use crate::unit::PercentChange;

impl Memory {
    /// Whether this plan may be carried out; `Ok(Err(_))` says why not, and what was done about it. A new proposal is stored
    /// before anybody is told of it; a dry run stores none.
    ///
    /// # Errors
    /// When a proposal is not known to be stored.
    pub async fn ask(
        &mut self,
        store: &dyn StateStore,
        snapshot: &Snapshot,
        plan: &Plan,
        limits: &ApprovalLimits,
        now: Timestamp,
    ) -> Result<Result<Approved, Asked>, NotBegun> {
        let workload = owner(snapshot);
        self.take_annotations(workload.and_then(|owner| annotated(snapshot, owner)), now);
        let wanted = proposed(workload, plan);
        let because = match self.record.consent(&wanted, now, limits) {
            Consent::Granted(approved) => return Ok(Ok(approved)),
            Consent::Waiting(proposal) => return Ok(Err(Asked::Waiting(proposal))),
            Consent::Refused(rejected) => return Ok(Err(Asked::Rejected(rejected))),
            Consent::Unasked(because) => because,
        };
        let proposal = Proposal::new(&self.cycle, now, wanted, limits).map_err(NotBegun::Unrecordable)?;
        if let Some(token) = &mut self.token {
            let before = self.record.clone();
            self.record.propose(proposal.clone());
            if let Err(error) = store.save(now, token, &self.record).await {
                self.record = before;
                return Err(NotBegun::State(error));
            }
        }
        Ok(Err(Asked::Proposed { proposal, because }))
    }

    /// Puts somebody's answer to a proposal in, outside of a cycle.
    ///
    /// # Errors
    /// When no such proposal waits for it.
    pub fn answer(
        &mut self,
        id: &str,
        answer: Answer,
        by: Answered,
        now: Timestamp,
    ) -> Result<(), Unanswerable> {
        self.record.answer(id, answer, by, now)
    }

    /// Takes an answer that stands on the workload. One to another proposal than the open one is none, and where both stand
    /// there, it is a rejection.
    fn take_annotations(&mut self, workload: Option<&Controller>, now: Timestamp) {
        let (Some(workload), Some(open)) = (workload, self.record.proposal()) else { return };
        let (id, is_approved) = (open.id.clone(), open.approved.is_some());
        let says = |key: &str| workload.annotations.get(key).is_some_and(|value| value.trim() == id);
        let (answer, key) = if says(REJECT_ANNOTATION) {
            (Answer::Reject, REJECT_ANNOTATION)
        } else if says(APPROVE_ANNOTATION) && !is_approved {
            (Answer::Approve, APPROVE_ANNOTATION)
        } else {
            return;
        };
        let mark = workload.marks.iter().find(|mark| mark.annotation == key);
        let by = mark.map(|mark| mark.manager.as_str());
        let at = mark.and_then(|mark| mark.at).unwrap_or(now);
        // It is the open one, so only its time can be over; then a new one is made.
        let _ = self.record.answer(&id, answer, Answered::new(by, AnswerWay::Annotation, at), now);
    }
}

/// The object of the workload's name that owns its pods, as they name it.
fn owner(snapshot: &Snapshot) -> Option<&Owner> {
    let pods = snapshot.pods.iter().map(|observed| &observed.pod);
    match snapshot.surroundings.ownership.tops(pods, &snapshot.workload.name).as_slice() {
        [only] => Some(*only),
        [] | [_, _, ..] => None,
    }
}

/// That object, where its annotations could be read. One that merely has the name gives no reason to act.
fn annotated<'a>(snapshot: &'a Snapshot, owner: &Owner) -> Option<&'a Controller> {
    let ownership = &snapshot.surroundings.ownership;
    ownership.object(owner).filter(|object| !ownership.is_by_scale(object))
}

/// A plan as somebody is asked about it.
fn proposed(workload: Option<&Owner>, plan: &Plan) -> ProposedPlan {
    let pod = |removal: &crate::report::Removal| ProposedPod {
        name: removal.pod.name.clone(),
        uid: removal.pod.uid.clone(),
        role: removal.choice.role(),
    };
    let expected = match &plan.expectation {
        Expectation::EvenMixing(improvement) => {
            Gain::new(Basis::EvenMixing, improvement.percent, PercentChange::NONE)
        }
        Expectation::Predicted(prediction) => {
            let percent = PercentChange::new(prediction.improvement_percent()).ok();
            Gain::new(Basis::Predicted, percent, prediction.relief_percent)
        }
    };
    ProposedPlan {
        workload: workload.map(|owner| owner.uid.clone()),
        indicator: plan.indicator,
        pods: plan.removals.iter().map(pod).collect(),
        pace: plan.pace(),
        expected,
    }
}
