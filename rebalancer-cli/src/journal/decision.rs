//! What a cycle saw and decided, as log lines.

use rebalancer_core::cycle::LookBack;
use rebalancer_core::cycle::Observation;
use rebalancer_core::fleet::{Indicator, Target, Unread};
use rebalancer_core::report::{Decision, Method, Report};
use tracing::{debug, info, warn};

/// One screen at info: what was seen of each indicator, and what follows. Every pod at debug.
pub(super) fn decided(observation: &Observation, seconds: f64) {
    let report = &observation.report;
    for degraded in &report.degraded {
        warn!(
            event = "indicator_degraded",
            indicator = degraded.indicator.name(),
            error = %degraded.error,
            "an indicator could not be read and is left out of this cycle"
        );
    }
    log_owners(observation);
    log_autoscaler(observation);
    for seen in &report.indicators {
        info!(
            event = "indicator_analyzed",
            indicator = seen.indicator.name(),
            unit = seen.indicator.unit(),
            pods = seen.distribution.count,
            mean = seen.distribution.mean,
            cv = seen.distribution.cv,
            max = seen.distribution.max,
            max_to_mean = seen.distribution.max_to_mean,
            limit = %seen.limit,
            out_of_balance = seen.out_of_balance,
            weight = seen.weight.get(),
            "load over the eligible pods"
        );
    }
    judged(observation);
    log_prediction(report);
    info!(
        event = "decision",
        decision = name(&report.decision),
        reason = %report.decision,
        pods = observation.snapshot.pods.len(),
        serving = report.serving,
        eligible = report.eligible,
        gone = observation.snapshot.unlisted.len(),
        seconds,
        "decided"
    );
}

/// Every pod with every load that is known of it.
fn judged(observation: &Observation) {
    let Observation { snapshot, report } = observation;
    for (place, (observed, verdict)) in snapshot.pods.iter().zip(&report.verdicts).enumerate() {
        let load = |indicator| observed.loads.get(indicator).map(|load| load.get());
        debug!(
            event = "pod_judged",
            pod = observed.pod.name,
            uid = %observed.pod.uid,
            cpu = load(Indicator::Cpu),
            memory = load(Indicator::Memory),
            lag = load(Indicator::Lag),
            consumption_rate = load(Indicator::ConsumptionRate),
            production_rate = load(Indicator::ProductionRate),
            score = report.score(place).map(|score| score.get()),
            %verdict,
            "a pod, with its loads and why it goes or stays"
        );
    }
}

/// Owners beyond which nothing is known. Every installation may be allowed to read ReplicaSets; of other kinds it may be
/// meant so.
fn log_owners(observation: &Observation) {
    for Unread { owner, why } in &observation.snapshot.surroundings.ownership.unread {
        let why = why.name();
        if owner.kind == "ReplicaSet" {
            warn!(
                event = "owner_not_read",
                %owner,
                why,
                "what owns these pods is known by its name only, and believed where that gives a reason to hold; grant the verb \
                 'get' on 'replicasets.apps' to this service account"
            );
        } else {
            info!(event = "owner_not_read", %owner, why, "the pods alone tell of rollouts and marks");
        }
    }
}

/// What the autoscaler scales by, with what it saw last. It may be lag, of which its CPU target tells nothing.
fn log_autoscaler(observation: &Observation) {
    let Observation { snapshot, report } = observation;
    let (Target::Known { hpa, .. } | Target::NotByCpu { hpa }) = &report.target else { return };
    let scales_by: Vec<_> = snapshot.surroundings.scales_by.iter().map(ToString::to_string).collect();
    if !scales_by.is_empty() {
        info!(event = "autoscaler", autoscaler = hpa, scales_by = scales_by.join("; "), "what it scales by");
    }
}

/// How pods were chosen, and what is expected of it.
fn log_prediction(report: &Report) {
    if report.method != Method::None {
        info!(event = "method", method = %report.method, "how pods are chosen");
    }
    if let Some(prediction) = &report.prediction {
        info!(
            event = "prediction",
            assignor = %prediction.assignor,
            cv_before = prediction.cv_before,
            expected_cv = prediction.expected_cv,
            cv_spread = prediction.cv_spread,
            better = prediction.better,
            relief_percent = prediction.relief_percent,
            draws = prediction.draws,
            "what the best batch is expected to bring"
        );
    }
}

/// A short stable name: `rotate`, `balanced`, or the hold's.
const fn name(decision: &Decision) -> &'static str {
    match decision {
        Decision::Rotate(_) => "rotate",
        Decision::Balanced => "balanced",
        Decision::Hold(hold) => hold.name(),
    }
}

/// What memory shows of earlier cycles.
pub(super) fn looked_back(look_back: &LookBack) {
    for story in &look_back.reconciled {
        warn!(event = "story_finished", pod = story.name, uid = %story.uid, earlier_cycle = story.cycle, %story, "an earlier cycle was cut off");
    }
    if let Some(rotation) = &look_back.judged {
        info!(
            event = "rotation_measured",
            earlier_cycle = rotation.cycle,
            indicator = rotation.indicator.name(),
            pods = rotation.pods.len(),
            cv_before = rotation.before.cv.get(),
            predicted_cv = rotation.predicted_cv.map(|cv| cv.get()),
            measured_cv = rotation.effect.measured().map(|after| after.cv.get()),
            effect = rotation.effect.name(),
            "what the last rotation did"
        );
    }
    info!(
        event = "memory",
        breaker = look_back.breaker.name(),
        times = look_back.breaker.times(),
        "what is remembered"
    );
}
