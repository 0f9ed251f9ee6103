//! A plan and a simulation as they are shown: to the last letter.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rebalancer_core::advice::{LoadBasis, advise};
use rebalancer_core::assignor::Assignor;
use rebalancer_core::fleet::Workload;
use rebalancer_core::history::{
    AnswerWay, Answered, ApprovalLimits, Basis, Constraints, Gain, ProposedPlan, ProposedPod,
};
use rebalancer_core::jiff::SignedDuration;
use rebalancer_core::policy::{Persistence, Policy, Strategy};
use rebalancer_core::report::{Decision, Removal};
use rebalancer_core::simulation::course::{self, Course};
use rebalancer_core::simulation::{Fleet, Metrics, Shape, Spread};
use rebalancer_core::snapshot::Snapshot;
use rebalancer_core::unit::{Percent, PercentChange};

use super::golden::{golden, golden_report};
use super::*;
use crate::check::finding::{Code, Finding, Severity};
use crate::config::effective::Effective;
use crate::config::layers::Source;
use crate::config::problem::Given;

#[test]
fn a_table_gives_the_terminal_no_orders() {
    assert_eq!(plain("consumer-1\n\tchosen"), "consumer-1\n\tchosen");
    assert_eq!(plain("a\u{1b}]0;title\u{7}b\r"), "a\u{fffd}]0;title\u{fffd}b\u{fffd}");
}

/// Nothing here waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

fn shape() -> Shape {
    let (spread, assignor) = (Spread::LogNormal { sigma: 1.0 }, Assignor::CooperativeSticky);
    Shape { pods: 8, partitions: 40, spread, assignor, hpa_percent: None, seed: 3, ..Shape::default() }
}

fn policy() -> Policy {
    let mut policy = Policy::default().with_assignor(Some(Assignor::CooperativeSticky));
    policy.balance.persistence = Persistence::NONE;
    policy
}

const WIDE: Screen = Screen { width: 80, unicode: true };
const ASCII: Screen = Screen { width: 80, unicode: false };

fn shown(report: &Report) -> Shown<'_> {
    Shown {
        cluster: None,
        report,
        names: None,
        last: None,
        usage: Usage::default(),
        kafka: None,
        approval: Approval::default(),
        replayed: None,
    }
}

fn text(shown: &Shown<'_>, screen: Screen) -> String {
    plan::sheet(shown, screen, Pods::Notable).plain()
}

#[test]
fn a_plan_is_shown_as_a_table_for_machines_and_as_a_report() {
    let snapshot = Fleet::new(&shape()).unwrap().snapshot().unwrap();
    let report = rebalancer_core::plan(&snapshot, &policy(), &Constraints::default());
    let usage = Usage { queries: 4, retries: 0, errors: 0, bytes: 8_192 };
    let shown = Shown { usage, ..shown(&report) };
    golden("plan/tests/rotate.txt", &text(&shown, WIDE));
    golden("plan/tests/rotate-ascii.txt", &text(&shown, ASCII));
    golden("plan/tests/rotate-colors.txt", plan::sheet(&shown, WIDE, Pods::Notable).text());
    golden("plan/tests/rotate-wide.txt", &plan::sheet(&shown, WIDE, Pods::Every).plain());
    golden("plan/tests/rotate.json", &as_json(&PlanDocument::of(&shown), true).unwrap());
    let advice = advise(&snapshot, &policy(), &Constraints::default(), &LoadBasis::Present).unwrap();
    golden_report("plan/tests/rotate.html", &report::plan::report(&shown, Some(&advice)));
}

#[test]
fn a_plan_says_why_the_cv_that_was_measured_is_not_the_one_that_is_predicted_from() {
    let metrics = Metrics { noise: 0.1, ..shape().metrics };
    let snapshot = Fleet::new(&Shape { metrics, ..shape() }).unwrap().snapshot().unwrap();
    let report = rebalancer_core::plan(&snapshot, &policy(), &Constraints::default());
    golden("plan/tests/basis.txt", &text(&shown(&report), WIDE));
    assert!(text(&shown(&report), WIDE).contains("is measured, over 8 eligible pods. The prediction"));
}

#[test]
fn a_plan_that_holds_says_why() {
    let snapshot = Fleet::new(&Shape { assignor: Assignor::Range, ..shape() }).unwrap().snapshot().unwrap();
    let policy = policy().with_assignor(Some(Assignor::Range));
    let report = rebalancer_core::plan(&snapshot, &policy, &Constraints::default());
    golden("plan/tests/held.txt", &text(&shown(&report), WIDE));
}

fn simulated() -> Course {
    now(course::run(&shape(), &policy(), 6)).unwrap()
}

#[test]
fn a_simulation_is_shown_as_text_and_as_a_report() {
    let course = simulated();
    golden("simulation/tests/fleet.txt", &simulation::sheet(&shape(), &policy(), &course, WIDE).plain());
    let snapshot = Fleet::new(&shape()).unwrap().snapshot().unwrap();
    let advice = advise(&snapshot, &policy(), &Constraints::default(), &LoadBasis::Present).unwrap();
    let report = report::simulation::report(&shape(), &policy(), &course, Some(&advice));
    golden_report("simulation/tests/fleet.html", &report);
}

/// The plan of a report as somebody is asked about it, ten minutes before.
fn proposal(report: &Report) -> Proposal {
    let Decision::Rotate(plan) = &report.decision else { panic!("{:?}", report.decision) };
    let pod = |removal: &Removal| ProposedPod {
        name: removal.pod.name.clone(),
        uid: removal.pod.uid.clone(),
        role: removal.choice.role(),
    };
    let none = PercentChange::new(0.0).unwrap();
    let plan = ProposedPlan {
        workload: None,
        indicator: plan.indicator,
        pods: plan.removals.iter().map(pod).collect(),
        pace: plan.pace(),
        expected: Gain::new(Basis::Predicted, PercentChange::new(15.1).ok(), none),
    };
    let limits = ApprovalLimits::new(SignedDuration::from_hours(1), Percent::new(5.0).unwrap()).unwrap();
    let at = report.taken_at - SignedDuration::from_mins(10);
    Proposal::new("0198c0de-0000-7000-8000-000000000000", at, plan, &limits).unwrap()
}

#[test]
fn a_plan_shows_what_waits_for_an_answer_and_how_to_answer() {
    let snapshot = Fleet::new(&shape()).unwrap().snapshot().unwrap();
    let report = rebalancer_core::plan(&snapshot, &policy(), &Constraints::default());
    let open = proposal(&report);
    let asked = |proposal, required| Shown { approval: Approval { required, proposal }, ..shown(&report) };
    golden("plan/tests/proposed.txt", &text(&asked(Some(&open), true), WIDE));
    assert!(text(&asked(None, true), WIDE).contains("(APPROVAL=required)"));
    assert!(!text(&asked(None, false), WIDE).contains("approv"));

    let mut approved = open.clone();
    approved.approved = Some(Answered::new(Some("ann"), AnswerWay::Command, open.at));
    let seen = text(&asked(Some(&approved), true), WIDE);
    assert!(seen.contains("is approved by ann") && !seen.contains("to approve"), "{seen}");

    let mut others = open.clone();
    others.plan.pods.pop();
    let seen = text(&asked(Some(&others), true), WIDE);
    assert!(seen.contains("the plan of now has other pods"), "{seen}");

    let over = Proposal { until: report.taken_at, ..open.clone() };
    assert!(!text(&asked(Some(&over), true), WIDE).contains(&over.id), "its time is over");
}

#[test]
fn the_json_has_the_proposal_only_where_there_is_one() {
    let snapshot = Fleet::new(&shape()).unwrap().snapshot().unwrap();
    let report = rebalancer_core::plan(&snapshot, &policy(), &Constraints::default());
    let open = proposal(&report);
    let approval = Approval { required: true, proposal: Some(&open) };
    let json: serde_json::Value = serde_json::from_str(
        &as_json(&PlanDocument::of(&Shown { approval, ..shown(&report) }), false).unwrap(),
    )
    .unwrap();
    assert_eq!(json["proposal"]["id"], open.id.as_str());
    assert_eq!(json["proposal"]["pods"][0]["role"], "hot");
    let without: serde_json::Value =
        serde_json::from_str(&as_json(&PlanDocument::of(&shown(&report)), false).unwrap()).unwrap();
    assert!(without.get("proposal").is_none());
}

/// A fleet that nobody designed: names, loads and states of any kind.
fn any_fleet(random: &mut ChaCha8Rng) -> Snapshot {
    let pods = random.random_range(2..=60);
    let partitions = random.random_range(1..=4) * pods;
    let mut snapshot = Fleet::new(&Shape { pods, partitions, seed: random.random(), ..shape() })
        .unwrap()
        .snapshot()
        .unwrap();
    let scale = 10_f64.powi(random.random_range(-3..=12));
    let stretched = random.random_bool(0.7);
    for observed in snapshot.pods.iter_mut() {
        if stretched {
            observed.pod.name = fits::any_name(random);
        }
        observed.pod.ready = random.random_bool(0.9);
        let load = random.random_range(0.0..1.0_f64).powi(3) * scale;
        let load = random.random_bool(0.8).then_some(load);
        observed.loads = serde_json::from_value(serde_json::json!({ "cpu": load })).unwrap();
    }
    snapshot
}

#[test]
fn no_line_is_wider_than_the_screen_whatever_the_fleet() {
    for seed in 0..150 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let report = rebalancer_core::plan(&any_fleet(&mut random), &policy(), &Constraints::default());
        for pods in [Pods::Notable, Pods::Every] {
            fits::everywhere(seed, |screen| plan::sheet(&shown(&report), screen, pods));
        }
    }
}

#[test]
fn no_line_of_a_simulation_is_wider_than_the_screen() {
    for number in 0..20_u8 {
        let seed = u64::from(number);
        let mean_cores = 10_f64.powi(i32::from(number) % 12 - 5);
        let fleet = Shape { pods: 2 + usize::from(number), partitions: 60, mean_cores, seed, ..shape() };
        let course = now(course::run(&fleet, &policy(), 6)).unwrap();
        let shown = fits::everywhere(seed, |screen| simulation::sheet(&fleet, &policy(), &course, screen));
        let last = format!("CV {:.3} -> {:.3}", course.summary().before.cv, course.summary().after.cv);
        assert!(shown.iter().all(|text| text.contains(&last)), "{shown:?}");
        let rows =
            [Strategy::Predict, Strategy::RotateOutliers].map(|by| (u64::MAX - seed, by, course.summary()));
        fits::everywhere(seed, |screen| simulation::table::compared(&fleet, &rows, screen));
    }
}

#[test]
fn no_line_of_a_check_is_wider_than_the_screen() {
    for seed in 0..50 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut name = || fits::any_name(&mut random);
        let workload = Workload { namespace: name(), name: name() };
        let findings = [Finding {
            code: Code::ContainerMissing,
            severity: Severity::Error,
            message: name(),
            fix: Some(name()),
        }];
        let value = name();
        let effective = ["KUBE_NAMESPACE", "DEPLOYMENT_NAME"].map(|variable| Effective {
            variable,
            value: Given::Value(value.clone()),
            source: Some(Source::Environment),
        });
        let checked =
            Checked { workload: &workload, effective: &effective, settings: true, findings: &findings };
        fits::everywhere(seed, |screen| check::sheet(&checked, screen));
    }
}

#[test]
fn of_a_thousand_pods_those_that_stand_out_are_drawn_and_the_rest_is_counted() {
    let shape = Shape { pods: 1_000, partitions: 4_000, ..shape() };
    let snapshot = Fleet::new(&shape).unwrap().snapshot().unwrap();
    let report = rebalancer_core::plan(&snapshot, &policy(), &Constraints::default());
    let text = text(&shown(&report), WIDE);
    assert!(text.lines().count() < 70, "{text}");
    let drawn = text.lines().filter(|line| line.contains('┊')).count() - 1;
    let counted = text.lines().filter_map(|line| line.trim().strip_prefix("… ")?.split_once(" more pods: "));
    let left_out: usize = counted.map(|(count, _)| count.parse::<usize>().unwrap()).sum();
    assert_eq!(drawn + left_out, 1_000, "{text}");
    let every = plan::sheet(&shown(&report), WIDE, Pods::Every).plain();
    assert_eq!(every.lines().filter(|line| line.contains('┊')).count() - 1, 1_000);
}

#[test]
fn long_names_that_differ_only_where_they_are_cut_stand_in_full() {
    let mut snapshot = Fleet::new(&shape()).unwrap().snapshot().unwrap();
    let end = "x".repeat(60);
    for (number, observed) in snapshot.pods.iter_mut().enumerate() {
        observed.pod.name = format!("{}{number}{end}", "y".repeat(15));
    }
    let report = rebalancer_core::plan(&snapshot, &policy(), &Constraints::default());
    let text = text(&shown(&report), WIDE);
    for pod in &report.pods {
        assert!(text.contains(&pod.pod.name), "{} is not in\n{text}", pod.pod.name);
    }
}

/// A check with a finding of each kind.
fn checked(settings: bool) -> String {
    let found = |severity, code, message: &str, fix: Option<&str>| Finding {
        code,
        severity,
        message: message.to_owned(),
        fix: fix.map(str::to_owned),
    };
    let findings = [
        found(Severity::Ok, Code::MetricServer, "http://metrics:8428 answers queries", None),
        found(
            Severity::Error,
            Code::ContainerMissing,
            "6 of 6 pods of orders have no container consumer; they have: orders, and a sidecar that is called istio-proxy",
            Some("set CONTAINER_NAME=orders"),
        ),
    ];
    let effective = [Effective {
        variable: "KUBE_NAMESPACE",
        value: Given::Value("streams".to_owned()),
        source: Some(Source::Environment),
    }];
    let workload = Workload { namespace: "streams".to_owned(), name: "orders".to_owned() };
    let checked = Checked { workload: &workload, effective: &effective, settings, findings: &findings };
    check::sheet(&checked, WIDE).plain()
}

#[test]
fn a_check_says_the_worst_first_and_the_settings_only_where_they_are_wanted() {
    golden("check/tests/found.txt", &checked(false));
    golden("check/tests/settings.txt", &checked(true));
}
