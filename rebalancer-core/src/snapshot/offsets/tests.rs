//! Loads by offsets.

use jiff::SignedDuration;

use super::*;
use crate::fixture::NOW;
use crate::fleet::consumer_group::{
    GroupMember, GroupProtocol, GroupState, TimestampType, TopicConfig, Unread,
};

const WINDOW: SignedDuration = SignedDuration::from_secs(100);

fn holding(partitions: &[u32]) -> GroupMember {
    GroupMember {
        assigned: Some(partitions.iter().map(|&partition| TopicPartition::new("t", partition)).collect()),
        ..GroupMember::new(format!("m{partitions:?}"))
    }
}

fn offsets(log_start: u64, end: u64, since: OffsetAt, committed: Option<u64>) -> PartitionOffsets {
    PartitionOffsets { log_start, end, earlier: vec![since], committed }
}

const fn first(offset: u64) -> OffsetAt {
    OffsetAt::First { offset, timestamp: None }
}

/// Partitions 0 and 1 in pod a, by two members; 2 in pod b; 3 outside.
fn reading(partitions: [Result<PartitionOffsets, Unread>; 4]) -> GroupReading {
    let numbered = (0..).zip(partitions).map(|(number, offsets)| (TopicPartition::new("t", number), offsets));
    GroupReading {
        group: ConsumerGroup {
            id: "g".to_owned(),
            state: GroupState::Stable,
            protocol: GroupProtocol::Classic,
            assignor: None,
            members: vec![holding(&[0]), holding(&[1]), holding(&[2]), holding(&[3])],
            coordinator: None,
        },
        topics: Vec::new(),
        configs: BTreeMap::new(),
        offsets: Ok(numbered.collect()),
        earlier: vec![NOW - WINDOW],
        moving: Ok(Vec::new()),
        at: NOW,
    }
}

fn usual() -> GroupReading {
    reading([
        Ok(offsets(0, 1_000, first(800), Some(990))),
        Ok(offsets(0, 500, first(400), Some(500))),
        Ok(offsets(0, 700, OffsetAt::NothingSince, Some(600))),
        Ok(offsets(0, 900, first(0), Some(0))),
    ])
}

const PODS: [Option<&str>; 4] = [Some("a"), Some("a"), Some("b"), None];

fn loads(reading: &GroupReading, indicator: Indicator) -> Result<Vec<(String, f64)>, String> {
    let samples = Loads::new(reading, &PODS).of(indicator).map_err(|error| error.to_string())?;
    Ok(samples.into_iter().map(|(pod, load)| (pod, load.get())).collect())
}

fn a_and_b(a: f64, b: f64) -> Result<Vec<(String, f64)>, String> {
    Ok(vec![("a".to_owned(), a), ("b".to_owned(), b)])
}

#[test]
fn a_pod_carries_what_its_members_carry() {
    assert_eq!(loads(&usual(), Indicator::ProductionRate), a_and_b(3.0, 0.0));
    assert_eq!(loads(&usual(), Indicator::Lag), a_and_b(10.0, 100.0));
}

#[test]
fn a_partition_has_the_pod_that_holds_it_or_none_of_the_fleet() {
    let partitions = Loads::new(&usual(), &PODS).partitions().unwrap();
    let shown: Vec<_> = partitions.iter().map(|one| (one.pod.as_deref(), one.load.get())).collect();
    assert_eq!(shown, [(Some("a"), 2.0), (Some("a"), 1.0), (Some("b"), 0.0), (None, 9.0)]);
}

#[test]
fn what_was_never_committed_is_missing_and_an_empty_partition_lags_by_nothing() {
    let mut reading = usual();
    let offsets = reading.offsets.as_mut().unwrap();
    let committed = |offsets: &mut GroupOffsets, partition, end| {
        let entry = offsets.get_mut(&TopicPartition::new("t", partition)).unwrap().as_mut().unwrap();
        (entry.committed, entry.end) = (None, end);
    };
    committed(offsets, 0, 1_000);
    committed(offsets, 2, 0);
    assert_eq!(loads(&reading, Indicator::Lag), Ok(vec![("b".to_owned(), 0.0)]));
}

#[test]
fn a_log_that_does_not_reach_back_and_a_partition_without_a_leader_give_no_loads() {
    let mut short = usual();
    let partition = TopicPartition::new("t", 1);
    let entries = short.offsets.as_mut().unwrap();
    entries.insert(partition.clone(), Ok(offsets(450, 500, first(450), Some(460))));
    let error = loads(&short, Indicator::ProductionRate).unwrap_err();
    assert!(error.contains("partition t-1: its log does not reach back to 2025-12-31"), "{error}");
    short.offsets.as_mut().unwrap().insert(partition, Err(Unread::NoLeader));
    let error = loads(&short, Indicator::Lag).unwrap_err();
    assert_eq!(error, "offsets can't be used as loads: partition t-1: it has no leader");
}

#[test]
fn a_compacted_topic_and_time_stamps_that_are_yet_to_come_are_told_and_not_trusted() {
    let mut compacted = usual();
    let config = TopicConfig { compacted: true, timestamps: TimestampType::CreateTime };
    compacted.configs.insert("t".to_owned(), Ok(config));
    let error = loads(&compacted, Indicator::ProductionRate).unwrap_err();
    assert!(error.contains("the topic t is compacted"), "{error}");
    assert_eq!(loads(&compacted, Indicator::Lag), a_and_b(10.0, 100.0));
    let mut ahead = usual();
    let timestamp = Some(NOW + SignedDuration::from_hours(2));
    let lying = OffsetAt::First { offset: 10, timestamp };
    ahead.offsets.as_mut().unwrap().insert(TopicPartition::new("t", 0), Ok(offsets(0, 20, lying, None)));
    let error = loads(&ahead, Indicator::ProductionRate).unwrap_err();
    assert!(error.contains("which is yet to come"), "{error}");
}

#[test]
fn earlier_windows_are_read_as_the_partitions_are_held_now() {
    let mut reading = usual();
    reading.earlier = vec![NOW - WINDOW * 2, NOW - WINDOW, NOW - WINDOW * 3, NOW - WINDOW * 2];
    for (number, entry) in (0_u64..).zip(reading.offsets.as_mut().unwrap().values_mut()) {
        let at = |offset| OffsetAt::First { offset: offset + number, timestamp: None };
        entry.as_mut().unwrap().earlier = vec![at(300), at(400), at(100), at(300)];
        entry.as_mut().unwrap().end = 900;
    }
    let windows = past_rates(&reading, &PODS).unwrap();
    let shown: Vec<Vec<f64>> =
        windows.iter().map(|samples| samples.values().map(|load| load.get()).collect()).collect();
    assert_eq!(shown, [[2.0, 1.0], [4.0, 2.0]]);
}

#[test]
fn a_time_whose_segment_lingers_after_its_records_were_deleted_is_not_quiet_but_unknown() {
    let mut reading = usual();
    reading.earlier = vec![NOW - WINDOW * 2, NOW - WINDOW, NOW - WINDOW * 3, NOW - WINDOW * 2];
    for entry in reading.offsets.as_mut().unwrap().values_mut() {
        let entry = entry.as_mut().unwrap();
        (entry.earlier, entry.end) = (vec![first(300), first(400), first(100), first(300)], 900);
    }
    // The broker says that nothing came since, and yet a record of later is there.
    let lingering = reading.offsets.as_mut().unwrap().values_mut().nth(2).unwrap();
    lingering.as_mut().unwrap().earlier[2] = OffsetAt::NothingSince;
    let windows = past_rates(&reading, &PODS).unwrap();
    let pods: Vec<Vec<&str>> =
        windows.iter().map(|samples| samples.keys().map(String::as_str).collect()).collect();
    assert_eq!(pods, [vec!["a", "b"], vec!["a"]]);
    // One in which nothing came since any of these times is quiet.
    let quiet = reading.offsets.as_mut().unwrap().values_mut().nth(2).unwrap();
    quiet.as_mut().unwrap().earlier.fill(OffsetAt::NothingSince);
    let windows = past_rates(&reading, &PODS).unwrap();
    assert!(windows.iter().all(|samples| samples["b"].get() == 0.0), "{windows:?}");
}
