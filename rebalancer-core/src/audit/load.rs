//! Whether the chosen pods are as hot and as cold as the plan says, worked out again from the raw snapshot.

use std::cmp::Ordering;

use super::{Case, Chosen, Violation};
use crate::fleet::{CpuTarget, Indicator, Target};
use crate::policy::Policy;
use crate::report::{Expectation, Removal};
use crate::snapshot::{ObservedPod, Snapshot};

/// The last digits of a sum depend on the order of what is added. That is no violation.
pub(super) const ROUNDING: f64 = 1e-9;

/// One indicator of which enough pods have a sample.
struct Measured {
    indicator: Indicator,
    weight: f64,
    mean: f64,
    limit: Limit,
    /// Coefficient of variation, where the limit is by the mean.
    cv: Option<f64>,
}

/// Above what a pod is hot.
pub(super) enum Limit {
    /// The same for every pod, by an autoscaler's target or by the mean.
    Of(f64),
    /// So much for each core that the pod requests.
    OfRequest(f64),
}

/// Every hot pod must be above its limit, no cold pod above that of another indicator, and the hot ones must rank first.
pub(super) fn check(case: &Case<'_>) -> Vec<Violation> {
    let Case { plan, chosen, snapshot, policy, fleet } = case;
    if fleet.is_empty() {
        // Nothing is known of such a fleet, and every pod of the plan is a violation already.
        return Vec::new();
    }
    let measured = measured(fleet, snapshot, policy);
    let each = chosen.iter().filter_map(|(removal, pod)| check_pod(removal, pod, plan.indicator, &measured));
    let mut violations: Vec<Violation> = each.collect();
    violations.extend(check_grounds(plan.indicator, policy, &measured));
    let by_cpu = snapshot.readable.contains(&Indicator::Cpu);
    let unknown = |limit: &Limit| fleet.iter().any(|pod| limit.of(pod).is_none());
    if by_cpu && target_of(Indicator::Cpu, snapshot).is_some_and(|target| unknown(&by_target(target, policy)))
    {
        violations.push(Violation::RequestUnknown);
    }
    // A prediction does not rank what it tries.
    if matches!(plan.expectation, Expectation::EvenMixing(_)) && !ranked(chosen, plan.indicator, &measured) {
        violations.push(Violation::NotOutliers);
    }
    violations
}

/// The same of the loads of now alone, where the plan goes by those that are expected: each hot pod must be above its limit, on
/// grounds that are there now.
pub(super) fn check_now(case: &Case<'_>) -> Vec<Violation> {
    let Case { plan, chosen, snapshot, policy, fleet } = case;
    if fleet.is_empty() {
        return Vec::new();
    }
    let measured = measured(fleet, snapshot, policy);
    let hot = chosen.iter().filter(|(removal, _)| removal.choice.is_hot());
    let cool = hot.filter_map(|(removal, pod)| check_hot(removal, pod, plan.indicator, &measured));
    cool.chain(check_grounds(plan.indicator, policy, &measured)).collect()
}

fn check_hot(
    removal: &Removal,
    pod: &ObservedPod,
    raised: Indicator,
    measured: &[Measured],
) -> Option<Violation> {
    let by = measured.iter().find(|by| by.indicator == raised);
    let hot = by.and_then(|by| by.above(pod, 1.0 - ROUNDING));
    (hot != Some(true)).then(|| Violation::NotHot { pod: removal.pod.name.clone() })
}

/// By a target, one hot pod is an imbalance, and each plan has one. By the variance, pods must differ enough.
fn check_grounds(raised: Indicator, policy: &Policy, measured: &[Measured]) -> Option<Violation> {
    let cv = measured.iter().find(|by| by.indicator == raised)?.cv?;
    let even = cv * (1.0 + ROUNDING) <= policy.variance_threshold(raised).get();
    even.then_some(Violation::NoImbalance { indicator: raised })
}

fn check_pod(
    removal: &Removal,
    pod: &ObservedPod,
    raised: Indicator,
    measured: &[Measured],
) -> Option<Violation> {
    let name = removal.pod.name.clone();
    let told = removal.choice.score().map(|score| score.get());
    let own = score(pod, measured);
    let as_told = |told: f64| own.is_some_and(|own| (told - own).abs() <= own * ROUNDING);
    if told.is_some_and(|told| !as_told(told)) {
        return Some(Violation::NotMeasured { pod: name });
    }
    if removal.choice.is_hot() {
        return check_hot(removal, pod, raised, measured);
    }
    let mut others = measured.iter().filter(|by| by.indicator != raised);
    let hot_by = others.find(|by| by.above(pod, 1.0 + ROUNDING) != Some(false))?;
    Some(Violation::NotCold { pod: name, indicator: hot_by.indicator })
}

/// Whether no cold pod ranks above a hot one.
fn ranked(chosen: &[Chosen<'_>], raised: Indicator, measured: &[Measured]) -> bool {
    let rank = |hot: bool| {
        let those = chosen.iter().filter(move |(removal, _)| removal.choice.is_hot() == hot);
        those.map(|(_, pod)| (score(pod, measured), pod.loads.get(raised).map(|load| load.get())))
    };
    let order = |a: &(Option<f64>, Option<f64>), b: &_| a.partial_cmp(b).unwrap_or(Ordering::Equal);
    let (Some(coolest), Some(warmest)) = (rank(true).min_by(order), rank(false).max_by(order)) else {
        return true;
    };
    match (coolest.0, warmest.0) {
        (Some(hot), Some(cold)) => hot >= cold * (1.0 - ROUNDING),
        (None, None) => coolest.1 >= warmest.1,
        (hot, _) => hot.is_some(),
    }
}

/// The weighted mean of a pod's loads, each by the mean of its indicator; `None` when one indicator ranks the pods, or
/// when it has none of them.
fn score(pod: &ObservedPod, measured: &[Measured]) -> Option<f64> {
    let largest = measured.iter().map(|by| by.weight).fold(0.0, f64::max);
    let of = measured.iter().filter(|by| by.mean > 0.0 && by.weight > 0.0);
    let parts = of.filter_map(|by| Some((by.weight / largest, pod.loads.get(by.indicator)?.get() / by.mean)));
    let parts: Vec<(f64, f64)> = parts.collect();
    let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
    let weighted: f64 = parts.iter().map(|(weight, load)| weight * load).sum();
    (measured.len() > 1 && total > 0.0).then(|| weighted / total)
}

impl Measured {
    /// Whether a pod is above this much of its limit; `None` when that can't be known.
    fn above(&self, pod: &ObservedPod, share: f64) -> Option<bool> {
        let load = pod.loads.get(self.indicator)?.get();
        Some(load > self.limit.of(pod)? * share)
    }
}

impl Limit {
    /// A pod's own; `None` without a CPU request to follow.
    pub(super) fn of(&self, pod: &ObservedPod) -> Option<f64> {
        match self {
            Self::Of(limit) => Some(*limit),
            Self::OfRequest(each) => {
                Some(each * pod.cpu_request.filter(|request| request.get() > 0.0)?.get())
            }
        }
    }
}

fn measured(fleet: &[&ObservedPod], snapshot: &Snapshot, policy: &Policy) -> Vec<Measured> {
    let measure = |&indicator: &Indicator| {
        let mut loads = Vec::with_capacity(fleet.len());
        loads.extend(fleet.iter().filter_map(|pod| pod.loads.get(indicator)).map(|load| load.get()));
        let enough = loads.len() as f64 >= policy.balance.minimum_coverage.get() * fleet.len() as f64;
        let mean = mean(&loads);
        let by_target = target_of(indicator, snapshot).map(|target| by_target(target, policy));
        let cv = by_target.is_none().then(|| cv(&loads, mean));
        let limit = by_target.unwrap_or(Limit::Of(mean * policy.balance.tolerance.get()));
        let weight = policy.selection.weights.of(indicator).get();
        (enough && !loads.is_empty()).then_some(Measured { indicator, weight, mean, limit, cv })
    };
    snapshot.readable.iter().filter_map(measure).collect()
}

pub(super) fn target_of(indicator: Indicator, snapshot: &Snapshot) -> Option<CpuTarget> {
    match &snapshot.target {
        Target::Known { target, .. } => (indicator == Indicator::Cpu).then_some(*target),
        Target::NotByCpu { .. } | Target::None | Target::Ambiguous { .. } => None,
    }
}

pub(super) fn by_target(target: CpuTarget, policy: &Policy) -> Limit {
    let tolerance = policy.balance.tolerance.get();
    match target {
        CpuTarget::AverageValue(cores) => Limit::Of(cores.get() * tolerance),
        CpuTarget::Utilization(percent) => Limit::OfRequest(percent / 100.0 * tolerance),
    }
}

/// Arithmetic mean, in shares of the largest, so that no sum is too large for a number.
pub(super) fn mean(loads: &[f64]) -> f64 {
    let largest = loads.iter().copied().fold(0.0, f64::max);
    let shares: f64 = loads.iter().map(|load| load / largest.max(f64::MIN_POSITIVE)).sum();
    largest * (shares / loads.len().max(1) as f64)
}

/// Of the whole population, in shares of the mean.
fn cv(loads: &[f64], mean: f64) -> f64 {
    let deviations = loads.iter().map(|load| (load / mean - 1.0).powi(2));
    if mean > 0.0 { (deviations.sum::<f64>() / loads.len().max(1) as f64).sqrt() } else { 0.0 }
}
