//! How predictions held, over many rotations.

use rebalancer_core::Prediction;
use rebalancer_core::policy::Timing;

use crate::harness::kafka::protocol::Protocol;

/// Smaller differences of a CV are those of floating-point arithmetic.
const ROUNDING: f64 = 1e-9;
/// Outcomes of a normal distribution lie within so many standard deviations in 95 of 100 cases.
const DEVIATIONS: f64 = 2.0;

/// One rotation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    /// The assignor, with the real ids of all members and the timing that was meant, gives what came.
    pub(crate) by_the_rule: bool,
    pub(crate) cv_before: f64,
    pub(crate) cv_after: f64,
    pub(crate) expected: f64,
    pub(crate) spread: f64,
}

impl Outcome {
    pub(crate) fn new(by_the_rule: bool, [cv_before, cv_after]: [f64; 2], prediction: &Prediction) -> Self {
        let (expected, spread) = (prediction.expected_cv, prediction.cv_spread);
        Self { by_the_rule, cv_before, cv_after, expected, spread }
    }

    /// All draws of ids have the same outcome.
    pub(crate) fn is_certain(&self) -> bool {
        self.spread <= ROUNDING
    }

    pub(crate) fn is_exact(&self) -> bool {
        (self.cv_after - self.expected).abs() <= ROUNDING
    }

    /// In terms of the CV before.
    pub(crate) fn error(&self) -> f64 {
        (self.cv_after - self.expected).abs() / self.cv_before
    }

    pub(crate) fn is_outside(&self) -> bool {
        (self.cv_after - self.expected).abs() > DEVIATIONS * self.spread + ROUNDING
    }

    pub(crate) fn is_useless(&self) -> bool {
        self.cv_after >= self.cv_before - ROUNDING
    }
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) protocol: Protocol,
    pub(crate) timing: Timing,
    pub(crate) outcomes: Vec<Outcome>,
}

/// Numbers of a line, or of all lines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Counts {
    pub(crate) rotations: usize,
    pub(crate) by_the_rule: usize,
    pub(crate) certain: usize,
    /// Of the certain ones.
    pub(crate) exact: usize,
    pub(crate) median_error: f64,
    pub(crate) outside: usize,
    pub(crate) useless: usize,
}

impl Counts {
    pub(crate) fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let outcomes: Vec<&Outcome> = outcomes.into_iter().collect();
        let count = |of: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| of(outcome)).count();
        let mut errors: Vec<f64> = outcomes.iter().map(|outcome| outcome.error()).collect();
        errors.sort_by(f64::total_cmp);
        Self {
            rotations: outcomes.len(),
            by_the_rule: count(&|outcome| outcome.by_the_rule),
            certain: count(&Outcome::is_certain),
            exact: count(&|outcome| outcome.is_certain() && outcome.is_exact()),
            median_error: errors.get(errors.len() / 2).copied().unwrap_or(0.0),
            outside: count(&Outcome::is_outside),
            useless: count(&Outcome::is_useless),
        }
    }

    fn row(&self) -> String {
        let Self { rotations, by_the_rule, certain, exact, median_error, outside, useless } = self;
        let error = median_error * 100.0;
        format!(
            "{rotations:>9} {by_the_rule:>7} {exact:>3} of {certain:<3} {error:>9.1} % {outside:>8} {useless:>8}"
        )
    }
}

/// The table, as people read it.
pub(crate) fn table(lines: &[Line]) -> String {
    let mut text = format!(
        "{:<30} {:<16} {:>9} {:>7} {:>10} {:>11} {:>8} {:>8}\n",
        "ASSIGNOR", "TIMING", "ROTATIONS", "BY RULE", "EXACT", "MED. ERROR", "OUTSIDE", "USELESS"
    );
    for Line { protocol, timing, outcomes } in lines {
        let timing = timing_name(*timing);
        text.push_str(&format!("{protocol:<30} {timing:<16} {}\n", Counts::of(outcomes).row()));
    }
    let all = Counts::of(lines.iter().flat_map(|line| &line.outcomes));
    text.push_str(&format!("{:<30} {:<16} {}\n", "all", "", all.row()));
    text.push_str(
        "by rule: the assignor gives what came, from the real ids of all and the timing that was meant; exact: predictions \
         with one possible outcome that came; error: in percent of the CV before; outside: by more than two standard \
         deviations; useless: the CV is no lower than before\n",
    );
    text
}

fn timing_name(timing: Timing) -> &'static str {
    match timing {
        Timing::LeaveThenJoin => "leave then join",
        Timing::AllAtOnce => "all at once",
        Timing::OneByOne => "one by one",
    }
}
