//! What a rotation costs, and what it has to bring for that.

use crate::unit::Percent;

/// The whole minimum is asked of a rotation that costs this share of the fleet; of a cheaper one, less in proportion.
const WHOLE: f64 = 0.4;

/// A rebalance that stops every member costs as much as the removal of this share of the fleet: for some three seconds
/// nobody consumes (a member notices at its next heartbeat), where a replaced pod is missing for a minute.
const STOP: f64 = 0.05;

/// No more relief is asked for the sake of stops, in percent.
const MOST_RELIEF: f64 = 50.0;

/// What has to come of a rotation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Minimum {
    /// In an expensive rotation.
    pub(super) percent: Percent,
    /// Pods that serve.
    pub(super) serving: usize,
}

impl Minimum {
    /// What the removal of so many pods costs, with so many rebalances that stop every member: in pods.
    pub(super) fn cost(self, pods: usize, stops: f64) -> f64 {
        pods.max(1) as f64 + stops * STOP * self.serving as f64
    }

    /// By how many percent the CV has to fall, in a rotation that costs so much.
    pub(super) fn of_cost(self, cost: f64) -> f64 {
        let share = cost / self.serving.max(1) as f64;
        self.percent.get() * (share / WHOLE).min(1.0)
    }
}

impl Minimum {
    /// How many percent of what the removed pods carry above the limit have to be gone: more in proportion to what stops
    /// add to the cost of their removal, up to a half.
    pub(super) fn of_relief(self, pods: usize, stops: f64) -> f64 {
        let percent = self.percent.get();
        let priced = percent * self.cost(pods, stops) / self.cost(pods, 0.0);
        priced.min(percent.max(MOST_RELIEF))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_is_asked_of_a_small_batch_and_more_where_rebalances_stop_everybody() {
        let minimum = Minimum { percent: Percent::new(10.0).unwrap(), serving: 20 };
        let asked = |pods, stops| minimum.of_cost(minimum.cost(pods, stops));
        for (pods, stops, percent) in
            [(1, 0.0, 1.25), (4, 0.0, 5.0), (12, 0.0, 10.0), (1, 1.0, 2.5), (1, 2.0, 3.75), (4, 8.0, 10.0)]
        {
            assert!((asked(pods, stops) - percent).abs() < 1e-9, "{pods} pods, {stops} stops");
        }
    }
    #[test]
    fn more_relief_is_asked_where_rebalances_stop_everybody_and_never_more_than_half() {
        let minimum = Minimum { percent: Percent::new(10.0).unwrap(), serving: 20 };
        for (pods, stops, percent) in [(1, 0.0, 10.0), (4, 2.0, 15.0), (1, 2.0, 30.0), (1, 8.0, 50.0)] {
            assert!((minimum.of_relief(pods, stops) - percent).abs() < 1e-9, "{pods} pods, {stops} stops");
        }
        let all = Minimum { percent: Percent::new(80.0).unwrap(), serving: 20 };
        assert!((all.of_relief(1, 8.0) - 80.0).abs() < 1e-9, "what the policy asks is asked");
    }
}
