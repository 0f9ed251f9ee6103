//! A plan and a simulation as they are shown: to the last letter.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rebalancer_core::advice::{LoadBasis, advise};
use rebalancer_core::assignor::Assignor;
use rebalancer_core::history::Constraints;
use rebalancer_core::policy::{Persistence, Policy};
use rebalancer_core::simulation::course::{self, Course};
use rebalancer_core::simulation::{Fleet, Shape, Spread};

use super::golden::{golden, golden_report};
use super::*;

#[test]
fn a_name_gives_the_terminal_no_orders() {
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

#[test]
fn a_plan_is_shown_as_a_table_for_machines_and_as_a_report() {
    let snapshot = Fleet::new(&shape()).unwrap().snapshot().unwrap();
    let report = rebalancer_core::plan(&snapshot, &policy(), &Constraints::default());
    let usage = Usage { queries: 4, retries: 0, errors: 0, bytes: 8_192 };
    let shown =
        Shown { cluster: None, report: &report, names: None, last: None, usage, kafka: None, replayed: None };
    golden("plan/tests/rotate.txt", &plan::text(&shown).unwrap());
    golden("plan/tests/rotate.json", &json::pretty(&shown).unwrap());
    let advice = advise(&snapshot, &policy(), &Constraints::default(), &LoadBasis::Present).unwrap();
    golden_report("plan/tests/rotate.html", &report::plan::report(&shown, Some(&advice)));
}

#[test]
fn a_plan_that_holds_says_why() {
    let snapshot = Fleet::new(&Shape { assignor: Assignor::Range, ..shape() }).unwrap().snapshot().unwrap();
    let policy = policy().with_assignor(Some(Assignor::Range));
    let report = rebalancer_core::plan(&snapshot, &policy, &Constraints::default());
    let shown = Shown {
        cluster: None,
        report: &report,
        names: None,
        last: None,
        usage: Usage::default(),
        kafka: None,
        replayed: None,
    };
    golden("plan/tests/held.txt", &plan::text(&shown).unwrap());
}

fn simulated() -> Course {
    now(course::run(&shape(), &policy(), 6)).unwrap()
}

#[test]
fn a_simulation_is_shown_as_text_and_as_a_report() {
    let course = simulated();
    golden("simulation/tests/fleet.txt", &simulation::text(&shape(), &policy(), &course).unwrap());
    let snapshot = Fleet::new(&shape()).unwrap().snapshot().unwrap();
    let advice = advise(&snapshot, &policy(), &Constraints::default(), &LoadBasis::Present).unwrap();
    let report = report::simulation::report(&shape(), &policy(), &course, Some(&advice));
    golden_report("simulation/tests/fleet.html", &report);
}
