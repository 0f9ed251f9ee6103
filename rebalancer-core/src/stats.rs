//! Distribution statistics of one indicator. Measures, decides nothing.

use statrs::statistics::{Accumulate as _, OnlineVariance};

use crate::unit::Load;

/// How loads are distributed over pods, in the indicator's unit.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Distribution {
    /// Number of loads.
    pub count: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Population standard deviation.
    pub standard_deviation: f64,
    /// Coefficient of variation, `standard_deviation / mean`; 0 when the mean is 0.
    pub cv: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Middle; the mean of the two middle ones for an even count.
    pub median: f64,
    /// 95th percentile.
    pub p95: f64,
    /// `max / mean`; 1 when the mean is 0.
    pub max_to_mean: f64,
}

impl Distribution {
    /// Measures the loads; `None` when there are none. Linear: order statistics are selected, not sorted.
    ///
    /// Sums of floats depend on their order in the last bits. The snapshot's order is fixed, so a decision does not
    /// depend on the order in which pods were listed.
    #[must_use]
    pub fn of(loads: impl IntoIterator<Item = Load>) -> Option<Self> {
        let loads = loads.into_iter();
        let mut values = Vec::with_capacity(loads.size_hint().1.unwrap_or_default());
        let mut spread = Spread::default();
        for load in loads {
            spread.push(load);
            values.push(in_order(load));
        }
        spread.with(values)
    }
}

/// What one pass over loads tells, without keeping them: all of a [`Distribution`] but its order statistics.
pub(crate) struct Spread {
    moments: OnlineVariance,
    min: f64,
    max: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { moments: OnlineVariance::default(), min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Spread {
    pub(crate) fn of(loads: impl IntoIterator<Item = Load>) -> Self {
        let mut spread = Self::default();
        loads.into_iter().for_each(|load| spread.push(load));
        spread
    }

    pub(crate) fn push(&mut self, load: Load) {
        let load = load.get();
        self.moments = std::mem::take(&mut self.moments).push(load);
        // The first of equal ones stays: 0 and -0 are equal, and not the same.
        self.min = if load < self.min { load } else { self.min };
        self.max = if load > self.max { load } else { self.max };
    }

    /// `None` when there are no loads.
    pub(crate) fn mean(&self) -> Option<f64> {
        self.moments.mean()
    }

    /// Coefficient of variation; 0 when the mean is 0.
    pub(crate) fn cv(&self) -> f64 {
        let mean = self.mean().unwrap_or_default();
        if mean > 0.0 { self.standard_deviation() / mean } else { 0.0 }
    }

    fn standard_deviation(&self) -> f64 {
        // statrs divides by n - 1; the fleet is the whole population.
        let population = |variance: f64| {
            let count = self.moments.count as f64;
            (variance * (count - 1.0) / count).max(0.0).sqrt()
        };
        self.moments.variance().map_or(0.0, population)
    }

    /// With its order statistics, of the loads that were pushed.
    fn with(self, values: Vec<i64>) -> Option<Distribution> {
        let mean = self.mean()?;
        let count = values.len();
        let (median, p95) = median_and_p95(values)?;
        Some(Distribution {
            count,
            mean,
            standard_deviation: self.standard_deviation(),
            cv: self.cv(),
            min: self.min,
            max: self.max,
            median,
            p95,
            max_to_mean: if mean > 0.0 { self.max / mean } else { 1.0 },
        })
    }
}

/// A number that orders loads as `total_cmp` does: the bits of a float that is not negative; those of -0 come before.
const fn in_order(load: Load) -> i64 {
    load.get().to_bits().cast_signed()
}

const fn load_of(number: i64) -> f64 {
    f64::from_bits(number.cast_unsigned())
}

/// The median and the 95th percentile (Hyndman and Fan's type 8, as in statrs, which selects four times for both); `None`
/// of nothing.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank is not negative, and not more than the count"
)]
fn median_and_p95(mut values: Vec<i64>) -> Option<(f64, f64)> {
    let largest = |of: &[i64]| of.iter().copied().max().map(load_of);
    let (count, half) = (values.len(), values.len() / 2);
    if count == 0 {
        return None;
    }
    let (below, middle, above) = values.select_nth_unstable(half);
    let middle = load_of(*middle);
    let median = match largest(below) {
        Some(lower) if count.is_multiple_of(2) => (lower + middle) / 2.0,
        Some(_) | None => middle,
    };
    let rank = (count as f64 + 1.0 / 3.0) * 0.95 + 1.0 / 3.0;
    // In a small fleet it is the largest. In others it is above the middle.
    let place = (rank.floor() < count as f64).then(|| (rank as usize).checked_sub(half + 1)).flatten();
    let p95 = match place.filter(|place| *place < above.len()) {
        Some(place) => {
            let (lower, upper, _) = above.select_nth_unstable(place);
            let lower = largest(lower).unwrap_or(middle);
            lower + (rank - rank.floor()) * (load_of(*upper) - lower)
        }
        None => largest(above).unwrap_or(middle),
    };
    Some((median, p95))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::statistics::{Data, OrderStatistics as _};

    use super::*;

    proptest! {
        #[test]
        fn the_order_statistics_are_those_of_statrs_to_the_last_bit(
            values in prop::collection::vec(prop_oneof![0.0_f64..3.0, Just(1.0)], 1..300),
        ) {
            let mut data = Data::new(values.clone());
            let expected = (data.median().to_bits(), data.percentile(95).to_bits());
            let values = values.into_iter().map(|value| in_order(Load::new(value).unwrap()));
            let (median, p95) = median_and_p95(values.collect()).unwrap();
            prop_assert_eq!((median.to_bits(), p95.to_bits()), expected);
        }
    }

    fn of(loads: &[f64]) -> Distribution {
        Distribution::of(loads.iter().map(|load| Load::new(*load).unwrap())).unwrap()
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn the_standard_deviation_is_that_of_the_whole_population() {
        let loads = of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        close(loads.mean, 5.0);
        close(loads.standard_deviation, 2.0);
        close(loads.cv, 0.4);
        close(loads.max_to_mean, 1.8);
        close(loads.median, 4.5);
        assert_eq!(loads.count, 8);
    }

    #[test]
    fn one_pod_does_not_vary_and_an_idle_fleet_is_even() {
        close(of(&[3.0]).cv, 0.0);
        close(of(&[3.0]).standard_deviation, 0.0);
        close(of(&[0.0, 0.0]).cv, 0.0);
        close(of(&[0.0, 0.0]).max_to_mean, 1.0);
        assert!(Distribution::of([]).is_none());
    }

    #[test]
    fn the_order_of_the_loads_does_not_matter_for_order_statistics() {
        let (up, down) = (of(&[0.1, 0.2, 0.3, 1e9]), of(&[1e9, 0.3, 0.1, 0.2]));
        close(up.median, down.median);
        close(up.p95, down.p95);
    }

    #[test]
    fn most_loads_are_below_the_95th_percentile() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert!((95.0..=96.0).contains(&of(&hundred).p95));
    }
}
