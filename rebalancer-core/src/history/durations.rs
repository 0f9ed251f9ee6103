//! How often something took at most how long: a histogram that outlives the processes.

use jiff::SignedDuration;

/// Upper bounds in milliseconds, each included. A cycle's time is 28 s unless it is set otherwise; what is longer has
/// no bound. Whoever changes them makes the histograms of older records start over.
const BOUNDS: [u64; 10] = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 15_000, 20_000, 28_000];

/// Durations, counted in fixed buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(from = "codec::Written"))]
pub struct Durations {
    /// By the smallest bound that holds them; the last ones have none.
    counts: [u64; BOUNDS.len() + 1],
    /// Of all together.
    millis: u64,
}

impl Durations {
    /// Counts one. A clock that was set back makes it 0.
    pub(super) fn observe(&mut self, duration: SignedDuration) {
        let millis = u64::try_from(duration.as_millis().max(0)).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| millis <= *bound).unwrap_or(BOUNDS.len());
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.millis = self.millis.saturating_add(millis);
    }

    /// Each bound in seconds, with how many took at most that long.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let up_to = self.counts.iter().scan(0, |sum: &mut u64, count| {
            *sum = sum.saturating_add(*count);
            Some(*sum)
        });
        BOUNDS.iter().map(|bound| *bound as f64 / 1000.0).zip(up_to)
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().copied().fold(0, u64::saturating_add)
    }

    /// All of them together, in seconds.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.millis as f64 / 1000.0
    }
}

#[cfg(feature = "serde")]
mod codec {
    use super::{BOUNDS, Durations};

    #[derive(serde::Deserialize)]
    pub(super) struct Written {
        counts: Vec<u64>,
        millis: u64,
    }

    impl From<Written> for Durations {
        /// Counts of other bounds can no longer be distinguished: it starts over, and whoever reads the counters sees a
        /// reset.
        fn from(Written { counts, millis }: Written) -> Self {
            let counts: Option<[u64; BOUNDS.len() + 1]> = counts.try_into().ok();
            counts.map_or_else(Self::default, |counts| Self { counts, millis })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: &[i64]) -> Durations {
        let mut durations = Durations::default();
        millis.iter().for_each(|millis| durations.observe(SignedDuration::from_millis(*millis)));
        durations
    }

    #[test]
    fn a_bucket_holds_all_that_are_not_longer_than_its_bound() {
        let durations = of(&[100, 101, 28_000, 28_001]);
        let buckets: Vec<(f64, u64)> = durations.buckets().collect();
        assert_eq!(buckets.first(), Some(&(0.1, 1)));
        assert_eq!(buckets.get(1), Some(&(0.25, 2)));
        assert_eq!(buckets.last(), Some(&(28.0, 3)));
        assert_eq!(durations.count(), 4);
        assert!((durations.sum() - 56.202).abs() < 1e-9);
    }

    #[test]
    fn a_clock_that_was_set_back_takes_nothing_away() {
        let durations = of(&[-5_000]);
        assert_eq!((durations.count(), durations.millis), (1, 0));
    }

    #[test]
    fn a_sum_stops_at_the_largest_number() {
        let mut durations = Durations::default();
        durations.observe(SignedDuration::MAX);
        durations.observe(SignedDuration::MAX);
        durations.observe(SignedDuration::MAX);
        assert_eq!((durations.count(), durations.millis), (3, u64::MAX));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn counts_of_other_bounds_start_anew() {
        let text = serde_json::to_string(&of(&[7])).unwrap();
        assert_eq!(text, r#"{"counts":[1,0,0,0,0,0,0,0,0,0,0],"millis":7}"#);
        assert_eq!(serde_json::from_str::<Durations>(&text).unwrap(), of(&[7]));
        let other = r#"{"counts":[1,2],"millis":7}"#;
        assert_eq!(serde_json::from_str::<Durations>(other).unwrap(), Durations::default());
    }
}
