//! Whether the removals of a rotation wait for each other: a run that removes one pod, and the next one when the replacement of
//! the first is a member, leaves nothing open of what falls into which rebalance.

use jiff::SignedDuration;

use super::Tried;
use super::pool::Pool;
use super::search::{Aim, Effort};
use crate::group::{ONE_REBALANCE, start_up};
use crate::planner::candidates::Candidates;
use crate::policy::Pace;
use crate::prediction::{Forecast, Prediction};

impl Candidates<'_> {
    /// The best batch for an aim, at the pace at which it is worth more, whatever comes of what is not known.
    pub(super) fn at_the_better_pace(
        &self,
        aim: Aim,
        forecast: &Forecast<'_>,
        pool: &Pool,
        searches: usize,
    ) -> Option<Tried> {
        let for_a_rotation = searches == 1;
        let awaited = self.may_await(forecast).filter(|_| for_a_rotation);
        let paces = if awaited.is_some() { 2 } else { 1 };
        let effort = Effort { parts: searches * paces, for_a_rotation };
        let together = self.searched(aim, forecast, pool, self.most(), effort);
        let Some(most) = awaited else { return together };
        let awaited = self.searched(aim, &forecast.paced(Pace::EachAwaited), pool, most, effort);
        let is_a_guess = forecast.assumed().is_a_guess();
        let worth = |tried: &Tried| tried.at_worst(aim, is_a_guess) / tried.cost.sqrt();
        let is_better = |awaited: &Tried| {
            let together = together.as_ref().filter(|together| together.is_enough);
            awaited.chosen.len() > 1
                && awaited.is_enough
                && together.is_none_or(|together| worth(awaited) > worth(together))
        };
        match awaited {
            Some(awaited) if is_better(&awaited) => Some(awaited),
            Some(_) | None => together,
        }
    }

    /// How many pods may go one after the other in the time that there is for that, where waiting leaves less open.
    fn may_await(&self, forecast: &Forecast<'_>) -> Option<usize> {
        self.snapshot.group.as_ref()?;
        let sure = forecast.is_exact(self.most()) && !forecast.assumed().is_a_guess();
        let most = in_time(self.policy.group.replacement_wait, start_up(self.snapshot)?)?.min(self.most());
        (most > 1 && !sure && forecast.knows_ids()).then_some(most)
    }
}

/// How many pods may go one after the other, if pods take so long to start: a replacement is a member after two rebalances.
fn in_time(wait: SignedDuration, start_up: SignedDuration) -> Option<usize> {
    let each = start_up.max(SignedDuration::ZERO).checked_add(ONE_REBALANCE)?.checked_add(ONE_REBALANCE)?;
    let waits = wait.as_millis().checked_div(each.as_millis())?;
    usize::try_from(waits).ok()?.checked_add(1)
}

impl Tried {
    /// What it brings in the worst of the ways that are reckoned with: the fall of the CV, or of the load above the limit.
    fn at_worst(&self, aim: Aim, is_timing_a_guess: bool) -> f64 {
        let prediction = &self.prediction;
        match aim {
            Aim::Evenness => prediction.cv_before - highest(prediction, is_timing_a_guess),
            Aim::Relief => prediction.relief * prediction.cooler.get(),
        }
    }
}

/// The CV that is expected of it; the highest under any timing, where the one that is assumed is a guess.
fn highest(prediction: &Prediction, is_timing_a_guess: bool) -> f64 {
    let others = prediction.by_timing.filter(|_| is_timing_a_guess);
    let others = others.map(|by| [by.leave_then_join, by.all_at_once, by.one_by_one]);
    let others = others.into_iter().flatten().map(|expected| expected.cv);
    others.fold(prediction.expected_cv, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_pods_go_one_after_the_other_as_the_wait_allows() {
        let most = |wait, start_up| {
            in_time(SignedDuration::from_secs(wait), SignedDuration::from_secs(start_up)).unwrap()
        };
        assert_eq!([most(0, 2), most(7, 2), most(8, 2), most(16, 2), most(10, 60)], [1, 1, 2, 3, 1]);
    }
}
