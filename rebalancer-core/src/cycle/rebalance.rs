//! Whether a group came to rest after removals.

use jiff::SignedDuration;

/// Whether a group came to rest with the members that are expected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case", tag = "end"))]
pub enum Rebalance {
    /// It did.
    Settled {
        /// How long after the last removal.
        after: SignedDuration,
    },
    /// Not yet.
    NotYet {
        /// Its state when it was last seen, in Kafka's words.
        state: String,
        /// Members then.
        members: usize,
        /// Members that are expected.
        expected: usize,
        /// Members of removed pods that are still there.
        staying: usize,
    },
    /// It could not be read.
    Unread {
        /// Why.
        error: String,
    },
}
