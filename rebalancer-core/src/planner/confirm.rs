//! Whether an imbalance was there in enough earlier readings, and which pods are hot only now.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::candidates::{Candidates, Eligible};
use crate::fleet::Samples;
use crate::report::{Hold, IndicatorReport, Limit};
use crate::snapshot::Past;
use crate::stats::Spread;
use crate::unit::Load;

/// One earlier reading.
struct Reading<'a> {
    at: Timestamp,
    samples: &'a Samples,
    out_of_balance: bool,
    /// What made a pod hot then.
    limit: Limit,
}

/// Confirms an imbalance by earlier readings; gives the pods that are hot only now, with the number of readings in which
/// they were.
pub(super) fn confirm(
    candidates: &Candidates<'_>,
    raised: &IndicatorReport,
) -> Result<BTreeMap<usize, usize>, Hold> {
    candidates.confirm(raised)
}

impl Candidates<'_> {
    fn confirm(&self, raised: &IndicatorReport) -> Result<BTreeMap<usize, usize>, Hold> {
        let persistence = self.policy.balance.persistence;
        if persistence.earlier() == 0 {
            return Ok(BTreeMap::new());
        }
        let readings = self.readings(raised)?;
        let not_persistent = |seen_in| Hold::NotPersistent {
            indicator: raised.indicator,
            seen_in,
            windows: persistence.windows(),
            required: persistence.required(),
            younger: self.younger_than(raised, &readings),
        };
        let seen_in = 1 + readings.iter().filter(|reading| reading.out_of_balance).count();
        if seen_in < persistence.required() {
            return Err(not_persistent(seen_in));
        }
        let (mut passing, mut lasting) = (BTreeMap::new(), 0_usize);
        for pod in self.pods.eligible.iter().filter(|pod| pod.is_hot(raised)) {
            let hot_in = 1 + self.hot_before(pod, &readings);
            if hot_in < persistence.required() {
                passing.insert(pod.index, hot_in);
            } else {
                lasting += 1;
            }
        }
        match (lasting, passing.values().max()) {
            (0, Some(&longest)) => Err(not_persistent(longest)),
            _ => Ok(passing),
        }
    }

    /// Hot pods that were not there yet in too many of these readings, so that nothing can be known of them.
    fn younger_than(&self, raised: &IndicatorReport, readings: &[Reading<'_>]) -> usize {
        let persistence = self.policy.balance.persistence;
        let is_younger = |pod: &&Eligible| {
            let since = self.snapshot.pods.get(pod.index).and_then(|pod| pod.pod.ready_since);
            let came_after = |reading: &&Reading<'_>| since.is_none_or(|since| since > reading.at);
            let missed = readings.iter().filter(came_after).count();
            persistence.windows().saturating_sub(missed) < persistence.required()
        };
        self.pods.eligible.iter().filter(|pod| pod.is_hot(raised)).filter(is_younger).count()
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
        let step = self.policy.balance.persistence.step();
        let times = std::iter::successors(earlier(self.snapshot.taken_at, step), |at| earlier(*at, step));
        let readings = windows.iter().zip(times).take(self.policy.balance.persistence.earlier());
        Ok(readings.map(|(samples, at)| self.reading(raised, samples, at)).collect())
    }

    /// Judges an earlier reading as the present one was. A reading without samples shows no imbalance.
    fn reading<'a>(&'a self, raised: &IndicatorReport, samples: &'a Samples, at: Timestamp) -> Reading<'a> {
        let (out_of_balance, limit) = match raised.limit {
            limit @ Limit::Target { .. } => {
                (self.loads_at(samples, at).any(|(pod, load)| pod.exceeds(&limit, Some(load))), limit)
            }
            limit @ Limit::Variance { threshold, .. } => {
                let then = Spread::of(self.loads_at(samples, at).map(|(_, load)| load));
                then.mean().map_or((false, limit), |mean| {
                    (then.cv() > threshold.get(), self.variance_limit(raised.indicator, mean))
                })
            }
        };
        Reading { at, samples, out_of_balance, limit }
    }

    /// What the eligible pods had. Pods and samples are both in the order of names, so they are walked together.
    fn loads_at<'a>(
        &'a self,
        samples: &'a Samples,
        at: Timestamp,
    ) -> impl Iterator<Item = (&'a Eligible, Load)> + 'a {
        let mut samples = samples.iter().peekable();
        self.pods.eligible.iter().filter_map(move |eligible| {
            let pod = &self.snapshot.pods.get(eligible.index)?.pod;
            while samples.next_if(|(name, _)| **name < pod.name).is_some() {}
            let (name, load) = samples.peek()?;
            let own = **name == pod.name && pod.ready_since.is_some_and(|since| since <= at);
            own.then_some((eligible, **load))
        })
    }

    fn hot_before(&self, pod: &Eligible, readings: &[Reading<'_>]) -> usize {
        let was_hot = |reading: &&Reading<'_>| {
            let load = self.load_at(pod.index, reading.samples, reading.at);
            reading.out_of_balance && pod.exceeds(&reading.limit, load)
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
