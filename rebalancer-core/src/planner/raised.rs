//! The indicator that raised an imbalance, and which pods are candidates then.

use std::collections::BTreeMap;

use super::measure::Seen;
use super::{Eligible, set};
use crate::planner::outlier::End;
use crate::policy::Persistence;
use crate::report::{IndicatorReport, Spared, Verdict};
use crate::unit::Load;

/// The indicator that raised an imbalance, which earlier readings confirm.
pub(super) struct Raised<'a> {
    pub(super) report: &'a IndicatorReport,
    /// What all indicators say.
    pub(super) seen: &'a Seen,
    /// Pods that are hot now and were not in enough readings, by their place in the snapshot, with the number of
    /// readings in which they were.
    pub(super) passing: BTreeMap<usize, usize>,
}

impl Raised<'_> {
    /// A pod's load and its limit by this indicator.
    pub(super) fn load_of(&self, pod: &Eligible) -> Option<(Load, Load)> {
        let load = pod.loads.get(self.report.indicator)?;
        Some((load, self.report.limit.for_request(pod.cpu_request)))
    }

    /// It is hot only now. Such a pod is no candidate, neither as a hot nor as a cold one.
    pub(super) fn is_passing(&self, pod: usize) -> bool {
        self.passing.contains_key(&pod)
    }

    pub(super) fn mark_passing(&self, verdicts: &mut [Verdict], persistence: Persistence) {
        let (windows, required) = (persistence.windows(), persistence.required());
        for (&pod, &hot_in) in &self.passing {
            set(verdicts, pod, Verdict::Spared(Spared::NotPersistent { hot_in, windows, required }));
        }
    }

    /// As what a pod with a sample may be chosen; and why it is not, as long as nothing better is known.
    pub(super) fn end_of(&self, pod: &Eligible) -> (End, Spared) {
        match self.not_cold(pod) {
            None => (End::Either, Spared::Between),
            Some(_) if pod.is_hot(self.report) => (End::Hot, Spared::Between),
            Some(why) => (End::Hot, why),
        }
    }

    /// Why a pod can't be a cold one whatever its load by this indicator: it is hot by another, or may be. What is not
    /// known is no reason to act.
    fn not_cold(&self, pod: &Eligible) -> Option<Spared> {
        let others = self.seen.indicators.iter().filter(|report| report.indicator != self.report.indicator);
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
