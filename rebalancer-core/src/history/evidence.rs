//! What came of earlier rotations says when replacements join: the timing whose prediction was kept.

use super::outcome::Came;
use super::{Promised, Record, Rotation};
use crate::policy::ByTiming;
use crate::unit::Ratio;

/// How well each timing explains what came of earlier rotations.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TimingEvidence {
    /// How many rotations there are to explain.
    pub rotations: usize,
    /// Natural logarithm of the likelihood of what was measured; 0 is a perfect explanation.
    pub logarithms: ByTiming<f64>,
}

/// So much less the rotation before the last one counts than the last, and so on: fleets change.
const FADING: f64 = 0.8;

/// No rotation says more against a timing: something else may have happened.
const MOST_AGAINST: f64 = 4.0;

impl Record {
    /// What the rotations say whose predictions and outcomes are both known.
    #[must_use]
    pub fn evidence(&self) -> Option<TimingEvidence> {
        let known = self.rotations.iter().rev().filter_map(logarithms);
        let faded = std::iter::successors(Some(1.0), |weight| Some(weight * FADING));
        let mut evidence = TimingEvidence { rotations: 0, logarithms: ByTiming::default() };
        for (one, weight) in known.zip(faded) {
            evidence.rotations += 1;
            evidence.logarithms =
                ByTiming::each(|timing| evidence.logarithms.of(timing) + one.of(timing) * weight);
        }
        (evidence.rotations > 0).then_some(evidence)
    }
}

/// By Laplace's distribution, whose tails are those of things that go wrong.
fn logarithms(rotation: &Rotation) -> Option<ByTiming<f64>> {
    let Came { promised, measured, noise, .. } = Came::of(rotation)?;
    let promised = promised?;
    (noise > 0.0).then(|| ByTiming::each(|timing| logarithm(*promised.of(timing), measured, noise)))
}

/// A promise that is wide is kept more easily, and worth less.
fn logarithm(promised: Promised, measured: Ratio, noise: f64) -> f64 {
    let scale = noise + promised.spread.get();
    let off = (promised.cv.get() - measured.get()).abs() / scale;
    -(off + (scale / noise).ln()).min(MOST_AGAINST)
}
