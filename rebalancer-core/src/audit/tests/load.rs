//! Bugs in the ranking by several indicators.

use super::*;
use crate::fixture::{measured, samples, sized};
use crate::fleet::PodRef;
use crate::fleet::{Indicator, Target};
use crate::policy::Persistence;
use crate::report::{Choice, Expectation, Improvement};
use crate::snapshot::Past;
use crate::unit::{PercentChange, Ratio};

/// The first three are above 1.05 cores; the mean is 0.8.
const CPU: [f64; 6] = [1.2, 1.1, 1.3, 0.5, 0.4, 0.3];

/// The mean is 100 messages; the fifth is above 150.
const LAG: [f64; 6] = [140.0, 130.0, 60.0, 80.0, 160.0, 30.0];

fn fleet(lag: [Option<f64>; 6]) -> Snapshot {
    measured(&[(Indicator::Cpu, &CPU.map(Some)), (Indicator::Lag, &lag)], Some(70.0))
}

/// One hot and one cold pod, by their places, with these scores.
fn planted(snapshot: &Snapshot, hot: (usize, Option<f64>), cold: (usize, Option<f64>)) -> Plan {
    let removal = |place: usize, choice: Choice| {
        let observed = &snapshot.pods[place];
        let pod = &observed.pod;
        Removal {
            pod: PodRef {
                namespace: pod.namespace.to_string(),
                name: pod.name.clone(),
                uid: pod.uid.clone(),
            },
            node: None,
            owner: None,
            indicator: Indicator::Cpu,
            load: observed.loads.get(Indicator::Cpu).unwrap(),
            choice,
        }
    };
    let score = |score: Option<f64>| score.map(|score| Ratio::new(score).unwrap());
    let above = Load::new(1.05).unwrap();
    Plan {
        indicator: Indicator::Cpu,
        expectation: Expectation::EvenMixing(Improvement {
            average_hot: 1.0,
            average_set: 0.5,
            percent: PercentChange::new(50.0).ok(),
        }),
        removals: vec![
            removal(hot.0, Choice::Hot { rank: 1, above, score: score(hot.1) }),
            removal(cold.0, Choice::Cold { rank: 1, score: score(cold.1) }),
        ],
        steps: Vec::new(),
    }
}

fn check(
    lag: [Option<f64>; 6],
    hot: (usize, Option<f64>),
    cold: (usize, Option<f64>),
    expected: &[Violation],
) {
    let snapshot = fleet(lag);
    assert_eq!(violations(&planted(&snapshot, hot, cold), &snapshot, &policy()), expected);
}

#[test]
fn pods_that_rank_as_the_plan_says_are_clean() {
    check(LAG.map(Some), (0, Some(1.45)), (5, Some(0.3375)), &[]);
    check(LAG.map(Some), (0, None), (5, None), &[]);
}

#[test]
fn a_cold_pod_that_is_hot_by_another_indicator_is_caught() {
    let not_cold = [Violation::NotCold { pod: "p004".to_owned(), indicator: Indicator::Lag }];
    check(LAG.map(Some), (0, None), (4, None), &not_cold);
}

#[test]
fn a_cold_pod_that_may_be_hot_by_another_indicator_is_caught() {
    let mut lag = LAG.map(Some);
    lag[4] = None;
    let not_cold = [Violation::NotCold { pod: "p004".to_owned(), indicator: Indicator::Lag }];
    check(lag, (0, None), (4, None), &not_cold);
}

#[test]
fn a_hot_pod_that_is_only_hot_by_another_indicator_is_caught() {
    let not_hot = [Violation::NotHot { pod: "p004".to_owned() }];
    check(LAG.map(Some), (4, None), (5, None), &not_hot);
}

#[test]
fn a_pod_that_is_hot_only_by_the_mean_request_is_caught() {
    // 1.5 cores are above the 1.05 of a pod with one core, and below the 2.1 of this one.
    let snapshot = sized(&[(1.5, 2.0), (0.4, 1.0), (0.3, 0.5), (0.3, 0.5)], 70.0);
    let plan = planted(&snapshot, (0, None), (2, None));
    assert_eq!(violations(&plan, &snapshot, &policy()), [Violation::NotHot { pod: "p000".to_owned() }]);
}

#[test]
fn a_hot_pod_that_was_hot_before_only_by_another_limit_than_its_own_is_caught() {
    let lasting = policy().with_persistence(Persistence::default());
    let check = |was: [f64; 4], percent: Option<f64>, expected: &[Violation]| {
        // Hot above 2.1 and 1.05 cores, or above 1.5 times the mean.
        let mut snapshot = sized(&[(2.5, 2.0), (0.4, 1.0), (0.3, 0.5), (0.3, 0.5)], 70.0);
        if percent.is_none() {
            snapshot.target = Target::None;
        }
        let named = ["p000", "p001", "p002", "p003"].into_iter().zip(was).collect::<Vec<_>>();
        let windows = Ok(vec![samples(&named); 2]);
        snapshot.past = Some(Past { indicator: Indicator::Cpu, windows });
        assert_eq!(violations(&planted(&snapshot, (0, None), (2, None)), &snapshot, &lasting), expected);
    };
    let passing = [Violation::Passing { pod: "p000".to_owned() }];
    check([2.2, 0.4, 0.3, 0.3], Some(70.0), &[]);
    check([1.5, 0.4, 0.3, 0.3], Some(70.0), &passing);
    // The mean was 0.4 and 0.9.
    check([0.7, 0.3, 0.3, 0.3], None, &[]);
    check([1.2, 0.8, 0.8, 0.8], None, &passing);
}

#[test]
fn a_hot_pod_that_ranks_below_a_cold_one_is_caught() {
    // 1.3 cores without lag score 0.81, and 0.5 cores with much of it 1.03.
    let lag = [140.0, 130.0, 0.0, 144.0, 160.0, 30.0].map(Some);
    check(lag, (2, None), (3, None), &[Violation::NotOutliers]);
    check(lag, (0, None), (3, None), &[]);
}

#[test]
fn a_made_up_score_is_caught() {
    let made_up = [Violation::NotMeasured { pod: "p000".to_owned() }];
    check(LAG.map(Some), (0, Some(2.0)), (5, None), &made_up);
}

#[test]
fn by_one_indicator_loads_rank_and_no_score_is_true() {
    let snapshot = snapshot(&CPU, Some(70.0));
    let plan = planted(&snapshot, (2, None), (5, None));
    assert_eq!(violations(&plan, &snapshot, &policy()), []);
    let scored = planted(&snapshot, (2, Some(1.6)), (5, None));
    assert_eq!(
        violations(&scored, &snapshot, &policy()),
        [Violation::NotMeasured { pod: "p002".to_owned() }]
    );
}

#[test]
fn a_fleet_whose_pods_differ_too_little_is_no_grounds() {
    // The CV is about 0.54, and the mean 0.8: hot above 1.2.
    let mut snapshot = fleet(LAG.map(Some));
    snapshot.target = Target::None;
    snapshot.readable = [Indicator::Cpu].into();
    let plan = planted(&snapshot, (2, None), (5, None));
    for (threshold, expected) in
        [(0.5, vec![]), (0.6, vec![Violation::NoImbalance { indicator: Indicator::Cpu }])]
    {
        let thresholds = [(Indicator::Cpu, Ratio::new(threshold).unwrap())].into();
        let policy = policy().with_variance_thresholds(thresholds);
        assert_eq!(violations(&plan, &snapshot, &policy), expected, "{threshold}");
    }
}

#[test]
fn a_pod_without_the_request_that_the_target_is_a_share_of_is_caught() {
    for (request, expected) in [(None, true), (Some(0.0), true), (Some(1.0), false)] {
        let mut snapshot = fleet(LAG.map(Some));
        snapshot.pods[3].cpu_request = request.map(|cores| Cores::new(cores).unwrap());
        let plan = planted(&snapshot, (0, None), (5, None));
        let unknown = violations(&plan, &snapshot, &policy()).contains(&Violation::RequestUnknown);
        assert_eq!(unknown, expected, "{request:?}");
    }
}
