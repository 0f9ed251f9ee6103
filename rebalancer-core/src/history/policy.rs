//! How long to wait, and how many failures open the breaker.

use jiff::SignedDuration;

use crate::unit::Share;

/// No window of a removal budget is longer: older removals are forgotten.
pub const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);

const LONGEST_SETTLE: SignedDuration = SignedDuration::from_hours(24);
const LONGEST_OPEN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// At most this many pods in any time window of this length, counted across runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Budget {
    pods: u64,
    window: SignedDuration,
}

impl Budget {
    /// Checks the numbers. A budget of 0 pods holds every rotation.
    ///
    /// # Errors
    /// When the window is not between a second and [`LONGEST_WINDOW`].
    pub fn new(pods: u64, window: SignedDuration) -> Result<Self, HistoryPolicyError> {
        within("the window of the removal budget", window, LONGEST_WINDOW)?;
        Ok(Self { pods, window })
    }

    /// How many.
    #[must_use]
    pub const fn pods(self) -> u64 {
        self.pods
    }

    /// In which time.
    #[must_use]
    pub const fn window(self) -> SignedDuration {
        self.window
    }
}

/// The limits by which a [`Record`](super::Record) decides. Every combination that can be built makes sense.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct HistoryPolicy {
    settle: SignedDuration,
    minimum_effect: Share,
    unhelpful_limit: u32,
    failure_limit: u32,
    first_open: SignedDuration,
    longest_open: SignedDuration,
    budget: Option<Budget>,
}

/// Numbers that make no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HistoryPolicyError {
    /// A time is too short or too long.
    #[error("{what} must be between 1s and {most:#}, not {given:#}")]
    OutOfRange {
        /// Which one.
        what: &'static str,
        /// What was given.
        given: SignedDuration,
        /// The longest that is accepted.
        most: SignedDuration,
    },
    /// A limit of 0 would open the breaker before anything happened.
    #[error("{what} must be 1 or more")]
    Zero {
        /// Which one.
        what: &'static str,
    },
    /// The longest time is shorter than the first one.
    #[error("the breaker can't be open for {longest:#} at most when it opens for {first:#} at first")]
    Shrinking {
        /// The first time.
        first: SignedDuration,
        /// The longest time.
        longest: SignedDuration,
    },
}

impl Default for HistoryPolicy {
    fn default() -> Self {
        Self {
            settle: SignedDuration::from_mins(15),
            minimum_effect: smallest_effect(),
            unhelpful_limit: 2,
            failure_limit: 3,
            first_open: SignedDuration::from_hours(1),
            longest_open: SignedDuration::from_hours(24),
            budget: Some(Budget { pods: 12, window: SignedDuration::from_hours(1) }),
        }
    }
}

impl HistoryPolicy {
    /// A fleet is left alone for this long after a rotation: replacements start, the group rebalances, and a full
    /// metrics window passes. Default 15 minutes.
    ///
    /// # Errors
    /// When it is not between a second and a day.
    pub fn settling_for(self, settle: SignedDuration) -> Result<Self, HistoryPolicyError> {
        within("the settle time", settle, LONGEST_SETTLE)?;
        Ok(Self { settle, ..self })
    }

    /// A rotation helped when the CV fell by at least this share of itself. Default 0.05.
    #[must_use]
    pub const fn asking_for(self, minimum_effect: Share) -> Self {
        Self { minimum_effect, ..self }
    }

    /// How many rotations in a row may fail to help, and how many cycles in a row may fail, before the breaker opens.
    /// Defaults 2 and 3.
    ///
    /// # Errors
    /// When one of them is 0.
    pub const fn giving_up_after(self, unhelpful: u32, failures: u32) -> Result<Self, HistoryPolicyError> {
        match (unhelpful, failures) {
            (0, _) => Err(HistoryPolicyError::Zero { what: "the number of rotations that may fail to help" }),
            (_, 0) => Err(HistoryPolicyError::Zero { what: "the number of cycles that may fail" }),
            _ => Ok(Self { unhelpful_limit: unhelpful, failure_limit: failures, ..self }),
        }
    }

    /// For how long the breaker opens first, and at most; each time in a row it is twice as long. Defaults 1 hour and
    /// 24 hours.
    ///
    /// # Errors
    /// When a time is not between a second and 30 days, or the longest is shorter than the first.
    pub fn opening_for(
        self,
        first: SignedDuration,
        longest: SignedDuration,
    ) -> Result<Self, HistoryPolicyError> {
        within("the breaker's first time", first, LONGEST_OPEN)?;
        within("the breaker's longest time", longest, LONGEST_OPEN)?;
        if longest < first {
            return Err(HistoryPolicyError::Shrinking { first, longest });
        }
        Ok(Self { first_open: first, longest_open: longest, ..self })
    }

    /// The removal budget; `None` for none. Default 12 pods an hour.
    #[must_use]
    pub const fn spending(self, budget: Option<Budget>) -> Self {
        Self { budget, ..self }
    }

    /// How long a fleet is left alone after a rotation.
    #[must_use]
    pub const fn settle(&self) -> SignedDuration {
        self.settle
    }

    /// The removal budget.
    #[must_use]
    pub const fn budget(&self) -> Option<Budget> {
        self.budget
    }

    /// The share by which the CV must fall.
    #[must_use]
    pub const fn minimum_effect(&self) -> Share {
        self.minimum_effect
    }

    pub(super) const fn unhelpful_limit(&self) -> u32 {
        self.unhelpful_limit
    }

    pub(super) const fn failure_limit(&self) -> u32 {
        self.failure_limit
    }

    pub(super) const fn longest_open(&self) -> SignedDuration {
        self.longest_open
    }

    /// For how long the breaker opens when it opens the n-th time in a row: `first * 2^(n-1)`, up to the longest.
    #[must_use]
    pub fn open_for(&self, times: u32) -> SignedDuration {
        let factor = 1_i32.checked_shl(times.saturating_sub(1)).filter(|factor| *factor > 0);
        let grown = factor.and_then(|factor| self.first_open.checked_mul(factor));
        grown.map_or(self.longest_open, |grown| grown.min(self.longest_open))
    }
}

#[expect(clippy::expect_used, reason = "a constant; a test builds it")]
fn smallest_effect() -> Share {
    Share::new(0.05).expect("a share")
}

fn within(what: &'static str, given: SignedDuration, most: SignedDuration) -> Result<(), HistoryPolicyError> {
    if (SignedDuration::from_secs(1)..=most).contains(&given) {
        Ok(())
    } else {
        Err(HistoryPolicyError::OutOfRange { what, given, most })
    }
}
