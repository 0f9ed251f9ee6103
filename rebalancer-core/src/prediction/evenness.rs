//! How even loads are.

/// A fall that is smaller than this share of what it was is rounding.
const ROUNDING: f64 = 1e-9;

/// How even loads are.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Evenness {
    /// Coefficient of variation.
    pub(crate) cv: f64,
    pub(crate) max_to_mean: f64,
    /// Sum of what is above the limits.
    pub(crate) excess: f64,
}

impl Evenness {
    pub(crate) fn of(loads: &[f64], limits: &[f64]) -> Self {
        let count = loads.len() as f64;
        let mean = loads.iter().sum::<f64>() / count;
        if loads.is_empty() || mean <= 0.0 {
            return Self { cv: 0.0, max_to_mean: 1.0, excess: 0.0 };
        }
        let variance = loads.iter().map(|load| (load - mean).powi(2)).sum::<f64>() / count;
        let max = loads.iter().copied().fold(0.0, f64::max);
        let excess = loads.iter().zip(limits).map(|(load, limit)| (load - limit).max(0.0)).sum();
        Self { cv: variance.sqrt() / mean, max_to_mean: max / mean, excess }
    }

    /// The coefficient of variation is lower, by more than sums differ by their order.
    pub(crate) fn is_more_even_than(&self, other: &Self) -> bool {
        self.cv < other.cv * (1.0 - ROUNDING) - f64::EPSILON
    }

    /// Less is above the limits, by more than rounding.
    pub(crate) fn is_cooler_than(&self, other: &Self) -> bool {
        self.excess < other.excess * (1.0 - ROUNDING)
    }
}
