//! Where partition loads can't be used: what is done in their place.

use super::*;

#[test]
fn data_that_is_missing_or_contradicts_itself_falls_back_and_says_so() {
    type Spoil = fn(&mut Vec<PartitionLoad>);
    let cases: [(Spoil, Unusable); 3] = [
        (|all| drop(all.remove(7)), Unusable::Gap { topic: "events".into(), partition: 19 }),
        (
            |all| all[0].partition = "seven".into(),
            Unusable::NoNumber { topic: "events".into(), partition: "seven".into() },
        ),
        (Vec::clear, Unusable::Empty),
    ];
    let group = two_heavy(Numbering::Mixed);
    for (spoil, why) in cases {
        let mut partitions = group.partitions();
        spoil(&mut partitions);
        let report = plan(&group.with(Some(Ok(partitions))), &policy());
        assert_eq!(report.method, Method::RotateOutliers { because: Some(why) });
    }
    let error = MetricsError::Unavailable { message: "down".into() };
    let unread = plan(&group.with(Some(Err(error))), &policy());
    assert_eq!(unread.method, Method::RotateOutliers { because: Some(Unusable::NotRead) });
    let unasked = plan(&group.with(None), &policy());
    assert_eq!(unasked.method, Method::RotateOutliers { because: Some(Unusable::NotAsked) });
}

#[test]
fn loads_that_partitions_do_not_explain_are_not_predicted() {
    let mut snapshot = two_heavy(Numbering::Mixed).snapshot();
    for (place, partition) in snapshot.partitions.as_mut().unwrap().iter_mut().enumerate() {
        partition.load = Load::new(if place % 5 == 0 { 900.0 } else { 1.0 }).unwrap();
    }
    let report = plan(&snapshot, &policy());
    assert!(
        matches!(report.method, Method::RotateOutliers { because: Some(Unusable::Unexplained { .. }) }),
        "{}",
        report.method
    );
}

#[test]
fn holdings_that_follow_no_rule_are_left_alone_unless_the_strategy_is_named() {
    let mut group = two_heavy(Numbering::Mixed);
    let moved = group.holds[1].pop().unwrap();
    group.holds[2].push(moved);
    // Counts are 4, 3, 5, 4, 4 and 4.
    let mut partitions = group.partitions();
    for (number, partition) in partitions.iter_mut().enumerate() {
        partition.partition = number.to_string();
    }
    let snapshot = group.with(Some(Ok(partitions)));
    let unclear = Hold::GroupUnclear { why: Unusable::NoKnownRule };
    assert_eq!(held(&plan(&snapshot, &with(Assignor::Sticky, Timing::AllAtOnce))), &unclear);
    assert_eq!(held(&plan(&snapshot, &policy())), &unclear);
    let named = plan(&snapshot, &policy().with_strategy(Strategy::RotateOutliers));
    assert_eq!(named.method, Method::RotateOutliers { because: None });
    assert!(matches!(named.decision, Decision::Rotate(_)), "{}", named.decision);
}

#[test]
fn a_group_in_the_middle_of_a_rebalance_is_left_alone() {
    let group = two_heavy(Numbering::Mixed);
    let mut strange = group.partitions();
    strange[0].pod = Some("gone".into());
    let mut twice = group.partitions();
    twice.push(PartitionLoad { pod: Some("p004".into()), ..twice[5].clone() });
    for partitions in [strange, twice] {
        let report = plan(&group.with(Some(Ok(partitions))), &policy());
        assert!(matches!(held(&report), Hold::GroupUnsettled { .. }), "{}", report.decision);
    }
}

#[test]
fn a_partition_that_nobody_is_seen_to_hold_does_not_vanish() {
    let group = two_heavy(Numbering::Mixed);
    let mut partitions = group.partitions();
    let (last, earlier) = (partitions.len() - 1, partitions.len() - 2);
    let number = |place: usize| partitions[place].partition.parse().unwrap();
    let why = |partition, idle| Unusable::NoOwner { topic: partitions[last].topic.clone(), partition, idle };
    let (idle, busy) = (why(number(earlier), true), why(number(last), false));
    // One that nothing flows into says nothing of the group; no gap tells of the last one.
    partitions[earlier].pod = None;
    partitions[earlier].load = Load::new(0.0).unwrap();
    let report = plan(&group.with(Some(Ok(partitions.clone()))), &policy());
    assert_eq!(report.method, Method::RotateOutliers { because: Some(idle) });
    partitions[last].pod = None;
    let report = plan(&group.with(Some(Ok(partitions))), &policy());
    assert_eq!(held(&report), &Hold::GroupUnsettled { why: busy });
}

#[test]
fn what_is_configured_to_be_useless_is_refused_without_partition_loads_too() {
    let group = two_heavy(Numbering::Mixed);
    let assignor = Assignor::Range;
    let range = plan(&group.with(None), &with(assignor, Timing::AllAtOnce));
    assert_eq!(held(&range), &Hold::AssignorRestoresSets { assignor: Inference::Configured { assignor } });
    let fixed = plan(&group.with(None), &policy().with_static_members(true));
    assert_eq!(held(&fixed), &Hold::StaticMembers);
}
