//! What a rotation has to bring.

use crate::unit::Percent;

/// The whole minimum is asked of a rotation of this share of the fleet; of a smaller one, less in proportion.
const WHOLE: f64 = 0.4;

/// How far the coefficient of variation has to fall.
#[derive(Debug, Clone, Copy)]
pub(super) struct Minimum {
    /// In a rotation of many pods.
    pub(super) percent: Percent,
    /// Pods that serve.
    pub(super) serving: usize,
}

impl Minimum {
    /// By how many percent, in a rotation of so many pods.
    pub(super) fn of_rotation(self, pods: usize) -> f64 {
        let share = pods as f64 / self.serving.max(1) as f64;
        self.percent.get() * (share / WHOLE).min(1.0)
    }
}
