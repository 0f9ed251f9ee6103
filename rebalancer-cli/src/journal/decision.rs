//! What a cycle saw and decided, as log lines.

use super::group;
use crate::advice;
use rebalancer_core::cycle::LookBack;
use rebalancer_core::fleet::{Indicator, Target, Unread};
use rebalancer_core::report::{ForecastReport, Method, Report};
use rebalancer_core::snapshot::NotForecast;
use tracing::{debug, info, warn};

use crate::config::Names;

/// One screen at info: what was seen of each indicator, and what follows. Every pod at debug.
pub(super) fn decided(report: &Report, names: &Names, seconds: f64) {
    for degraded in &report.degraded {
        warn!(
            event = "indicator_degraded",
            indicator = degraded.indicator.name(),
            error = %degraded.error,
            "an indicator could not be read and is left out of this cycle"
        );
    }
    log_owners(report);
    log_autoscaler(report);
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
            limit = seen.limit.by(seen.indicator),
            out_of_balance = seen.out_of_balance,
            weight = seen.weight.get(),
            "load over the eligible pods"
        );
    }
    judged(report);
    if let Some(forecast) = &report.forecast {
        log_forecast(forecast);
    }
    group::seen(report.group.as_ref(), report.group_error.as_deref());
    log_prediction(report);
    info!(
        event = "decision",
        decision = report.decision.name(),
        reason = advice::report(report, names),
        pods = report.pods.len(),
        serving = report.serving,
        eligible = report.eligible,
        gone = report.unlisted.len(),
        seconds,
        "decided"
    );
}

/// Whether expected loads counted, and how good they were on the last days.
fn log_forecast(forecast: &ForecastReport) {
    let trials = forecast.trials.as_ref();
    info!(
        event = "forecast",
        indicator = forecast.indicator.name(),
        used = forecast.not_used.is_none(),
        not_used = forecast.not_used.as_ref().map(NotForecast::name),
        horizon_seconds = forecast.horizon.as_secs(),
        series = trials.map(|trials| trials.series),
        better = trials.map(|trials| trials.better),
        error = trials.map(|trials| trials.forecast),
        error_as_now = trials.map(|trials| trials.as_now),
        error_as_a_day_ago = trials.map(|trials| trials.as_a_day_ago),
        expected_cv = forecast.expected.map(|expected| expected.cv),
        why = forecast.words,
        "what is expected of the loads over the horizon"
    );
}

/// Every pod with every load that is known of it.
fn judged(report: &Report) {
    for pod in &report.pods {
        let load = |indicator| pod.loads.get(indicator).map(|load| load.get());
        debug!(
            event = "pod_judged",
            pod = pod.pod.name,
            uid = %pod.pod.uid,
            cpu = load(Indicator::Cpu),
            memory = load(Indicator::Memory),
            lag = load(Indicator::Lag),
            consumption_rate = load(Indicator::ConsumptionRate),
            production_rate = load(Indicator::ProductionRate),
            score = pod.score.map(|score| score.get()),
            verdict = advice::verdict(report, pod.verdict),
            "a pod with its loads and its verdict"
        );
    }
}

/// Owners beyond which nothing is known. Every installation may be allowed to read ReplicaSets; of other kinds it may be
/// meant so.
fn log_owners(report: &Report) {
    for Unread { owner, why } in &report.unread_owners {
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
            info!(event = "owner_not_read", %owner, why, "the pods alone tell of revisions and marks");
        }
    }
}

/// What the autoscaler scales by, with what it saw last. It may be lag, of which its CPU target tells nothing.
fn log_autoscaler(report: &Report) {
    let (Target::Known { hpa, .. } | Target::NotByCpu { hpa }) = &report.target else { return };
    let scales_by: Vec<_> = report.scales_by.iter().map(ToString::to_string).collect();
    if !scales_by.is_empty() {
        info!(
            event = "autoscaler",
            autoscaler = hpa,
            scales_by = scales_by.join("; "),
            "the metrics that the autoscaler scales by"
        );
    }
}

/// How pods were chosen, and what is expected of it.
fn log_prediction(report: &Report) {
    if report.method != Method::None {
        info!(event = "method", method = advice::method(&report.method), "how pods are selected");
    }
    if let Some(prediction) = &report.prediction {
        info!(
            event = "prediction",
            assignor = %prediction.assignor,
            cv_before = prediction.cv_before,
            expected_cv = prediction.expected_cv,
            cv_spread = prediction.cv_spread,
            better = prediction.better.get(),
            relief_percent = prediction.relief_percent.get(),
            draws = prediction.draws,
            pace = prediction.pace.name(),
            "the expected effect of the best batch"
        );
    }
}

/// What memory shows of earlier cycles.
pub(super) fn looked_back(look_back: &LookBack) {
    for story in &look_back.reconciled {
        warn!(event = "story_finished", pod = story.name, uid = %story.uid, earlier_cycle = story.cycle, %story, "an earlier cycle was interrupted; this is what became of its removal");
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
            "the measured effect of the last rotation"
        );
    }
    info!(
        event = "memory",
        breaker = look_back.breaker.name(),
        times = look_back.breaker.times(),
        "the state of the circuit breaker"
    );
}
