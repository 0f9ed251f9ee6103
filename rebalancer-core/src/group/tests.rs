//! The model of a group: costs, pods that stand out, and rules read off holdings.

use super::*;
use crate::assignor::{Assignor, Group, Member};
use proptest::prelude::*;

/// A model without metrics: members hold what the rule gives them.
fn dealt(assignor: Assignor, members: usize, partitions: &[u32]) -> GroupModel {
    let topics = topics(partitions);
    // Ids in another order than the pods.
    let member = |index: usize| member(format!("{:02}", (index * 7 + 3) % members), partitions.len());
    let mut group = Group { topics, members: (0..members).map(member).collect() };
    rebalance(&mut group, assignor);
    seen(group, 1)
}

fn topics(partitions: &[u32]) -> Vec<Topic> {
    let topic =
        |(index, &partitions): (u32, &u32)| Topic { name: format!("t{index}"), partitions, hash: None };
    (0_u32..).zip(partitions).map(topic).collect()
}

fn member(id: String, topics: usize) -> Member {
    let subscription = (0..u32::try_from(topics).unwrap()).collect();
    Member { id, instance: None, subscription, owned: Vec::new(), generation: None, listed: 0 }
}

fn rebalance(group: &mut Group, assignor: Assignor) {
    let assignment = assignor.assign(group);
    for (member, owned) in group.members.iter_mut().zip(assignment) {
        member.owned = owned;
        member.generation = Some(member.generation.unwrap_or(0) + 1);
    }
}

/// The group as metrics show it, with so many consumers in each pod.
fn seen(group: Group, each: usize) -> GroupModel {
    let held: Vec<Vec<TopicPartition>> = group.members.into_iter().map(|member| member.owned).collect();
    let of_pod = |held: &[Vec<TopicPartition>]| {
        let mut all = held.concat();
        all.sort_unstable();
        all
    };
    let members: Vec<Consumer> = (0..)
        .zip(held.chunks(each))
        .map(|(pod, held)| Consumer { pod: Some(pod), owned: of_pod(held), ..Consumer::default() })
        .collect();
    let alone = |pod| MemberPod { pod, members: vec![pod], factor: 1.0, replacement: 1.0 };
    GroupModel {
        loads: group.topics.iter().map(|topic| vec![1.0; topic.partitions as usize]).collect(),
        topics: group.topics,
        pods: (0..members.len()).map(alone).collect(),
        members,
        cost: Cost { base: 0.0, slope: 1.0 },
        told: None,
        coordinator: None,
        joined_together: true,
    }
}

/// A pod is replaced: which one, the id of the new member, and whether it joins before the old one is missed.
type Replaced = (prop::sample::Index, u64, bool);

/// A group that was formed at once, in which pods were replaced one after the other. A coordinator assigns when a member
/// has left, and again when another one has joined.
fn churned(assignor: Assignor, ids: &[u64], partitions: &[u32], replaced: &[Replaced]) -> GroupModel {
    let topics = topics(partitions);
    let member = |id: &u64| member(format!("consumer-1-{id:016x}"), partitions.len());
    let mut group = Group { topics, members: ids.iter().map(member).collect() };
    rebalance(&mut group, assignor);
    for (pod, id, at_once) in replaced {
        let place = pod.index(group.members.len());
        if !at_once || assignor == Assignor::Uniform {
            group.members.remove(place);
            rebalance(&mut group, assignor);
            group.members.insert(place, member(id));
        } else if let Some(slot) = group.members.get_mut(place) {
            *slot = member(id);
        }
        rebalance(&mut group, assignor);
    }
    GroupModel { joined_together: replaced.is_empty(), ..seen(group, 1) }
}

/// Each rule, the client's range for the coordinator's, which does the same. And for `uniform` of Kafka 4.0.0, whose blocks may
/// outlive a replacement: nothing is removed then.
fn fits(inferred: Result<Inference, Unusable>, rule: Assignor) -> bool {
    let rules = inferred.map(|inferred| inferred.rules()).unwrap_or_default();
    let as_range = [Assignor::ServerRange, Assignor::EarlyUniform].contains(&rule);
    rules.contains(rule) || (as_range && rules.contains(Assignor::Range))
}

#[test]
fn each_rules_own_pattern_is_recognized() {
    for (members, partitions) in [(6, vec![24]), (5, vec![12, 33, 7]), (11, vec![40, 40])] {
        for assignor in [Assignor::Range, Assignor::RoundRobin] {
            let found = infer(&dealt(assignor, members, &partitions), None);
            let restore = found.map(|found| found.rules().that_restore_sets()).unwrap();
            let other =
                [Assignor::RoundRobin, Assignor::Range][usize::from(assignor == Assignor::RoundRobin)];
            assert!(restore.contains(assignor), "{members} {partitions:?}: {restore}");
            assert!(!restore.contains(other), "{members} {partitions:?}: {restore}");
        }
    }
}

#[test]
fn range_is_known_where_counts_differ_or_pods_joined_later() {
    let certain = Ok(Inference::Certain { assignor: Assignor::Range });
    let uneven = dealt(Assignor::Range, 6, &[33, 14]);
    assert_eq!(infer(&uneven, None), certain);
    let even = dealt(Assignor::Range, 12, &[48]);
    let rules = Rules::UNIFORM.with(Assignor::Range).with(Assignor::ServerRange);
    assert_eq!(infer(&even, None), Ok(Inference::Fits { rules }));
    assert_eq!(infer(&GroupModel { joined_together: false, ..even }, None), certain);
}

#[test]
fn larger_blocks_at_the_front_of_one_topic_may_be_those_of_uniform_of_kafka_4_0_0() {
    let uneven = dealt(Assignor::EarlyUniform, 12, &[56]);
    let rules = Rules::NONE.with(Assignor::Range).with(Assignor::ServerRange).with(Assignor::EarlyUniform);
    assert_eq!(infer(&uneven, None), Ok(Inference::Fits { rules }));
    assert!(dealing_order(&uneven, Assignor::EarlyUniform).is_some());
}

/// Kafka tells the name `uniform`, and the coordinator's release tells the rule, or a setting.
#[test]
fn what_a_name_means_depends_on_the_release_and_then_on_the_setting() {
    let of = |told: Rules, configured| {
        infer(&GroupModel { told: Some(told), ..dealt(Assignor::Uniform, 6, &[25]) }, configured)
    };
    let (uniform, early) = (Assignor::Uniform, Assignor::EarlyUniform);
    assert_eq!(of(uniform.into(), None), Ok(Inference::Told { assignor: uniform }));
    assert_eq!(of(early.into(), None), Ok(Inference::Told { assignor: early }));
    assert_eq!(of(Rules::UNIFORM, None), Ok(Inference::Named { rules: Rules::UNIFORM }));
    // Who sets `uniform` means the name where the release is known, and the usual rule where it is not.
    assert_eq!(of(early.into(), Some(uniform)), Ok(Inference::Told { assignor: early }));
    assert_eq!(of(Rules::UNIFORM, Some(uniform)), Ok(Inference::Configured { assignor: uniform }));
    assert_eq!(of(Rules::UNIFORM, Some(early)), Ok(Inference::Configured { assignor: early }));
    assert_eq!(
        of(uniform.into(), Some(early)),
        Err(Unusable::AssignorsContradict { configured: early, told: uniform })
    );
}

#[test]
fn blocks_of_which_the_last_ones_are_larger_are_those_of_uniform() {
    let model = dealt(Assignor::Uniform, 12, &[56]);
    assert_eq!(infer(&model, None), Ok(Inference::Certain { assignor: Assignor::Uniform }));
    assert!(dealing_order(&model, Assignor::Uniform).is_some());
    assert_eq!(dealing_order(&model, Assignor::Sticky), None);
}

#[test]
fn a_deal_in_turn_shows_the_order_of_ids_unless_a_pod_joined_later() {
    let model = dealt(Assignor::Sticky, 6, &[24]);
    // Member k has the id (7 k + 3) mod 6.
    assert_eq!(dealing_order(&model, Assignor::Sticky), Some(vec![3, 4, 5, 0, 1, 2]));
    let later = GroupModel { joined_together: false, ..model };
    assert_eq!(dealing_order(&later, Assignor::Sticky), None);
}

#[test]
fn several_consumers_in_a_pod_hide_no_rule_that_restores_sets() {
    for each in 2..=4 {
        for (assignor, partitions) in [
            (Assignor::RoundRobin, vec![160]),
            (Assignor::RoundRobin, vec![161, 50]),
            (Assignor::Range, vec![160]),
            (Assignor::Range, vec![161, 90]),
        ] {
            let topics = topics(&partitions);
            let ids = (0..8 * each).map(|index| format!("{:02}", (index * 13 + 5) % (8 * each)));
            let members = ids.map(|id| member(id, partitions.len())).collect();
            let mut group = Group { topics, members };
            rebalance(&mut group, assignor);
            let inferred = infer(&seen(group, each), None);
            assert!(fits(inferred.clone(), assignor), "{assignor}, {each} in a pod: {inferred:?}");
        }
    }
}

#[test]
fn uneven_counts_follow_no_known_rule() {
    let mut model = dealt(Assignor::RoundRobin, 4, &[16]);
    let moved = model.members[0].owned.split_off(1);
    model.members[1].owned.extend(moved);
    model.members[1].owned.sort_unstable();
    assert_eq!(infer(&model, None), Err(Unusable::NoKnownRule));
    assert_eq!(infer(&model, Some(Assignor::CooperativeSticky)), Err(Unusable::NoKnownRule));
}

proptest! {
    #[test]
    fn the_rule_of_a_group_is_among_those_that_fit(
        ids in prop::collection::hash_set(any::<u64>(), 2..24),
        partitions in prop::collection::vec(1_u32..120, 1..4),
        replaced in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>(), any::<bool>()), 0..40),
    ) {
        let ids: Vec<u64> = ids.into_iter().collect();
        for assignor in Assignor::ALL {
            let model = churned(assignor, &ids, &partitions, &replaced);
            let inferred = infer(&model, None);
            // Blocks of the coordinator that outlive a replacement, by luck, look like those of range or of no rule: it holds.
            let holds = assignor.is_uniform()
                && inferred.as_ref().map_or_else(
                    |why| *why == Unusable::NoKnownRule,
                    |inference| inference.rules() == inference.rules().that_restore_sets(),
                );
            prop_assert!(holds || fits(inferred.clone(), assignor), "{}: {:?}", assignor, inferred);
            prop_assert_eq!(infer(&model, Some(assignor)), Ok(Inference::Configured { assignor }));
        }
    }

    #[test]
    fn a_configured_rule_agrees_with_what_it_deals(
        members in 2_usize..12, partitions in prop::collection::vec(1_u32..40, 1..4),
    ) {
        for assignor in Assignor::ALL {
            let model = dealt(assignor, members, &partitions);
            prop_assert_eq!(
                infer(&model, Some(assignor)), Ok(Inference::Configured { assignor }),
                "{} on {} members, {:?}", assignor, members, partitions
            );
        }
    }
}
