//! Distribution statistics of one indicator. Measures, decides nothing.

use statrs::statistics::{Data, Distribution as _, Max as _, Min as _, OrderStatistics as _};

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
        let values: Vec<f64> = loads.into_iter().map(Load::get).collect();
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mut data = Data::new(values);
        let mean = data.mean()?;
        // statrs divides by n - 1; the fleet is the whole population.
        let standard_deviation = if count > 1 {
            (data.variance()? * (count - 1) as f64 / count as f64).max(0.0).sqrt()
        } else {
            0.0
        };
        let (min, max) = (data.min(), data.max());
        Some(Self {
            count,
            mean,
            standard_deviation,
            cv: if mean > 0.0 { standard_deviation / mean } else { 0.0 },
            min,
            max,
            median: data.median(),
            p95: data.percentile(95),
            max_to_mean: if mean > 0.0 { max / mean } else { 1.0 },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
