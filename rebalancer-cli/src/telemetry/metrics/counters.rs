//! What the record counts, over all runs.

use rebalancer_core::cycle::Outcome;
use rebalancer_core::fleet::Indicator;
use rebalancer_core::history::{Counters, Effect, Role, Tally, Trip};
use rebalancer_core::report::Hold;

use super::catalog::{
    ANALYSIS_DURATION, API_ERRORS, API_RETRIES, BREAKER_OPENED, CYCLE_DURATION, CYCLES, HOLDS,
    INDICATORS_DEGRADED, Metric, PODS_DELETED, PROPOSALS, REMOVALS_FAILED, REMOVALS_REFUSED,
    ROTATIONS_JUDGED,
};
use super::family::Families;

/// Adds all counters and histograms.
pub(super) fn add(families: &mut Families<'_>, counters: &Counters) {
    let Counters { cycles, removed, refused, failed, rotations, breaker, degraded, .. } = counters;
    let Counters { holds, proposals, errors, retries, analysis, cycle, .. } = counters;
    // Dry runs write nothing, so they are never counted.
    let statuses: Vec<&str> = Outcome::STATUSES.into_iter().filter(|status| *status != "dry_run").collect();
    tally(families, CYCLES, &statuses, cycles);
    tally(families, PODS_DELETED, &Role::ALL.map(Role::name), removed);
    tally(families, REMOVALS_REFUSED, &Counters::REFUSED, refused);
    tally(families, REMOVALS_FAILED, &Counters::FAILED, failed);
    tally(families, HOLDS, &Hold::NAMES, holds);
    tally(families, API_ERRORS, &Counters::COMPONENTS, errors);
    tally(families, API_RETRIES, &Counters::COMPONENTS, retries);
    tally(families, INDICATORS_DEGRADED, &Indicator::ALL.map(Indicator::name), degraded);
    tally(families, ROTATIONS_JUDGED, &Effect::JUDGED, rotations);
    tally(families, BREAKER_OPENED, &Trip::NAMES, breaker);
    tally(families, PROPOSALS, &Counters::PROPOSALS, proposals);
    families.durations(ANALYSIS_DURATION, analysis);
    families.durations(CYCLE_DURATION, cycle);
}

/// Known names are there from the first run on: Prometheus sees no increase in a series that begins with 1.
fn tally<const N: usize>(families: &mut Families<'_>, metric: Metric, known: &[&str], tally: &Tally<N>) {
    let others = tally.iter().filter(|(name, _)| !known.contains(name));
    let counts = known.iter().map(|name| (*name, tally.get(name))).chain(others);
    families.each(metric, counts.map(|(name, count)| ([name], count as f64)));
}
