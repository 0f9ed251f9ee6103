//! How much is tried: enough to find good rotations, and bounded in time whatever the size of the group.

use crate::assignor::Assignor;
use crate::policy::Pace;
use crate::prediction::Forecast;

/// Work of one decision in nanoseconds, about: for any group, for each member, and at most.
const WORK: [usize; 3] = [50_000_000, 80_000, 130_000_000];

/// At least so many rotations are tried.
const LEAST: usize = 24;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
    /// Of one try.
    each: usize,
}

impl Budget {
    pub(super) fn of(forecast: &Forecast<'_>) -> Self {
        let (members, _) = forecast.size();
        let rules = forecast.rules();
        let each = rules.iter().map(|rule| one_try(forecast, rule)).sum::<usize>() / rules.len().max(1);
        let each = match forecast.pace() {
            Pace::Together => each,
            // Each pod takes its own rebalances, and each part of a batch is looked at.
            Pace::EachAwaited => each * 3,
        };
        let [least, for_each, most] = WORK;
        let work = (least + members * for_each).min(most);
        Self { left: work.max(LEAST * each), each }
    }

    /// For each of so many searches that share it.
    pub(super) fn shared(self, searches: usize) -> Self {
        Self { left: self.left / searches.max(1), ..self }
    }

    /// One of so many parts of what is left, which is taken out of it.
    pub(super) fn share(&mut self, part: usize) -> Self {
        let own = self.left / part;
        self.left -= own;
        Self { left: own, each: self.each }
    }

    /// Takes the work of so many tries, if it is there.
    pub(super) fn spend(&mut self, tries: usize) -> bool {
        let rest = self.left.checked_sub(tries * self.each);
        self.left = rest.unwrap_or(self.left);
        rest.is_some()
    }

    /// How many tries are left.
    pub(super) fn affordable(&self) -> usize {
        self.left / self.each
    }
}

/// The work of one try under this rule.
fn one_try(forecast: &Forecast<'_>, rule: Assignor) -> usize {
    let (members, partitions) = forecast.size();
    if !forecast.is_plain(rule) {
        return 10_000 + (members + partitions) * 1_000;
    }
    match rule {
        Assignor::Sticky | Assignor::CooperativeSticky => 4_000 + members * 50,
        Assignor::Uniform | Assignor::EarlyUniform => 2_000 + members * 30,
        Assignor::LibrdkafkaCooperativeSticky
        | Assignor::Range
        | Assignor::RoundRobin
        | Assignor::ServerRange => 5_000 + members * 100 + partitions * 20,
    }
}
