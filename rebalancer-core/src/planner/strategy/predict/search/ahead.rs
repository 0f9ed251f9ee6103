//! Rotations to come: ways of several of them, of which the first is made.

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use super::{Aim, Batch, Place, Scored, Search, worth};
use crate::planner::strategy::predict::effort::Budget;
use crate::prediction::{Stage, Tries, Way};

/// How many ways are followed.
const WAYS: usize = 3;

/// How many rotations are looked at, the next one among them.
const DEPTH: usize = 3;

/// A rotation and those that follow.
struct Ahead<'s> {
    first: Batch,
    rotations: usize,
    pods: usize,
    gain: f64,
    cost: f64,
    stage: Stage<'s>,
}

impl Ahead<'_> {
    fn score(&self) -> f64 {
        worth(self.gain, self.cost)
    }

    fn way(&self) -> Way {
        Way { rotations: self.rotations, pods: self.pods, cv: self.stage.now.cv }
    }
}

impl<'s> Search<'s> {
    /// The first batch of the best way. All that begin with what is worth a rotation by itself are followed; of those that
    /// go on longest the best one counts, since the first rotation of any way brings more than the later ones.
    pub(super) fn way(
        &self,
        stage: &Stage<'s>,
        found: Vec<Scored>,
        budget: &mut Budget,
    ) -> Option<(Batch, Option<Way>)> {
        let alone = found.first()?.batch.clone();
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let firsts = found.into_iter().filter(|scored| self.is_worth_it(stage, scored)).take(WAYS);
        let mut beam: Vec<Ahead<'s>> =
            firsts.map(|scored| self.step(stage, None, scored, &mut random)).collect();
        for _ in 1..DEPTH {
            let next = self.onward(&beam, budget, &mut random);
            if next.is_empty() {
                break;
            }
            beam = next;
        }
        // Without a sort, the first of the beam is the best already: it was made from sorted batches.
        let best = beam.into_iter().next();
        Some(best.map_or((alone, None), |best| {
            let way = (best.rotations > 1).then(|| best.way());
            (best.first, way)
        }))
    }

    /// The best ways that are one rotation longer; none when nothing is hot any more.
    fn onward(&self, beam: &[Ahead<'s>], budget: &mut Budget, random: &mut ChaCha8Rng) -> Vec<Ahead<'s>> {
        let mut next: Vec<Ahead<'s>> = Vec::new();
        for ahead in beam.iter().filter(|ahead| ahead.stage.now.excess > 0.0) {
            let mut tries = [Tries::new(&ahead.stage)];
            let found = self.batches(&mut tries, &mut budget.share(4), Place::Later);
            let steps = found.into_iter().filter(|scored| scored.gain > 0.0).take(WAYS);
            next.extend(steps.map(|scored| self.step(&ahead.stage, Some(ahead), scored, random)));
        }
        next.sort_by(|a, b| b.score().total_cmp(&a.score()));
        next.truncate(WAYS);
        next
    }

    /// What is below the minimum would be refused, whatever follows it.
    fn is_worth_it(&self, stage: &Stage<'_>, scored: &Scored) -> bool {
        let least = match self.aim {
            Aim::Evenness => stage.now.cv * self.minimum.of_cost(scored.cost) / 100.0,
            Aim::Relief => 0.0,
        };
        scored.gain > least
    }

    fn step(
        &self,
        stage: &Stage<'s>,
        before: Option<&Ahead<'s>>,
        scored: Scored,
        random: &mut ChaCha8Rng,
    ) -> Ahead<'s> {
        let next = stage.after(&self.pool.places(&scored.batch), self.most(), random);
        let (pods, cost) = (scored.batch.len(), scored.cost);
        match before {
            None => Ahead { first: scored.batch, rotations: 1, pods, gain: scored.gain, cost, stage: next },
            Some(before) => Ahead {
                first: before.first.clone(),
                rotations: before.rotations + 1,
                pods: before.pods + pods,
                gain: before.gain + scored.gain,
                cost: before.cost + cost,
                stage: next,
            },
        }
    }
}
