//! Counters that outlive the processes. They only rise, and stop at the largest number rather than wrap.

use std::collections::BTreeMap;

/// Names that are counted apart; what is more, or is no short plain name, goes under [`OTHER`].
const MOST_NAMES: usize = 16;
const LONGEST_NAME: usize = 32;
const OTHER: &str = "other";

/// Counts by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(from = "BTreeMap<String, u64>")
)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// The count under this name.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// All names with their counts, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    pub(super) fn add(&mut self, name: &str, by: u64) {
        // What goes under OTHER takes no name's place: a full tally would be read back with one name less.
        let named = self.0.keys().filter(|known| *known != OTHER).count();
        let fits = self.0.contains_key(name) || (named < MOST_NAMES && is_plain(name));
        let name = if fits { name } else { OTHER };
        let count = self.0.entry(name.to_owned()).or_default();
        *count = count.saturating_add(by);
    }
}

impl From<BTreeMap<String, u64>> for Tally {
    fn from(counts: BTreeMap<String, u64>) -> Self {
        let mut tally = Self::default();
        counts.iter().for_each(|(name, count)| tally.add(name, *count));
        tally
    }
}

fn is_plain(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Everything that is counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Counters {
    /// Cycles that held the lock, by status.
    pub cycles: Tally,
    /// Pods removed, by role: `hot`, `cold`.
    pub removed: Tally,
    /// Removals that a disruption budget refused, by reason.
    pub refused: Tally,
    /// Removals that failed or whose outcome was not known, by reason.
    pub failed: Tally,
    /// Rotations whose effect was judged, by verdict.
    pub rotations: Tally,
    /// How often the breaker opened, by reason.
    pub breaker: Tally,
    /// Indicators that could not be read in a cycle, by name. Records of before this was counted have none.
    #[cfg_attr(feature = "serde", serde(default))]
    pub degraded: Tally,
}
