//! *Rotate outliers*: which pods, and what the rotation is expected to bring.

use std::cmp::Ordering;

use crate::planner::Room;
use crate::report::{Choice, Improvement};
use crate::unit::Load;

/// An eligible pod with a load, by its place in the snapshot, which is sorted by name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) index: usize,
    pub(crate) load: Load,
}

/// Hot and cold pods, disjoint, the most extreme first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rotation {
    pub(crate) hot: Vec<Candidate>,
    pub(crate) cold: Vec<Candidate>,
    /// Among the K hottest, but not above the limit.
    pub(crate) not_hot: Vec<Candidate>,
    pub(crate) limit: Load,
}

/// Of the `k` hottest those above `limit`, and the `k` coldest of the rest; ties go by name.
///
/// Linear in the number of candidates: both ends are selected, only they are sorted.
pub(crate) fn choose(candidates: &[Candidate], k: usize, limit: Load) -> Rotation {
    let hottest = first(candidates.to_vec(), k, |a, b| b.load.total_cmp(&a.load));
    let (hot, not_hot): (Vec<_>, Vec<_>) = hottest.into_iter().partition(|candidate| candidate.load > limit);
    let rest = candidates.iter().filter(|candidate| !hot.contains(candidate)).copied().collect();
    let cold = if hot.is_empty() { Vec::new() } else { first(rest, k, |a, b| a.load.total_cmp(&b.load)) };
    let not_hot = not_hot.into_iter().filter(|candidate| !cold.contains(candidate)).collect();
    Rotation { hot, cold, not_hot, limit }
}

/// The first `k` by this order, then by name, sorted.
fn first(
    mut all: Vec<Candidate>,
    k: usize,
    by_load: impl Fn(&Candidate, &Candidate) -> Ordering,
) -> Vec<Candidate> {
    let order = |a: &Candidate, b: &Candidate| by_load(a, b).then(a.index.cmp(&b.index));
    if k < all.len() {
        all.select_nth_unstable_by(k, order);
        all.truncate(k);
    }
    all.sort_unstable_by(order);
    all
}

impl Rotation {
    /// Drops the least extreme pods until at most `most` are left, so that as many hot as cold stay as can, and at
    /// least one of each where there was one. Gives the dropped ones.
    pub(crate) fn trim(&mut self, most: usize) -> Vec<(Candidate, Choice)> {
        let mut dropped = Vec::new();
        while self.hot.len() + self.cold.len() > most.max(2) {
            let rank = self.hot.len().max(self.cold.len());
            let (from, choice) = if self.cold.len() >= self.hot.len() {
                (&mut self.cold, Choice::Cold { rank })
            } else {
                (&mut self.hot, Choice::Hot { rank, above: self.limit })
            };
            dropped.extend(from.pop().map(|candidate| (candidate, choice)));
        }
        dropped
    }

    /// Keeps what disruption budgets have room for, in the order of removal. Gives the dropped ones.
    pub(crate) fn fit(&mut self, room: &Room<'_>) -> Vec<(Candidate, Choice)> {
        let mut left = room.left();
        let chosen: Vec<(Candidate, Choice)> = self.in_turn().collect();
        let dropped: Vec<_> =
            chosen.into_iter().filter(|(candidate, _)| !left.take(candidate.index)).collect();
        let stays = |pod: &Candidate| !dropped.iter().any(|(gone, _)| gone.index == pod.index);
        self.hot.retain(stays);
        self.cold.retain(stays);
        dropped
    }

    /// `improvement % = (avg_top - avg_set) / avg_top * 100`, which assumes that what the chosen pods carried is
    /// mixed evenly among their replacements.
    pub(crate) fn improvement(&self) -> Improvement {
        let average_hot = mean(self.hot.iter());
        let average_set = mean(self.hot.iter().chain(&self.cold));
        let percent = if average_hot > 0.0 { (average_hot - average_set) / average_hot * 100.0 } else { 0.0 };
        Improvement { average_hot, average_set, percent }
    }

    /// Hot and cold in turn: a batch that is broken off has mixed as much as it could.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = (Candidate, Choice)> + '_ {
        let longest = self.hot.len().max(self.cold.len());
        (0..longest).flat_map(|place| {
            let rank = place + 1;
            let hot = self.hot.get(place).map(|&pod| (pod, Choice::Hot { rank, above: self.limit }));
            let cold = self.cold.get(place).map(|&pod| (pod, Choice::Cold { rank }));
            hot.into_iter().chain(cold)
        })
    }
}

fn mean<'a>(candidates: impl Iterator<Item = &'a Candidate>) -> f64 {
    let (sum, count) =
        candidates.fold((0.0, 0_usize), |(sum, count), candidate| (sum + candidate.load.get(), count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(loads: &[f64]) -> Vec<Candidate> {
        loads
            .iter()
            .enumerate()
            .map(|(index, &load)| Candidate { index, load: Load::new(load).unwrap() })
            .collect()
    }

    fn loads(of: &[Candidate]) -> Vec<f64> {
        of.iter().map(|candidate| candidate.load.get()).collect()
    }

    fn check(given: &[f64], k: usize, limit: f64, hot: &[f64], cold: &[f64], percent: f64) {
        let rotation = choose(&candidates(given), k, Load::new(limit).unwrap());
        assert_eq!((loads(&rotation.hot).as_slice(), loads(&rotation.cold).as_slice()), (hot, cold));
        assert!((rotation.improvement().percent - percent).abs() < 0.05, "{}", rotation.improvement());
    }

    #[test]
    fn the_worked_examples_of_the_decision_document() {
        check(&[1.2, 1.1, 0.8, 0.6, 0.4, 0.3], 2, 1.05, &[1.2, 1.1], &[0.3, 0.4], 34.8);
        check(&[0.9, 0.85, 0.8, 0.75], 2, 0.7, &[0.9, 0.85], &[0.75, 0.8], 5.7);
        check(&[2.5, 2.4, 2.3, 1.0, 0.7, 0.6, 0.5], 3, 1.05, &[2.5, 2.4, 2.3], &[0.5, 0.6, 0.7], 37.5);
    }

    #[test]
    fn top_and_bottom_never_overlap_in_a_fleet_smaller_than_2k() {
        check(&[1.2, 0.1, 1.1], 5, 1.0, &[1.2, 1.1], &[0.1], (1.15 - 0.8) / 1.15 * 100.0);
        check(&[2.0, 1.9], 5, 1.0, &[2.0, 1.9], &[], 0.0);
        check(&[2.0], 1, 1.0, &[2.0], &[], 0.0);
        check(&[], 2, 1.0, &[], &[], 0.0);
    }

    #[test]
    fn without_a_hot_pod_no_cold_one_is_chosen() {
        check(&[0.9, 0.8, 0.1], 2, 1.0, &[], &[], 0.0);
    }

    #[test]
    fn ties_go_by_name() {
        let rotation = choose(&candidates(&[2.0, 0.1, 2.0, 0.1, 2.0, 0.1]), 2, Load::new(1.0).unwrap());
        let places = |of: &[Candidate]| of.iter().map(|candidate| candidate.index).collect::<Vec<_>>();
        assert_eq!((places(&rotation.hot), places(&rotation.cold)), (vec![0, 2], vec![1, 3]));
    }

    #[test]
    fn a_trimmed_rotation_keeps_the_extremes_of_both_ends() {
        for (most, hot, cold) in [
            (6, vec![9.0, 8.0, 7.0], vec![1.0, 2.0, 3.0]),
            (5, vec![9.0, 8.0, 7.0], vec![1.0, 2.0]),
            (3, vec![9.0, 8.0], vec![1.0]),
            (2, vec![9.0], vec![1.0]),
        ] {
            let mut rotation =
                choose(&candidates(&[9.0, 8.0, 7.0, 3.0, 2.0, 1.0]), 3, Load::new(5.0).unwrap());
            let dropped = rotation.trim(most).len();
            assert_eq!((loads(&rotation.hot), loads(&rotation.cold), dropped), (hot, cold, 6 - most));
        }
    }
}
