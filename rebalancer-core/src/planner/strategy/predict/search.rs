//! The search for the best rotation: any pods, worked out exactly where nothing has to be drawn, with those that are
//! expected to follow it.

mod ahead;

use std::collections::BTreeSet;

use super::effort::Budget;
use super::minimum::Minimum;
use super::pool::{Pool, Removable};
use crate::planner::budget::Headroom;
use crate::policy::{Pace, Timing};
use crate::prediction::{Evenness, Forecast, Foreseen, Prediction, Tries};
use crate::unit::Share;

/// Draws of member ids in the three rounds, when it matters which ids are drawn: all candidates, the best few, and the
/// winner. The winner is drawn again, from its own seeds: what made it win would otherwise be counted twice.
const DRAWS: [usize; 3] = [8, 24, 32];

/// How many candidates reach the second round.
const FINALISTS: usize = 8;

/// How many batches of one size are made larger: at least so many, and more where there is time.
const BEAM: usize = 6;

/// More than this brings nothing.
const WIDEST: usize = 300;

/// A gain that is smaller than this share is rounding.
const ROUNDING: f64 = 1e-9;

/// What a batch is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// A more even fleet: the lowest coefficient of variation.
    Evenness,
    /// Less load above the limit, when evenness can't be had.
    Relief,
}

impl Aim {
    /// What a change is worth; above 0 it is better than doing nothing.
    fn gain(self, before: &Evenness, after: &Evenness) -> f64 {
        let (before, after) = match self {
            Self::Evenness => (before.cv, after.cv),
            // What is hot must not go at the cost of evenness.
            Self::Relief if after.cv > before.cv * (1.0 + ROUNDING) => return 0.0,
            Self::Relief => (before.excess, after.excess),
        };
        if (before - after).abs() <= ROUNDING * before { 0.0 } else { before - after }
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
    /// Hot ones, and as many others.
    pub(super) k: usize,
    pub(super) all: usize,
    /// In disruption budgets.
    pub(super) headroom: &'a Headroom<'a>,
}

/// Which pods go together: places in the pool, ascending.
pub(super) type Batch = Vec<usize>;

/// A batch, what it brings and what it costs.
#[derive(Debug, Clone)]
struct Scored {
    batch: Batch,
    gain: f64,
    cost: f64,
}

impl Scored {
    /// A large batch brings more and costs more; the square root of what it costs, in pods, lies between counting all of it
    /// and counting each pod.
    fn score(&self) -> f64 {
        worth(self.gain, self.cost)
    }
}

fn worth(gain: f64, cost: f64) -> f64 {
    gain / cost.sqrt()
}

/// What is searched.
pub(super) struct Search<'s> {
    pub(super) forecast: &'s Forecast<'s>,
    pub(super) pool: &'s Pool,
    pub(super) limits: Limits<'s>,
    pub(super) aim: Aim,
    pub(super) minimum: Minimum,
    pub(super) effort: Effort,
}

/// How much of the work that is allowed a search may do, and what for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// So many searches share the work.
    pub(super) parts: usize,
    /// What is found may be made, so what is kept of it for the record is worked out.
    pub(super) for_a_rotation: bool,
}

impl Search<'_> {
    /// The best batch, with a prediction of its own; `None` when the limits allow no batch.
    pub(super) fn best(&self) -> Option<(Batch, Foreseen)> {
        let mut budget = Budget::of(self.forecast).shared(self.effort.parts);
        let stages = self.forecast.stages(self.most(), DRAWS[0], 1);
        let mut tries: Vec<Tries<'_, '_>> = stages.iter().map(Tries::new).collect();
        let found = self.batches(&mut tries, &mut budget.share(2), Place::First);
        let winner = match (stages.first(), tries.as_slice()) {
            (Some(stage), [_]) => self.way(stage, found, &mut budget)?,
            _ => (self.again(found, &mut budget)?, None),
        };
        let (batch, way) = winner;
        let places = self.pool.places(&batch);
        let foreseen = if self.effort.for_a_rotation {
            self.forecast.promise(&places, self.final_draws(&mut budget), 3)
        } else {
            self.forecast.predict(&places, DRAWS[1], 3)
        };
        Some((batch, foreseen.map(|prediction| Prediction { way, ..prediction })))
    }

    /// How many pods may go at most.
    fn most(&self) -> usize {
        self.limits.all.min(self.limits.k.saturating_mul(2))
    }

    fn final_draws(&self, budget: &mut Budget) -> usize {
        if self.pool.is_exact() { DRAWS[1] } else { budget.affordable().clamp(DRAWS[1], DRAWS[2]) }
    }

    /// The best of the finalists by more draws.
    fn again(&self, found: Vec<Scored>, budget: &mut Budget) -> Option<Batch> {
        let draws = (budget.affordable() / FINALISTS).clamp(DRAWS[0], DRAWS[1]);
        let stages = self.forecast.stages(self.most(), draws, 100);
        let mut tries: Vec<Tries<'_, '_>> = stages.iter().map(Tries::new).collect();
        let again = found.into_iter().take(FINALISTS).map(|scored| self.scored(scored.batch, &mut tries));
        let mut again: Vec<Scored> = again.collect();
        sort(&mut again);
        again.into_iter().next().map(|scored| scored.batch)
    }
}

/// Where on the way a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The one that is made.
    First,
    /// One that may follow.
    Later,
}

/// One rotation.
impl Search<'_> {
    /// The best batches for one rotation, the best first. Single pods, then the best of them with others, one by one.
    fn batches(&self, tries: &mut [Tries<'_, '_>], budget: &mut Budget, place: Place) -> Vec<Scored> {
        let mut level: Vec<Scored> = Vec::new();
        for pod in self.pool.by_extremes() {
            if budget.spend(tries.len()) {
                level.push(self.scored(vec![pod], tries));
            }
        }
        sort(&mut level);
        let others = self.others(&level);
        let mut found: Vec<Scored> =
            level.iter().filter(|one| self.fits(&one.batch, place)).cloned().collect();
        let mut seen: BTreeSet<Batch> = BTreeSet::new();
        self.wide(tries, budget, place, &mut seen, &mut found);
        for size in 2..=self.most() {
            let rest = (self.most() + 1 - size) * others.len() * tries.len();
            let beam = (budget.affordable() / rest.max(1)).clamp(BEAM, WIDEST);
            let mut bases: Vec<Batch> = level.iter().take(beam).map(|scored| scored.batch.clone()).collect();
            if size == 2 {
                bases.extend(self.pool.hottest().take(BEAM).map(|pod| vec![pod]));
            }
            let mut next: Vec<Scored> = Vec::new();
            for base in bases {
                for &pod in &others {
                    let Err(at) = base.binary_search(&pod) else { continue };
                    let mut batch = base.clone();
                    batch.insert(at, pod);
                    if self.may_grow(&batch, place) && seen.insert(batch.clone()) && budget.spend(tries.len())
                    {
                        next.push(self.scored(batch, tries));
                    }
                }
            }
            if next.is_empty() {
                break;
            }
            sort(&mut next);
            found.extend(next.iter().take(FINALISTS * 4).filter(|one| self.fits(&one.batch, place)).cloned());
            level = next;
        }
        sort(&mut found);
        found
    }

    /// Pods that are added to others: the best ones alone, and those at both ends.
    fn others(&self, singles: &[Scored]) -> Vec<usize> {
        let best = singles.iter().take(Pool::END * 2).filter_map(|scored| scored.batch.first().copied());
        let mut others: Vec<usize> = best
            .chain(self.pool.hottest().take(Pool::END))
            .chain(self.pool.coldest().take(Pool::END))
            .collect();
        others.sort_unstable();
        others.dedup();
        others
    }

    /// The first 3, 4, 6, 8, 12 and so on of both ends: where many may go at once.
    fn wide(
        &self,
        tries: &mut [Tries<'_, '_>],
        budget: &mut Budget,
        place: Place,
        seen: &mut BTreeSet<Batch>,
        found: &mut Vec<Scored>,
    ) {
        let doubling = std::iter::successors(Some(4_usize), |count| count.checked_mul(2));
        let counts: Vec<usize> = doubling
            .flat_map(|count| [count / 4 * 3, count])
            .take_while(|count| *count <= self.limits.k.min(self.pool.pods.len()))
            .collect();
        for &hot in &counts {
            for cold in counts.iter().copied().chain([0]) {
                let mut batch: Batch =
                    self.pool.hottest().take(hot).chain(self.pool.coldest().take(cold)).collect();
                batch.sort_unstable();
                batch.dedup();
                let fits = self.fits(&batch, place);
                if fits && seen.insert(batch.clone()) && budget.spend(tries.len()) {
                    found.push(self.scored(batch, tries));
                }
            }
        }
    }

    /// By what it is expected to bring.
    fn scored(&self, batch: Batch, tries: &mut [Tries<'_, '_>]) -> Scored {
        let places = self.pool.places(&batch);
        let gain = if self.may_stop_anywhere(&places, tries) { self.gain(&places, tries) } else { 0.0 };
        // What moves anyway costs nothing more.
        let moving = self.pool.of(&batch).filter(|pod| pod.moves_anyway).count();
        let cost = self.cost(batch.len()) - moving.min(batch.len().saturating_sub(1)) as f64;
        Scored { batch, gain, cost }
    }

    /// Where each pod waits for the replacement of the one before, any may be the last: the fleet must not be worse off for
    /// that.
    fn may_stop_anywhere(&self, places: &[usize], tries: &mut [Tries<'_, '_>]) -> bool {
        match self.forecast.pace() {
            Pace::Together => true,
            Pace::EachAwaited => (1..places.len())
                .filter_map(|count| places.get(..count))
                .all(|first| self.gain(first, tries) >= 0.0),
        }
    }

    /// What is expected of the removal of these; where several rules are possible, under the one where that is least.
    fn gain(&self, places: &[usize], tries: &mut [Tries<'_, '_>]) -> f64 {
        let of_rule = |tries: &mut [Tries<'_, '_>]| {
            let gains = tries.iter_mut().map(|tries| {
                let before = tries.stage().now;
                self.aim.gain(&before, &tries.evenness(places)) * tries.stage().share
            });
            gains.sum::<f64>()
        };
        let by_rule = tries.chunk_by_mut(|one, next| one.stage().rule == next.stage().rule);
        by_rule.map(of_rule).min_by(f64::total_cmp).unwrap_or(0.0)
    }

    /// Of a rotation of so many pods, in pods.
    fn cost(&self, pods: usize) -> f64 {
        self.minimum.cost(pods, self.forecast.stops(pods))
    }

    /// Nothing forbids these, as a part of a batch.
    fn may_grow(&self, batch: &[usize], place: Place) -> bool {
        let hot = batch.iter().filter(|&&pod| self.pool.is_hot(pod)).count();
        let within = match place {
            Place::First => hot <= self.limits.k && batch.len() - hot <= self.limits.k,
            Place::Later => true,
        };
        within && batch.len() <= self.most() && self.limits.headroom.fits(self.pool.in_snapshot(batch))
    }

    /// Nothing forbids this batch.
    fn fits(&self, batch: &[usize], place: Place) -> bool {
        let hot = |pod: &usize| self.pool.is_hot(*pod);
        let of_use = match place {
            Place::First => batch.iter().any(hot) && !self.undoes_nothing(batch),
            Place::Later => true,
        };
        of_use && self.may_grow(batch, place)
    }

    /// When the removed pods leave first, their partitions go to those who gave partitions up when the newest pods joined,
    /// and come back from them: removing only the newest undoes nothing. Where ids are known, that is worked out.
    fn undoes_nothing(&self, batch: &[usize]) -> bool {
        !self.pool.knows_ids()
            && self.forecast.timing() == Timing::LeaveThenJoin
            && self.pool.of(batch).all(|pod: &Removable| pod.newest)
    }
}

/// The best first; of equals, smaller batches of more extreme pods.
fn sort(scored: &mut [Scored]) {
    scored.sort_by(|a, b| {
        b.score()
            .total_cmp(&a.score())
            .then_with(|| a.batch.len().cmp(&b.batch.len()))
            .then_with(|| a.batch.cmp(&b.batch))
    });
}
