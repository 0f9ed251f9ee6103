//! What happens, as the invariants see it: always the truth, whatever a port makes of it.

use std::fmt;

use jiff::Timestamp;
use rebalancer_core::cycle::CycleEnd;
use rebalancer_core::fleet::PodRef;
use rebalancer_core::fleet::{Controller, DisruptionBudget};
use rebalancer_core::fleet::{Hpa, Pod, Uid};
use rebalancer_core::history::{Proposal, Record};
use rebalancer_core::port::{Interruption, Mode, RemovalError};

/// Something happened in or to the cycle of this name.
pub(crate) struct Event<'a> {
    pub(crate) cycle: &'a str,
    pub(crate) what: What<'a>,
}

pub(crate) enum What<'a> {
    Started {
        mode: Mode,
    },
    /// It asked for loads at this time by its own clock, with which it decides.
    Measured {
        at: Timestamp,
    },
    /// All pods, as they are at this moment; the answer may arrive later.
    Listed {
        pods: &'a [Pod],
    },
    /// It knows the fleet by watches, as it was at this time.
    Known {
        at: Timestamp,
    },
    /// Pods of other revisions than the one that was asked about, as they are at this moment.
    Unlike {
        pods: &'a [Pod],
    },
    /// One pod, as it is at this moment.
    Read {
        name: &'a str,
        pod: Option<&'a Pod>,
    },
    ShownController {
        controller: &'a Controller,
    },
    ShownAutoscalers {
        hpas: &'a [Hpa],
    },
    ShownBudgets {
        budgets: &'a [DisruptionBudget],
    },
    /// It has the lock; `from` is the run that it was taken from, `stored` the record.
    Locked {
        from: Option<&'a str>,
        stored: &'a Record,
    },
    /// The record is written, and the lock is freed or kept.
    Wrote {
        record: &'a Record,
        freed: bool,
    },
    /// The journal was told of this removal, and whether there is a reason to stop.
    Intended {
        uid: &'a Uid,
        stop: Option<Interruption>,
    },
    /// The API server got this request.
    Asked {
        pod: &'a PodRef,
        mode: Mode,
    },
    /// A pod is on its way out because of the request. `stored` is the record of this moment.
    Removed {
        uid: &'a Uid,
        stored: &'a Record,
    },
    /// What the cycle is told.
    Answered {
        pod: &'a PodRef,
        answer: &'a Result<(), RemovalError>,
    },
    /// Somebody approves this proposal.
    Approves {
        proposal: &'a Proposal,
    },
    Crashed {
        at: &'static str,
    },
    Ended {
        end: &'a CycleEnd,
    },
    /// From now on nothing goes wrong any more.
    Calm,
    /// The episode is over.
    Over {
        stored: &'a Record,
    },
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.cycle)?;
        match &self.what {
            What::Started { mode } => write!(f, "starts, {mode:?}"),
            What::Measured { at } => write!(f, "reads loads at {at:.3}"),
            What::Listed { pods } => {
                let serving = pods.iter().filter(|pod| pod.is_serving()).count();
                write!(f, "lists {} pods, {serving} serve", pods.len())
            }
            What::Known { at } => write!(f, "knows the fleet as of {at:.3}"),
            What::Unlike { pods } => write!(f, "finds {} pods of other revisions", pods.len()),
            What::Read { name, pod } => {
                let uid = pod.map_or_else(|| "none".to_owned(), |pod| pod.uid.to_string());
                write!(f, "reads {name} again: {uid}, serving: {}", pod.is_some_and(Pod::is_serving))
            }
            What::ShownController { controller } => {
                write!(f, "controller shows {:?}, {:?}", controller.progress, controller.annotations)
            }
            What::ShownAutoscalers { hpas } => write!(f, "{} autoscalers", hpas.len()),
            What::ShownBudgets { budgets } => {
                write!(
                    f,
                    "budgets allow {:?}",
                    budgets.iter().map(|budget| budget.allowed).collect::<Vec<_>>()
                )
            }
            What::Locked { from, .. } => write!(f, "has the lock, taken from {from:?}"),
            What::Wrote { record, freed } => write!(
                f,
                "wrote {} rotations, {} open, {:?}, freed: {freed}",
                record.rotations().len(),
                record.unfinished().count(),
                record.breaker()
            ),
            What::Intended { uid, .. } => write!(f, "intends {uid}"),
            What::Asked { pod, mode } => write!(f, "asks for {pod}, {mode:?}"),
            What::Removed { uid, .. } => write!(f, "REMOVED {uid}"),
            What::Answered { pod, answer } => write!(f, "is told of {}: {answer:?}", pod.name),
            What::Approves { proposal } => {
                write!(f, "approves {} of {} pods", proposal.id, proposal.plan.pods.len())
            }
            What::Crashed { at } => write!(f, "CRASHED {at}"),
            What::Ended { end } => match &end.outcome {
                Ok(outcome) => write!(f, "ended {}, unwritten: {:?}", outcome.status(), end.unwritten),
                Err(failed) => write!(f, "ended, {failed}, unwritten: {:?}", end.unwritten),
            },
            What::Calm => f.write_str("nothing goes wrong any more"),
            What::Over { .. } => f.write_str("over"),
        }
    }
}
