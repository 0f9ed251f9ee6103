//! The model of a group: costs, pods that stand out, and rules read off holdings.

use super::*;
use crate::assignor::{Assignor, Group, Member};
use proptest::prelude::*;

/// A model without metrics: members hold what the rule gives them.
fn dealt(assignor: Assignor, members: usize, partitions: &[u32]) -> GroupModel {
    let topics: Vec<Topic> = (0..)
        .zip(partitions)
        .map(|(index, &partitions)| Topic { name: format!("t{index}"), partitions, hash: None })
        .collect();
    let member = |index: usize| Member {
        // Ids in another order than the pods.
        id: format!("{:02}", (index * 7 + 3) % members),
        instance: None,
        subscription: (0..u32::try_from(partitions.len()).unwrap()).collect(),
        owned: Vec::new(),
        generation: None,
        listed: 0,
    };
    let group = Group { topics: topics.clone(), members: (0..members).map(member).collect() };
    let consumer = |(pod, owned)| Consumer { pod: Some(pod), owned, ..Consumer::default() };
    let alone = |pod| MemberPod { pod, members: vec![pod], factor: 1.0 };
    let pods = (0..members).map(alone).collect();
    GroupModel {
        loads: topics.iter().map(|topic| vec![1.0; topic.partitions as usize]).collect(),
        topics,
        members: assignor.assign(&group).into_iter().enumerate().map(consumer).collect(),
        pods,
        cost: Cost { base: 0.0, slope: 1.0 },
        told: None,
    }
}

#[test]
fn each_rules_own_pattern_is_recognized() {
    for (members, partitions) in [(6, vec![24]), (5, vec![12, 33, 7]), (11, vec![40, 40])] {
        let inferred =
            |assignor| infer(&dealt(assignor, members, &partitions), None).ok().map(|found| found.assignor());
        assert_eq!(inferred(Assignor::Range), Some(Assignor::Range), "{members} {partitions:?}");
        assert_eq!(inferred(Assignor::RoundRobin), Some(Assignor::RoundRobin), "{members} {partitions:?}");
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
