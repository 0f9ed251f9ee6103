//! What holds for any group and any policy.

use super::*;
use crate::audit::audit;
use crate::fixture::plan;
use crate::history::Constraints;
use crate::planner;
use crate::policy::Policy;
use proptest::prelude::{Strategy, *};

/// Any even group: 2 to 8 pods with 1 to 6 partitions each, of any loads, one of them perhaps on a slow node.
fn any_group() -> impl Strategy<Value = Group> {
    let numbering = prop_oneof![Just(0_u8), Just(1), Just(2)];
    (2_usize..9, 1_usize..7, numbering, prop::option::of(0_usize..8)).prop_flat_map(
        |(pods, each, numbering, slow)| {
            let holds = prop::collection::vec(prop::collection::vec(0.0_f64..900.0, each), pods);
            holds.prop_map(move |holds| Group {
                holds,
                numbering: match numbering {
                    0 => Numbering::Blocks,
                    1 => Numbering::InTurn,
                    _ => Numbering::Mixed,
                },
                slow,
            })
        },
    )
}

/// A policy, and how many removals memory allows.
fn any_limits() -> impl Strategy<Value = (Policy, Constraints)> {
    let timing = prop_oneof![Just(Timing::AllAtOnce), Just(Timing::LeaveThenJoin)];
    let assignor = prop::option::of(prop::sample::select(Assignor::ALL.to_vec()));
    (timing, assignor, 1_usize..4, 0_usize..6, prop::option::of(0_usize..5)).prop_map(
        |(timing, assignor, k, minimum_pods, most_removals)| {
            let at_most = |most: usize| Constraints::default().with_most_removals(most);
            let constraints = most_removals.map_or_else(Constraints::default, at_most);
            let policy = policy()
                .with_timing(Some(timing))
                .with_assignor(assignor)
                .with_top_k(k.try_into().unwrap())
                .with_minimum_pods(minimum_pods);
            (policy, constraints)
        },
    )
}

/// CPU requests, the same for all or not.
fn any_requests() -> impl Strategy<Value = Vec<f64>> {
    let differ = prop::collection::vec(prop_oneof![Just(0.5), Just(1.0), Just(2.0)], 8);
    prop_oneof![Just(vec![1.0; 8]), differ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[cfg(feature = "serde")]
    #[test]
    fn a_prediction_is_the_same_from_what_was_written_down(
        group in any_group(), (policy, constraints) in any_limits(),
    ) {
        let fleet = group.snapshot();
        let again = (fixture::read_back(&fleet), fixture::read_back(&policy), fixture::read_back(&constraints));
        let report = planner::plan(&again.0, &again.1, &again.2);
        prop_assert_eq!(&report, &planner::plan(&fleet, &policy, &constraints));
        prop_assert_eq!(&fixture::read_back(&report), &report);
    }

    #[test]
    fn a_plan_is_deterministic_blind_to_order_clean_and_within_its_limits(
        group in any_group(), (policy, constraints) in any_limits(), requests in any_requests(),
    ) {
        let snapshot = requesting(group.snapshot(), &requests);
        let report = planner::plan(&snapshot, &policy, &constraints);
        prop_assert_eq!(&report, &planner::plan(&snapshot, &policy, &constraints));
        let mut partitions = group.partitions();
        partitions.reverse();
        let reversed = requesting(group.with(Some(Ok(partitions))), &requests);
        prop_assert_eq!(&report, &planner::plan(&reversed, &policy, &constraints));
        if let Decision::Rotate(plan) = &report.decision {
            let audited = audit(plan, &snapshot, &policy, &constraints);
            prop_assert!(audited.is_ok(), "{:?}", audited.err());
            prop_assert!(plan.removals.len() <= policy.limits.removable(report.serving));
            prop_assert!(constraints.most_removals.is_none_or(|most| plan.removals.len() <= most));
            if let Expectation::Predicted(prediction) = plan.expectation {
                let minimum = policy.selection.minimum_improvement.get();
                let share = plan.removals.len() as f64 / report.serving as f64;
                let more_even = prediction.improvement_percent() > minimum * (share / 0.4).min(1.0);
                prop_assert!(more_even || prediction.relief_percent.get() > minimum, "{}", prediction);
                prop_assert!(prediction.better.get() >= 0.5 || prediction.cooler.get() >= 0.5);
            }
        }
    }

    #[test]
    fn what_makes_the_same_sets_again_is_never_rotated_for_its_partitions(
        group in any_group(), requests in any_requests(),
    ) {
        for (assignor, numbering) in
            [(Assignor::Range, Numbering::Blocks), (Assignor::RoundRobin, Numbering::InTurn)]
        {
            let group = Group { numbering, slow: None, holds: group.holds.clone() };
            let snapshot = requesting(group.snapshot(), &requests);
            let report = plan(&snapshot, &with(assignor, Timing::LeaveThenJoin));
            let rotates = matches!(report.decision, Decision::Rotate(_));
            prop_assert!(!rotates, "{}: {}", report.method, report.decision);
        }
    }
}
