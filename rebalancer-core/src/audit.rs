//! An independent check that a plan breaks no safety rule, made right before acting.
//!
//! It works everything out again from the raw snapshot, by code of its own: a mistake of the planner, of the guards or of
//! the eligibility rules must not be repeated here. What it shares with them are plain values and their look-ups: label
//! selectors, the calendar of quiet hours, and the policy's thresholds and weights.

mod forecast;
mod group;
mod neighbors;
mod violation;

pub use violation::Violation;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::fleet::DisruptionBudget;
use crate::fleet::{Phase, Target, Uid};
use crate::history::Constraints;
use crate::policy::{Evictor, Policy};
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

/// A pod of the snapshot, with what is worked out of it once.
pub(super) struct Seen<'a> {
    observed: &'a ObservedPod,
    /// The workload owns it, whatever its containers are called.
    owned: bool,
    /// It is one of the workload's own.
    own: bool,
    /// The plan has a removal of its UID.
    removed: bool,
}

/// A removal with the pod that it means.
type Chosen<'a> = (&'a Removal, &'a ObservedPod);

/// What the loads of a plan are checked against.
struct Case<'a> {
    plan: &'a Plan,
    chosen: &'a [Chosen<'a>],
    snapshot: &'a Snapshot,
    policy: &'a Policy,
    /// The pods that may go.
    fleet: &'a [&'a ObservedPod],
}

fn violations(
    plan: &Plan,
    snapshot: &Snapshot,
    policy: &Policy,
    constraints: &Constraints,
) -> Vec<Violation> {
    let all = seen(plan, snapshot);
    let touched: Vec<&Seen<'_>> = all.iter().filter(|seen| seen.removed).collect();
    let mut violations = Vec::new();
    let mut once = BTreeSet::new();
    for removal in &plan.removals {
        if !once.insert(&removal.pod.uid) {
            violations.push(Violation::Twice { pod: removal.pod.name.clone() });
        }
        violations.extend(check_pod(removal, plan, &touched, snapshot, policy));
    }
    violations.extend(check_shape(plan, policy));
    let fleet = may_go(&all, snapshot, policy);
    // One that is not in the snapshot is a violation already.
    let known = |removal: &'_ Removal| touched.iter().find(|seen| seen.observed.pod.uid == removal.pod.uid);
    let chosen = plan.removals.iter().filter_map(|removal| Some((removal, known(removal)?.observed)));
    let chosen: Vec<Chosen<'_>> = chosen.collect();
    let case = Case { plan, chosen: &chosen, snapshot, policy, fleet: &fleet };
    violations.extend(forecast::check(&case));
    violations.extend(check_rest(&all, once.len(), policy));
    violations.extend(check_surroundings(&all, &touched, snapshot, policy));
    violations.extend(neighbors::check(snapshot, &all, &chosen));
    violations.extend(past::check(&case));
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

fn seen<'a>(plan: &'a Plan, snapshot: &'a Snapshot) -> Vec<Seen<'a>> {
    let removed: BTreeSet<&Uid> = plan.removals.iter().map(|removal| &removal.pod.uid).collect();
    let mut all = Vec::with_capacity(snapshot.pods.len());
    all.extend(owners::Owners::of(snapshot).owned().map(|(observed, owned)| Seen {
        observed,
        owned,
        own: owned && observed.pod.container.is_some(),
        removed: removed.contains(&observed.pod.uid),
    }));
    all
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

fn check_pod(
    removal: &Removal,
    plan: &Plan,
    touched: &[&Seen<'_>],
    snapshot: &Snapshot,
    policy: &Policy,
) -> Option<Violation> {
    let pod = removal.pod.name.clone();
    let same = |seen: &&&Seen<'_>| {
        let observed = &seen.observed.pod;
        observed.uid == removal.pod.uid
            && observed.name == removal.pod.name
            && observed.namespace == removal.pod.namespace
    };
    let Some(seen) = touched.iter().find(same) else {
        return Some(Violation::UnknownPod { pod });
    };
    let measured = seen.observed.loads.get(plan.indicator) == Some(removal.load);
    match unfit(seen, youngest(snapshot, policy), snapshot, policy) {
        Some(Unfit::NotServing) => Some(Violation::NotServing { pod }),
        Some(Unfit::TooYoung) => Some(Violation::TooYoung { pod }),
        Some(Unfit::Untouchable) => Some(Violation::Untouchable { pod }),
        None => (!measured).then_some(Violation::NotMeasured { pod }),
    }
}

/// Why a pod must not be removed by its own state.
enum Unfit {
    NotServing,
    TooYoung,
    Untouchable,
}

/// Pods that became Ready after this are too young; `None` where none is.
fn youngest(snapshot: &Snapshot, policy: &Policy) -> Option<Timestamp> {
    let minimum = policy.eligibility.minimum_age;
    (!minimum.is_zero()).then(|| snapshot.taken_at - minimum)
}

fn unfit(
    seen: &Seen<'_>,
    youngest: Option<Timestamp>,
    snapshot: &Snapshot,
    policy: &Policy,
) -> Option<Unfit> {
    let observed = seen.observed;
    let old_enough =
        youngest.is_none_or(|youngest| observed.pod.ready_since.is_some_and(|since| since <= youngest));
    if !serves(observed) {
        Some(Unfit::NotServing)
    } else if !old_enough {
        Some(Unfit::TooYoung)
    } else if untouchable(observed)
        || kept_by_a_mark(observed, snapshot, policy)
        || forbidden(seen, snapshot, policy)
        || !seen.own
    {
        Some(Unfit::Untouchable)
    } else {
        None
    }
}

/// The pods of which a plan may be made.
fn may_go<'a>(all: &[Seen<'a>], snapshot: &Snapshot, policy: &Policy) -> Vec<&'a ObservedPod> {
    let youngest = youngest(snapshot, policy);
    let may_go = |seen: &&Seen<'_>| {
        unfit(seen, youngest, snapshot, policy).is_none() && covered_once(seen.observed, snapshot)
    };
    let mut fleet = Vec::with_capacity(all.len());
    fleet.extend(all.iter().filter(may_go).map(|seen| seen.observed));
    fleet
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
    let critical = pod.extras.priority_class.as_deref().is_some_and(|class| class.starts_with("system-"));
    let system = matches!(pod.namespace.as_str(), "kube-system" | "kube-public" | "kube-node-lease");
    !replaced || pod.mirror || critical || system || pod.container.is_none()
}

/// By our own mark, or by one of those that others go by and that are honored.
fn kept_by_a_mark(observed: &ObservedPod, snapshot: &Snapshot, policy: &Policy) -> bool {
    let (marks, honored) = (&observed.pod.annotations, &policy.eligibility.honored);
    if marks.is_empty() {
        return false;
    }
    let value = |name: &str| marks.get(name).map(|value| value.trim().to_lowercase());
    let ours = value("pod-rebalancer.io/opt-out").is_some_and(|value| value != "false");
    let unsafe_to_evict = honored.contains(&Evictor::ClusterAutoscaler)
        && value("cluster-autoscaler.kubernetes.io/safe-to-evict")
            .is_some_and(|value| value.contains("false"));
    let preferred = honored.contains(&Evictor::Descheduler)
        && marks.keys().any(|name| name.ends_with("/prefer-no-eviction"));
    let expired = |protected: &str| {
        let protected = protected.parse::<SignedDuration>().ok();
        let over = |(protected, since): (SignedDuration, Timestamp)| {
            since.checked_add(protected).is_ok_and(|until| until <= snapshot.taken_at)
        };
        protected.zip(observed.pod.ready_since).is_some_and(over)
    };
    let undisturbed = honored.contains(&Evictor::Karpenter)
        && value("karpenter.sh/do-not-disrupt").is_some_and(|value| value != "false" && !expired(&value));
    ours || unsafe_to_evict || preferred || undisturbed
}

/// By its priority, or since only marked pods may be touched.
fn forbidden(seen: &Seen<'_>, snapshot: &Snapshot, policy: &Policy) -> bool {
    let pod = &seen.observed.pod;
    let marked = |annotations: &BTreeMap<String, String>| {
        annotations.get("pod-rebalancer.io/opt-in").map(|value| value.trim().to_lowercase()).as_deref()
            == Some("true")
    };
    let opted_in = || {
        let above = owners::at_and_above_the_workload(seen, snapshot);
        marked(&pod.annotations) || above.iter().any(|owner| marked(&owner.annotations))
    };
    let too_important = pod.priority.is_some_and(|priority| priority > policy.eligibility.highest_priority);
    too_important || (policy.eligibility.opt_in && !opted_in())
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

fn check_rest(all: &[Seen<'_>], pods: usize, policy: &Policy) -> Option<Violation> {
    let counts = all.iter().filter(|seen| seen.own && serves(seen.observed));
    let (serving, left) = counts
        .fold((0_usize, 0_usize), |(serving, left), seen| (serving + 1, left + usize::from(!seen.removed)));
    let minimum = policy.limits.minimum_pods;
    let over_share = pods as f64 > policy.limits.most_share.get() * serving as f64 + 1e-6;
    if left < minimum {
        Some(Violation::TooFewLeft { left, minimum })
    } else {
        over_share.then_some(Violation::OverShare { pods, serving })
    }
}

/// What Kubernetes says of the fleet's surroundings. Each budget must let its pods go, and no pod may have two.
fn check_surroundings(
    all: &[Seen<'_>],
    touched: &[&Seen<'_>],
    snapshot: &Snapshot,
    policy: &Policy,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let around = &snapshot.surroundings;
    violations.extend(owners::check(snapshot, all));
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
    if unsettled(all, snapshot, policy) {
        violations.push(Violation::NotNow { what: "the fleet has not settled" });
    }
    if policy.guards.quiet_hours.as_ref().is_some_and(|hours| hours.at(snapshot.taken_at).is_some()) {
        violations.push(Violation::NotNow { what: "a quiet hour" });
    }
    if let Some(watched) = &around.watched {
        let oldest = snapshot.taken_at - policy.guards.longest_silence;
        if watched.heard_at.is_none_or(|heard_at| heard_at < oldest) {
            violations.push(Violation::NotNow { what: "the watch on the fleet is stale" });
        }
    }
    let covers = |budget: &DisruptionBudget, seen: &&&Seen<'_>| budget.covers(&seen.observed.pod);
    let covered = |budget: &DisruptionBudget| touched.iter().filter(|seen| covers(budget, seen)).count();
    for budget in &around.budgets {
        let pods = covered(budget);
        if pods > 0 && (pods > budget.allowed as usize || !budget.status_is_current) {
            violations.push(Violation::OverDisruptionBudget { budget: budget.name.clone(), pods });
        }
    }
    for seen in touched {
        let mut budgets = around.budgets.iter().filter(|budget| covers(budget, &seen));
        if let (Some(_), Some(second)) = (budgets.next(), budgets.next()) {
            violations.push(Violation::OverDisruptionBudget { budget: second.name.clone(), pods: 1 });
        }
    }
    violations
}

/// Too many of the workload's own pods start, or are young.
fn unsettled(all: &[Seen<'_>], snapshot: &Snapshot, policy: &Policy) -> bool {
    let Some(youngest) = youngest(snapshot, policy) else { return false };
    let mut own = 0_u32;
    let mut fresh = 0_u32;
    for seen in all.iter().filter(|seen| seen.own) {
        let pod = &seen.observed.pod;
        if pod.terminating || pod.phase == Phase::Succeeded || pod.phase == Phase::Failed {
            continue;
        }
        let since = pod.ready_since.filter(|_| serves(seen.observed));
        own += 1;
        fresh += u32::from(since.is_none_or(|since| since > youngest));
    }
    f64::from(fresh) > policy.guards.most_young.get() * f64::from(own) + 1e-6
}

mod load;
mod owners;
mod past;
#[cfg(test)]
mod tests;
