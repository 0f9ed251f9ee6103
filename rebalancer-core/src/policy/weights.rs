//! How much each indicator counts when several of them rank the pods.

use std::collections::BTreeMap;

use crate::fleet::Indicator;
use crate::unit::Weight;

/// The weight of each indicator in a pod's score; 1 unless set otherwise.
///
/// An indicator of weight 0 ranks no pod. It may still say that the fleet is out of balance, and keep a pod that is hot by
/// it from being removed as a cold one.
///
/// ```
/// use rebalancer_core::{fleet::Indicator, policy::Weights, unit::Weight};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let weights = Weights::new([(Indicator::Lag, Weight::new(0.5)?)].into())?;
/// assert_eq!(weights.of(Indicator::Lag).get(), 0.5);
/// assert_eq!(weights.of(Indicator::Cpu).get(), 1.0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "BTreeMap<Indicator, Weight>", try_from = "BTreeMap<Indicator, Weight>")
)]
pub struct Weights(BTreeMap<Indicator, Weight>);

/// Every indicator has the weight zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at least one indicator needs a weight above zero")]
pub struct NoWeight;

impl Weights {
    /// Checks the weights; an indicator without an entry has weight 1.
    ///
    /// # Errors
    /// When no indicator is left to rank pods by.
    pub fn new(given: BTreeMap<Indicator, Weight>) -> Result<Self, NoWeight> {
        let weights = Self(given);
        let counts = |&indicator: &Indicator| weights.of(indicator).get() > 0.0;
        if Indicator::ALL.iter().any(counts) { Ok(weights) } else { Err(NoWeight) }
    }

    /// The weight of one indicator.
    #[must_use]
    pub fn of(&self, indicator: Indicator) -> Weight {
        self.0.get(&indicator).copied().unwrap_or(Weight::ONE)
    }
}

impl From<Weights> for BTreeMap<Indicator, Weight> {
    fn from(weights: Weights) -> Self {
        weights.0
    }
}

impl TryFrom<BTreeMap<Indicator, Weight>> for Weights {
    type Error = NoWeight;

    fn try_from(given: BTreeMap<Indicator, Weight>) -> Result<Self, NoWeight> {
        Self::new(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_but(indicator: Indicator, weight: f64) -> Result<Weights, NoWeight> {
        let others = Indicator::ALL.into_iter().filter(|other| *other != indicator);
        Weights::new(others.map(|other| (other, Weight::new(weight).unwrap())).collect())
    }

    #[test]
    fn an_indicator_without_an_entry_has_weight_1() {
        let weights = all_but(Indicator::Memory, 0.0).unwrap();
        assert_eq!(weights.of(Indicator::Memory), Weight::ONE);
        assert_eq!(weights.of(Indicator::Cpu), Weight::new(0.0).unwrap());
        assert!(Indicator::ALL.iter().all(|&indicator| Weights::default().of(indicator) == Weight::ONE));
    }

    #[test]
    fn not_all_weights_may_be_zero() {
        let none = Indicator::ALL.map(|indicator| (indicator, Weight::new(0.0).unwrap()));
        assert_eq!(Weights::new(none.into()), Err(NoWeight));
        assert!(all_but(Indicator::Lag, 0.0).is_ok());
    }

    #[test]
    fn what_is_no_number_is_no_weight() {
        for bad in [f64::NAN, f64::INFINITY, -1.0] {
            assert!(Weight::new(bad).is_err(), "{bad}");
        }
    }
}
