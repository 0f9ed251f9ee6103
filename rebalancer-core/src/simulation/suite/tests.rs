//! The suite is what it says it is.

use super::*;
use crate::policy::Persistence;

/// The courses of a case under rotate-outliers, which tries its luck everywhere.
async fn tried(case: &Case) -> Score {
    run(case, Strategy::RotateOutliers, &Policy::default().with_persistence(Persistence::default()))
        .await
        .unwrap()
}

#[tokio::test]
async fn whatever_is_removed_from_a_hopeless_fleet_changes_nothing() {
    for case in hopeless() {
        let score = tried(&case).await;
        let told = case.shape.kafka && case.shape.static_members;
        assert!(told || score.tally.removals() > 0, "{}: nothing was tried", case.name);
        for one in &score.tally.0 {
            assert!((one.after.cv - one.before.cv).abs() < 1e-9, "{}: {one:?}", case.name);
            assert_eq!(one.useless, one.removals, "{}", case.name);
        }
    }
}

#[tokio::test]
async fn an_improvable_fleet_gets_more_even_by_luck_alone() {
    for case in improvable() {
        let score = tried(&case).await;
        let useful = score.tally.removals() - score.tally.useless();
        assert!(
            useful > 0,
            "{}: {} of {} removals were useless",
            case.name,
            score.tally.useless(),
            score.tally.removals()
        );
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = cases().iter().map(|case| case.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[tokio::test]
async fn a_course_is_quiet_after_its_last_removal() {
    let shape = Shape::default();
    let policy =
        Policy::default().with_persistence(Persistence::default()).with_strategy(Strategy::RotateOutliers);
    let course = course::run(&shape, &policy, CYCLES).await.unwrap();
    let last = course.cycles.iter().rposition(|cycle| cycle.removed > 0).map_or(0, |index| index + 1);
    let quiet = if last == CYCLES { None } else { Some(last) };
    let summary = course.summary();
    assert_eq!(summary.quiet_after, quiet);
    assert_eq!(summary.removals, course.cycles.iter().map(|cycle| cycle.removed).sum::<usize>());
    assert_eq!(course::run(&shape, &policy, CYCLES).await.unwrap(), course, "a course can be repeated");
}
