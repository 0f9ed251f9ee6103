//! Checked quantities. A value that exists is finite and not negative, so the rest of the core never
//! meets NaN, infinity or a negative load.

use std::fmt;

mod shown;

pub use shown::{Elapsed, Memory};

/// A number that is no quantity: NaN, infinite, negative, or outside the accepted range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{given} is not {accepted}")]
pub struct NotAQuantity {
    /// The number that was given.
    pub given: f64,
    /// What would have been accepted, in words.
    pub accepted: &'static str,
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $accepted:literal, |$value:ident| $valid:expr, $format:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
        #[cfg_attr(
            feature = "serde",
            derive(serde::Serialize, serde::Deserialize),
            serde(into = "f64", try_from = "f64")
        )]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name(f64);

        impl $name {
            /// Checks the number.
            ///
            /// # Errors
            /// When it is not what the type stands for; NaN and infinity never are.
            pub fn new($value: f64) -> Result<Self, NotAQuantity> {
                if $value.is_finite() && $valid {
                    Ok(Self($value))
                } else {
                    Err(NotAQuantity { given: $value, accepted: $accepted })
                }
            }

            /// The plain number.
            #[must_use]
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl From<$name> for f64 {
            fn from(quantity: $name) -> Self {
                quantity.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = NotAQuantity;
            fn try_from(value: f64) -> Result<Self, NotAQuantity> {
                Self::new(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $format, self.0)
            }
        }
    };
}

quantity!(
    /// CPU, in cores.
    Cores, "a number of cores of 0 or more", |v| v >= 0.0, "{:.3} cores"
);
quantity!(
    /// Memory, in bytes.
    Bytes, "a number of bytes of 0 or more", |v| v >= 0.0, "{:.0} B"
);
quantity!(
    /// One pod's load by one [`Indicator`](crate::fleet::Indicator), in that indicator's unit.
    Load, "a load of 0 or more", |v| v >= 0.0, "{:.3}"
);
quantity!(
    /// A ratio of 0 or more, such as a coefficient of variation; 1 is 100 %.
    Ratio, "a ratio of 0 or more", |v| v >= 0.0, "{:.3}"
);
quantity!(
    /// How much an indicator counts beside others; 0 is not at all.
    Weight, "a weight of 0 or more", |v| v >= 0.0, "{}"
);
quantity!(
    /// A share, 0 to 1.
    Share, "a share between 0 and 1", |v| (0.0..=1.0).contains(&v), "{:.2}"
);
quantity!(
    /// A percentage, 0 to 100.
    Percent, "a percentage between 0 and 100", |v| (0.0..=100.0).contains(&v), "{:.1} %"
);
quantity!(
    /// A relative change in percent, of either sign; 100 is as much again.
    PercentChange, "a finite number", |v| v >= f64::MIN, "{:.1} %"
);
quantity!(
    /// How far above its target a load may be before its pod is hot; 1 or more.
    Tolerance, "a multiplier of 1 or more", |v| v >= 1.0, "{:.2}"
);

quantity!(
    /// An amount of whatever someone else measures, in their unit; it may be negative.
    Amount, "a finite number", |v| v >= f64::MIN, "{}"
);

impl Load {
    /// The largest load that there is.
    pub const MAX: Self = Self(f64::MAX);

    /// The load that this number was; NaN was none.
    pub(crate) fn unless_nan(value: f64) -> Option<Self> {
        (!value.is_nan()).then_some(Self(value))
    }

    /// Total order; there is no NaN to make it partial.
    #[must_use]
    pub fn total_cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Ratio {
    /// No ratio at all: 0.
    pub const ZERO: Self = Self(0.0);

    /// Total order; there is no NaN to make it partial.
    #[must_use]
    pub fn total_cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Share {
    /// So many of so many; none of nothing.
    #[must_use]
    pub fn of_counts(part: usize, whole: usize) -> Self {
        Self(if whole == 0 { 0.0 } else { part.min(whole) as f64 / whole as f64 })
    }
}

impl PercentChange {
    /// No change: 0.
    pub const NONE: Self = Self(0.0);

    /// `part / whole * 100`; none where that is no number.
    #[must_use]
    pub fn of(part: f64, whole: f64) -> Self {
        Self::new(part / whole * 100.0).unwrap_or(Self::NONE)
    }
}

impl Weight {
    /// As much as any other.
    pub const ONE: Self = Self(1.0);
}

impl From<Cores> for Load {
    fn from(cores: Cores) -> Self {
        Self(cores.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_no_quantity() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1] {
            assert!(Cores::new(bad).is_err(), "{bad}");
            assert!(Load::new(bad).is_err(), "{bad}");
            assert!(Percent::new(bad).is_err(), "{bad}");
        }
        assert!(Load::new(0.0).is_ok());
    }

    #[test]
    fn ranges_include_their_ends_and_nothing_beyond() {
        assert!(Percent::new(0.0).is_ok() && Percent::new(100.0).is_ok() && Percent::new(100.1).is_err());
        assert!(Tolerance::new(1.0).is_ok() && Tolerance::new(0.99).is_err());
        assert!(Share::new(1.0).is_ok() && Share::new(1.01).is_err());
    }
}
