//! Several readings in a row: a spike is no reason to act.

use std::num::NonZeroUsize;

use jiff::SignedDuration;

/// An imbalance must be there in `required` of the last `windows` readings, of which the present one is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "codec::Written")
)]
pub struct Persistence {
    required: NonZeroUsize,
    windows: NonZeroUsize,
    step: SignedDuration,
}

/// More readings are required than there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{required} of {windows} windows can't be required")]
pub struct TooManyRequired {
    /// Required readings.
    pub required: NonZeroUsize,
    /// Readings.
    pub windows: NonZeroUsize,
}

impl Persistence {
    /// The present reading is enough.
    pub const NONE: Self =
        Self { required: NonZeroUsize::MIN, windows: NonZeroUsize::MIN, step: SignedDuration::from_mins(5) };

    /// Checks the numbers; `step` lies between two readings.
    ///
    /// # Errors
    /// When more are required than there are.
    pub const fn new(
        required: NonZeroUsize,
        windows: NonZeroUsize,
        step: SignedDuration,
    ) -> Result<Self, TooManyRequired> {
        if required.get() > windows.get() {
            return Err(TooManyRequired { required, windows });
        }
        Ok(Self { required, windows, step })
    }

    /// How many readings must show the imbalance.
    #[must_use]
    pub const fn required(self) -> usize {
        self.required.get()
    }

    /// How many readings there are, the present one among them.
    #[must_use]
    pub const fn windows(self) -> usize {
        self.windows.get()
    }

    /// How many readings there are besides the present one.
    #[must_use]
    pub const fn earlier(self) -> usize {
        self.windows.get() - 1
    }

    /// The time between two readings.
    #[must_use]
    pub const fn step(self) -> SignedDuration {
        self.step
    }
}

#[cfg(feature = "serde")]
mod codec {
    use super::{NonZeroUsize, Persistence, SignedDuration, TooManyRequired};

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Written {
        required: NonZeroUsize,
        windows: NonZeroUsize,
        step: SignedDuration,
    }

    impl TryFrom<Written> for Persistence {
        type Error = TooManyRequired;

        fn try_from(Written { required, windows, step }: Written) -> Result<Self, TooManyRequired> {
            Self::new(required, windows, step)
        }
    }
}

impl Default for Persistence {
    /// Two of the last three, five minutes apart.
    fn default() -> Self {
        let two = NonZeroUsize::MIN.saturating_add(1);
        Self { required: two, windows: two.saturating_add(1), step: SignedDuration::from_mins(5) }
    }
}
