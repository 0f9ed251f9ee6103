//! Offsets by time tell what the metric server would have told, as far as retention reaches and for as long as the pods stay.

use std::collections::BTreeMap;

use super::*;
use crate::backtest::tests::{STEP, close, now, past, policy, shape, spec};
use crate::backtest::{Came, NotKnown, run};
use crate::fleet::consumer_group::{
    ConsumerGroup, GroupMember, GroupProtocol, GroupState, OffsetAt, Partition, PartitionOffsets,
    Subscription, TimestampType, Topic, TopicConfig, TopicPartition,
};

/// Offsets count records: so many for each unit of load, so that little is lost by rounding.
const RECORDS: f64 = 1_000.0;

fn question() -> GroupQuestion {
    GroupQuestion { partitions: true, ..GroupQuestion::none(STEP) }
}

/// The same past, with partition loads as Kafka has them.
fn in_kafka(history: &[Moment]) -> (Vec<Moment>, KafkaPast) {
    let all = |moment: &Moment| moment.readings.partitions.clone().unwrap().unwrap();
    let held = all(&history[0]);
    let topic = held[0].topic.clone();
    let times = times(history.iter().map(|moment| moment.at), STEP);
    assert_eq!(times.len(), history.len() + 1);
    let offsets = held.iter().map(|one| {
        let mut total = 100.0;
        let mut earlier = vec![total];
        for moment in history {
            let load = all(moment).iter().find(|other| other.partition == one.partition).unwrap().load.get();
            total += (load * RECORDS * STEP.as_secs_f64()).round();
            earlier.push(total);
        }
        let at = |offset: f64| OffsetAt::First {
            offset: format!("{offset:.0}").parse().unwrap(),
            timestamp: None,
        };
        let end = format!("{:.0}", total + 1.0).parse().unwrap();
        let earlier = earlier.into_iter().map(at).collect();
        let offsets = PartitionOffsets { log_start: 0, end, earlier, committed: None };
        (TopicPartition::new(&*topic, one.partition.parse().unwrap()), Ok(offsets))
    });
    let offsets = offsets.collect();
    let pods = history.last().unwrap().pods.clone().unwrap();
    let member = |pod: &Pod| GroupMember {
        client_id: pod.name.clone(),
        subscription: Some(Subscription { topics: [topic.clone()].into(), ..Subscription::default() }),
        assigned: Some(
            held.iter()
                .filter(|one| one.pod.as_deref() == Some(&pod.name))
                .map(|one| TopicPartition::new(&*topic, one.partition.parse().unwrap()))
                .collect(),
        ),
        ..GroupMember::new(format!("{}-id", pod.name))
    };
    let group = ConsumerGroup {
        id: "orders".to_owned(),
        state: GroupState::Stable,
        protocol: GroupProtocol::Classic,
        assignor: Some("sticky".to_owned()),
        members: pods.iter().map(member).collect(),
        coordinator: None,
    };
    let partition = Partition { leader: Some(1), racks: BTreeSet::new() };
    let topics = vec![Topic { name: topic.clone(), id: None, partitions: vec![partition; held.len()] }];
    let config = TopicConfig { compacted: false, timestamps: TimestampType::CreateTime };
    let reading = GroupReading {
        group,
        topics,
        configs: BTreeMap::from([(topic, Ok(config))]),
        offsets: Ok(offsets),
        earlier: times,
        moving: Ok(Vec::new()),
        at: history.last().unwrap().at,
    };
    let mut without: Vec<Moment> = history.to_vec();
    without.iter_mut().for_each(|moment| moment.readings.partitions = None);
    (without, KafkaPast { reading, pods, matching: MemberMatching::ClientId })
}

#[test]
fn by_offsets_it_is_the_course_that_it_is_by_partition_loads_of_the_metric_server() {
    let (history, _) = past(&shape(Assignor::CooperativeSticky, 3), 24);
    let by_metrics = now(run(&spec(policy(Assignor::CooperativeSticky)), &history));
    let (mut by_kafka, kafka) = in_kafka(&history);
    let told = fill(&mut by_kafka, &kafka, &question());
    assert_eq!((told.partitions, told.times, told.assignor), (40, 25, Some(Assignor::Sticky)));
    assert_eq!((told.rates_from, told.held_from), (Some(history[0].at), Some(history[0].at)), "{told:?}");
    let by_kafka = now(run(&spec(policy(Assignor::CooperativeSticky)).with_offsets(&told), &by_kafka));
    assert!(by_kafka.summary().rotations > 0, "{:?}", by_kafka.summary());
    for (metrics, kafka) in by_metrics.cycles.iter().zip(&by_kafka.cycles) {
        match (&metrics.came, &kafka.came) {
            (Came::Rotated { pods, .. }, Came::Rotated { pods: same, .. }) => assert_eq!(pods, same),
            (metrics, kafka) => assert_eq!(metrics, kafka),
        }
        assert!((metrics.would.unwrap().cv - kafka.would.unwrap().cv).abs() < 1e-4, "{metrics:?} {kafka:?}");
    }
    assert!(by_kafka.unknown.contains(&NotKnown::Holders) && by_kafka.unknown.contains(&NotKnown::Consumed));
}

#[test]
fn before_retention_nothing_is_carried_out_and_it_is_said_why() {
    let (history, _) = past(&shape(Assignor::CooperativeSticky, 3), 24);
    let (mut by_kafka, mut kafka) = in_kafka(&history);
    // Retention has deleted what one partition got in the first third.
    let offsets = kafka.reading.offsets.as_mut().unwrap();
    let (partition, offsets) = offsets.iter_mut().nth(7).unwrap();
    let offsets = offsets.as_mut().unwrap();
    let OffsetAt::First { offset, .. } = offsets.earlier[8] else { panic!() };
    offsets.log_start = offset + 1;
    offsets.earlier[..8].fill(OffsetAt::First { offset: offset + 1, timestamp: None });
    let partition = partition.to_string();
    let told = fill(&mut by_kafka, &kafka, &question());
    assert_eq!(told.rates_from, Some(history[9].at));
    // A broker whose segments are still there says that nothing came since, which is no truth where something did.
    let mut lingering = kafka.clone();
    let offsets = lingering.reading.offsets.as_mut().unwrap().values_mut().nth(7).unwrap();
    offsets.as_mut().unwrap().earlier[..8].fill(OffsetAt::NothingSince);
    assert_eq!(fill(&mut by_kafka.clone(), &lingering, &question()), told);
    let why = told.rates_before.clone().unwrap();
    assert!(why.contains(&partition) && why.contains("does not reach back"), "{why}");
    let backtest = now(run(&spec(policy(Assignor::CooperativeSticky)).with_offsets(&told), &by_kafka));
    for cycle in &backtest.cycles[..9] {
        assert!(!matches!(cycle.came, Came::Rotated { .. }), "{cycle:?}");
        assert_eq!(cycle.was, cycle.would);
    }
    assert!(backtest.summary().rotations > 0, "{:?}", backtest.summary());
}

#[test]
fn before_a_pod_of_now_nobody_knows_who_held_what() {
    let (mut history, _) = past(&shape(Assignor::CooperativeSticky, 3), 12);
    let gone = history[5].pods.as_mut().unwrap().first_mut().unwrap();
    (gone.uid, gone.name) = (Uid::new("gone"), "gone".to_owned());
    let (mut by_kafka, kafka) = in_kafka(&history);
    let told = fill(&mut by_kafka, &kafka, &question());
    assert_eq!((told.rates_from, told.held_from), (Some(history[0].at), Some(history[6].at)));
    assert!(told.held_before.unwrap().contains("gone"));
    assert!(by_kafka[5].readings.partitions.as_ref().unwrap().is_err());
    assert!(by_kafka[6].readings.partitions.as_ref().unwrap().is_ok());
}

#[test]
fn several_members_in_a_pod_or_some_elsewhere_are_said_and_nothing_is_taken_for_known() {
    let (history, _) = past(&shape(Assignor::CooperativeSticky, 3), 4);
    let (mut by_kafka, mut kafka) = in_kafka(&history);
    let second = kafka.reading.group.members[1].client_id.clone();
    kafka.reading.group.members[0].client_id = second;
    let told = fill(&mut by_kafka, &kafka, &question());
    assert_eq!((told.held_from, told.held_before.as_deref()), (None, Some("several members run in one pod")));
    kafka.reading.group.members[0].client_id = "laptop".to_owned();
    let told = fill(&mut by_kafka, &kafka, &question());
    assert!(told.held_before.unwrap().contains("1 of 8 members run in no pod"));
    assert!(by_kafka.iter().all(|moment| moment.readings.partitions.as_ref().unwrap().is_err()));
}

#[test]
fn what_a_topic_that_was_not_there_or_an_emptied_one_had_is_not_known() {
    let (history, _) = past(&shape(Assignor::CooperativeSticky, 3), 4);
    let (mut by_kafka, kafka) = in_kafka(&history);
    let mut new = kafka.clone();
    for offsets in new.reading.offsets.as_mut().unwrap().values_mut() {
        offsets.as_mut().unwrap().earlier[..2].fill(OffsetAt::First { offset: 0, timestamp: None });
    }
    let told = fill(&mut by_kafka, &new, &question());
    assert_eq!(told.rates_from, Some(history[2].at));
    assert!(told.rates_before.unwrap().contains("has no record before"));
    let mut emptied = kafka;
    for offsets in emptied.reading.offsets.as_mut().unwrap().values_mut() {
        let offsets = offsets.as_mut().unwrap();
        offsets.log_start = offsets.end;
        offsets.earlier.fill(OffsetAt::NothingSince);
    }
    let told = fill(&mut by_kafka, &emptied, &question());
    assert!(told.rates_before.unwrap().contains("retention has deleted all records"));
    // One emptied partition among others is quiet.
    let mut one = emptied;
    let (_, offsets) = one.reading.offsets.as_mut().unwrap().iter_mut().next().unwrap();
    *offsets = Ok(PartitionOffsets {
        log_start: 0,
        end: 50,
        earlier: vec![OffsetAt::First { offset: 10, timestamp: None }; 5],
        committed: None,
    });
    assert_eq!(fill(&mut by_kafka, &one, &question()).rates_from, Some(history[0].at));
}

#[test]
fn rates_of_pods_are_what_their_partitions_got_and_lag_of_then_is_not_known() {
    let (history, _) = past(&shape(Assignor::CooperativeSticky, 3), 4);
    let (mut by_kafka, kafka) = in_kafka(&history);
    let indicators = vec![Indicator::ProductionRate, Indicator::Lag];
    fill(&mut by_kafka, &kafka, &GroupQuestion { indicators, ..question() });
    let loads = &by_kafka[2].readings.loads;
    assert!(loads[&Indicator::Lag].as_ref().unwrap_err().to_string().contains("Kafka keeps no earlier lag"));
    let partitions = history[2].readings.partitions.clone().unwrap().unwrap();
    let pod = partitions[0].pod.clone().unwrap();
    let of_pod = partitions.iter().filter(|one| one.pod.as_deref() == Some(&pod));
    let sum: f64 = of_pod.map(|one| one.load.get() * RECORDS).sum();
    close(loads[&Indicator::ProductionRate].as_ref().unwrap()[&pod].get() / sum, 1.0);
}

#[test]
fn times_that_are_read_in_chunks_are_those_of_one_reading() {
    let (history, _) = past(&shape(Assignor::CooperativeSticky, 3), 6);
    let (mut whole_history, whole) = in_kafka(&history);
    let mut parted_history = whole_history.clone();
    let offsets = whole.reading.offsets.clone().unwrap();
    let of = |places: std::ops::Range<usize>| -> crate::fleet::consumer_group::GroupOffsets {
        let part = |known: &PartitionOffsets| PartitionOffsets {
            earlier: known.earlier[places.clone()].to_vec(),
            ..known.clone()
        };
        offsets
            .iter()
            .map(|(partition, known)| (partition.clone(), known.as_ref().map(part).map_err(Clone::clone)))
            .collect()
    };
    let times = whole.reading.earlier.clone();
    let mut parted = whole.clone();
    (parted.reading.earlier, parted.reading.offsets) = (Vec::new(), Ok(of(0..0)));
    parted.reading.extend(&times[..3], of(0..3));
    parted.reading.extend(&times[3..], of(3..7));
    assert_eq!(parted, whole);
    let told = fill(&mut whole_history, &whole, &question());
    assert_eq!(fill(&mut parted_history, &parted, &question()), told);
    // A partition that can't be read once is not known, and one that was not told is not there.
    let mut broken = of(0..1);
    let partition = broken.keys().next().unwrap().clone();
    broken.insert(partition.clone(), Err(crate::fleet::consumer_group::Unread::NoLeader));
    parted.reading.extend(&times[..1], broken);
    assert!(parted.reading.offsets.as_ref().unwrap()[&partition].is_err());
    let told = fill(&mut parted_history, &parted, &question());
    assert!(told.rates_before.unwrap().contains("it has no leader"));
}
