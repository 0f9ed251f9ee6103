//! What a run saw and decided, kept until it has ended.

use std::sync::OnceLock;

use rebalancer_core::cycle::{Intent, Journal};
use rebalancer_core::cycle::{Observation, PodOutcome};
use rebalancer_core::fleet::Indicator;
use rebalancer_core::history::Role;
use rebalancer_core::report::{Decision, PodReport, Report};
use rebalancer_core::stats::Distribution;

/// A series for each pod must have an end.
const MOST_PODS: usize = 500;

/// What a run saw and decided.
#[derive(Debug)]
pub(super) struct Seen {
    /// Pods by state.
    pub(super) pods: [(&'static str, usize); 6],
    /// How the loads of the eligible pods are distributed.
    pub(super) loads: Vec<(Indicator, Distribution)>,
    /// The load of each pod, where that is wanted.
    pub(super) each: Vec<(String, Indicator, f64)>,
    /// Which share of the CV was predicted to go.
    pub(super) predicted: Option<f64>,
}

/// Keeps what is decided in one cycle.
#[derive(Debug)]
pub(crate) struct MetricsJournal {
    per_pod: bool,
    seen: OnceLock<Seen>,
}

impl MetricsJournal {
    /// With the load of each pod, or without.
    pub(crate) const fn new(per_pod: bool) -> Self {
        Self { per_pod, seen: OnceLock::new() }
    }

    /// What was decided, if it came to that.
    pub(super) fn seen(&self) -> Option<&Seen> {
        self.seen.get()
    }
}

impl Journal for MetricsJournal {
    fn decided(&self, observation: &Observation) {
        let report = &observation.report;
        let each = if self.per_pod { each(report) } else { Vec::new() };
        // A cycle decides once.
        self.seen.get_or_init(|| Seen {
            pods: pods(report),
            loads: distributions(report),
            each,
            predicted: predicted(report),
        });
    }

    fn intended(&self, _: &Intent<'_>) {}

    fn finished(&self, _: &Intent<'_>, _: &PodOutcome) {}
}

fn pods(report: &Report) -> [(&'static str, usize); 6] {
    let chosen = match &report.decision {
        Decision::Rotate(plan) => plan.removals.as_slice(),
        Decision::Balanced | Decision::Hold(_) => &[],
    };
    let of = |role: Role| chosen.iter().filter(|removal| removal.choice.role() == role).count();
    [
        ("listed", report.pods.len()),
        ("serving", report.serving),
        ("eligible", report.eligible),
        (Role::Hot.name(), of(Role::Hot)),
        (Role::Cold.name(), of(Role::Cold)),
        (Role::Partner.name(), of(Role::Partner)),
    ]
}

fn distributions(report: &Report) -> Vec<(Indicator, Distribution)> {
    report.indicators.iter().map(|seen| (seen.indicator, seen.distribution)).collect()
}

fn each(report: &Report) -> Vec<(String, Indicator, f64)> {
    let pods = report.pods.iter().take(MOST_PODS);
    let of_pod = |pod: PodReport<'_>| {
        let load = |indicator| {
            let load = pod.loads.get(indicator)?.get();
            Some((pod.pod.name.clone(), indicator, load))
        };
        Indicator::ALL.into_iter().filter_map(load).collect::<Vec<_>>()
    };
    pods.flat_map(of_pod).collect()
}

fn predicted(report: &Report) -> Option<f64> {
    let prediction = report.prediction.as_ref().filter(|prediction| prediction.cv_before > 0.0)?;
    Some((prediction.cv_before - prediction.expected_cv) / prediction.cv_before)
}
