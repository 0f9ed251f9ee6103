//! What makes a fleet, and what makes none.

use super::*;

#[test]
fn several_topics_share_out_the_partitions() {
    let fleet = fleet(Shape { topics: 3, partitions: 20, pods: 4, ..Shape::default() });
    let count = |topic: &str| partitions(&fleet).iter().filter(|one| one.topic == topic).count();
    assert_eq!(["events-00000", "events-00001", "events-00002"].map(count), [7, 7, 6]);
}

#[test]
fn a_rollout_replaces_every_pod_in_its_cycle_and_none_before() {
    for static_members in [false, true] {
        let fleet = fleet(Shape { rollout_every: NonZeroUsize::new(3), static_members, ..Shape::default() });
        let uids = || fleet.world().pods().into_iter().map(|pod| pod.uid).collect::<Vec<_>>();
        let (before, names_before, sets_before) = (uids(), names(&fleet), sets(&fleet));
        for cycle in 1..=3 {
            assert_eq!(fleet.advance(SignedDuration::from_mins(10)), cycle == 3);
            let left = uids().iter().filter(|uid| before.contains(uid)).count();
            assert_eq!((left, uids().len()), (if cycle == 3 { 0 } else { 20 }, 20));
        }
        let now = fleet.now();
        assert!(fleet.world().pods().iter().all(|pod| pod.ready_since == Some(now)));
        assert_eq!(names(&fleet) == names_before, static_members);
        assert_eq!(sets(&fleet) == sets_before, static_members);
    }
}

fn refusal(shape: Shape) -> String {
    Fleet::new(&shape).unwrap_err().to_string()
}

#[test]
fn numbers_that_make_no_fleet_are_refused() {
    let base = Shape::default();
    assert_eq!(refusal(Shape { pods: 0, ..base }), "a fleet has at least one pod and one partition");
    assert_eq!(refusal(Shape { topics: 161, ..base }), "160 partitions can't be shared out among 161 topics");
    assert_eq!(
        refusal(Shape { spread: Spread::Hot { partitions: 161, times: 2.0 }, ..base }),
        "161 of 160 partitions can't be hot"
    );
    let sigma = |sigma| refusal(Shape { spread: Spread::LogNormal { sigma }, ..base });
    assert_eq!(sigma(-1.0), "sigma must be a number from 0 to 10, not -1");
    assert_eq!(sigma(f64::NAN), "sigma must be a number from 0 to 10, not NaN");
    for shape in [
        Shape { partitions: 0, ..base },
        Shape { topics: 0, ..base },
        Shape { mean_cores: 0.0, ..base },
        Shape { topic_ratio: 0.0, ..base },
        Shape { apart: 1.1, ..base },
        Shape { mean_cores: f64::INFINITY, ..base },
        Shape { hpa_percent: Some(-70.0), ..base },
        Shape { spread: Spread::Zipf { exponent: -1.0 }, ..base },
        Shape { nodes: Nodes { slow_share: 1.1, cost_factor: 2.0, ..base.nodes }, ..base },
        Shape { nodes: Nodes { slow_share: 0.1, cost_factor: 0.0, ..base.nodes }, ..base },
        Shape { metrics: Metrics { noise: -0.1, delay: 0 }, ..base },
        Shape { drift: Drift { swing: 1.5, walk: 0.0, ..Drift::default() }, ..base },
        Shape { drift: Drift { swing: 0.0, walk: f64::NAN, ..Drift::default() }, ..base },
    ] {
        assert!(Fleet::new(&shape).is_err(), "{shape:?}");
    }
}

#[test]
fn the_widest_shapes_have_loads_that_are_numbers() {
    for spread in [
        Spread::LogNormal { sigma: 10.0 },
        Spread::Zipf { exponent: 10.0 },
        Spread::Hot { partitions: 160, times: 0.0 },
    ] {
        let fleet = fleet(Shape {
            spread,
            drift: Drift { swing: 1.0, walk: 10.0, ..Drift::default() },
            ..Shape::default()
        });
        for _ in 0..50 {
            later(&fleet);
        }
        assert_eq!(fleet.loads().len(), 20, "{spread:?}");
    }
}
