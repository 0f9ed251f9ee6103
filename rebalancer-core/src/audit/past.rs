//! Whether the hot pods were hot before, worked out again from the raw readings.

use jiff::Timestamp;

use super::load::{self, ROUNDING};
use super::{Case, Violation};
use crate::fleet::Samples;
use crate::snapshot::ObservedPod;

/// Every hot pod must have been hot in enough earlier readings, and it must have been this pod: above its own limit where
/// there is a target, or else above the tolerance around the mean of the time.
pub(super) fn check(case: &Case<'_>) -> Vec<Violation> {
    let Case { plan, chosen, snapshot, policy, fleet } = case;
    if policy.balance.persistence.windows() < 2 {
        return Vec::new();
    }
    let known = snapshot.past.as_ref().filter(|past| past.indicator == plan.indicator);
    let windows = known.and_then(|past| past.windows.as_deref().ok()).unwrap_or_default();
    let step = policy.balance.persistence.step();
    let by_target = load::target_of(plan.indicator, snapshot).map(|target| load::by_target(target, policy));
    let by_mean = |window: &Samples, at| mean_at(fleet, window, at) * policy.balance.tolerance.get();
    let earlier: Vec<_> = windows
        .iter()
        .zip(1_i32..)
        .map(|(window, steps)| (window, snapshot.taken_at - step * steps))
        .map(|(window, at)| (window, at, by_target.is_none().then(|| by_mean(window, at))))
        .collect();
    let passing = |pod: &ObservedPod| {
        let was_hot = |(window, at, by_mean): &&(&Samples, Timestamp, Option<f64>)| {
            let limit = by_target.as_ref().map_or(*by_mean, |limit| limit.of(pod));
            let load = load_at(pod, window, *at);
            limit.zip(load).is_some_and(|(limit, load)| load > limit * (1.0 - ROUNDING))
        };
        1 + earlier.iter().filter(was_hot).count() < policy.balance.persistence.required()
    };
    let hot = chosen.iter().filter(|(removal, _)| removal.choice.is_hot()).map(|(_, pod)| pod);
    let passing = hot.filter(|pod| passing(pod));
    passing.map(|pod| Violation::Passing { pod: pod.pod.name.clone() }).collect()
}

/// What the pod itself had; a name may have been another pod's.
fn load_at(pod: &ObservedPod, window: &Samples, at: Timestamp) -> Option<f64> {
    pod.pod.ready_since.filter(|since| *since <= at)?;
    window.get(&pod.pod.name).map(|load| load.get())
}

fn mean_at(fleet: &[&ObservedPod], window: &Samples, at: Timestamp) -> f64 {
    let mut loads = Vec::with_capacity(fleet.len());
    if fleet.is_sorted_by(|a, b| a.pod.name <= b.pod.name) {
        // Both are in the order of names.
        let mut window = window.iter().peekable();
        loads.extend(fleet.iter().filter_map(|pod| {
            while window.next_if(|(name, _)| **name < pod.pod.name).is_some() {}
            let (_, load) = window.peek().filter(|(name, _)| **name == pod.pod.name)?;
            pod.pod.ready_since.filter(|since| *since <= at).map(|_| load.get())
        }));
    } else {
        loads.extend(fleet.iter().filter_map(|pod| load_at(pod, window, at)));
    }
    load::mean(&loads)
}
