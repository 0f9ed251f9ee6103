//! The aims of planning by prediction, on the standard suite of simulated fleets.
#![cfg(feature = "simulation")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic is how a test fails")]

use rebalancer_core::policy::{Persistence, Policy, Strategy};
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
    let (expected, real) = predicted.median_improvements().unwrap();
    println!("fall of the CV in the median of all rotations: predicted {expected:.4}, really {real:.4}");
    for told in [false, true] {
        let own = |strategy| {
            let those =
                scores.iter().filter(|score| score.strategy == strategy && score.case.shape.kafka == told);
            let those = those.filter(|score| score.case.prospect == Prospect::Improvable);
            Tally(those.flat_map(|score| &score.tally.0).cloned().collect())
        };
        let (predicted, seeds) = (own(Strategy::Predict), own(Strategy::RotateOutliers));
        println!(
            "ids {}: CV {:.4}; {} removals, {} of them useless, to {:.4}; by rotate-outliers {} to {:.4}",
            if told { "known" } else { "unknown" },
            predicted.before().cv,
            predicted.removals(),
            predicted.useless(),
            predicted.after().cv,
            seeds.removals(),
            seeds.after().cv
        );
    }
    assert!((expected - real).abs() <= 0.2 * real, "within 20 %");
}
