//! What rebalances cost: eager ones stop everybody.

use super::*;
use crate::unit::Percent;

fn predicted(assignor: Assignor, timing: Timing, minimum: f64) -> Report {
    let policy = with(assignor, timing).with_minimum_improvement(Percent::new(minimum).unwrap());
    plan(&two_heavy(Numbering::Mixed).snapshot(), &policy)
}

#[test]
fn a_plan_says_how_many_rebalances_stop_all_members() {
    for (timing, words) in [
        (Timing::AllAtOnce, "; 1 rebalance that stops all 6 members"),
        (Timing::LeaveThenJoin, "; 2 rebalances that stop all 6 members"),
    ] {
        let report = predicted(Assignor::Sticky, timing, 1.0);
        assert!(matches!(report.decision, Decision::Rotate(_)), "{}", report.decision);
        assert!(report.decision.to_string().contains(words), "{}", report.decision);
    }
    for assignor in [Assignor::CooperativeSticky, Assignor::Uniform] {
        let report = predicted(assignor, Timing::LeaveThenJoin, 1.0);
        assert_eq!(report.prediction.unwrap().stops, None, "{assignor} stops only what moves");
    }
}
