//! Why no rotation is made now, as far as memory says.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::{Breaker, Budget, HistoryPolicy, Record, Trip};
use crate::unit::Elapsed;

/// Why no rotation is made now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "pause")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Pause {
    /// The last rotation has not settled.
    Settling {
        /// When it was made.
        since: Timestamp,
        /// When it will have settled.
        until: Timestamp,
    },
    /// The circuit breaker is open.
    BreakerOpen {
        /// Until when.
        until: Timestamp,
        /// Why.
        why: Trip,
        /// How many times in a row it opened.
        times: u32,
    },
    /// The breaker is half-open, and what its one rotation did is not known yet.
    TrialPending {
        /// When the rotation was made.
        since: Timestamp,
        /// When it counts as one that did not help.
        until: Timestamp,
    },
    /// The removal budget of the time window leaves no room for one hot and one cold pod.
    BudgetSpent {
        /// Pods removed in the window, or that may have been.
        removed: u64,
        /// The budget.
        budget: u64,
        /// The window.
        window: SignedDuration,
        /// When the oldest of them leaves the window.
        until: Timestamp,
    },
    /// The consumer group spans clusters, and another rebalancer has its lock.
    GroupLocked {
        /// Who has it.
        by: String,
        /// Until when; `None` when it never expires by itself.
        until: Option<Timestamp>,
    },
    /// The consumer group spans clusters, and whether another rebalancer has its lock can't be known.
    GroupLockUnread {
        /// Why.
        error: String,
    },
}

impl Pause {
    /// A short stable name for logs, metrics and the operations guide.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Settling { .. } => "settling",
            Self::BreakerOpen { why: Trip::UnreliablePrediction { .. }, .. } => "unreliable_prediction",
            Self::BreakerOpen {
                why: Trip::RotationsDidNotHelp { .. } | Trip::CyclesFailed { .. }, ..
            } => "breaker_open",
            Self::TrialPending { .. } => "trial_pending",
            Self::BudgetSpent { .. } => "removal_budget_spent",
            Self::GroupLocked { .. } => "group_locked",
            Self::GroupLockUnread { .. } => "group_lock_unread",
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settling { since, until } => {
                write!(f, "the rotation of {since:.0} is settling until {until:.0}")
            }
            Self::BreakerOpen { until, why, times } => write!(
                f,
                "the circuit breaker is open until {until:.0} (opened {times} times in a row): {why}; then one rotation is \
                 tried"
            ),
            Self::TrialPending { since, until } => write!(
                f,
                "the one rotation that the half-open circuit breaker allows was made at {since:.0} and could not be \
                 measured yet; from {until:.0} on it counts as one that did not help"
            ),
            Self::BudgetSpent { removed, budget, window, until } => write!(
                f,
                "{removed} of {budget} pods were removed in the last {}, which leaves no room for one hot and one cold \
                 pod; the first of them stops counting at {until:.0}",
                Elapsed(*window)
            ),
            Self::GroupLocked { by, until } => {
                write!(f, "another rebalancer has the lock of the consumer group: {by}, ")?;
                match until {
                    Some(until) => write!(f, "until {until:.0} at most"),
                    None => {
                        f.write_str("without an expiry; remove holderIdentity from the Lease to release it")
                    }
                }
            }
            Self::GroupLockUnread { error } => {
                write!(f, "the lock of the consumer group could not be taken: {error}")
            }
        }
    }
}

/// A plan needs one hot and one cold pod.
const SMALLEST_PLAN: u64 = 2;

impl Record {
    /// Why no rotation is made now, if there is a reason. Call [`advance`](Self::advance) and
    /// [`measure`](Self::measure) before.
    #[must_use]
    pub fn pause(&self, now: Timestamp, policy: &HistoryPolicy) -> Option<Pause> {
        self.open_pause()
            .or_else(|| self.settle_pause(now, policy))
            .or_else(|| self.trial_pause(policy))
            .or_else(|| self.budget_pause(now, policy.budget()?))
    }

    /// How many pods the removal budget still allows; `None` when there is no budget. A plan is trimmed to it.
    #[must_use]
    pub fn allowance(&self, now: Timestamp, policy: &HistoryPolicy) -> Option<u64> {
        policy.budget().map(|budget| self.left(now, budget))
    }

    fn left(&self, now: Timestamp, budget: Budget) -> u64 {
        budget.pods().saturating_sub(self.removed_since(now, budget.window()))
    }

    fn open_pause(&self) -> Option<Pause> {
        match self.breaker() {
            Breaker::Open { until, why, times, .. } => Some(Pause::BreakerOpen { until, why, times }),
            Breaker::Closed | Breaker::HalfOpen { .. } => None,
        }
    }

    fn trial_pause(&self, policy: &HistoryPolicy) -> Option<Pause> {
        let (since, until) = (self.trial()?.at, self.trial_given_up_at(policy)?);
        Some(Pause::TrialPending { since, until })
    }

    fn settle_pause(&self, now: Timestamp, policy: &HistoryPolicy) -> Option<Pause> {
        let until = self.settling_until(policy.settle()).filter(|until| now < *until)?;
        Some(Pause::Settling { since: super::earlier(until, policy.settle()), until })
    }

    fn budget_pause(&self, now: Timestamp, budget: Budget) -> Option<Pause> {
        (self.left(now, budget) < SMALLEST_PLAN).then(|| Pause::BudgetSpent {
            removed: self.removed_since(now, budget.window()),
            budget: budget.pods(),
            window: budget.window(),
            until: self.freed_at(now, budget.window()),
        })
    }
}
