//! Several courses counted together.

use super::course::{Balance, Forecast, Summary};

/// Courses of one strategy, such as one for each seed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tally(pub Vec<Summary>);

impl Tally {
    /// The mean of all courses before the first cycle.
    #[must_use]
    pub fn before(&self) -> Balance {
        mean(self.0.iter().map(|one| one.before))
    }

    /// The mean of all courses after the last cycle.
    #[must_use]
    pub fn after(&self) -> Balance {
        mean(self.0.iter().map(|one| one.after))
    }

    /// Pods removed, in all courses together.
    #[must_use]
    pub fn removals(&self) -> usize {
        self.0.iter().map(|one| one.removals).sum()
    }

    /// Pods removed in vain, in all courses together.
    #[must_use]
    pub fn useless(&self) -> usize {
        self.0.iter().map(|one| one.useless).sum()
    }

    /// The most cycles that any course took until it was quiet; `None` if one never was.
    #[must_use]
    pub fn quiet_after(&self) -> Option<usize> {
        self.0.iter().map(|one| one.quiet_after).try_fold(0, |most, one| Some(most.max(one?)))
    }

    /// How far predicted improvements were from the real ones, as a share of the real ones, in the median over
    /// rotations; `None` without a prediction.
    ///
    /// Who gets what also depends on member ids that nobody can foresee, so one rotation may bring much more or less
    /// than expected.
    #[must_use]
    pub fn median_error(&self) -> Option<f64> {
        median(self.forecasts().map(Forecast::error))
    }

    /// The median predicted improvement of the CV, and the median real one; `None` without a prediction.
    #[must_use]
    pub fn median_improvements(&self) -> Option<(f64, f64)> {
        let predicted = median(self.forecasts().map(|one| one.before - one.expected))?;
        let real = median(self.forecasts().map(|one| one.before - one.measured))?;
        Some((predicted, real))
    }

    fn forecasts(&self) -> impl Iterator<Item = &Forecast> {
        self.0.iter().flat_map(|one| &one.forecasts)
    }
}

fn mean(balances: impl Iterator<Item = Balance>) -> Balance {
    let (mut count, mut cv, mut max_to_mean) = (0_u32, 0.0, 0.0);
    for one in balances {
        count += 1;
        cv += one.cv;
        max_to_mean += one.max_to_mean;
    }
    if count == 0 {
        return Balance::EVEN;
    }
    Balance { cv: cv / f64::from(count), max_to_mean: max_to_mean / f64::from(count) }
}

/// The middle one, or the mean of the two middle ones.
fn median(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get(sorted.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        assert_eq!(median([].into_iter()), None);
    }

    fn summary(quiet_after: Option<usize>, expected: f64) -> Summary {
        let balance = |cv| Balance { cv, max_to_mean: 2.0 };
        Summary {
            before: balance(0.5),
            after: balance(0.3),
            cycles: 30,
            removals: 4,
            useless: 1,
            quiet_after,
            forecasts: vec![Forecast { before: 0.5, expected, measured: 0.3 }],
        }
    }

    #[test]
    fn courses_add_up_and_one_that_is_never_quiet_makes_the_whole_unquiet() {
        let tally = Tally(vec![summary(Some(2), 0.4), summary(Some(5), 0.2)]);
        assert_eq!((tally.removals(), tally.useless(), tally.quiet_after()), (8, 2, Some(5)));
        assert!((tally.after().cv - 0.3).abs() < 1e-9 && (tally.before().max_to_mean - 2.0).abs() < 1e-9);
        assert!((tally.median_error().unwrap() - 0.5).abs() < 1e-9);
        let (predicted, real) = tally.median_improvements().unwrap();
        assert!((predicted - 0.2).abs() < 1e-9 && (real - 0.2).abs() < 1e-9);
        assert_eq!(Tally(vec![summary(Some(2), 0.4), summary(None, 0.4)]).quiet_after(), None);
        assert_eq!((Tally::default().after(), Tally::default().median_error()), (Balance::EVEN, None));
    }
}
