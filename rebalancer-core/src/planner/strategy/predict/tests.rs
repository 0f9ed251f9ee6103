//! *Predict* as a specification: what it chooses, and where it refuses.

use crate::fixture::plan;
use crate::fixture::verdicts;
use crate::fixture::violations;
use std::collections::BTreeMap;

use crate::assignor::Assignor;
use crate::fixture::{self, hpa, named, pod, policy, readings, workload};
use crate::fleet::{Indicator, PartitionLoad};
use crate::group::{Inference, Unusable};
use crate::policy::{Policy, Strategy, Timing};
use crate::port::{MetricsError, Readings};
use crate::report::{Decision, Expectation, Hold, Method, Plan, Report, Spared, Verdict};
use crate::snapshot::Snapshot;
use crate::unit::{Cores, Load};

mod fallback;
mod nodes;
mod pods;
mod price;
mod properties;
mod told;
mod untold;

/// A fleet by the loads of each pod's partitions, in messages a second. A message costs a millicore, unless a pod is
/// `slow`, where it costs twice as much. Partitions are numbered as the rule would deal them, or pod by pod.
#[derive(Debug, Clone)]
struct Group {
    holds: Vec<Vec<f64>>,
    numbering: Numbering,
    slow: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Numbering {
    /// Contiguous blocks: the pattern of range.
    Blocks,
    /// In turn: the pattern of round robin.
    InTurn,
    /// Neither: two partitions of the first two pods have changed places.
    Mixed,
}

impl Group {
    fn new(holds: &[&[f64]], numbering: Numbering) -> Self {
        Self { holds: holds.iter().map(|loads| loads.to_vec()).collect(), numbering, slow: None }
    }

    fn number(&self, pod: usize, place: usize) -> usize {
        let (pods, each) = (self.holds.len(), self.holds[0].len());
        match self.numbering {
            Numbering::Blocks => pod * each + place,
            Numbering::InTurn => place * pods + pod,
            Numbering::Mixed => match (pod, place) {
                (0, 0) => 1,
                (1, 0) => 0,
                _ => place * pods + pod,
            },
        }
    }

    fn partitions(&self) -> Vec<PartitionLoad> {
        let each = |(pod, loads): (usize, &Vec<f64>)| {
            let one = |(place, load): (usize, &f64)| PartitionLoad {
                topic: "events".to_owned(),
                partition: self.number(pod, place).to_string(),
                pod: Some(format!("p{pod:03}")),
                load: Load::new(*load).unwrap(),
            };
            loads.iter().enumerate().map(one).collect::<Vec<_>>()
        };
        self.holds.iter().enumerate().flat_map(each).collect()
    }

    fn cores(&self) -> Vec<f64> {
        let cost = |pod| if self.slow == Some(pod) { 0.002 } else { 0.001 };
        self.holds.iter().enumerate().map(|(pod, loads)| loads.iter().sum::<f64>() * cost(pod)).collect()
    }

    fn snapshot(&self) -> Snapshot {
        self.with(Some(Ok(self.partitions())))
    }

    fn with(&self, partitions: Option<Result<Vec<PartitionLoad>, MetricsError>>) -> Snapshot {
        let cpu = named(&self.cores());
        let cpu: Vec<(&str, f64)> = cpu.iter().map(|(name, load)| (name.as_str(), *load)).collect();
        self.measured(Readings { partitions, ..readings(&cpu) })
    }

    fn measured(&self, readings: Readings) -> Snapshot {
        let pods = named(&self.cores()).iter().map(|(name, _)| pod(name)).collect();
        Snapshot::assemble(workload(), fixture::NOW, pods, Ok(vec![hpa(70.0)]), "", readings).unwrap()
    }
}

/// The same fleet with other CPU requests.
fn requesting(mut fleet: Snapshot, requests: &[f64]) -> Snapshot {
    for (pod, request) in fleet.pods.iter_mut().zip(requests) {
        pod.cpu_request = Some(Cores::new(*request).unwrap());
    }
    fleet
}

/// One pod with two heavy partitions, which fit below the limit of 1.05 cores one by one.
fn two_heavy(numbering: Numbering) -> Group {
    Group::new(
        &[
            &[700.0, 600.0, 100.0, 100.0],
            &[150.0, 150.0, 150.0, 150.0],
            &[50.0, 50.0, 50.0, 50.0],
            &[150.0, 140.0, 160.0, 150.0],
            &[100.0, 120.0, 110.0, 130.0],
            &[60.0, 40.0, 55.0, 45.0],
        ],
        numbering,
    )
}

fn with(assignor: Assignor, timing: Timing) -> Policy {
    policy().with_assignor(Some(assignor)).with_timing(Some(timing))
}

fn held(report: &Report) -> &Hold {
    match &report.decision {
        Decision::Hold(hold) => hold,
        other @ (Decision::Rotate(_) | Decision::Balanced) => panic!("no hold: {other}"),
    }
}

#[test]
fn a_sticky_group_is_rotated_and_the_prediction_is_shown() {
    for timing in [Timing::AllAtOnce, Timing::LeaveThenJoin] {
        let report =
            plan(&two_heavy(Numbering::Mixed).snapshot(), &with(Assignor::CooperativeSticky, timing));
        let Decision::Rotate(Plan { expectation: Expectation::Predicted(prediction), removals, .. }) =
            &report.decision
        else {
            panic!("{timing:?}: {}", report.decision)
        };
        assert_eq!(removals[0].pod.name, "p000");
        let said_nothing = Verdict::Spared(Spared::NothingToDo);
        assert!(
            !verdicts(&report).contains(&said_nothing),
            "every pod has a reason: {:?}",
            verdicts(&report)
        );
        assert!(
            prediction.expected_cv < prediction.cv_before && prediction.better.get() >= 0.5,
            "{prediction}"
        );
        assert_eq!(report.prediction.as_ref(), Some(prediction));
        assert!(
            matches!(report.method, Method::Predict { members: 6, partitions: 24, .. }),
            "{}",
            report.method
        );
    }
}

#[test]
fn under_range_and_round_robin_nothing_is_removed_and_the_remedy_is_named() {
    for (assignor, numbering) in [
        (Assignor::Range, Numbering::Blocks),
        (Assignor::ServerRange, Numbering::Blocks),
        (Assignor::RoundRobin, Numbering::InTurn),
    ] {
        let report = plan(&two_heavy(numbering).snapshot(), &with(assignor, Timing::LeaveThenJoin));
        assert_eq!(
            held(&report),
            &Hold::AssignorRestoresSets { assignor: Inference::Configured { assignor } }
        );
        assert!(report.decision.to_string().contains("use cooperative-sticky"), "{}", report.decision);
    }
}

/// Sticky rules that begin with a deal in turn, of which the groups here have traces.
const DEALT_IN_TURN: [Assignor; 3] =
    [Assignor::Sticky, Assignor::CooperativeSticky, Assignor::LibrdkafkaCooperativeSticky];

fn fits(rules: &[Assignor]) -> Inference {
    Inference::Fits { rules: rules.iter().copied().collect() }
}

#[test]
fn the_assignor_is_inferred_and_says_how_sure_it_is() {
    for (numbering, expected) in [
        // So few members come to blocks in other ways, too.
        (
            Numbering::Blocks,
            fits(
                &[
                    &[Assignor::Range, Assignor::ServerRange, Assignor::Uniform, Assignor::EarlyUniform],
                    &DEALT_IN_TURN[..],
                ]
                .concat(),
            ),
        ),
        (Numbering::InTurn, fits(&[&[Assignor::RoundRobin], &DEALT_IN_TURN[..]].concat())),
        (Numbering::Mixed, fits(&DEALT_IN_TURN)),
    ] {
        let report = plan(&two_heavy(numbering).snapshot(), &policy());
        assert!(
            matches!(report.method, Method::Predict { assignor, .. } if assignor == expected),
            "{}",
            report.method
        );
    }
}

#[test]
fn static_members_are_left_alone() {
    let policy = with(Assignor::CooperativeSticky, Timing::AllAtOnce).with_static_members(true);
    assert_eq!(held(&plan(&two_heavy(Numbering::Mixed).snapshot(), &policy)), &Hold::StaticMembers);
}

#[test]
fn a_partition_that_is_hotter_than_a_whole_pod_may_be_is_named() {
    let mut group = two_heavy(Numbering::Mixed);
    group.holds[0] = vec![40.0, 1400.0, 30.0, 50.0];
    let report = plan(&group.snapshot(), &with(Assignor::CooperativeSticky, Timing::AllAtOnce));
    assert!(
        matches!(held(&report), Hold::HotPartition { topic, partition: 6, .. } if topic == "events"),
        "{}",
        report.decision
    );
}

#[test]
fn with_one_partition_a_pod_nothing_can_be_mixed() {
    let group = Group::new(&[&[1200.0], &[100.0], &[200.0], &[150.0]], Numbering::Blocks);
    let report = plan(&group.snapshot(), &with(Assignor::CooperativeSticky, Timing::AllAtOnce));
    assert_eq!(held(&report), &Hold::TooFewPartitions { partitions: 4, members: 4 });
}

#[test]
fn a_slow_pod_is_told_apart_from_hot_partitions_and_replaced_even_under_range() {
    let even: &[f64] = &[150.0, 145.0, 155.0, 150.0];
    let mut group = Group::new(&[even; 8], Numbering::Blocks);
    group.slow = Some(3);
    let policy = with(Assignor::Range, Timing::LeaveThenJoin);
    let report = plan(&group.snapshot(), &policy);
    let Method::Predict { pod_side, .. } = &report.method else { panic!("{}", report.method) };
    assert!(matches!(pod_side.as_slice(), [(pod, factor)] if pod == "p003" && (factor - 2.0).abs() < 0.05));
    let Decision::Rotate(plan) = &report.decision else { panic!("{}", report.decision) };
    assert_eq!(plan.removals.iter().map(|removal| removal.pod.name.as_str()).collect::<Vec<_>>(), ["p003"]);
}

#[test]
fn a_large_k_costs_no_more_than_the_work_that_is_allowed() {
    let loads = |pod: u32| (0..10_u32).map(move |place| f64::from(50 + (pod * 7 + place * 13) % 150));
    let holds = (0..200_u32).map(|pod| loads(pod).collect()).collect();
    let group = Group { holds, numbering: Numbering::Mixed, slow: None };
    let policy = with(Assignor::CooperativeSticky, Timing::AllAtOnce)
        .with_top_k(1000.try_into().unwrap())
        .with_tolerance(crate::unit::Tolerance::new(1.0).unwrap());
    let report = plan(&group.snapshot(), &policy);
    assert!(matches!(report.method, Method::Predict { .. }), "{}", report.method);
}

#[test]
fn the_seeds_strategy_stays_available_by_name() {
    let policy = policy().with_strategy(Strategy::RotateOutliers);
    let report = plan(&two_heavy(Numbering::Blocks).snapshot(), &policy);
    assert_eq!(report.method, Method::RotateOutliers { because: None });
    assert!(
        matches!(report.decision, Decision::Rotate(_)),
        "it does not know about range: {}",
        report.decision
    );
}

#[test]
fn a_prediction_stays_within_the_limits_and_clean_under_the_audit() {
    let snapshot = two_heavy(Numbering::Mixed).snapshot();
    let mut rotated = 0;
    for minimum_pods in 0..=6 {
        let policy = with(Assignor::CooperativeSticky, Timing::AllAtOnce).with_minimum_pods(minimum_pods);
        match plan(&snapshot, &policy).decision {
            Decision::Rotate(plan) => {
                assert_eq!(violations(&plan, &snapshot, &policy), []);
                assert!(plan.removals.len() + minimum_pods <= 6);
                rotated += 1;
            }
            // Alone, the hot pod gets back what it had.
            Decision::Hold(hold) => {
                assert!(matches!(hold, Hold::TooFewPods { .. } | Hold::SmallGain { .. }), "{hold}");
            }
            Decision::Balanced => panic!("it is hot"),
        }
    }
    assert!(rotated >= 3, "it was about rotations");
}

#[test]
fn the_order_of_partitions_and_pods_does_not_matter() {
    let group = two_heavy(Numbering::Mixed);
    let mut partitions = group.partitions();
    let policy = with(Assignor::CooperativeSticky, Timing::LeaveThenJoin);
    let first = plan(&group.snapshot(), &policy);
    partitions.reverse();
    assert_eq!(plan(&group.with(Some(Ok(partitions))), &policy), first);
}

#[test]
fn several_topics_count_together() {
    let group = two_heavy(Numbering::Mixed);
    let mut partitions = group.partitions();
    for partition in group.partitions() {
        partitions.push(PartitionLoad { topic: "audit".into(), load: Load::new(1.0).unwrap(), ..partition });
    }
    let report = plan(&group.with(Some(Ok(partitions))), &policy());
    assert!(matches!(report.method, Method::Predict { partitions: 48, .. }), "{}", report.method);
}

#[test]
fn lag_can_be_predicted_too_when_partitions_explain_it() {
    let group = two_heavy(Numbering::Mixed);
    let cpu: Vec<(String, f64)> = named(&[0.5; 6]);
    let lag: BTreeMap<String, Load> = group
        .cores()
        .iter()
        .enumerate()
        .map(|(pod, cores)| (format!("p{pod:03}"), Load::new(cores * 1000.0).unwrap()))
        .collect();
    let cpu: Vec<(&str, f64)> = cpu.iter().map(|(name, load)| (name.as_str(), *load)).collect();
    let mut readings = Readings { partitions: Some(Ok(group.partitions())), ..readings(&cpu) };
    readings.loads.insert(Indicator::Lag, Ok(lag));
    let pods = cpu.iter().map(|(name, _)| pod(name)).collect();
    let snapshot =
        Snapshot::assemble(workload(), fixture::NOW, pods, Ok(vec![hpa(70.0)]), "", readings).unwrap();
    let report = plan(&snapshot, &with(Assignor::Uniform, Timing::AllAtOnce));
    assert!(matches!(report.method, Method::Predict { .. }), "{}", report.method);
    let Decision::Rotate(plan) = &report.decision else { panic!("{}", report.decision) };
    assert_eq!(plan.indicator, Indicator::Lag);
}
