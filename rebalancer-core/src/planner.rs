//! The entry point to a decision: snapshot, policy and what memory allows in, report out. Pure and deterministic;
//! deciding never fails, since to hold is a result.

mod budget;
mod candidates;
mod confirm;
mod cpu_limit;
mod horizon;
mod measure;
mod outlier;
mod raised;
mod score;
mod strategy;
#[cfg(test)]
mod tests;
mod verdicts;

use crate::fleet::Indicator;
use crate::group::GroupSummary;
use crate::guard::{group_not_stable, not_now};
use crate::history::Constraints;
use crate::policy::{Pace, Policy};
use crate::prediction::{Carried, Expected};
use crate::report::{Decision, ForecastReport, Hold, IndicatorReport, Method, Report, RestartsDue};
use crate::snapshot::Snapshot;
use candidates::{Candidates, JudgedPods};
pub use horizon::{Forecasted, outlook, to_forecast};
use measure::Measurements;
use raised::Raised;
use strategy::Selection;

/// Decides what to do with the fleet.
///
/// An indicator that says that the fleet is out of balance, and said so in enough earlier readings, raises it. Then the
/// policy's strategy selects pods, as long as no guard forbids a rotation now and memory allows it.
///
/// ```
/// use rebalancer_core::{Constraints, Policy, Snapshot, plan};
/// # let now = rebalancer_core::jiff::Timestamp::UNIX_EPOCH;
/// # use rebalancer_core::{Indicator, Pod, unit::Load};
/// let pod = Pod::new("consumer-1", "uid-1");
/// let alone = Snapshot::builder("streams", "consumer", now).pod(pod, [(Indicator::Cpu, Load::new(0.7)?)]).build()?;
/// let report = plan(&alone, &Policy::default(), &Constraints::default());
/// assert_eq!(report.decision.to_string(), "hold: none of 1 pods may be removed: 1 no_controller");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn plan(snapshot: &Snapshot, policy: &Policy, constraints: &Constraints) -> Report {
    plan_judged(None, snapshot, policy, constraints)
}

/// The same, where each pod of this snapshot was judged by this policy already.
pub(crate) fn plan_judged(
    judged: Option<Judged>,
    snapshot: &Snapshot,
    policy: &Policy,
    constraints: &Constraints,
) -> Report {
    let Judged { pods, seen } = judged.unwrap_or_else(|| Judged::of(snapshot, policy));
    let candidates = Candidates::with(pods, snapshot, policy, constraints);
    let measured = candidates.nothing_to_decide().map_or(seen, Err);
    let (measured, selection) = match measured {
        Ok(measured) => {
            let selection = decide(&candidates, &measured);
            (Some(measured), selection)
        }
        Err(hold) => (None, Selection::hold(hold)),
    };
    // Last, so that the report says what would have been done.
    let selection = held_now(selection, snapshot, policy, constraints);
    report(candidates, measured, selection)
}

/// The indicator whose earlier readings a [`plan`] needs: it is out of balance now, and the policy asks for more than
/// one reading.
#[must_use]
pub fn to_confirm(snapshot: &Snapshot, policy: &Policy) -> Option<Indicator> {
    judge_to_confirm(snapshot, policy).and_then(|judged| judged.raised())
}

/// Judges each pod, where earlier readings may be needed. The [plan](plan_judged) need not do it again.
pub(crate) fn judge_to_confirm(snapshot: &Snapshot, policy: &Policy) -> Option<Judged> {
    let needed = policy.balance.persistence.earlier() > 0 && snapshot.ambiguous().is_none();
    needed.then(|| Judged::of(snapshot, policy))
}

/// What follows from a snapshot and a policy alone, whatever was earlier and whatever memory allows.
pub(crate) struct Judged {
    pods: JudgedPods,
    seen: Result<Measurements, Hold>,
}

impl Judged {
    fn of(snapshot: &Snapshot, policy: &Policy) -> Self {
        let unlimited = Constraints::default();
        let candidates = Candidates::with(JudgedPods::of(snapshot, policy), snapshot, policy, &unlimited);
        let seen = candidates.see();
        Self { pods: candidates.pods, seen }
    }

    /// The indicator that is out of balance now.
    pub(crate) fn raised(&self) -> Option<Indicator> {
        self.seen.as_ref().ok()?.raised().map(|report| report.indicator)
    }
}

/// How each usable indicator is distributed over the eligible pods, as a [`plan`] reports it; none when that would mean
/// nothing.
#[must_use]
pub fn measure(snapshot: &Snapshot, policy: &Policy) -> Vec<IndicatorReport> {
    let unlimited = Constraints::default();
    let pods = JudgedPods::of(snapshot, policy);
    let measured = Candidates::with(pods, snapshot, policy, &unlimited).measure();
    measured.map(|measured| measured.indicators).unwrap_or_default()
}

fn decide(candidates: &Candidates<'_>, measured: &Measurements) -> Selection {
    match (measured.raised(), &measured.incomplete) {
        // One indicator that sees an imbalance is enough; to call the fleet balanced, all must be whole.
        (Some(report), _) => match confirm::confirm(candidates, report) {
            Ok(passing) => horizon::select(candidates, &Raised::confirmed(report, measured, passing)),
            Err(hold) => Selection::hold(hold),
        },
        (None, Some(hold)) => Selection::hold(hold.clone()),
        (None, None) => Selection::without_choice(Decision::Balanced),
    }
}

/// Holds a selection that a guard or memory forbids. A spent removal budget leaves no room for a plan in the first place;
/// then that is the reason, and not the number of pods.
fn held_now(
    mut selection: Selection,
    snapshot: &Snapshot,
    policy: &Policy,
    constraints: &Constraints,
) -> Selection {
    let is_plan = |selection: &Selection| matches!(selection.decision, Decision::Rotate(_));
    if let (true, Some(guard)) = (is_plan(&selection), not_now(snapshot, policy)) {
        selection.hold_plan(Hold::NotNow(guard));
    }
    // A group that is not at rest does not tell who holds what, and then loads by pod are missing.
    let of_kafka = |indicator: Indicator| matches!(indicator, Indicator::Lag | Indicator::ProductionRate);
    if let Decision::Hold(Hold::MetricsIncomplete { indicator, .. }) = selection.decision
        && of_kafka(indicator)
        && let Some(guard) = group_not_stable(snapshot)
    {
        selection.hold_plan(Hold::NotNow(guard));
    }
    let wanted = is_plan(&selection) || matches!(selection.decision, Decision::Hold(Hold::TooFewPods { .. }));
    if let (true, Some(pause)) = (wanted, &constraints.pause) {
        selection.hold_plan(Hold::Paused(pause.clone()));
    }
    selection
}

fn report(candidates: Candidates<'_>, measured: Option<Measurements>, selection: Selection) -> Report {
    let snapshot = candidates.snapshot;
    let (serving, eligible) = (candidates.pods.serving, candidates.pods.eligible.len());
    let Selection { method, prediction, mut decision, verdicts } = selection;
    let (carried, steps) = carried(snapshot, &method, &decision)
        .map(|carried| (carried.predict().ok(), steps(&carried)))
        .unwrap_or_default();
    let carried = carried.map(|carried| carried.widened(candidates.constraints.prediction_error));
    if let Decision::Rotate(plan) = &mut decision {
        plan.steps = steps;
    }
    let pods = verdicts.complete(candidates, measured.as_ref());
    Report {
        workload: snapshot.workload.clone(),
        taken_at: snapshot.taken_at,
        target: snapshot.target.clone(),
        scales_by: snapshot.surroundings.scales_by.clone(),
        serving,
        eligible,
        readable: snapshot.readable.clone(),
        indicators: measured.map(|measured| measured.indicators).unwrap_or_default(),
        degraded: snapshot.degraded.clone(),
        partitions_error: snapshot.partitions_error.clone(),
        unread_owners: snapshot.surroundings.ownership.unread.clone(),
        leaving_nodes: snapshot.surroundings.leaving_nodes.clone(),
        restarts_due: RestartsDue::of(snapshot),
        unlisted: snapshot.unlisted.clone(),
        group: GroupSummary::of(snapshot),
        group_error: snapshot.group_error.as_ref().map(ToString::to_string),
        forecast: ForecastReport::of(snapshot),
        method,
        prediction,
        carried,
        decision,
        pods,
    }
}

/// What the plan does to what pods carry, which Kafka shows right after it.
fn carried<'a>(snapshot: &'a Snapshot, method: &Method, decision: &'a Decision) -> Option<Carried<'a>> {
    match (decision, method) {
        (Decision::Rotate(plan), Method::Predict { assignor, timing, .. }) if snapshot.group.is_some() => {
            let removed = plan.removals.iter().map(|removal| &removal.pod.uid).collect();
            Some(Carried { snapshot, assignor: *assignor, timing: *timing, pace: plan.pace(), removed })
        }
        (Decision::Rotate(_) | Decision::Balanced | Decision::Hold(_), _) => None,
    }
}

/// What is expected after each removal, where each but the first waits for what the one before brings.
fn steps(carried: &Carried<'_>) -> Vec<Expected> {
    match carried.pace {
        Pace::Together => Vec::new(),
        Pace::EachAwaited => carried.after_each().unwrap_or_default(),
    }
}
