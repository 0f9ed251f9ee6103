//! When replacements join the group, and how that is known.

use std::fmt;

use jiff::SignedDuration;

use crate::history::{Constraints, SeenTiming, TimingEvidence};
use crate::policy::{ByTiming, GroupPolicy, Timing};
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
    /// How likely each is, in percent: more than one is reckoned with where earlier rotations came out as others would have.
    pub odds: ByTiming<u8>,
}

impl AssumedTiming {
    /// Only this one is reckoned with.
    #[must_use]
    pub fn only(timing: Timing, because: TimingBasis) -> Self {
        Self { timing, because, odds: ByTiming::each(|each| if each == timing { 100 } else { 0 }) }
    }

    /// Nobody has said it.
    pub(crate) const fn is_to_be_found_out(&self) -> bool {
        !matches!(self.because, TimingBasis::Configured)
    }

    /// It is a guess: nobody has said it, and nothing has shown it.
    pub(crate) const fn is_a_guess(&self) -> bool {
        matches!(self.because, TimingBasis::StartUp { .. } | TimingBasis::Nothing)
    }

    /// Those that are reckoned with, with their shares of 1.
    pub(crate) fn likely(&self) -> impl Iterator<Item = (Timing, f64)> + '_ {
        let all = Timing::ALL.into_iter().map(|timing| (timing, f64::from(*self.odds.of(timing)) / 100.0));
        all.filter(|(_, share)| *share > 0.0)
    }
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
    /// It explains best what came of earlier rotations.
    Explains {
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
            Timing::OneByOne => "removed pods leave and replacements join one by one",
        })?;
        match self.because {
            TimingBasis::Configured => f.write_str(" (configured)"),
            TimingBasis::Seen { rotations: 1 } => f.write_str(" (as after the last rotation)"),
            TimingBasis::Seen { rotations } => write!(f, " (as after the last {rotations} rotations)"),
            TimingBasis::Explains { rotations } => {
                write!(f, " (explains best what came of the last {rotations})")
            }
            TimingBasis::StartUp { median } => {
                write!(f, " (pods take {} to become Ready)", Elapsed(median))
            }
            TimingBasis::Nothing => f.write_str(" (assumed)"),
        }?;
        let others = self.likely().filter(|(timing, _)| *timing != self.timing);
        for (timing, share) in others {
            write!(f, ", {:.0} % {}", share * 100.0, timing.name())?;
        }
        Ok(())
    }
}

/// A member notices that a rebalance has begun at its next heartbeat (`heartbeat.interval.ms`, 3 s by default): who joins
/// before that is still a part of it.
pub(crate) const ONE_REBALANCE: SignedDuration = SignedDuration::from_secs(3);

/// What is assumed about this fleet: what the policy says, what earlier rotations showed, or what pods need to start.
pub(crate) fn assumed(snapshot: &Snapshot, policy: &GroupPolicy, constraints: &Constraints) -> AssumedTiming {
    if let Some(timing) = policy.timing {
        return AssumedTiming::only(timing, TimingBasis::Configured);
    }
    let (timing, because) = at_first(snapshot, constraints.timing);
    match &constraints.evidence {
        Some(evidence) => weighed(timing, because, evidence),
        None => AssumedTiming::only(timing, because),
    }
}

/// Before it is asked what came of earlier rotations.
fn at_first(snapshot: &Snapshot, seen: Option<SeenTiming>) -> (Timing, TimingBasis) {
    match (seen, start_up(snapshot)) {
        (Some(SeenTiming { timing, rotations }), _) => (timing, TimingBasis::Seen { rotations }),
        (None, Some(median)) if median < ONE_REBALANCE => {
            (Timing::AllAtOnce, TimingBasis::StartUp { median })
        }
        (None, Some(median)) => (Timing::LeaveThenJoin, TimingBasis::StartUp { median }),
        (None, None) => (Timing::LeaveThenJoin, TimingBasis::Nothing),
    }
}

/// How much more likely the first assumption is than each of the others, before anything came of it.
const TRUST: f64 = 8.0;

/// What is less likely is not reckoned with, in percent.
const UNLIKELY: f64 = 5.0;

/// By Bayes' rule.
fn weighed(first: Timing, because: TimingBasis, evidence: &TimingEvidence) -> AssumedTiming {
    let most = Timing::ALL.iter().map(|timing| *evidence.logarithms.of(*timing)).fold(f64::MIN, f64::max);
    let weights = ByTiming::each(|timing| {
        let prior = if timing == first { TRUST } else { 1.0 };
        prior * (evidence.logarithms.of(timing) - most).exp()
    });
    let likely = |weights: ByTiming<f64>, least: f64| {
        let sum: f64 = Timing::ALL.iter().map(|timing| weights.of(*timing)).sum();
        ByTiming::each(|timing| {
            let percent = weights.of(timing) / sum * 100.0;
            if percent < least { 0.0 } else { percent }
        })
    };
    let percent = likely(likely(weights, UNLIKELY), 0.0);
    let best = Timing::ALL.into_iter().max_by(|a, b| percent.of(*a).total_cmp(percent.of(*b)));
    let timing = best.unwrap_or(first);
    let because =
        if timing == first { because } else { TimingBasis::Explains { rotations: evidence.rotations } };
    AssumedTiming { timing, because, odds: ByTiming::each(|timing| whole(*percent.of(timing))) }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a percentage fits")]
fn whole(percent: f64) -> u8 {
    percent.clamp(0.0, 100.0).round() as u8
}

/// From a pod's creation to Ready, the median over the fleet. Of a pod whose container was restarted it is not known.
pub(crate) fn start_up(snapshot: &Snapshot) -> Option<SignedDuration> {
    let own = snapshot.pods.iter().filter(|pod| pod.own && pod.pod.is_serving()).map(|pod| &pod.pod);
    let fresh = own.filter(|pod| pod.extras.restarted_at.is_none());
    let took = fresh.filter_map(|pod| Some(pod.ready_since?.duration_since(pod.created_at?)));
    let mut took: Vec<SignedDuration> = took.filter(|took| took.is_positive()).collect();
    took.sort_unstable();
    took.get(took.len() / 2).copied()
}
