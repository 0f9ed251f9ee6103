//! Over which time a load is forecast.

use jiff::SignedDuration;

/// From 30 minutes to a day: within this time a rotation must pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "SignedDuration", into = "SignedDuration")
)]
pub struct ForecastHorizon(SignedDuration);

/// Not from 30 minutes to a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a horizon is from 30 minutes to 24 hours")]
pub struct NotAHorizon;

impl ForecastHorizon {
    /// The shortest.
    pub const LEAST: SignedDuration = SignedDuration::from_mins(30);
    /// The longest.
    pub const MOST: SignedDuration = SignedDuration::from_hours(24);

    /// Checks it.
    ///
    /// # Errors
    /// When it is shorter or longer.
    pub fn new(horizon: SignedDuration) -> Result<Self, NotAHorizon> {
        let within = (Self::LEAST..=Self::MOST).contains(&horizon);
        within.then_some(Self(horizon)).ok_or(NotAHorizon)
    }

    /// The time itself.
    #[must_use]
    pub const fn get(self) -> SignedDuration {
        self.0
    }
}

impl TryFrom<SignedDuration> for ForecastHorizon {
    type Error = NotAHorizon;

    fn try_from(horizon: SignedDuration) -> Result<Self, NotAHorizon> {
        Self::new(horizon)
    }
}

impl From<ForecastHorizon> for SignedDuration {
    fn from(horizon: ForecastHorizon) -> Self {
        horizon.0
    }
}
