//! Earlier times, evenly apart, as a range query asks for them. Pure.
//!
//! What real servers do with a range query (Prometheus 2.42, VictoriaMetrics 1.79):
//!
//! - Both evaluate at exactly `start`, `start + step`, ... and send those times back to the millisecond. But
//!   VictoriaMetrics moves the grid by up to a step from 50 points on, to make use of its cache, unless `nocache=1` is
//!   sent; Prometheus does not know that parameter and lets it pass. So it is always sent. Front ends may align the
//!   grid too: Thanos' query frontend does by default. What was asked is then not what was answered, and the pods that
//!   were Ready at one time need not be those of the other, so a point off the grid makes the answer useless.
//! - Each value is what an instant query would have given then: a series that had ended is still seen for the look-back
//!   of the server (5 minutes in Prometheus, for VictoriaMetrics at most a step) or of the query's own window. So a
//!   pod that vanished shortly before one of the times has a value there. A pod that was not there yet has none.
//! - VictoriaMetrics shows the last 30 s (`-search.latencyOffset`) as copies of what was before, as long as the step is
//!   below a minute (`-search.maxStepForPointsAdjustment`). With such a step, two readings may be one.
//! - A value that is NaN comes from Prometheus as such and not at all from VictoriaMetrics.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// The most points that Prometheus gives for one series.
const MOST: usize = 11_000;
/// How far a point may be from the time that was requested, in milliseconds: some backends cut off fractions of a
/// second.
const TOLERANCE: i128 = 1_000;
/// Nanoseconds in a millisecond.
const NANOS: i128 = 1_000_000;

/// Times before a reading, the latest first, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    latest: i128,
    earliest: i128,
    step: i128,
    count: usize,
}

impl Grid {
    /// One, two, ... `count` steps before `at`; `None` when these are no times that a server could be asked for.
    /// Fractions of a millisecond are cut off.
    pub(crate) fn before(at: Timestamp, step: SignedDuration, count: usize) -> Option<Self> {
        let step = step.as_millis();
        if step < 1 || !(1..=MOST).contains(&count) {
            return None;
        }
        let at = i128::from(at.as_millisecond());
        let latest = at.checked_sub(step)?;
        let earliest = at.checked_sub(step.checked_mul(i128::try_from(count).ok()?)?)?;
        (earliest >= 0).then_some(Self { latest, earliest, step, count })
    }

    /// How many times there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Which of the times this is, in seconds since the epoch; `None` off the grid.
    pub(crate) fn place(&self, seconds: f64) -> Option<usize> {
        let nanos = SignedDuration::try_from_secs_f64(seconds).ok()?.as_nanos();
        // A number has room for less than a microsecond here.
        let before = self.latest - (nanos + NANOS / 2).div_euclid(NANOS);
        let nearest = (before + self.step / 2).div_euclid(self.step);
        let off = (before - nearest * self.step).abs();
        // In the middle between two times, a point is of neither.
        let near = off <= TOLERANCE && off * 2 < self.step;
        usize::try_from(nearest).ok().filter(|&place| near && place < self.count)
    }

    /// The parameters of a range query.
    pub(crate) fn parameters(&self) -> [(&'static str, String); 4] {
        [
            ("start", seconds(self.earliest)),
            ("end", seconds(self.latest)),
            ("step", seconds(self.step)),
            ("nocache", "1".to_owned()),
        ]
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [earliest, latest, step] = [self.earliest, self.latest, self.step].map(seconds);
        write!(f, "{earliest} to {latest}, every {step} s")
    }
}

/// Milliseconds that are not negative, as seconds.
fn seconds(millis: i128) -> String {
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    fn grid(step: SignedDuration, count: usize) -> Option<Grid> {
        Grid::before(at(1_767_323_045_678), step, count)
    }

    fn asked(step: SignedDuration, count: usize) -> Option<String> {
        grid(step, count).map(|grid| grid.parameters().map(|(_, value)| value).join(" "))
    }

    #[test]
    fn no_more_is_asked_for_than_the_times_themselves() {
        let minutes = SignedDuration::from_mins;
        assert_eq!(asked(minutes(5), 2).as_deref(), Some("1767322445.678 1767322745.678 300.000 1"));
        assert_eq!(asked(minutes(5), 1).as_deref(), Some("1767322745.678 1767322745.678 300.000 1"));
        let odd = SignedDuration::from_millis(1_005);
        assert_eq!(asked(odd, 2).as_deref(), Some("1767323043.668 1767323044.673 1.005 1"));
    }

    #[test]
    fn times_that_nobody_could_be_asked_for_are_none() {
        for (step, count) in [
            (SignedDuration::ZERO, 1),
            (SignedDuration::from_micros(999), 1),
            (SignedDuration::from_secs(-300), 1),
            (SignedDuration::MAX, 1),
            (SignedDuration::MAX, usize::MAX),
            (SignedDuration::from_secs(1), 0),
            (SignedDuration::from_secs(1), MOST + 1),
            (SignedDuration::from_hours(24 * 366), 100),
        ] {
            assert_eq!(grid(step, count), None, "{step} {count}");
        }
    }

    #[test]
    fn a_point_belongs_to_its_time_and_to_no_other() {
        let grid = grid(SignedDuration::from_mins(5), 2).unwrap();
        for (seconds, place) in [
            (1_767_322_745.678, Some(0)),
            (1_767_322_445.678, Some(1)),
            // Fractions that were cut off.
            (1_767_322_745.0, Some(0)),
            (1_767_322_446.0, Some(1)),
            // A grid that was aligned to its step.
            (1_767_322_500.0, None),
            (1_767_322_800.0, None),
            // The present, and before the earliest.
            (1_767_323_045.678, None),
            (1_767_322_145.678, None),
            (0.0, None),
            (-1.0, None),
            (1e300, None),
            (f64::NAN, None),
        ] {
            assert_eq!(grid.place(seconds), place, "{seconds}");
        }
    }

    #[test]
    fn a_point_between_two_times_of_a_short_step_is_neither() {
        let grid = grid(SignedDuration::from_millis(100), 5).unwrap();
        assert_eq!(grid.place(1_767_323_045.578), Some(0));
        assert_eq!(grid.place(1_767_323_045.540), Some(0));
        assert_eq!(grid.place(1_767_323_045.516), Some(1));
        assert_eq!(grid.place(1_767_323_045.528), None);
        assert_eq!(grid.place(1_767_323_045.428), None);
    }

    proptest! {
        #[test]
        fn every_time_has_its_place(
            now in 0..4_000_000_000_000_i64,
            step in 1..10_000_000_i64,
            count in 1..100_usize,
        ) {
            let Some(grid) = Grid::before(at(now), SignedDuration::from_millis(step), count) else {
                prop_assert!(i128::from(now) < i128::from(step) * i128::try_from(count).unwrap());
                return Ok(());
            };
            for place in 0..count {
                let millis = now - step * i64::try_from(place + 1).unwrap();
                let time: f64 = format!("{}.{:03}", millis / 1000, millis % 1000).parse().unwrap();
                prop_assert_eq!(grid.place(time), Some(place));
            }
        }

        #[test]
        fn no_number_is_too_odd(seconds in any::<f64>(), step in any::<i64>(), count in 0..20_000_usize) {
            if let Some(grid) = grid(SignedDuration::from_millis(step), count) {
                prop_assert!(grid.place(seconds).is_none_or(|place| place < count));
            }
        }
    }
}
