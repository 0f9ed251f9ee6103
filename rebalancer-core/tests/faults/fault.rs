//! What goes wrong, by kind, and how often.

use std::collections::BTreeMap;

/// What can go wrong at a port, or with the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    MetricsUnavailable,
    MetricsIncomplete,
    PartitionsMissing,
    SamplesPartial,
    SamplesStale,
    SamplesNoisy,
    PastUnavailable,
    PastShort,
    InventoryUnavailable,
    InventoryForbidden,
    RemoveConflict,
    RemoveThrottled,
    RemoveRejected,
    RemoveForbidden,
    /// No answer, and nothing happened.
    RemoveLost,
    /// No answer, and it happened.
    RemoveAnswerLost,
    StateConflict,
    StateLost,
    StateAnswerLost,
    Signal,
    ClockStep,
    Crash,
    /// The process stands still for a while.
    Stall,
    /// A second rebalancer starts while the first one may be at work.
    Overlap,
}

impl Fault {
    pub(crate) const ALL: [Self; 24] = [
        Self::MetricsUnavailable,
        Self::MetricsIncomplete,
        Self::PartitionsMissing,
        Self::SamplesPartial,
        Self::SamplesStale,
        Self::SamplesNoisy,
        Self::PastUnavailable,
        Self::PastShort,
        Self::InventoryUnavailable,
        Self::InventoryForbidden,
        Self::RemoveConflict,
        Self::RemoveThrottled,
        Self::RemoveRejected,
        Self::RemoveForbidden,
        Self::RemoveLost,
        Self::RemoveAnswerLost,
        Self::StateConflict,
        Self::StateLost,
        Self::StateAnswerLost,
        Self::Signal,
        Self::ClockStep,
        Self::Crash,
        Self::Stall,
        Self::Overlap,
    ];

    /// How often, each time that it could happen.
    pub(crate) const fn usual(self) -> f64 {
        match self {
            Self::Crash | Self::Signal | Self::Stall => 0.015,
            Self::InventoryUnavailable | Self::InventoryForbidden => 0.03,
            Self::ClockStep => 0.05,
            Self::MetricsUnavailable | Self::MetricsIncomplete => 0.05,
            Self::StateConflict | Self::StateLost | Self::StateAnswerLost => 0.08,
            Self::RemoveConflict | Self::RemoveThrottled | Self::RemoveRejected | Self::RemoveForbidden => {
                0.08
            }
            Self::RemoveLost | Self::RemoveAnswerLost => 0.12,
            Self::PartitionsMissing | Self::PastUnavailable | Self::PastShort => 0.1,
            Self::SamplesPartial | Self::SamplesStale | Self::SamplesNoisy => 0.15,
            Self::Overlap => 0.3,
        }
    }
}

/// What the world does by itself, or others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hitch {
    PodUnready,
    PodFailed,
    PodDrained,
    /// It was deleted by force, and another one has its name at once.
    PodReborn,
    PodOptedOut,
    PodRaised,
    WorkloadOptedOut,
    Rollout,
    Scaling,
    AutoscalerWaits,
    BudgetTightened,
    BudgetStatusStale,
}

impl Hitch {
    pub(crate) const ALL: [Self; 12] = [
        Self::PodUnready,
        Self::PodFailed,
        Self::PodDrained,
        Self::PodReborn,
        Self::PodOptedOut,
        Self::PodRaised,
        Self::WorkloadOptedOut,
        Self::Rollout,
        Self::Scaling,
        Self::AutoscalerWaits,
        Self::BudgetTightened,
        Self::BudgetStatusStale,
    ];

    /// How often at each step of a cycle, of which there are about twenty.
    pub(crate) const fn usual(self) -> f64 {
        match self {
            Self::PodUnready | Self::PodFailed | Self::PodDrained | Self::PodOptedOut => 0.01,
            Self::PodReborn => 0.03,
            Self::PodRaised | Self::AutoscalerWaits | Self::BudgetTightened | Self::BudgetStatusStale => {
                0.004
            }
            Self::WorkloadOptedOut | Self::Rollout | Self::Scaling => 0.003,
        }
    }
}

/// The faults of one episode with their probabilities.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mix {
    faults: BTreeMap<Fault, f64>,
    hitches: BTreeMap<Hitch, f64>,
}

impl Mix {
    pub(crate) fn rate(&self, fault: Fault) -> f64 {
        self.faults.get(&fault).copied().unwrap_or(0.0)
    }

    pub(crate) fn hitches(&self) -> impl Iterator<Item = (Hitch, f64)> {
        self.hitches.iter().map(|(hitch, rate)| (*hitch, *rate))
    }

    pub(crate) fn set(&mut self, fault: Fault, rate: f64) {
        self.faults.insert(fault, rate.min(0.9));
    }

    pub(crate) fn disturb(&mut self, hitch: Hitch, rate: f64) {
        self.hitches.insert(hitch, rate.min(0.9));
    }
}
