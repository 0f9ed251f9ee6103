//! When how many pods were removed, for a budget over a time window.

use jiff::{SignedDuration, Timestamp};

use super::{LONGEST_WINDOW, earlier};

const MOST_ENTRIES: usize = 64;

/// Removals by time, oldest first. Outlives the rotations, of which only the last few are remembered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(from = "Vec<Entry>"))]
pub(super) struct Ledger(Vec<Entry>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Entry {
    at: Timestamp,
    pods: u64,
}

impl From<Vec<Entry>> for Ledger {
    fn from(entries: Vec<Entry>) -> Self {
        let mut ledger = Self(entries);
        ledger.tidy();
        ledger
    }
}

impl Ledger {
    pub(super) fn add(&mut self, at: Timestamp, pods: u64) {
        if pods > 0 {
            self.0.push(Entry { at, pods });
            self.tidy();
        }
    }

    /// Removals after this time.
    pub(super) fn since(&self, from: Timestamp) -> u64 {
        self.0.iter().filter(|entry| entry.at > from).fold(0, |sum, entry| sum.saturating_add(entry.pods))
    }

    /// When the oldest removal after this time was.
    pub(super) fn oldest_since(&self, from: Timestamp) -> Option<Timestamp> {
        self.0.iter().map(|entry| entry.at).find(|at| *at > from)
    }

    /// A time in the future comes from a clock that was ahead; it counts as now, which is the longest it may count.
    pub(super) fn rebase(&mut self, now: Timestamp) {
        self.0.iter_mut().for_each(|entry| entry.at = entry.at.min(now));
        let keep_from = earlier(now, LONGEST_WINDOW);
        self.0.retain(|entry| entry.at > keep_from);
    }

    fn tidy(&mut self) {
        self.0.sort_by_key(|entry| entry.at);
        while self.0.len() > MOST_ENTRIES {
            self.merge_closest();
        }
    }

    /// The pair counts at its later time: too long rather than too short.
    fn merge_closest(&mut self) {
        let gap = |pair: &[Entry]| match pair {
            [first, second] => second.at.duration_since(first.at),
            _ => SignedDuration::MAX,
        };
        let closest = self.0.windows(2).enumerate().min_by_key(|(_, pair)| gap(pair)).map(|(i, _)| i);
        let Some(first) = closest else { return };
        let merged = self.0.remove(first).pods;
        if let Some(second) = self.0.get_mut(first) {
            second.pods = second.pods.saturating_add(merged);
        }
    }
}
