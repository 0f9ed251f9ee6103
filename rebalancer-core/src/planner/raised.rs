//! The indicator that raised an imbalance, and which pods are candidates then.

use std::collections::BTreeMap;

use super::candidates::Eligible;
use super::measure::Measurements;
use super::outlier::CandidateRole;
use crate::report::{IndicatorReport, Spared};
use crate::unit::Load;

/// The indicator that raised an imbalance, which earlier readings confirm.
pub(super) struct Raised<'a> {
    pub(super) report: &'a IndicatorReport,
    /// What all indicators say.
    pub(super) measured: &'a Measurements,
    /// Pods that are hot now and were not in enough readings, by their place in the snapshot, with the number of
    /// readings in which they were.
    pub(super) passing: BTreeMap<usize, usize>,
    /// Pods that are hot only now, or only over the horizon, with what is said of them.
    pub(super) unlike: BTreeMap<usize, Spared>,
}

impl<'a> Raised<'a> {
    /// Confirmed by earlier readings, but for these pods.
    pub(super) const fn confirmed(
        report: &'a IndicatorReport,
        measured: &'a Measurements,
        passing: BTreeMap<usize, usize>,
    ) -> Self {
        Self { report, measured, passing, unlike: BTreeMap::new() }
    }

    /// As if earlier readings had confirmed it for every pod.
    pub(super) fn unconfirmed(measured: &'a Measurements) -> Option<Self> {
        Some(Self::confirmed(measured.raised()?, measured, BTreeMap::new()))
    }
}

impl Raised<'_> {
    /// A pod's load and its limit by this indicator.
    pub(super) fn load_of(&self, pod: &Eligible) -> Option<(Load, Load)> {
        let load = pod.loads.get(self.report.indicator)?;
        Some((load, self.report.limit.for_request(pod.cpu_request)))
    }

    /// It is hot only now, or only later. Such a pod is no candidate, neither as a hot nor as a cold one.
    pub(super) fn is_passing(&self, pod: usize) -> bool {
        self.passing.contains_key(&pod) || self.unlike.contains_key(&pod)
    }

    /// The roles for which a pod with a sample may be selected; and why it is not, as long as nothing better is known.
    pub(super) fn candidate_role(&self, pod: &Eligible) -> (CandidateRole, Spared) {
        match self.not_cold(pod) {
            None => (CandidateRole::Any, Spared::Between),
            Some(_) if pod.is_hot(self.report) => (CandidateRole::HotOnly, Spared::Between),
            Some(why) => (CandidateRole::HotOnly, why),
        }
    }

    /// Why a pod can't be a cold one whatever its load by this indicator: it is about to move anyway, or it is hot by another,
    /// or may be. What is not known is no reason to act.
    fn not_cold(&self, pod: &Eligible) -> Option<Spared> {
        if pod.on_leaving_node {
            return Some(Spared::LeavingNode);
        }
        let others =
            self.measured.indicators.iter().filter(|report| report.indicator != self.report.indicator);
        let mut reasons = others.filter_map(|report| {
            let (indicator, limit) = (report.indicator, report.limit.for_request(pod.cpu_request));
            match pod.loads.get(indicator) {
                None => Some(Spared::MaybeHotBy { indicator }),
                Some(load) => (load > limit).then_some(Spared::HotBy { indicator, limit }),
            }
        });
        reasons.next()
    }
}
