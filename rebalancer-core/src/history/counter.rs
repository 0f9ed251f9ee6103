//! Counters that outlive the processes. They only rise, and stop at the largest number rather than wrap.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::Durations;
use crate::port::ApiErrors;

pub(super) const PROMETHEUS: &str = "prometheus";
pub(super) const KAFKA: &str = "kafka";
pub(super) const KUBERNETES: &str = "kubernetes";

const LONGEST_NAME: usize = 32;
const OTHER: &str = "other";

/// Counts by name. This many names are counted apart; what is more, or is no short plain name, goes under `other`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(from = "BTreeMap<String, u64>")
)]
pub struct Tally<const MOST_NAMES: usize = 16>(BTreeMap<String, u64>);

impl<const MOST_NAMES: usize> Tally<MOST_NAMES> {
    /// The count under this name.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// All names with their counts, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// Nothing was counted yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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

impl<const MOST_NAMES: usize> From<BTreeMap<String, u64>> for Tally<MOST_NAMES> {
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

/// What a cycle took, for the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CycleCost {
    /// How long it took, up to the writing of the record.
    pub cycle: SignedDuration,
    /// What went wrong with the metric server.
    pub prometheus: ApiErrors,
    /// What went wrong with Kafka; nothing where it is not asked.
    pub kafka: ApiErrors,
    /// What went wrong with the API server.
    pub kubernetes: ApiErrors,
}

/// More than there are reasons to hold.
const MOST_HOLDS: usize = 80;

/// Everything that is counted. What a record of an earlier version does not have begins at none.
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
    /// Indicators that could not be read in a cycle, by name.
    #[cfg_attr(feature = "serde", serde(default))]
    pub degraded: Tally,
    /// Cycles that held, by the [reason's name](crate::report::Hold::name).
    #[cfg_attr(feature = "serde", serde(default))]
    pub holds: Tally<MOST_HOLDS>,
    /// Proposals that were made and approved, and how they ended.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Tally::is_empty"))]
    pub proposals: Tally,
    /// Requests to an API that failed, by component.
    #[cfg_attr(feature = "serde", serde(default))]
    pub errors: Tally,
    /// Requests to an API that repeated a failed one, by component.
    #[cfg_attr(feature = "serde", serde(default))]
    pub retries: Tally,
    /// How long it took to read the fleet and to decide.
    #[cfg_attr(feature = "serde", serde(default))]
    pub analysis: Durations,
    /// How long cycles took, up to the writing of the record.
    #[cfg_attr(feature = "serde", serde(default))]
    pub cycle: Durations,
}

impl Counters {
    /// Every name in [`proposals`](Self::proposals).
    pub const PROPOSALS: [&str; 6] = ["made", "approved", "used", "rejected", "expired", "replaced"];
    /// Every name in [`refused`](Self::refused).
    pub const REFUSED: [&str; 1] = ["disruption_budget"];
    /// Every name in [`failed`](Self::failed).
    pub const FAILED: [&str; 6] =
        ["conflict", "throttled", "unauthorized", "forbidden", "rejected", "unknown"];
    /// Every name in [`errors`](Self::errors) and [`retries`](Self::retries): the metric server, Kafka, the API server.
    pub const COMPONENTS: [&str; 3] = [PROMETHEUS, KAFKA, KUBERNETES];

    pub(super) fn count(&mut self, component: &str, ApiErrors { errors, retries }: ApiErrors) {
        for (tally, count) in [(&mut self.errors, errors), (&mut self.retries, retries)] {
            // A name without a count would be a difference that nobody can see.
            if count > 0 {
                tally.add(component, count);
            }
        }
    }
}
