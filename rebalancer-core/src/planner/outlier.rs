//! *Rotate outliers*: which pods, and what the rotation is expected to bring.

use std::cmp::Ordering;

use super::budget::Headroom;
use crate::report::{Choice, Improvement};
use crate::unit::{Load, PercentChange, Ratio};

/// An eligible pod with a load, by its place in the snapshot, which is sorted by name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) index: usize,
    pub(crate) load: Load,
    /// Above this it is hot.
    pub(crate) limit: Load,
    /// How loaded it is by several indicators, if there are several.
    pub(crate) score: Option<Ratio>,
    pub(crate) may_be: CandidateRole,
    /// It is about to move anyway: of hot pods, such ones go first.
    pub(crate) moves_anyway: bool,
}

/// The roles for which a pod may be selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CandidateRole {
    /// As a hot or as a cold one.
    Any,
    /// Only as a hot one.
    HotOnly,
}

impl Candidate {
    pub(crate) fn is_hot(&self) -> bool {
        self.load > self.limit
    }

    const fn as_hot(&self, rank: usize) -> Choice {
        Choice::Hot { rank, above: self.limit, score: self.score }
    }

    const fn as_cold(&self, rank: usize) -> Choice {
        Choice::Cold { rank, score: self.score }
    }

    fn may_be_cold(&self) -> bool {
        self.may_be == CandidateRole::Any
    }

    /// By the score, if there is one, and then by what it carries.
    fn rank(&self, other: &Self) -> Ordering {
        let by_score = match (self.score, other.score) {
            (Some(own), Some(others)) => own.total_cmp(&others),
            (own, others) => own.is_some().cmp(&others.is_some()),
        };
        by_score.then_with(|| self.load.total_cmp(&other.load))
    }
}

/// Hot and cold pods, disjoint, the most extreme first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outliers {
    pub(crate) hot: Vec<Candidate>,
    pub(crate) cold: Vec<Candidate>,
    /// The hottest of the rest, when fewer than K are hot.
    pub(crate) not_hot: Vec<Candidate>,
}

/// The `k` hottest of those above their limits, and the `k` coldest of the rest, those below their limits first; ties go by
/// name.
///
/// Linear in the number of candidates: both ends are selected, only they are sorted.
pub(crate) fn choose(mut candidates: Vec<Candidate>, k: usize) -> Outliers {
    // In place: those above their limits, those of the rest that may be cold, and the others.
    let above = bring_forward(&mut candidates, Candidate::is_hot);
    let (above, rest) = candidates.split_at_mut(above);
    let may_be_cold = bring_forward(rest, Candidate::may_be_cold);
    let mut hot = first(above, k, |a, b| b.moves_anyway.cmp(&a.moves_anyway).then_with(|| b.rank(a)));
    hot.sort_by(|a, b| b.rank(a).then(a.index.cmp(&b.index)));
    let (rest, _) = rest.split_at_mut(may_be_cold);
    let mut not_hot = first(rest, k - hot.len(), |a, b| b.rank(a));
    // The hot ones that are left over stand before the rest then.
    let (_, left) = above.split_at_mut(hot.len());
    let only_hot = bring_forward(left, |candidate| !candidate.may_be_cold());
    let from = hot.len() + only_hot;
    let until = above.len() + rest.len();
    let others = candidates.get_mut(from..until).unwrap_or_default();
    let mut cold = first(others, k, |a, b| a.is_hot().cmp(&b.is_hot()).then_with(|| a.rank(b)));
    draw_apart(&mut hot, &mut cold);
    not_hot.retain(|candidate| !cold.contains(candidate));
    Outliers { hot, cold, not_hot }
}

/// Brings those of which it holds to the front, in any order; gives how many they are.
fn bring_forward(all: &mut [Candidate], holds: impl Fn(&Candidate) -> bool) -> usize {
    let mut found = 0;
    for place in 0..all.len() {
        if all.get(place).is_some_and(&holds) {
            all.swap(found, place);
            found += 1;
        }
    }
    found
}

/// No hot pod stays that ranks below the coldest one, and then no cold pod that ranks above a hot one: they have nothing
/// to mix. With one indicator and one limit for all it is never so.
fn draw_apart(hot: &mut Vec<Candidate>, cold: &mut Vec<Candidate>) {
    match (hot.first(), cold.first().copied()) {
        (Some(hottest), Some(coldest)) if hottest.rank(&coldest).is_ge() => {
            hot.retain(|candidate| candidate.rank(&coldest).is_ge());
        }
        (Some(_) | None, _) => cold.clear(),
    }
    if let Some(coolest) = hot.last() {
        cold.retain(|candidate| candidate.rank(coolest).is_le());
    }
}

/// The first `k` by this order, then by name, sorted. They are the first of the slice afterwards too.
fn first(
    all: &mut [Candidate],
    k: usize,
    by_rank: impl Fn(&Candidate, &Candidate) -> Ordering,
) -> Vec<Candidate> {
    if k == 0 {
        return Vec::new();
    }
    let order = |a: &Candidate, b: &Candidate| by_rank(a, b).then(a.index.cmp(&b.index));
    if k < all.len() {
        all.select_nth_unstable_by(k, order);
    }
    let mut first: Vec<Candidate> = all.iter().take(k).copied().collect();
    first.sort_unstable_by(order);
    first
}

impl Outliers {
    /// Drops the least extreme pods until at most `most` are left, so that as many hot as cold stay as can, and at
    /// least one of each where there was one. Gives the dropped ones.
    pub(crate) fn trim(&mut self, most: usize) -> Vec<(Candidate, Choice)> {
        let mut dropped = Vec::new();
        while self.hot.len() + self.cold.len() > most.max(2) {
            let rank = self.hot.len().max(self.cold.len());
            dropped.extend(if self.cold.len() >= self.hot.len() {
                self.cold.pop().map(|pod| (pod, pod.as_cold(rank)))
            } else {
                self.hot.pop().map(|pod| (pod, pod.as_hot(rank)))
            });
        }
        dropped
    }

    /// Keeps what disruption budgets have room for, in the order of removal. Gives the dropped ones.
    pub(crate) fn fit(&mut self, headroom: &Headroom<'_>) -> Vec<(Candidate, Choice)> {
        let mut left = headroom.left();
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
        let percent = PercentChange::new(percent).ok();
        Improvement { average_hot, average_set, percent }
    }

    /// Hot and cold in turn: a batch that is interrupted has mixed as much as it could.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = (Candidate, Choice)> + '_ {
        let longest = self.hot.len().max(self.cold.len());
        (0..longest).flat_map(|place| {
            let rank = place + 1;
            let hot = self.hot.get(place).map(|&pod| (pod, pod.as_hot(rank)));
            let cold = self.cold.get(place).map(|&pod| (pod, pod.as_cold(rank)));
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
    use proptest::prelude::*;

    fn candidates(loads: &[f64], limit: f64) -> Vec<Candidate> {
        let of_its_own: Vec<(f64, f64)> = loads.iter().map(|load| (*load, limit)).collect();
        with_limits(&of_its_own)
    }

    /// From loads, each with its limit.
    fn with_limits(loads: &[(f64, f64)]) -> Vec<Candidate> {
        let load = |load| Load::new(load).unwrap();
        let candidate = |(index, (carried, limit)): (usize, &(f64, f64))| Candidate {
            index,
            load: load(*carried),
            limit: load(*limit),
            score: None,
            may_be: CandidateRole::Any,
            moves_anyway: false,
        };
        loads.iter().enumerate().map(candidate).collect()
    }

    fn loads(of: &[Candidate]) -> Vec<f64> {
        of.iter().map(|candidate| candidate.load.get()).collect()
    }

    fn check(given: &[f64], k: usize, limit: f64, hot: &[f64], cold: &[f64], percent: f64) {
        let rotation = choose(candidates(given, limit), k);
        assert_eq!((loads(&rotation.hot).as_slice(), loads(&rotation.cold).as_slice()), (hot, cold));
        assert!(
            (rotation.improvement().percent.unwrap().get() - percent).abs() < 0.05,
            "{}",
            rotation.improvement()
        );
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
    fn a_larger_pod_below_its_own_limit_does_not_take_the_place_of_a_smaller_one_above_its_own() {
        let fleet = with_limits(&[(1.5, 2.0), (1.4, 2.0), (0.9, 0.8), (0.6, 2.0), (0.3, 0.8)]);
        let rotation = choose(fleet, 1);
        assert_eq!((loads(&rotation.hot), loads(&rotation.cold)), (vec![0.9], vec![0.3]));
    }

    #[test]
    fn a_pod_that_carries_as_much_as_a_hot_one_is_not_removed_as_a_cold_one() {
        // The hot pod of 0.5 gives nothing to mix, and 0.7 is too much to be mixed with 0.6.
        let fleet = with_limits(&[(0.9, 0.4), (0.6, 0.4), (0.5, 0.4), (0.55, 2.0), (0.7, 2.0)]);
        let rotation = choose(fleet, 3);
        assert_eq!((loads(&rotation.hot), loads(&rotation.cold)), (vec![0.9, 0.6], vec![0.55]));
        let nothing_to_mix = choose(with_limits(&[(0.5, 0.4), (0.7, 2.0)]), 1);
        assert_eq!((loads(&nothing_to_mix.hot), loads(&nothing_to_mix.cold)), (vec![0.5], vec![]));
    }

    #[test]
    fn scores_rank_before_loads_and_a_pod_that_is_only_hot_is_never_a_cold_one() {
        let mut fleet = candidates(&[1.3, 1.2, 1.1, 0.4, 0.3, 0.2], 1.0);
        for (pod, score) in fleet.iter_mut().zip([1.1, 1.4, 1.3, 0.5, 0.6, 0.4]) {
            pod.score = Ratio::new(score).ok();
        }
        fleet[5].may_be = CandidateRole::HotOnly;
        let rotation = choose(fleet, 2);
        assert_eq!((loads(&rotation.hot), loads(&rotation.cold)), (vec![1.2, 1.1], vec![0.4, 0.3]));
    }

    #[test]
    fn a_pod_above_its_limit_is_a_cold_one_only_where_no_other_is_left() {
        let mut fleet = candidates(&[1.3, 1.2, 1.1, 0.4, 0.3], 1.0);
        for (pod, score) in fleet.iter_mut().zip([1.5, 1.4, 0.1, 0.8, 0.7]) {
            pod.score = Ratio::new(score).ok();
        }
        let rotation = choose(fleet.clone(), 2);
        assert_eq!((loads(&rotation.hot), loads(&rotation.cold)), (vec![1.3, 1.2], vec![0.3, 0.4]));
        let only_hot = choose(fleet[..3].to_vec(), 2);
        assert_eq!((loads(&only_hot.hot), loads(&only_hot.cold)), (vec![1.3, 1.2], vec![1.1]));
    }

    #[test]
    fn a_hot_pod_that_ranks_below_every_cold_one_stays() {
        let mut fleet = candidates(&[1.3, 1.2, 0.4, 0.3], 1.0);
        for (pod, score) in fleet.iter_mut().zip([1.5, 0.5, 0.6, 0.7]) {
            pod.score = Ratio::new(score).ok();
        }
        let rotation = choose(fleet.clone(), 2);
        assert_eq!((loads(&rotation.hot), loads(&rotation.cold)), (vec![1.3], vec![0.4, 0.3]));
        let only_the_lower = choose(fleet.split_off(1), 2);
        assert_eq!((loads(&only_the_lower.hot), loads(&only_the_lower.cold)), (vec![1.2], vec![]));
    }

    #[test]
    fn ties_go_by_name() {
        let rotation = choose(candidates(&[2.0, 0.1, 2.0, 0.1, 2.0, 0.1], 1.0), 2);
        let places = |of: &[Candidate]| of.iter().map(|candidate| candidate.index).collect::<Vec<_>>();
        assert_eq!((places(&rotation.hot), places(&rotation.cold)), (vec![0, 2], vec![1, 3]));
    }

    proptest! {
        /// One limit for all and one indicator: of the K hottest those above the limit, and the K coldest of the rest.
        #[test]
        fn without_scores_the_ends_are_those_of_the_sorted_loads(
            given in prop::collection::vec(prop_oneof![0.0_f64..3.0, Just(1.0), Just(2.0)], 0..30),
            k in 1_usize..6,
            limit in 0.0_f64..3.0,
        ) {
            let mut sorted = candidates(&given, limit);
            sorted.sort_by(|a, b| b.load.total_cmp(&a.load).then(a.index.cmp(&b.index)));
            let hot: Vec<_> = sorted.iter().take(k).filter(|pod| pod.is_hot()).copied().collect();
            sorted.retain(|pod| !hot.contains(pod));
            sorted.sort_by(|a, b| a.load.total_cmp(&b.load).then(a.index.cmp(&b.index)));
            let cold = if hot.is_empty() { 0 } else { k };
            let rotation = choose(candidates(&given, limit), k);
            prop_assert_eq!(rotation.hot, hot);
            prop_assert_eq!(rotation.cold, sorted.into_iter().take(cold).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_trimmed_rotation_keeps_the_extremes_of_both_ends() {
        for (most, hot, cold) in [
            (6, vec![9.0, 8.0, 7.0], vec![1.0, 2.0, 3.0]),
            (5, vec![9.0, 8.0, 7.0], vec![1.0, 2.0]),
            (3, vec![9.0, 8.0], vec![1.0]),
            (2, vec![9.0], vec![1.0]),
        ] {
            let mut rotation = choose(candidates(&[9.0, 8.0, 7.0, 3.0, 2.0, 1.0], 5.0), 3);
            let dropped = rotation.trim(most).len();
            assert_eq!((loads(&rotation.hot), loads(&rotation.cold), dropped), (hot, cold, 6 - most));
        }
    }
}
