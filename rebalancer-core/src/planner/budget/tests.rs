//! Disruption budgets are looked at before anything is decided.

use crate::eligibility::Veto;
use crate::fixture::plan;
use crate::fixture::verdicts;
use crate::fixture::{policy, snapshot};
use crate::fleet::{DisruptionBudget, Requirement, Selector};
use crate::report::{Decision, Hold, Report, Spared, Verdict};
use crate::snapshot::Snapshot;
use crate::unit::Share;

const LOADS: [f64; 6] = [1.2, 1.1, 0.8, 0.6, 0.4, 0.3];

fn budget(name: &str, allowed: u32) -> DisruptionBudget {
    let app = Requirement::In { key: "app".to_owned(), values: vec!["consumer".to_owned()] };
    DisruptionBudget {
        name: name.to_owned(),
        selector: Selector::All(vec![app]),
        allowed,
        status_is_current: true,
    }
}

fn under(budgets: Vec<DisruptionBudget>) -> Report {
    plan(&fleet(budgets), &policy())
}

fn fleet(budgets: Vec<DisruptionBudget>) -> Snapshot {
    let mut fleet = snapshot(&LOADS, Some(70.0));
    fleet.surroundings.budgets = budgets;
    fleet
}

fn removed(report: &Report) -> Vec<&str> {
    match &report.decision {
        Decision::Rotate(plan) => plan.removals.iter().map(|removal| removal.pod.name.as_str()).collect(),
        Decision::Balanced | Decision::Hold(_) => panic!("{}", report.decision),
    }
}

#[test]
fn a_batch_is_trimmed_to_what_the_budget_lets_go() {
    assert_eq!(removed(&under(vec![budget("b", 4)])), ["p000", "p005", "p001", "p004"]);
    let report = under(vec![budget("b", 3)]);
    assert_eq!(removed(&report), ["p000", "p005", "p001"]);
    assert!(matches!(verdicts(&report)[4], Verdict::Spared(Spared::Trimmed(_))), "{}", verdicts(&report)[4]);
    assert_eq!(removed(&under(vec![budget("b", 2)])), ["p000", "p005"]);
}

#[test]
fn a_budget_that_has_no_room_for_one_hot_and_one_cold_pod_holds_the_plan() {
    for allowed in [0, 1] {
        let (budget_name, status_is_current) = ("b".to_owned(), true);
        let hold = Hold::BudgetsTooTight { budget: budget_name, allowed, status_is_current };
        assert_eq!(under(vec![budget("b", allowed)]).decision, Decision::Hold(hold));
    }
}

#[test]
fn a_budget_whose_status_is_old_allows_nothing_that_is_known() {
    let old = DisruptionBudget { status_is_current: false, ..budget("b", 9) };
    let report = under(vec![old]);
    assert!(matches!(&report.decision, Decision::Hold(Hold::BudgetsTooTight { .. })), "{}", report.decision);
    assert!(report.decision.to_string().contains("not up to date"), "{}", report.decision);
}

#[test]
fn a_budget_of_others_does_not_count() {
    let others = DisruptionBudget { selector: Selector::Nothing, ..budget("others", 0) };
    assert_eq!(removed(&under(vec![others])), ["p000", "p005", "p001", "p004"]);
}

/// Three budgets, one for each zone: each counts its own pods.
#[test]
fn each_budget_has_room_of_its_own() {
    let zone = |name: &str, allowed| DisruptionBudget {
        selector: Selector::All(vec![Requirement::In {
            key: "zone".to_owned(),
            values: vec![name.to_owned()],
        }]),
        ..budget(name, allowed)
    };
    let mut fleet = fleet(vec![zone("a", 1), zone("b", 1), zone("c", 0)]);
    for (pod, zone) in fleet.pods.iter_mut().zip(["a", "c", "a", "b", "a", "b"]) {
        pod.pod.labels.insert("zone".to_owned(), zone.to_owned());
    }
    assert_eq!(removed(&plan(&fleet, &policy())), ["p000", "p005"]);
}

/// The Eviction API answers such a pod's eviction with an error of the server.
#[test]
fn a_pod_under_two_budgets_can_t_be_evicted() {
    let report = under(vec![budget("a", 9), budget("b", 9)]);
    assert_eq!(verdicts(&report)[0], Verdict::Vetoed(Veto::SeveralBudgets { budgets: 2 }));
    assert!(
        matches!(&report.decision, Decision::Hold(Hold::NoEligiblePods { vetoes, .. })
        if vetoes.get("several_budgets") == Some(&6)),
        "{}",
        report.decision
    );
}

#[test]
fn the_largest_share_trims_a_batch_and_holds_one_that_makes_no_sense_any_more() {
    let share = |share| policy().with_most_share(Share::new(share).unwrap());
    assert_eq!(removed(&plan(&fleet(Vec::new()), &share(0.5))), ["p000", "p005", "p001"]);
    assert_eq!(removed(&plan(&fleet(Vec::new()), &share(1.0 / 3.0))), ["p000", "p005"]);
    let held = plan(&fleet(Vec::new()), &share(0.3)).decision;
    let share = Share::new(0.3).unwrap();
    assert_eq!(held, Decision::Hold(Hold::ShareTooSmall { serving: 6, share }));
}
