//! The group as it has become, and as Kafka tells it.

use super::*;
use crate::fleet::consumer_group::GroupMember;
use crate::snapshot::MatchedBy;

fn told(fleet: &Fleet) -> Vec<GroupMember> {
    fleet.snapshot().unwrap().group.unwrap().group.members
}

#[test]
fn a_group_begins_with_a_fresh_deal_and_has_gone_through_replacements() {
    let fresh = fleet(Shape { churn: 0, ..Shape::default() });
    let of_one = partitions(&fresh).iter().find(|one| one.partition == "0").unwrap().pod.clone();
    let own = by_number(&fresh).into_iter().filter(|one| one.pod == of_one);
    let held: Vec<u32> = own.map(|one| one.partition.parse().unwrap()).collect();
    assert!(held.windows(2).all(|pair| pair[1] - pair[0] == 20), "dealt in turn: {held:?}");
    let churned = fleet(Shape::default());
    assert!(changed(&sets(&fresh), &sets(&churned)));
    let first = names(&churned).iter().filter(|name| name.as_str() < "consumer-020").count();
    assert!(first < 10, "{first} pods of the first ones are left");
}

#[test]
fn kafka_tells_every_member_and_its_id_stays_while_it_lives() {
    for assignor in [Assignor::CooperativeSticky, Assignor::LibrdkafkaCooperativeSticky, Assignor::Uniform] {
        let fleet = fleet(Shape { kafka: true, assignor, ..Shape::default() });
        let snapshot = fleet.snapshot().unwrap();
        let group = snapshot.group.as_ref().unwrap();
        assert!(
            group.placed().all(|(_, place)| matches!(
                place,
                crate::snapshot::Placement::Pod { by: MatchedBy::Host, .. }
            ))
        );
        let before = told(&fleet);
        let removed = names(&fleet)[3].clone();
        remove(&fleet, &removed);
        later(&fleet);
        let after = told(&fleet);
        let stayed = after.iter().filter(|member| before.iter().any(|old| old.id == member.id)).count();
        assert_eq!((stayed, after.len()), (19, 20), "{assignor}");
    }
}

#[test]
fn offsets_tell_the_same_partition_loads_as_the_metric_system() {
    let told = fleet(Shape { kafka: true, ..Shape::default() });
    let measured = fleet(Shape::default());
    for (told, measured) in by_number(&told).iter().zip(by_number(&measured)) {
        assert_eq!((&told.pod, &told.partition), (&measured.pod, &measured.partition));
        assert!((told.load.get() - measured.load.get()).abs() < 0.001, "{told:?} {measured:?}");
    }
}

fn by_number(fleet: &Fleet) -> Vec<PartitionLoad> {
    let mut all = partitions(fleet);
    all.sort_by_key(|one| one.partition.parse::<u32>().unwrap());
    all
}

#[test]
fn one_by_one_leaves_another_assignment_than_all_together() {
    let after = |apart| {
        let fleet = fleet(Shape { apart, churn: 0, ..Shape::default() });
        remove_every(&fleet, 5);
        later(&fleet);
        sets(&fleet)
    };
    assert!(changed(&after(0.0), &after(1.0)));
}

#[test]
fn topics_may_carry_unequal_rates() {
    let fleet = fleet(Shape { topics: 3, topic_ratio: 4.0, spread: Spread::Equal, ..Shape::default() });
    let rate = |topic: &str| partitions(&fleet).iter().find(|one| one.topic == topic).unwrap().load.get();
    let (first, third) = (rate("events-00000"), rate("events-00002"));
    assert!((third / first - 16.0).abs() < 1e-9, "{first} {third}");
}
