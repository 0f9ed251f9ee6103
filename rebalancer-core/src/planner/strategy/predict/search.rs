//! The search for the batch with the best expected gain for each removal.

use super::{Ends, Removable};
use crate::assignor::Assignor;
use crate::group::GroupModel;
use crate::planner::budget::Headroom;
use crate::policy::Timing;
use crate::prediction::{Forecast, Prediction};
use crate::unit::Share;

/// How many pods of each end are tried, the most extreme ones.
pub(super) const POOL: usize = 12;

/// Members and partitions that may be dealt in one search; it bounds the time, whatever the size of the group.
const WORK: usize = 4_000_000;

/// Draws of member ids in the three rounds, when it matters which ids are drawn: all candidates, the best few, and the
/// winner. The winner is drawn again, from its own seeds: what made it win would otherwise be counted twice.
const DRAWS: [usize; 3] = [3, 12, 32];

/// How many candidates reach the second round.
const FINALISTS: usize = 8;

/// What a batch is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// A more even fleet: the lowest coefficient of variation.
    Evenness,
    /// Less load above the limit, when evenness can't be had.
    Relief,
}

impl Aim {
    /// What a prediction is worth; above 0 it is better than doing nothing.
    fn gain(self, prediction: &Prediction) -> f64 {
        match self {
            Self::Evenness => prediction.cv_before - prediction.expected_cv,
            Self::Relief => prediction.relief,
        }
    }

    /// In which share of the draws the aim comes nearer.
    pub(super) const fn likely(self, prediction: &Prediction) -> Share {
        match self {
            Self::Evenness => prediction.better,
            Self::Relief => prediction.cooler,
        }
    }
}

/// How many pods may go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits<'a> {
    pub(super) hot: usize,
    pub(super) cold: usize,
    pub(super) all: usize,
    /// In disruption budgets.
    pub(super) headroom: &'a Headroom<'a>,
}

/// Which pods go together: places in the two ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) hot: Vec<usize>,
    pub(super) cold: Vec<usize>,
}

impl Batch {
    fn size(&self) -> usize {
        self.hot.len() + self.cold.len()
    }

    /// Smaller batches of more extreme pods come first.
    fn order(&self) -> usize {
        self.size() + self.hot.iter().chain(&self.cold).sum::<usize>()
    }

    fn pods<'a>(&'a self, ends: &'a Ends) -> impl Iterator<Item = &'a Removable> {
        let hot = self.hot.iter().filter_map(|&place| ends.hot.get(place));
        hot.chain(self.cold.iter().filter_map(|&place| ends.cold.get(place)))
    }

    fn places(&self, ends: &Ends) -> Vec<usize> {
        self.pods(ends).map(|pod| pod.place).collect()
    }
}

/// The batch with the best expected gain for each removal, with a prediction made from fresh draws; `None` when the
/// limits allow no batch.
pub(super) fn best(
    model: &GroupModel,
    forecast: &Forecast<'_>,
    ends: &Ends,
    limits: &Limits<'_>,
    aim: Aim,
) -> Option<(Batch, Prediction)> {
    let candidates = candidates(ends, limits, forecast.timing());
    let once = (model.partitions() + model.members.len()) * effort(forecast.inference().assignor());
    let affordable = (WORK / once.max(1)).max(16);
    // The smallest and the largest batch tell whether it matters which ids are drawn.
    let ends_of_list = [candidates.first()?, candidates.last()?];
    let matters = |batch: &Batch| forecast.predict(&batch.places(ends), 2, 1).cv_spread > f64::EPSILON;
    let winner = if ends_of_list.into_iter().any(matters) {
        let most = affordable / 2 / DRAWS[0];
        let mut finalists = ranked(forecast, ends, aim, candidates, most, DRAWS[0]);
        finalists.truncate(FINALISTS);
        let draws = (affordable / 4 / FINALISTS).clamp(2, DRAWS[1]);
        ranked(forecast, ends, aim, finalists, FINALISTS, draws).into_iter().next()?
    } else {
        // Whatever the ids, the same comes of it.
        ranked(forecast, ends, aim, candidates, affordable, 1).into_iter().next()?
    };
    let draws = (affordable / 4).clamp(8, DRAWS[2]);
    let prediction = forecast.predict(&winner.places(ends), draws, 3);
    Some((winner, prediction))
}

/// How long one assignment takes, measured by the quickest rule.
const fn effort(assignor: Assignor) -> usize {
    match assignor {
        Assignor::Range | Assignor::RoundRobin | Assignor::ServerRange | Assignor::Uniform => 1,
        Assignor::Sticky | Assignor::CooperativeSticky => 2,
        Assignor::LibrdkafkaCooperativeSticky => 8,
    }
}

/// The first `most` candidates, the best expected gain for each removal first.
fn ranked(
    forecast: &Forecast<'_>,
    ends: &Ends,
    aim: Aim,
    candidates: Vec<Batch>,
    most: usize,
    draws: usize,
) -> Vec<Batch> {
    let gain = |batch: &Batch| {
        let prediction = forecast.predict(&batch.places(ends), draws, draws as u64);
        aim.gain(&prediction) / batch.size() as f64
    };
    let mut ranked: Vec<(Batch, f64)> =
        candidates.into_iter().take(most.max(1)).map(|batch| (batch.clone(), gain(&batch))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.into_iter().map(|(batch, _)| batch).collect()
}

/// Every choice of at least one hot pod, and of cold ones or none, within the limits.
fn candidates(ends: &Ends, limits: &Limits<'_>, timing: Timing) -> Vec<Batch> {
    let hot = choices(ends.hot.len(), limits.hot);
    let mut cold = choices(ends.cold.len(), limits.cold);
    cold.push(Vec::new());
    let mut batches: Vec<Batch> = hot
        .iter()
        .flat_map(|hot| cold.iter().map(|cold| Batch { hot: hot.clone(), cold: cold.clone() }))
        .filter(|batch| batch.size() <= limits.all)
        .filter(|batch| limits.headroom.fits(batch.pods(ends).map(|pod| pod.pod)))
        .collect();
    // When the removed pods leave first, their partitions go to those who gave partitions up when the newest pods
    // joined, and come back from them: removing only the newest undoes nothing.
    let undoes_nothing =
        |batch: &Batch| timing == Timing::LeaveThenJoin && batch.pods(ends).all(|pod| pod.newest);
    if !batches.iter().all(undoes_nothing) {
        batches.retain(|batch| !undoes_nothing(batch));
    }
    batches.sort_by_cached_key(|batch| (batch.order(), batch.size(), batch.hot.clone(), batch.cold.clone()));
    batches
}

/// Of a list of this length every one and every two of the first [`POOL`], and the first 3, 4, 6, 8, 12, 16 and so on;
/// at most `most` at a time. So there are few choices, however long the list and however large `most` is.
fn choices(length: usize, most: usize) -> Vec<Vec<usize>> {
    let pool = length.min(POOL);
    let ones = (0..pool).map(|one| vec![one]).filter(|_| most >= 1);
    let twos = (0..pool).flat_map(|a| (a + 1..pool).map(move |b| vec![a, b])).filter(|_| most >= 2);
    let doubling = std::iter::successors(Some(4_usize), |count| count.checked_mul(2));
    let counts = doubling.flat_map(|count| [count / 4 * 3, count]);
    let more = counts.take_while(|count| *count <= most.min(length)).map(|count| (0..count).collect());
    ones.chain(twos).chain(more).collect()
}
