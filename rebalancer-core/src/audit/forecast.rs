//! Whether a plan that goes by expected loads may do so, and is one by the loads of now and by the expected ones.

use super::{Case, Chosen, Violation, load, may_go, seen};
use crate::fleet::Uid;
use crate::snapshot::Snapshot;

/// Without expected loads, the loads of now alone are looked at. With them, each hot pod must be hot by both, the imbalance must
/// be there by both, pods rank by the expected ones, and the forecast must have earned it.
pub(super) fn check(case: &Case<'_>) -> Vec<Violation> {
    let Case { plan, snapshot, policy, .. } = *case;
    let Some(later) = snapshot.over_the_horizon(plan.indicator) else {
        return load::check(case);
    };
    let all = seen(plan, &later);
    let known = |uid: &Uid| all.iter().find(|seen| seen.observed.pod.uid == *uid);
    let removals = plan.removals.iter();
    let then: Vec<Chosen<'_>> =
        removals.filter_map(|removal| Some((removal, known(&removal.pod.uid)?.observed))).collect();
    let ahead = Case { plan, chosen: &then, snapshot: &later, policy, fleet: &may_go(&all, &later, policy) };
    let mut violations = load::check(&ahead);
    violations.extend(load::check_now(case));
    if !earned(snapshot) || policy.balance.horizon.is_none() {
        violations.push(Violation::UnearnedForecast { indicator: plan.indicator });
    }
    violations
}

/// Beaten by neither baseline in the mean, and better than both for at least every other series that changes.
fn earned(snapshot: &Snapshot) -> bool {
    let trials = snapshot.outlook.as_ref().and_then(|outlook| outlook.trials);
    trials.is_some_and(|trials| {
        let baseline = trials.as_now.min(trials.as_a_day_ago);
        let most = trials.tried.saturating_sub(trials.better);
        trials.trials > 0 && trials.forecast < baseline && most <= trials.better
    })
}
