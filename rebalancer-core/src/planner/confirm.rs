//! Whether an imbalance was there in enough earlier readings, and which pods are hot only now.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Fleet, set};
use crate::fleet::Samples;
use crate::policy::Persistence;
use crate::report::{Hold, IndicatorReport, Limit, Spared, Verdict};
use crate::snapshot::Past;
use crate::stats::Distribution;
use crate::unit::Load;

/// The indicator that raised an imbalance, which earlier readings confirm.
pub(super) struct Raised<'a> {
    pub(super) report: &'a IndicatorReport,
    /// Pods that are hot now and were not in enough readings, by their place in the snapshot, with the number of
    /// readings in which they were.
    pub(super) passing: BTreeMap<usize, usize>,
}

impl Raised<'_> {
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
}

/// One earlier reading.
struct Reading<'a> {
    at: Timestamp,
    samples: &'a Samples,
    out_of_balance: bool,
    /// Loads above this were hot.
    hot_above: f64,
}

impl Fleet<'_> {
    /// Confirms an imbalance by earlier readings; gives the pods that are hot only now.
    pub(super) fn confirm(&self, raised: &IndicatorReport) -> Result<BTreeMap<usize, usize>, Hold> {
        let persistence = self.policy.persistence;
        if persistence.earlier() == 0 {
            return Ok(BTreeMap::new());
        }
        let readings = self.readings(raised)?;
        let not_persistent = |seen_in| Hold::NotPersistent {
            indicator: raised.indicator,
            seen_in,
            windows: persistence.windows(),
            required: persistence.required(),
        };
        let seen_in = 1 + readings.iter().filter(|reading| reading.out_of_balance).count();
        if seen_in < persistence.required() {
            return Err(not_persistent(seen_in));
        }
        let hot = self.hot(raised).map(|pod| (pod, 1 + self.hot_before(pod, &readings)));
        let (passing, lasting): (BTreeMap<usize, usize>, BTreeMap<usize, usize>) =
            hot.partition(|(_, hot_in)| *hot_in < persistence.required());
        match (lasting.is_empty(), passing.values().max()) {
            (true, Some(&longest)) => Err(not_persistent(longest)),
            _ => Ok(passing),
        }
    }

    fn readings(&self, raised: &IndicatorReport) -> Result<Vec<Reading<'_>>, Hold> {
        let indicator = raised.indicator;
        let windows = match &self.snapshot.past {
            Some(Past { indicator: asked, windows: Ok(windows) }) if *asked == indicator => windows,
            Some(Past { windows: Err(error), .. }) => {
                return Err(Hold::PastUnknown { indicator, error: Some(error.clone()) });
            }
            Some(_) | None => return Err(Hold::PastUnknown { indicator, error: None }),
        };
        let step = self.policy.persistence.step();
        let times = std::iter::successors(earlier(self.snapshot.taken_at, step), |at| earlier(*at, step));
        let readings = windows.iter().zip(times).take(self.policy.persistence.earlier());
        Ok(readings.map(|(samples, at)| self.reading(raised, samples, at)).collect())
    }

    /// Judges an earlier reading as the present one was. A reading without samples shows no imbalance.
    fn reading<'a>(&'a self, raised: &IndicatorReport, samples: &'a Samples, at: Timestamp) -> Reading<'a> {
        let (out_of_balance, hot_above) = match raised.limit {
            Limit::Target { hot_above, .. } => {
                (self.loads_at(samples, at).any(|load| load > hot_above), hot_above.get())
            }
            Limit::Variance { threshold, .. } => Distribution::of(self.loads_at(samples, at))
                .map_or((false, f64::INFINITY), |then| {
                    (then.cv > threshold.get(), then.mean * self.policy.tolerance.get())
                }),
        };
        Reading { at, samples, out_of_balance, hot_above }
    }

    /// What the eligible pods had. Pods and samples are both in the order of names, so they are walked together.
    fn loads_at<'a>(&'a self, samples: &'a Samples, at: Timestamp) -> impl Iterator<Item = Load> + 'a {
        let mut samples = samples.iter().peekable();
        self.eligible.iter().filter_map(move |eligible| {
            let pod = &self.snapshot.pods.get(eligible.index)?.pod;
            while samples.next_if(|(name, _)| **name < pod.name).is_some() {}
            let (name, load) = samples.peek()?;
            let own = **name == pod.name && pod.ready_since.is_some_and(|since| since <= at);
            own.then_some(**load)
        })
    }

    /// Places of the pods that are hot now.
    fn hot(&self, raised: &IndicatorReport) -> impl Iterator<Item = usize> {
        let above = raised.limit.hot_above();
        let indicator = raised.indicator;
        let hot = move |load: Option<Load>| load.is_some_and(|load| load > above);
        self.eligible.iter().filter(move |pod| hot(pod.loads.get(indicator))).map(|pod| pod.index)
    }

    fn hot_before(&self, pod: usize, readings: &[Reading<'_>]) -> usize {
        let was_hot = |reading: &&Reading<'_>| {
            let load = self.load_at(pod, reading.samples, reading.at);
            reading.out_of_balance && load.is_some_and(|load| load.get() > reading.hot_above)
        };
        readings.iter().filter(was_hot).count()
    }

    /// The load that a pod had. A name may have been another pod's before this one was Ready.
    fn load_at(&self, pod: usize, samples: &Samples, at: Timestamp) -> Option<Load> {
        let pod = &self.snapshot.pods.get(pod)?.pod;
        pod.ready_since.filter(|since| *since <= at)?;
        samples.get(&pod.name).copied()
    }
}

fn earlier(at: Timestamp, step: SignedDuration) -> Option<Timestamp> {
    at.checked_sub(step).ok()
}

#[cfg(test)]
mod tests;
