//! Whether predictions are kept: the falls of the CV that rotations promised, beside those that came.

use super::outcome::Came;
use super::{Record, Rotation, Trip};
use crate::unit::Ratio;

/// So many of the last rotations count.
const LAST: usize = 8;

/// Fewer rotations prove nothing.
const ENOUGH: usize = 3;

/// At least this share of what is promised has to come.
const LEAST_KEPT: f64 = 0.5;

/// What one rotation promised and kept, in CV.
#[derive(Debug, Clone, Copy)]
struct Promise {
    before: f64,
    promised: f64,
    kept: f64,
    noise: f64,
}

impl Promise {
    /// `None` while it isn't measured, and when no fall was promised: some rotations are made to relieve the hottest pods.
    fn of(rotation: &Rotation) -> Option<Self> {
        let Came { before, predicted, measured, noise, .. } = Came::of(rotation)?;
        let [before, predicted, measured] = [before, predicted?, measured].map(Ratio::get);
        let promise = Self { before, promised: before - predicted, kept: before - measured, noise };
        (promise.promised > 0.0).then_some(promise)
    }

    fn is_kept(&self) -> bool {
        self.kept >= self.promised * LEAST_KEPT - self.noise
    }

    /// How far it was off, as a share of the CV before.
    fn error(&self) -> f64 {
        if self.before > 0.0 { (self.promised - self.kept).abs() / self.before } else { 0.0 }
    }
}

impl Record {
    fn promises(&self) -> impl Iterator<Item = Promise> + '_ {
        let since = self.trusted_since;
        let trusted =
            self.rotations.iter().rev().filter(move |one| since.is_none_or(|since| one.at >= since));
        trusted.filter_map(Promise::of).take(LAST)
    }

    /// By how much the predicted CV was off in the last rotations, as a share of the CV before: the root of the mean square.
    /// `None` before any was measured.
    #[must_use]
    pub fn prediction_error(&self) -> Option<Ratio> {
        let count = self.promises().count();
        let squares: f64 = self.promises().map(|promise| promise.error().powi(2)).sum();
        (count > 0).then(|| Ratio::new((squares / count as f64).sqrt()).ok()).flatten()
    }

    /// Less than half of what was promised has come, by more than noise can explain.
    pub(super) fn broken_promises(&self) -> Option<Trip> {
        let rotations = self.promises().count();
        let sum = |of: fn(&Promise) -> f64| self.promises().map(|promise| of(&promise)).sum::<f64>();
        let (promised, kept) = (sum(|one| one.promised), sum(|one| one.kept));
        let noise = sum(|one| one.noise.powi(2)).sqrt();
        let broken = rotations >= ENOUGH && kept < promised * LEAST_KEPT - noise;
        broken.then(|| Trip::UnreliablePrediction {
            rotations: u32::try_from(rotations).unwrap_or(u32::MAX),
            kept_percent: percent(kept / promised),
        })
    }

    /// The last rotation did not keep its own promise.
    pub(super) fn last_is_broken(&self) -> bool {
        self.rotations.last().and_then(Promise::of).is_some_and(|promise| !promise.is_kept())
    }
}

#[allow(clippy::cast_possible_truncation, reason = "it is bounded")]
fn percent(share: f64) -> i32 {
    (share * 100.0).clamp(-9_999.0, 100.0).round() as i32
}
