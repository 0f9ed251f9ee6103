//! What is worked out on a plain group is what the rules themselves give.

use super::*;
use crate::assignor::{Group, Member, Topic, uniform};
use proptest::prelude::*;

/// Members by the ids that they have and that their replacements get.
#[derive(Debug, Clone)]
struct Case {
    topics: Vec<Topic>,
    ids: Vec<Identity>,
    members: usize,
    /// Who holds each partition; any number that is no member is nobody.
    holders: Vec<usize>,
    leaving: Vec<bool>,
    settles_between: bool,
    /// Each that joins makes the coordinator assign.
    joins_alone: bool,
}

fn any_case() -> impl Strategy<Value = Case> {
    let topics = prop::collection::vec(0_u32..25, 1..4);
    (topics, 1_usize..14, any::<[bool; 2]>(), any::<u64>(), 0_usize..3).prop_flat_map(
        |(sizes, members, [settles_between, joins_alone], seed, evenness)| {
            let partitions = sizes.iter().sum::<u32>() as usize;
            let holders = prop::collection::vec(0..members + 1, partitions);
            let leaving = prop::collection::vec(any::<bool>(), members);
            (holders, leaving).prop_map(move |(holders, leaving)| {
                let number =
                    |slot: u64| (seed ^ slot.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xD129);
                let ids =
                    (0..2 * members as u64).map(|slot| format!("c-{:x}", number(slot) % 9973 * 64 + slot));
                // As a group is: dealt evenly; or anyhow.
                let even = |place: usize| (place * 7 + usize::from(place.is_multiple_of(3))) % members;
                let holders = match evenness {
                    0 => holders,
                    1 => (0..partitions).map(even).collect(),
                    _ => (0..partitions).map(|place| place % members).collect(),
                };
                Case {
                    topics: (0..)
                        .zip(&sizes)
                        .map(|(name, &partitions): (u32, _)| Topic {
                            name: format!("t{name}"),
                            partitions,
                            // Some share a bucket.
                            hash: Some(name / 2 + (name % 2) * 32),
                        })
                        .collect(),
                    ids: ids.zip(listed(seed)).map(|(id, listed)| Identity { id, listed }).collect(),
                    members,
                    holders,
                    leaving,
                    settles_between,
                    joins_alone,
                }
            })
        },
    )
}

/// Places in the coordinator's list; where it is not known, all are 0.
fn listed(seed: u64) -> impl Iterator<Item = u32> {
    (0_u32..).map(move |slot| if seed.is_multiple_of(2) { 0 } else { slot.wrapping_mul(7) % 5 })
}

impl Case {
    fn partitions(&self) -> Vec<TopicPartition> {
        let of = |(topic, known): (u32, &Topic)| {
            (0..known.partitions).map(move |partition| TopicPartition { topic, partition })
        };
        (0..).zip(&self.topics).flat_map(of).collect()
    }

    fn held(&self) -> Vec<Vec<TopicPartition>> {
        let mut held = vec![Vec::new(); self.members];
        for (partition, &holder) in self.partitions().into_iter().zip(&self.holders) {
            if holder < self.members {
                held[holder].push(partition);
            }
        }
        held
    }

    fn member(&self, slot: usize, owned: Vec<TopicPartition>, generation: Option<i32>) -> Member {
        let subscription = (0..).zip(&self.topics).map(|(topic, _)| topic).collect();
        let Identity { id, listed } = self.ids[slot].clone();
        Member { id, instance: None, subscription, owned, generation, listed }
    }

    /// By the rules themselves: what each slot holds in the end.
    fn by_the_rules(&self, rule: Assignor) -> Vec<Vec<TopicPartition>> {
        let staying: Vec<usize> = (0..self.members).filter(|&slot| !self.leaving[slot]).collect();
        let mut held = self.held();
        let members =
            staying.iter().map(|&slot| self.member(slot, std::mem::take(&mut held[slot]), Some(1))).collect();
        let mut group = Group { topics: self.topics.clone(), members };
        if self.settles_between && !staying.is_empty() {
            rebalance(rule, &mut group);
        }
        let joining = (0..self.members).filter(|&slot| self.leaving[slot]).map(|slot| slot + self.members);
        let slots: Vec<usize> = staying.iter().copied().chain(joining).collect();
        for &slot in &slots[staying.len()..] {
            let joining = self.member(slot, Vec::new(), None);
            if self.joins_alone && rule.is_uniform() {
                let listed = joining.listed;
                group.members.push(Member { listed: u32::MAX, ..joining });
                rebalance(rule, &mut group);
                group.members.last_mut().unwrap().listed = listed;
            } else {
                group.members.push(joining);
            }
        }
        rebalance(rule, &mut group);
        let mut result = vec![Vec::new(); 2 * self.members];
        for (slot, member) in slots.into_iter().zip(group.members) {
            result[slot] = member.owned;
            result[slot].sort_unstable();
        }
        result
    }

    fn tried(&self, trial: &mut Trial<'_>) -> Vec<Vec<TopicPartition>> {
        trial.reset();
        let slots = |leaving: bool| (0..self.members).filter(move |&slot| self.leaving[slot] == leaving);
        slots(true).for_each(|slot| trial.leave(u32::try_from(slot).unwrap()));
        if self.settles_between {
            trial.rebalance();
        }
        for slot in slots(true).map(|slot| u32::try_from(slot + self.members).unwrap()) {
            if self.joins_alone && trial.plain.rule.is_uniform() {
                trial.join_and_rebalance(slot);
            } else {
                trial.join(slot);
            }
        }
        trial.rebalance();
        let mut owners: Vec<Option<Slot>> = trial.plain.owners().to_vec();
        for (partition, owner) in trial.changes() {
            owners[partition as usize] = owner;
        }
        let mut result = vec![Vec::new(); 2 * self.members];
        for (partition, owner) in self.partitions().into_iter().zip(owners) {
            result[owner.unwrap() as usize].push(partition);
        }
        result
    }
}

fn rebalance(rule: Assignor, group: &mut Group) {
    let assignment = if rule.is_uniform() {
        uniform::assign_in_turn_by(group, uniform::Extra::of(rule))
    } else {
        rule.assign(group)
    };
    for (member, owned) in group.members.iter_mut().zip(assignment) {
        (member.owned, member.generation) = (owned, Some(2));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_trial_ends_as_the_rules_do(case in any_case()) {
        for rule in Assignor::ALL.into_iter().filter(|rule| rule.is_sticky()) {
            let range = (0, case.members);
            let plain = Plain::new(rule, &case.topics, &case.ids, &case.held(), range).unwrap();
            let mut trial = Trial::new(&plain, case.members);
            let expected = case.by_the_rules(rule);
            prop_assert_eq!(&case.tried(&mut trial), &expected, "{}", rule);
            prop_assert_eq!(&case.tried(&mut trial), &expected, "{} again", rule);
        }
    }
}
