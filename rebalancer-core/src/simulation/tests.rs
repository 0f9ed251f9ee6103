//! The fleet keeps the rules, and does what its shape says.

use std::num::NonZeroUsize;

use jiff::SignedDuration;

use super::*;
use crate::assignor::Assignor;
use crate::fleet::PodRef;
use crate::fleet::{Indicator, PartitionLoad};
use crate::policy::Timing;
use crate::port::RemovalError;

fn fleet(shape: Shape) -> Fleet {
    Fleet::new(&shape).unwrap()
}

/// Partition loads as the metric system shows them.
fn partitions(fleet: &Fleet) -> Vec<PartitionLoad> {
    fleet.snapshot().unwrap().partitions.unwrap()
}

fn names(fleet: &Fleet) -> Vec<String> {
    fleet.loads().into_keys().collect()
}

/// The sets of partitions that pods hold, whoever holds them.
fn sets(fleet: &Fleet) -> Vec<Vec<(String, String)>> {
    let partitions = partitions(fleet);
    let of = |name: &String| {
        let held = partitions.iter().filter(|one| one.pod.as_deref() == Some(name.as_str()));
        held.map(|one| (one.topic.clone(), one.partition.clone())).collect::<Vec<_>>()
    };
    let mut sets: Vec<_> = names(fleet).iter().map(of).collect();
    sets.sort();
    sets
}

fn remove(fleet: &Fleet, name: &str) {
    let uid = fleet.world().pod(name).unwrap().uid;
    let pod = PodRef { namespace: "simulation".to_owned(), name: name.to_owned(), uid };
    fleet.world().remove(&pod, true).unwrap();
}

fn remove_every(fleet: &Fleet, step: usize) {
    names(fleet).iter().step_by(step).for_each(|name| remove(fleet, name));
}

fn later(fleet: &Fleet) {
    fleet.settle(SignedDuration::from_mins(10));
}

fn changed<T: PartialEq>(before: &[T], after: &[T]) -> bool {
    before != after
}

#[test]
fn every_partition_is_held_once_and_counts_are_even_under_every_rule() {
    for assignor in Assignor::ALL {
        for timing in [Timing::LeaveThenJoin, Timing::AllAtOnce] {
            let fleet = fleet(Shape { pods: 7, partitions: 45, assignor, timing, ..Shape::default() });
            for round in 0..6 {
                remove_every(&fleet, 2 + round % 3);
                later(&fleet);
                let sets = sets(&fleet);
                let counts = sets.iter().map(Vec::len);
                assert_eq!((counts.clone().min(), counts.max()), (Some(6), Some(7)), "{assignor}");
                let mut held: Vec<u32> =
                    sets.concat().iter().map(|(_, number)| number.parse().unwrap()).collect();
                held.sort_unstable();
                assert_eq!(held, (0..45).collect::<Vec<_>>(), "{assignor}, {timing:?}");
            }
        }
    }
}

#[test]
fn partitions_are_mixed_anew_only_under_sticky_rules() {
    for assignor in Assignor::ALL {
        let fleet = fleet(Shape { assignor, ..Shape::default() });
        let before = sets(&fleet);
        remove_every(&fleet, 5);
        later(&fleet);
        assert_eq!(changed(&before, &sets(&fleet)), assignor.is_sticky(), "{assignor}");
    }
}

#[test]
fn the_order_in_which_replacements_join_decides_what_a_sticky_rule_does() {
    let sets_after = |timing| {
        let fleet = fleet(Shape { timing, ..Shape::default() });
        remove_every(&fleet, 5);
        later(&fleet);
        sets(&fleet)
    };
    assert!(changed(&sets_after(Timing::LeaveThenJoin), &sets_after(Timing::AllAtOnce)));
}

#[test]
fn static_members_come_back_as_themselves_on_another_node_perhaps_with_another_uid_for_sure() {
    let fleet = fleet(Shape { static_members: true, ..Shape::default() });
    let (before, loads) = (partitions(&fleet), fleet.loads());
    let uid = |name: &str| fleet.world().pod(name).unwrap().uid;
    let old = uid("consumer-003");
    remove(&fleet, "consumer-003");
    assert_eq!(fleet.loads().len(), 19);
    later(&fleet);
    assert_eq!((partitions(&fleet), fleet.loads()), (before, loads));
    assert_ne!(uid("consumer-003"), old);
}

#[test]
fn only_the_very_pod_is_removed() {
    let fleet = fleet(Shape { churn: 0, ..Shape::default() });
    let stranger = |name: &str| PodRef {
        namespace: "simulation".to_owned(),
        name: name.to_owned(),
        uid: crate::fleet::Uid::new("another"),
    };
    assert_eq!(fleet.world().remove(&stranger("consumer-003"), true), Err(RemovalError::Replaced));
    assert_eq!(fleet.world().remove(&stranger("consumer-999"), true), Err(RemovalError::Gone));
    assert_eq!(fleet.loads().len(), 20);
}

#[test]
fn the_same_seed_makes_the_same_fleet_with_the_same_future_and_another_seed_another() {
    let future = |seed| {
        let fleet = fleet(Shape {
            drift: Drift { swing: 0.5, walk: 0.2, ..Drift::default() },
            metrics: Metrics { noise: 0.1, delay: 1 },
            seed,
            ..Shape::default()
        });
        remove_every(&fleet, 4);
        later(&fleet);
        later(&fleet);
        (fleet.snapshot().unwrap(), fleet.loads())
    };
    assert_eq!(future(7), future(7));
    assert_ne!(future(7), future(8));
}

#[test]
fn a_fleet_of_twenty_thousand_pods_is_made_in_an_instant() {
    let fleet = fleet(Shape { pods: 20_000, partitions: 160_000, ..Shape::default() });
    assert_eq!(partitions(&fleet).len(), 160_000);
}

mod group;
mod loads;
mod shapes;
