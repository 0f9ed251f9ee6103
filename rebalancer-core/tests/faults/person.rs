//! The person who is asked: answers, or does not; by the record or by an annotation; also what was not asked.

use jiff::SignedDuration;
use rand::RngExt as _;
use rebalancer_core::history::{
    APPROVE_ANNOTATION, Acquired, Answer, AnswerWay, Answered, Proposal, REJECT_ANNOTATION, StateStore as _,
};

use crate::event::{Event, What};
use crate::poll::ready;
use crate::sim::Sim;

const NAME: &str = "person";

pub(crate) fn answers(sim: &mut Sim) {
    if sim.setup.approval.is_none() || sim.random.random_bool(0.4) {
        return;
    }
    let Some(open) = sim.stored().proposal().cloned() else { return };
    match sim.random.random_range(0..20) {
        0..7 => by_command(sim, &open, Answer::Approve),
        7..14 => by_annotation(sim, APPROVE_ANNOTATION, &open.id, Some(&open)),
        14 => by_command(sim, &open, Answer::Reject),
        15 => by_annotation(sim, REJECT_ANNOTATION, &open.id, None),
        16 => by_annotation(sim, APPROVE_ANNOTATION, "true", None),
        _ => by_annotation(sim, APPROVE_ANNOTATION, &format!("{}0", open.id), None),
    }
}

fn by_command(sim: &mut Sim, open: &Proposal, answer: Answer) {
    let now = sim.world.now;
    let Ok(Acquired { mut record, token }) =
        ready(sim.store.acquire(now, NAME, SignedDuration::from_secs(60)))
    else {
        return;
    };
    let by = Answered::new(Some(NAME), AnswerWay::Command, now);
    let taken = record.answer(&open.id, answer, by, now).is_ok();
    if taken && answer == Answer::Approve {
        sim.tally.add("approved: by command");
        sim.tell(&Event { cycle: NAME, what: What::Approves { proposal: open } });
    }
    ready(sim.store.release(now, token, &record)).unwrap();
}

fn by_annotation(sim: &mut Sim, key: &str, id: &str, approves: Option<&Proposal>) {
    sim.world.workload.annotations.insert(key.to_owned(), id.to_owned());
    if let Some(proposal) = approves {
        sim.tally.add("approved: by annotation");
        sim.tell(&Event { cycle: NAME, what: What::Approves { proposal } });
    }
}
