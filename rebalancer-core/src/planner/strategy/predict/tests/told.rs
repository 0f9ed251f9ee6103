//! *Predict* where Kafka tells the group: ids, members outside of the fleet, several in a pod, none.

use super::*;
use crate::fixture::NOW;
use crate::fleet::consumer_group::{
    ConsumerGroup, GroupMember, GroupProtocol, GroupState, JoinedWith, Partition, Subscription, Topic,
    TopicPartition,
};
use crate::group::GroupSummary;
use crate::guard::NotNow;
use crate::policy::MemberMatching;
use crate::port::GroupReading;
use crate::report::Method;
use crate::snapshot::{GroupQuestion, Loads, ObservedGroup};

/// Members by client id, with what each holds of one topic.
struct Told {
    members: Vec<(String, Vec<u32>)>,
    assignor: &'static str,
    state: GroupState,
    instances: bool,
}

impl Told {
    /// One member in each of the pods, under ids that begin with the pod's name.
    fn of(holds: &[&[u32]]) -> Self {
        let member = |(pod, held): (usize, &&[u32])| (format!("p{pod:03}"), held.to_vec());
        let members = holds.iter().enumerate().map(member).collect();
        Self { members, assignor: "cooperative-sticky", state: GroupState::Stable, instances: false }
    }

    fn with(mut self, client_id: &str, held: &[u32]) -> Self {
        self.members.push((client_id.to_owned(), held.to_vec()));
        self
    }

    fn partitions(&self) -> u32 {
        self.members.iter().flat_map(|(_, held)| held).max().unwrap() + 1
    }

    fn group(&self) -> ConsumerGroup {
        let held = |held: &[u32]| held.iter().map(|&number| TopicPartition::new("events", number)).collect();
        let member = |(place, (client_id, owned)): (usize, &(String, Vec<u32>))| GroupMember {
            client_id: client_id.clone(),
            instance_id: self.instances.then(|| client_id.clone()),
            subscription: Some(Subscription { topics: vec!["events".to_owned()], pattern: None }),
            assigned: Some(held(owned)),
            joined_with: Some(JoinedWith { generation: None, owned: Vec::new(), user_data: Some(4) }),
            ..GroupMember::new(format!("{client_id}-{place:04}"))
        };
        ConsumerGroup {
            id: "orders".to_owned(),
            state: self.state.clone(),
            protocol: GroupProtocol::Classic,
            assignor: Some(self.assignor.to_owned()),
            members: self.members.iter().enumerate().map(member).collect(),
            coordinator: None,
        }
    }

    /// The fleet of so many pods, whose load is what is produced to their partitions, in messages a second.
    fn snapshot(&self, pods: usize, rates: &[u64]) -> Snapshot {
        let one = Partition { leader: Some(1), racks: std::collections::BTreeSet::new() };
        let topic =
            Topic { name: "events".to_owned(), id: None, partitions: vec![one; self.partitions() as usize] };
        let offsets = (0..self.partitions()).zip(rates).map(|(number, rate)| {
            let earlier =
                vec![crate::fleet::consumer_group::OffsetAt::First { offset: 1_000, timestamp: None }];
            let offsets = crate::fleet::consumer_group::PartitionOffsets {
                log_start: 0,
                end: 1_000 + rate * 100,
                earlier,
                committed: Some(1_000),
            };
            (TopicPartition::new("events", number), Ok(offsets))
        });
        let window = jiff::SignedDuration::from_secs(100);
        let reading = GroupReading {
            group: self.group(),
            topics: vec![topic],
            configs: BTreeMap::new(),
            offsets: Ok(offsets.collect()),
            earlier: vec![NOW - window],
            moving: Ok(Vec::new()),
            at: NOW,
        };
        let indicators = vec![Indicator::ProductionRate];
        let question = GroupQuestion { indicators, partitions: true, window };
        let pods: Vec<_> = (0..pods).map(|place| pod(&format!("p{place:03}"))).collect();
        let mut readings = Readings::none();
        let group = ObservedGroup::join(reading, &question, MemberMatching::Auto, &pods, &mut readings);
        let mut snapshot =
            Snapshot::assemble(workload(), NOW, pods, Ok(vec![hpa(70.0)]), "", readings).unwrap();
        snapshot.group = Some(group);
        snapshot
    }
}

fn policy() -> Policy {
    fixture::policy().with_timing(Some(Timing::AllAtOnce))
}

/// Six pods with four partitions each; the first one carries by far the most.
const HOLDS: [&[u32]; 6] =
    [&[0, 1, 2, 3], &[4, 5, 6, 7], &[8, 9, 10, 11], &[12, 13, 14, 15], &[16, 17, 18, 19], &[20, 21, 22, 23]];
const RATES: [u64; 24] = [
    900, 800, 700, 600, 100, 90, 80, 70, 200, 210, 220, 230, 150, 160, 170, 180, 60, 50, 40, 30, 120, 110,
    100, 90,
];

fn held(report: &Report) -> String {
    match &report.decision {
        Decision::Hold(hold) => format!("{}: {hold}", hold.name()),
        decision @ (Decision::Balanced | Decision::Rotate(_)) => panic!("{decision}"),
    }
}

#[test]
fn what_the_staying_members_get_is_exact() {
    let snapshot = Told::of(&HOLDS).snapshot(6, &RATES);
    let report = plan(&snapshot, &policy().with_timing(Some(Timing::LeaveThenJoin)));
    let Decision::Rotate(made) = &report.decision else { panic!("{}", report.decision) };
    let Expectation::Predicted(prediction) = &made.expectation else { panic!("{}", made.expectation) };
    assert_eq!(prediction.assignor, Inference::Told { assignor: Assignor::CooperativeSticky });
    assert!(prediction.cv_spread < 1e-9, "{prediction}");
    assert_eq!(violations(made, &snapshot, &policy()), Vec::new());
}

#[test]
fn members_outside_of_the_fleet_keep_their_place_and_are_not_removed() {
    let told = Told::of(&HOLDS).with("laptop", &[24, 25, 26, 27]);
    let rates: Vec<u64> = RATES.into_iter().chain([5_000; 4]).collect();
    let snapshot = told.snapshot(6, &rates);
    let report = plan(&snapshot, &policy());
    let Method::Predict { members: 7, partitions: 28, .. } = report.method else {
        panic!("{}", report.method)
    };
    let GroupSummary { elsewhere, .. } = report.group.unwrap();
    assert_eq!(elsewhere, ["laptop at "]);
    let prediction = report.prediction.unwrap();
    assert!(prediction.max_to_mean_before < 4.0, "the laptop's load is not the fleet's: {prediction}");
}

#[test]
fn members_of_one_pod_leave_and_come_back_together() {
    let told = Told {
        members: (0..6)
            .flat_map(|pod| {
                let first = pod * 4;
                let client = move |thread: u32| format!("p{pod:03}-{thread}");
                [(client(0), vec![first, first + 1]), (client(1), vec![first + 2, first + 3])]
            })
            .collect(),
        ..Told::of(&HOLDS)
    };
    let snapshot = told.snapshot(6, &RATES);
    let report = plan(&snapshot, &policy());
    let Method::Predict { members: 12, .. } = report.method else { panic!("{}", report.method) };
    let max_to_mean = report.prediction.unwrap().max_to_mean_before;
    assert!((max_to_mean - 3_000.0 / (5_460.0 / 6.0)).abs() < 1e-9, "{max_to_mean}");
}

#[test]
fn a_pod_without_a_member_is_named_and_one_beside_a_member_without_a_pod_holds() {
    let report = plan(&Told::of(&HOLDS).snapshot(7, &RATES), &policy());
    assert_eq!(report.group.clone().unwrap().pods_without_member, ["p006"]);
    assert!(matches!(report.method, Method::Predict { members: 6, .. }), "{}", report.method);
    let rates: Vec<u64> = RATES.into_iter().chain([1]).collect();
    let report = plan(&Told::of(&HOLDS).with("laptop", &[24]).snapshot(7, &rates), &policy());
    assert!(
        held(&report).contains("1 members run in no pod of this fleet and 1 pods, such as p006"),
        "{}",
        held(&report)
    );
    assert!(held(&report).starts_with("group_unclear"));
}

#[test]
fn a_group_that_is_not_stable_and_one_whose_rule_is_not_known_are_left_alone() {
    let moving = Told { state: GroupState::PreparingRebalance, ..Told::of(&HOLDS) };
    let report = plan(&moving.snapshot(6, &RATES), &policy());
    assert!(
        held(&report).starts_with("group_unsettled: the group is PreparingRebalance"),
        "{}",
        held(&report)
    );
    let outliers = policy().with_strategy(Strategy::RotateOutliers);
    let report = plan(&moving.snapshot(6, &RATES), &outliers);
    assert!(held(&report).starts_with("group_not_stable"), "{}", held(&report));
    let custom = Told { assignor: "weighted", ..Told::of(&HOLDS) };
    let report = plan(&custom.snapshot(6, &RATES), &policy());
    assert!(held(&report).contains("the group's assignor is 'weighted'"), "{}", held(&report));
}

#[test]
fn loads_that_are_missing_since_the_group_is_not_stable_are_no_fault_of_the_metrics() {
    for state in [GroupState::Empty, GroupState::PreparingRebalance, GroupState::Stable] {
        let told = Told { state: state.clone(), ..Told::of(&HOLDS) };
        let mut snapshot = told.snapshot(6, &RATES);
        snapshot.pods.iter_mut().for_each(|pod| pod.loads = Loads::default());
        let expected = if state.is_stable() { "metrics_incomplete" } else { "group_not_stable" };
        let report = plan(&snapshot, &policy());
        assert!(held(&report).starts_with(expected), "{state}: {}", held(&report));
    }
}

#[test]
fn a_rule_of_a_known_name_that_gives_another_assignment_is_not_taken_for_the_known_one() {
    let ranges: [&[u32]; 6] = [&[0, 1, 2], &[3, 4, 5], &[6, 7, 8], &[9, 10], &[11, 12], &[13, 14]];
    // Blocks too, and the larger ones elsewhere: so another client's range does it.
    let others: [&[u32]; 6] = [&[0, 1, 2], &[3, 4], &[5, 6, 7], &[8, 9], &[10, 11, 12], &[13, 14]];
    let told = |assignor, holds: &[&[u32]]| {
        let told = Told { assignor, ..Told::of(holds) };
        plan(&told.snapshot(6, &RATES), &policy()).decision.to_string()
    };
    let refused = |decision: &str| decision.contains("does not come from its rule");
    assert!(!refused(&told("range", &ranges)), "{}", told("range", &ranges));
    for (assignor, holds) in [("range", &others), ("roundrobin", &ranges)] {
        let decision = told(assignor, holds);
        assert!(refused(&decision), "{decision}");
    }
}

#[test]
fn static_members_come_back_as_themselves_whatever_the_strategy() {
    let told = Told { instances: true, ..Told::of(&HOLDS) };
    for strategy in [Strategy::Predict, Strategy::RotateOutliers] {
        let report = plan(&told.snapshot(6, &RATES), &policy().with_strategy(strategy));
        assert!(held(&report).starts_with("static_members"), "{}", held(&report));
    }
}

#[test]
fn partitions_that_are_being_moved_and_a_group_that_was_not_read_hold() {
    let mut snapshot = Told::of(&HOLDS).snapshot(6, &RATES);
    let moving = crate::fleet::consumer_group::Reassignment {
        partition: TopicPartition::new("events", 3),
        adding: vec![2],
        removing: vec![1],
    };
    snapshot.group.as_mut().unwrap().moving = Ok(vec![moving]);
    let report = plan(&snapshot, &policy());
    assert!(
        held(&report).starts_with("partitions_moving: 1 partitions of the group, such as events-3"),
        "{}",
        held(&report)
    );
    snapshot.group = None;
    snapshot.group_error = Some(crate::port::GroupError::Unavailable { message: "no broker".to_owned() });
    let report = plan(&snapshot, &policy());
    let Decision::Hold(Hold::NotNow(NotNow::GroupUnread { error })) = &report.decision else {
        panic!("{}", report.decision)
    };
    assert_eq!(error, "Kafka could not be used: no broker");
}

#[test]
fn another_assignor_than_the_configured_one_holds() {
    let report = plan(&Told::of(&HOLDS).snapshot(6, &RATES), &policy().with_assignor(Some(Assignor::Range)));
    assert!(
        held(&report).contains("range is configured, and the group uses cooperative-sticky"),
        "{}",
        held(&report)
    );
}

#[cfg(feature = "simulation")]
#[test]
fn a_pod_that_is_neither_hot_nor_cold_goes_where_its_partitions_are_of_use_and_the_report_says_so() {
    let policy = fixture::policy().with_timing(Some(Timing::LeaveThenJoin));
    let (mut partners, mut ways) = (0, 0);
    for seed in 1..=12 {
        let shape = crate::simulation::Shape { kafka: true, seed, ..crate::simulation::Shape::default() };
        let snapshot = crate::simulation::Fleet::new(&shape).unwrap().snapshot().unwrap();
        let report = plan(&snapshot, &policy);
        let Decision::Rotate(made) = &report.decision else { continue };
        assert_eq!(violations(made, &snapshot, &policy), Vec::new());
        ways += usize::from(report.prediction.unwrap().way.is_some_and(|way| {
            way.rotations > 1
                && way.pods > made.removals.len()
                && way.cv < report.prediction.unwrap().expected_cv
        }));
        for removal in
            made.removals.iter().filter(|removal| removal.choice.role() == crate::history::Role::Partner)
        {
            let said = removal.choice.by(made.indicator);
            assert!(
                said.starts_with("partner: its partitions go to ") && said.contains(" takes over from "),
                "{said}"
            );
            partners += 1;
        }
    }
    assert!(partners > 0 && ways > 0, "{partners} partners, {ways} ways");
}

#[test]
fn what_lowers_the_cv_by_a_quarter_is_made_although_its_hot_pod_is_barely_above_the_limit() {
    let mut rates = RATES;
    rates[..4].copy_from_slice(&[270, 265, 262, 260]);
    let snapshot = Told::of(&HOLDS).snapshot(6, &rates);
    let report = plan(
        &snapshot,
        &policy()
            .with_timing(Some(Timing::LeaveThenJoin))
            .with_tolerance(crate::unit::Tolerance::new(1.25).unwrap()),
    );
    let prediction = report.prediction.unwrap_or_else(|| panic!("{}", report.decision));
    assert!(prediction.improvement_percent() > 25.0, "{prediction}");
    assert!(matches!(report.decision, Decision::Rotate(_)), "{}", report.decision);
}
