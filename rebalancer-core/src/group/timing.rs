//! When replacements join the group, and how that is known.

use std::fmt;

use jiff::SignedDuration;

use crate::history::Constraints;
use crate::policy::{GroupPolicy, Timing};
use crate::snapshot::Snapshot;
use crate::unit::Elapsed;

/// What is assumed about when replacements join, and on what grounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AssumedTiming {
    /// The timing.
    pub timing: Timing,
    /// Why this one.
    pub because: TimingBasis,
}

/// On what grounds a timing is assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "basis")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TimingBasis {
    /// The policy says so.
    Configured,
    /// So it was after earlier rotations, as Kafka showed.
    Seen {
        /// How many of the last ones.
        rotations: usize,
    },
    /// By how long the fleet's pods took from creation to Ready.
    StartUp {
        /// The median.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        median: SignedDuration,
    },
    /// Nothing is known of it.
    Nothing,
}

impl fmt::Display for AssumedTiming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.timing {
            Timing::LeaveThenJoin => "replacements join after the removed pods have left",
            Timing::AllAtOnce => "removed pods leave and replacements join in one rebalance",
        })?;
        match self.because {
            TimingBasis::Configured => f.write_str(" (configured)"),
            TimingBasis::Seen { rotations: 1 } => f.write_str(" (as after the last rotation)"),
            TimingBasis::Seen { rotations } => write!(f, " (as after the last {rotations} rotations)"),
            TimingBasis::StartUp { median } => {
                write!(f, " (pods take {} to become Ready)", Elapsed(median))
            }
            TimingBasis::Nothing => f.write_str(" (assumed)"),
        }
    }
}

/// A member notices that a rebalance has begun at its next heartbeat (`heartbeat.interval.ms`, 3 s by default): who joins
/// before that is still a part of it.
const ONE_REBALANCE: SignedDuration = SignedDuration::from_secs(3);

/// What is assumed about this fleet: what the policy says, what earlier rotations showed, or what pods need to start.
pub(crate) fn assumed(snapshot: &Snapshot, policy: &GroupPolicy, constraints: &Constraints) -> AssumedTiming {
    if let Some(timing) = policy.timing {
        return AssumedTiming { timing, because: TimingBasis::Configured };
    }
    if let Some(seen) = constraints.timing {
        return AssumedTiming {
            timing: seen.timing,
            because: TimingBasis::Seen { rotations: seen.rotations },
        };
    }
    match start_up(snapshot) {
        Some(median) => {
            let timing = if median < ONE_REBALANCE { Timing::AllAtOnce } else { Timing::LeaveThenJoin };
            AssumedTiming { timing, because: TimingBasis::StartUp { median } }
        }
        None => AssumedTiming { timing: Timing::LeaveThenJoin, because: TimingBasis::Nothing },
    }
}

/// From a pod's creation to Ready, the median over the fleet. Of a pod whose container was restarted it is not known.
fn start_up(snapshot: &Snapshot) -> Option<SignedDuration> {
    let own = snapshot.pods.iter().filter(|pod| pod.own && pod.pod.is_serving()).map(|pod| &pod.pod);
    let fresh = own.filter(|pod| pod.restarted_at.is_none());
    let took = fresh.filter_map(|pod| Some(pod.ready_since?.duration_since(pod.created_at?)));
    let mut took: Vec<SignedDuration> = took.filter(|took| took.is_positive()).collect();
    took.sort_unstable();
    took.get(took.len() / 2).copied()
}
