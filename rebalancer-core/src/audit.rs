//! An independent check that a plan breaks no safety rule, made right before acting.
//!
//! It works everything out again from the raw snapshot, by code of its own: a mistake of the planner, of the guards or of
//! the eligibility rules must not be repeated here. What it shares with them are plain values and their look-ups: label
//! selectors, the calendar of quiet hours, and the policy's thresholds and weights.

mod forecast;
mod group;
mod violation;

pub use violation::Violation;

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::DisruptionBudget;
use crate::fleet::{Phase, Target};
use crate::history::Constraints;
use crate::policy::Policy;
use crate::port::MetricsError;
use crate::report::{Choice, Expectation, Plan, Removal};
use crate::snapshot::{ObservedPod, Snapshot};

/// A plan in which the audit found nothing, with what it was audited against. Only [`audit`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct AuditedPlan<'a> {
    plan: &'a Plan,
    snapshot: &'a Snapshot,
    policy: &'a Policy,
}

impl<'a> AuditedPlan<'a> {
    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &'a Plan {
        self.plan
    }

    /// The snapshot that it was made on.
    #[must_use]
    pub const fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// The policy by which it was made.
    #[must_use]
    pub const fn policy(&self) -> &'a Policy {
        self.policy
    }
}

/// Checks a plan.
///
/// # Errors
/// Every safety rule that the plan breaks.
pub fn audit<'a>(
    plan: &'a Plan,
    snapshot: &'a Snapshot,
    policy: &'a Policy,
    constraints: &Constraints,
) -> Result<AuditedPlan<'a>, Vec<Violation>> {
    let violations = violations(plan, snapshot, policy, constraints);
    if violations.is_empty() { Ok(AuditedPlan { plan, snapshot, policy }) } else { Err(violations) }
}

fn violations(
    plan: &Plan,
    snapshot: &Snapshot,
    policy: &Policy,
    constraints: &Constraints,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut seen = BTreeSet::new();
    for removal in &plan.removals {
        if !seen.insert(&removal.pod.uid) {
            violations.push(Violation::Twice { pod: removal.pod.name.clone() });
        }
        violations.extend(check_pod(removal, plan, snapshot, policy));
    }
    violations.extend(check_shape(plan, policy));
    let fleet = may_go(snapshot, policy);
    violations.extend(forecast::check(plan, snapshot, policy, &fleet));
    violations.extend(check_rest(&seen, snapshot, policy));
    violations.extend(check_surroundings(plan, snapshot, policy));
    violations.extend(past::check(plan, snapshot, policy, &fleet));
    violations.extend(mixed(snapshot));
    violations.extend(group::check(plan, snapshot));
    let pods = plan.removals.len();
    if let Some(most) = constraints.most_removals.filter(|most| pods > *most) {
        violations.push(Violation::OverBudget { pods, most });
    }
    if constraints.pause.is_some() {
        violations.push(Violation::NotNow { what: "memory gives a reason to wait" });
    }
    violations
}

/// Whatever the plan goes by: the rest comes from the same store.
fn mixed(snapshot: &Snapshot) -> impl Iterator<Item = Violation> {
    let loads = snapshot.degraded.iter().map(|degraded| (degraded.indicator.name(), &degraded.error));
    let others = [("partition_load", &snapshot.partitions_error), ("cpu_requests", &snapshot.requests_error)];
    let others = others.into_iter().filter_map(|(query, error)| Some((query, error.as_ref()?)));
    let mixed = |error: &MetricsError| matches!(error, MetricsError::Ambiguous { .. });
    loads
        .chain(others)
        .filter(move |(_, error)| mixed(error))
        .map(|(query, _)| Violation::MixedSeries { query })
}

fn check_pod(removal: &Removal, plan: &Plan, snapshot: &Snapshot, policy: &Policy) -> Option<Violation> {
    let pod = removal.pod.name.clone();
    let same = |observed: &&ObservedPod| {
        observed.pod.uid == removal.pod.uid
            && observed.pod.name == removal.pod.name
            && observed.pod.namespace == removal.pod.namespace
    };
    let Some(observed) = snapshot.pods.iter().find(same) else {
        return Some(Violation::UnknownPod { pod });
    };
    let measured = observed.loads.get(plan.indicator) == Some(removal.load);
    unfit(observed, snapshot, policy).or_else(|| (!measured).then_some(Violation::NotMeasured { pod }))
}

/// Why a pod must not be removed by its own state.
fn unfit(observed: &ObservedPod, snapshot: &Snapshot, policy: &Policy) -> Option<Violation> {
    let pod = || observed.pod.name.clone();
    let old_enough = policy.eligibility.minimum_age.is_zero()
        || observed
            .pod
            .ready_since
            .is_some_and(|since| since <= snapshot.taken_at - policy.eligibility.minimum_age);
    if !serves(observed) {
        Some(Violation::NotServing { pod: pod() })
    } else if !old_enough {
        Some(Violation::TooYoung { pod: pod() })
    } else if untouchable(observed)
        || forbidden(observed, snapshot, policy)
        || !owners::is_own(observed, snapshot)
    {
        Some(Violation::Untouchable { pod: pod() })
    } else {
        None
    }
}

/// The pods of which a plan may be made.
fn may_go<'a>(snapshot: &'a Snapshot, policy: &Policy) -> Vec<&'a ObservedPod> {
    let may_go = |pod: &&ObservedPod| unfit(pod, snapshot, policy).is_none() && covered_once(pod, snapshot);
    snapshot.pods.iter().filter(may_go).collect()
}

/// Whether no more than one disruption budget covers the pod.
fn covered_once(observed: &ObservedPod, snapshot: &Snapshot) -> bool {
    snapshot.surroundings.budgets.iter().filter(|budget| budget.covers(&observed.pod)).count() <= 1
}

fn serves(observed: &ObservedPod) -> bool {
    observed.pod.phase == Phase::Running && observed.pod.ready && !observed.pod.terminating
}

fn untouchable(observed: &ObservedPod) -> bool {
    let pod = &observed.pod;
    let replaced =
        pod.owner.as_ref().is_some_and(|owner| !matches!(owner.kind.as_str(), "DaemonSet" | "Job" | "Node"));
    let critical = pod.priority_class.as_deref().is_some_and(|class| class.starts_with("system-"));
    let system = matches!(pod.namespace.as_str(), "kube-system" | "kube-public" | "kube-node-lease");
    let marks = &pod.annotations;
    let marked =
        marks.get("pod-rebalancer.io/opt-out").is_some_and(|value| value.trim().to_lowercase() != "false")
            || marks
                .get("cluster-autoscaler.kubernetes.io/safe-to-evict")
                .is_some_and(|value| value.to_lowercase().contains("false"))
            || marks.keys().any(|name| name.ends_with("/prefer-no-eviction"));
    marked || !replaced || pod.mirror || critical || system || pod.container.is_none()
}

/// By its priority, or since only marked pods may be touched.
fn forbidden(observed: &ObservedPod, snapshot: &Snapshot, policy: &Policy) -> bool {
    let marked = |annotations: &BTreeMap<String, String>| {
        annotations.get("pod-rebalancer.io/opt-in").map(|value| value.trim().to_lowercase()).as_deref()
            == Some("true")
    };
    let above = owners::at_and_above_the_workload(observed, snapshot);
    let opted_in = marked(&observed.pod.annotations) || above.iter().any(|owner| marked(&owner.annotations));
    let too_important =
        observed.pod.priority.is_some_and(|priority| priority > policy.eligibility.highest_priority);
    too_important || (policy.eligibility.opt_in && !opted_in)
}

fn check_shape(plan: &Plan, policy: &Policy) -> Option<Violation> {
    let k = policy.selection.top_k.get();
    let hot = plan.removals.iter().filter(|removal| removal.choice.is_hot()).count();
    let cold = plan.removals.len() - hot;
    // A prediction knows what a batch does, whatever it is of; the formula only holds for hot and cold pods together.
    let by_formula = matches!(plan.expectation, Expectation::EvenMixing(_));
    let partner = |removal: &Removal| matches!(removal.choice, Choice::Partner { .. });
    let partners = plan.removals.iter().any(partner);
    let unbalanced = hot == 0 || (by_formula && (cold == 0 || partners)) || hot > k || cold > k;
    unbalanced.then_some(Violation::Unbalanced { hot, cold, k })
}

fn check_rest(
    removed: &BTreeSet<&crate::fleet::Uid>,
    snapshot: &Snapshot,
    policy: &Policy,
) -> Option<Violation> {
    let counts = |pod: &&ObservedPod| serves(pod) && owners::is_own(pod, snapshot);
    let left = snapshot.pods.iter().filter(counts).filter(|pod| !removed.contains(&pod.pod.uid)).count();
    let minimum = policy.limits.minimum_pods;
    let serving = snapshot.pods.iter().filter(counts).count();
    let over_share = removed.len() as f64 > policy.limits.most_share.get() * serving as f64 + 1e-6;
    let pods = removed.len();
    if left < minimum {
        Some(Violation::TooFewLeft { left, minimum })
    } else {
        over_share.then_some(Violation::OverShare { pods, serving })
    }
}

/// What Kubernetes says of the fleet's surroundings. Each budget must let its pods go, and no pod may have two.
fn check_surroundings(plan: &Plan, snapshot: &Snapshot, policy: &Policy) -> Vec<Violation> {
    let mut violations = Vec::new();
    let around = &snapshot.surroundings;
    violations.extend(owners::check(snapshot));
    if let Some(scaling) = around.scaling {
        let waits =
            policy.guards.wait_for_scale_in && scaling.wants_fewer && scaling.current > scaling.minimum;
        let recent =
            scaling.last_scaled_at.is_some_and(|at| at > snapshot.taken_at - policy.eligibility.minimum_age);
        for (what, holds) in [
            ("the autoscaler is scaling", scaling.active && scaling.current != scaling.desired),
            ("the autoscaler is about to scale in", scaling.active && waits),
            ("the autoscaler has just scaled", recent),
        ] {
            violations.extend(holds.then_some(Violation::NotNow { what }));
        }
    }
    if matches!(snapshot.target, Target::Ambiguous { .. }) {
        violations.push(Violation::NotNow { what: "several autoscalers match" });
    }
    if unsettled(snapshot, policy) {
        violations.push(Violation::NotNow { what: "the fleet has not settled" });
    }
    if policy.guards.quiet_hours.as_ref().is_some_and(|hours| hours.at(snapshot.taken_at).is_some()) {
        violations.push(Violation::NotNow { what: "a quiet hour" });
    }
    let chosen =
        |observed: &&ObservedPod| plan.removals.iter().any(|removal| removal.pod.uid == observed.pod.uid);
    let chosen: Vec<&ObservedPod> = snapshot.pods.iter().filter(chosen).collect();
    let covered = |budget: &DisruptionBudget| chosen.iter().filter(|pod| budget.covers(&pod.pod)).count();
    for budget in &around.budgets {
        let pods = covered(budget);
        if pods > 0 && (pods > budget.allowed as usize || !budget.status_is_current) {
            violations.push(Violation::OverDisruptionBudget { budget: budget.name.clone(), pods });
        }
    }
    for pod in &chosen {
        let mut budgets = around.budgets.iter().filter(|budget| budget.covers(&pod.pod));
        if let (Some(_), Some(second)) = (budgets.next(), budgets.next()) {
            violations.push(Violation::OverDisruptionBudget { budget: second.name.clone(), pods: 1 });
        }
    }
    violations
}

/// Too many of the workload's own pods start, or are young.
fn unsettled(snapshot: &Snapshot, policy: &Policy) -> bool {
    let mut all = 0_u32;
    let mut fresh = 0_u32;
    for observed in snapshot.pods.iter().filter(|observed| owners::is_own(observed, snapshot)) {
        let pod = &observed.pod;
        if pod.terminating || pod.phase == Phase::Succeeded || pod.phase == Phase::Failed {
            continue;
        }
        let since = pod.ready_since.filter(|_| serves(observed));
        all += 1;
        fresh +=
            u32::from(since.is_none_or(|since| since > snapshot.taken_at - policy.eligibility.minimum_age));
    }
    !policy.eligibility.minimum_age.is_zero()
        && f64::from(fresh) > policy.guards.most_young.get() * f64::from(all) + 1e-6
}

mod load;
mod owners;
mod past;
#[cfg(test)]
mod tests;
