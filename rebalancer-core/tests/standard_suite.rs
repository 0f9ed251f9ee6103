//! The aims of planning by prediction, on the standard suite of simulated fleets.
#![cfg(feature = "simulation")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_cmp,
    reason = "a panic is how a test fails"
)]

use rebalancer_core::policy::{Persistence, Policy, Strategy};
use rebalancer_core::simulation::Shape;
use rebalancer_core::simulation::suite::{self, Prospect, Score};
use rebalancer_core::simulation::tally::Tally;

async fn scores() -> Vec<Score> {
    let mut scores = Vec::new();
    for case in suite::cases() {
        for strategy in [Strategy::RotateOutliers, Strategy::Predict] {
            scores.push(
                suite::run(&case, strategy, &Policy::default().with_persistence(Persistence::default()))
                    .await
                    .unwrap(),
            );
        }
    }
    scores
}

#[tokio::test]
#[ignore = "takes minutes without optimization: cargo test --release -p rebalancer-core --features simulation --test standard_suite -- --ignored"]
async fn prediction_needs_a_fifth_of_the_removals_and_none_where_they_are_useless() {
    let scores = scores().await;
    let total = |strategy, prospect| suite::total(&scores, strategy, prospect);
    let (seeds, predicted) = (
        total(Strategy::RotateOutliers, Prospect::Improvable),
        total(Strategy::Predict, Prospect::Improvable),
    );
    println!(
        "improvable: {} removals to CV {:.4}, against {} to {:.4}",
        predicted.removals(),
        predicted.after().cv,
        seeds.removals(),
        seeds.after().cv
    );
    assert!(predicted.removals() * 5 <= seeds.removals());
    assert!(predicted.after().cv <= seeds.after().cv, "an equal or better balance");
    assert_eq!(total(Strategy::Predict, Prospect::Hopeless).removals(), 0);
    for (name, which) in KINDS {
        let (predicted, seeds) =
            (of(&scores, Strategy::Predict, which), of(&scores, Strategy::RotateOutliers, which));
        let (expected, real) = predicted.median_improvements().unwrap();
        println!(
            "{name}: CV {:.4}; {} removals, {} of them useless, to {:.4}; by rotate-outliers {} to {:.4}; the CV falls by \
             {expected:.4} as predicted, by {real:.4} really, in the median",
            predicted.before().cv,
            predicted.removals(),
            predicted.useless(),
            predicted.after().cv,
            seeds.removals(),
            seeds.after().cv
        );
    }
    // Where nothing is drawn and members leave and join as assumed, a prediction is kept.
    let exact = of(&scores, Strategy::Predict, is_known);
    let (expected, real) = exact.median_improvements().unwrap();
    assert!((expected - real).abs() <= 0.05 * real, "within 5 %");
    assert!(exact.useless() * 100 <= exact.removals() * 3, "{} of {}", exact.useless(), exact.removals());
}

type Kind = (&'static str, fn(&Shape) -> bool);

/// Improvable fleets by what the planner knows of them.
const KINDS: [Kind; 4] = [
    ("ids unknown", |shape| !shape.kafka && shape.apart == 0.0),
    ("ids known", is_known),
    ("ids known, loads that drift", |shape| shape.kafka && !shape.is_still()),
    ("one by one, planned as leave-then-join", |shape| shape.apart > 0.0),
];

fn is_known(shape: &Shape) -> bool {
    shape.kafka && shape.apart == 0.0 && shape.is_still() && shape.nodes.slow_share == 0.0
}

fn of(scores: &[Score], strategy: Strategy, which: fn(&Shape) -> bool) -> Tally {
    let those = scores.iter().filter(|score| score.strategy == strategy && which(&score.case.shape));
    let those = those.filter(|score| score.case.prospect == Prospect::Improvable);
    Tally(those.flat_map(|score| &score.tally.0).cloned().collect())
}
