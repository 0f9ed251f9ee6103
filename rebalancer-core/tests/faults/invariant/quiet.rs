//! It falls quiet when the fleet is balanced or hopeless, once nothing goes wrong any more.
//!
//! - Balanced: nothing is removed while no pod is above the limit.
//! - Hopeless: where removing pods can't change how uneven the fleet is, the breaker allows its limit of rotations, one or
//!   two that were judged by what went wrong before, and one trial each time its time is up, which doubles.
//!
//! Where pods can be mixed by chance, there is no such bound: a rotation may help, and a later one may undo it.

use jiff::Timestamp;
use rebalancer_core::history::HistoryPolicy;

use super::{Invariant, ensure};
use crate::event::{Event, What};
use crate::setup::Setup;
use crate::world::World;

/// Rotations that were judged by a change that was under way when things calmed down.
const CHANCE: usize = 2;

/// Thresholds of the coefficient of variation.
const CPU_VARIANCE: f64 = 0.3;
const LAG_VARIANCE: f64 = 0.5;

pub(super) struct Quiet {
    hopeless: bool,
    /// In cores, with an autoscaler.
    hot_above: Option<f64>,
    lag: bool,
    history_policy: HistoryPolicy,
    unhelpful_limit: usize,
    calm_since: Option<Timestamp>,
    rotations: usize,
    /// Whether the fleet was within its limits when the cycle of the moment measured.
    balanced: bool,
    last: String,
}

impl Quiet {
    pub(super) fn of(setup: &Setup) -> Self {
        Self {
            hopeless: setup.is_hopeless(),
            hot_above: setup.hpa.map(|percent| percent / 100.0 * setup.policy.balance.tolerance.get()),
            lag: setup.lag,
            history_policy: setup.memory.policy,
            unhelpful_limit: 3,
            calm_since: None,
            rotations: 0,
            balanced: false,
            last: String::new(),
        }
    }

    /// Loads are within the limits. Without an autoscaler the spread over all pods is only that of the candidates when
    /// all are candidates, so that only equal loads are told.
    fn is_balanced(&self, world: &World) -> bool {
        let Some(reading) = world.reading(world.now) else { return true };
        let loads: Vec<f64> = reading.loads.values().map(|load| load.get()).collect();
        let highest = loads.iter().copied().fold(0.0, f64::max);
        let lowest = loads.iter().copied().fold(f64::INFINITY, f64::min);
        // The coefficient of variation of any part of the fleet is at most half of its range over its lowest.
        let spread = (highest - lowest) / 2.0 / lowest;
        match self.hot_above {
            Some(limit) => highest <= limit && (!self.lag || spread <= LAG_VARIANCE),
            None => spread <= CPU_VARIANCE,
        }
    }

    fn allowed(&self, since: Timestamp, now: Timestamp) -> usize {
        let mut rotations = self.unhelpful_limit + CHANCE;
        let mut trial = since;
        for times in 1..100 {
            trial = trial.checked_add(self.history_policy.open_for(times)).unwrap_or(Timestamp::MAX);
            if trial > now {
                break;
            }
            rotations += 1;
        }
        rotations
    }
}

impl Invariant for Quiet {
    fn name(&self) -> &'static str {
        "it falls quiet"
    }

    fn see(&mut self, event: &Event<'_>, world: &World) -> Result<(), String> {
        match &event.what {
            What::Calm => self.calm_since = Some(world.now),
            What::Measured { .. } => self.balanced = self.is_balanced(world),
            What::Removed { uid, .. } => {
                let Some(since) = self.calm_since else { return Ok(()) };
                ensure(!self.balanced, || format!("{uid} was removed from a balanced fleet"))?;
                if self.last != event.cycle {
                    self.last = event.cycle.to_owned();
                    self.rotations += 1;
                }
                let allowed = self.allowed(since, world.now);
                return ensure(!self.hopeless || self.rotations <= allowed, || {
                    format!(
                        "{} rotations of a hopeless fleet since {since:.0}, {allowed} at most",
                        self.rotations
                    )
                });
            }
            _ => {}
        }
        Ok(())
    }
}
