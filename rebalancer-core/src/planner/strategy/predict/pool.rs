//! The pods that a rotation may be made of.

use crate::planner::outlier::CandidateRole;
use crate::prediction::Others;
use crate::report::{Choice, Exchange};
use crate::unit::Load;

/// A pod of the group that may be removed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Removable {
    /// Index of the pod in the model.
    pub(super) place: usize,
    /// Index of its pod in the snapshot.
    pub(super) pod: usize,
    /// Its measured load.
    pub(super) load: Load,
    /// Above this it is hot.
    pub(super) limit: Load,
    /// Its load as the model explains it, without the noise of the measurement.
    pub(super) explained: f64,
    /// The roles for which it may be selected.
    pub(super) may_be: CandidateRole,
    /// It is one of the last to have joined.
    pub(super) newest: bool,
    /// Its node is about to lose its pods.
    pub(super) moves_anyway: bool,
}

impl Removable {
    pub(super) fn is_hot(&self) -> bool {
        self.load > self.limit
    }
}

/// How well it is known what the removal of a pod does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Knowledge {
    /// What comes of it does not depend on anything that is not known.
    Exact,
    /// It does not depend on ids that are not known, but on the course that the coordinator takes.
    Ids,
    /// It depends on draws: nobody can say which pods' partitions go where.
    Drawn,
}

/// Pods to choose from: all that may go where it is known what comes of it; or those at both ends.
#[derive(Debug)]
pub(super) struct Pool {
    /// Hot ones first, the hottest first; then the others, the coldest last.
    pub(super) pods: Vec<Removable>,
    hot: usize,
    knowledge: Knowledge,
}

impl Pool {
    /// How many of each end are tried in any case.
    pub(super) const END: usize = 12;

    /// Of these pods. Those that may only go as hot ones, and are not, stay.
    pub(super) fn new(mut all: Vec<Removable>, k: usize, knowledge: Knowledge) -> Self {
        all.sort_unstable_by(|a, b| b.explained.total_cmp(&a.explained).then(a.pod.cmp(&b.pod)));
        let (mut hot, mut rest): (Vec<Removable>, Vec<Removable>) =
            all.into_iter().partition(Removable::is_hot);
        rest.retain(|pod| pod.may_be == CandidateRole::Any);
        if knowledge == Knowledge::Drawn {
            let end = k.max(Self::END);
            hot.truncate(end);
            rest.drain(..rest.len().saturating_sub(end));
        }
        let count = hot.len();
        hot.append(&mut rest);
        Self { pods: hot, hot: count, knowledge }
    }

    pub(super) fn is_exact(&self) -> bool {
        self.knowledge == Knowledge::Exact
    }

    /// It can be said which pods' partitions go where.
    pub(super) fn knows_ids(&self) -> bool {
        match self.knowledge {
            Knowledge::Exact | Knowledge::Ids => true,
            Knowledge::Drawn => false,
        }
    }

    pub(super) const fn is_hot(&self, pod: usize) -> bool {
        pod < self.hot
    }

    /// The hot pods, the hottest first.
    pub(super) fn hot(&self) -> &[Removable] {
        self.pods.get(..self.hot).unwrap_or(&[])
    }

    /// The role in which a pod goes: of those that are not hot, as one of the K coldest, or as a partner.
    pub(super) fn choice(&self, pod: usize, k: usize, exchanged: (Others, Others)) -> Option<Choice> {
        let known = self.pods.get(pod)?;
        if self.is_hot(pod) {
            return Some(Choice::Hot { rank: pod + 1, above: known.limit, score: None });
        }
        let rank = self.pods.len() - pod;
        if self.knows_ids() && rank > k {
            let (takers, givers) = exchanged;
            return Some(Choice::Partner { takers: exchange(takers)?, givers: exchange(givers)? });
        }
        Some(Choice::Cold { rank, score: None })
    }

    /// The hot pods, the hottest first, by their places.
    pub(super) fn hottest(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.hot
    }

    /// The others, the coldest first, by their places.
    pub(super) fn coldest(&self) -> impl Iterator<Item = usize> + use<> {
        (self.hot..self.pods.len()).rev()
    }

    /// All, from both ends in turn.
    pub(super) fn by_extremes(&self) -> impl Iterator<Item = usize> + use<> {
        let all = self.pods.len();
        (0..all).map(move |turn| if turn.is_multiple_of(2) { turn / 2 } else { all - 1 - turn / 2 })
    }

    /// Of a batch, in the order of the pool.
    pub(super) fn of<'s>(&'s self, batch: &'s [usize]) -> impl Iterator<Item = &'s Removable> + 's {
        batch.iter().filter_map(|&pod| self.pods.get(pod))
    }

    /// Their indices in the model, in the order in which they go.
    pub(super) fn places(&self, batch: &[usize]) -> Vec<usize> {
        self.of(&self.in_turn(batch)).map(|pod| pod.place).collect()
    }

    /// Hot ones and others in turn: the hottest, the coldest, the second hottest and so on.
    pub(super) fn in_turn(&self, batch: &[usize]) -> Vec<usize> {
        let hot = batch.iter().filter(|&&pod| self.is_hot(pod)).map(Some);
        let mut others = batch.iter().rev().filter(|&&pod| !self.is_hot(pod));
        let mut turns = Vec::with_capacity(batch.len());
        for hot in hot.chain(std::iter::repeat(None)) {
            let other = others.next();
            if hot.is_none() && other.is_none() {
                break;
            }
            turns.extend(hot.into_iter().chain(other));
        }
        turns
    }

    /// Their indices in the snapshot.
    pub(super) fn in_snapshot<'s>(&'s self, batch: &'s [usize]) -> impl Iterator<Item = usize> + 's {
        self.of(batch).map(|pod| pod.pod)
    }
}

fn exchange(with: Others) -> Option<Exchange> {
    Some(Exchange { pods: with.pods, load: Load::new(with.load).ok()? })
}
