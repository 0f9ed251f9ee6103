//! Advice on simulated fleets, as it is shown: each output to the last letter.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rebalancer_core::advice::{Advice, LoadBasis, advise};
use rebalancer_core::assignor::Assignor;
use rebalancer_core::history::Constraints;
use rebalancer_core::policy::Policy;
use rebalancer_core::simulation::{Fleet, Shape, Spread};

use super::*;
use crate::render::fits;

const SCREEN: Screen = Screen { width: 80, unicode: true };

fn advice(shape: &Shape, without_partitions: bool) -> Advice {
    let mut snapshot = Fleet::new(shape).unwrap().snapshot().unwrap();
    if without_partitions {
        snapshot.partitions = None;
    }
    let mut policy = Policy::default();
    policy.group.assignor = Some(shape.assignor);
    advise(&snapshot, &policy, &Constraints::default(), &LoadBasis::Present).unwrap()
}

fn shape(assignor: Assignor, spread: Spread) -> Shape {
    Shape { pods: 8, partitions: 40, spread, assignor, hpa_percent: None, seed: 5, ..Shape::default() }
}

fn golden(name: &str, advice: &Advice) {
    let text = sheet(&Shown { advice, usage: None, kafka: None }, SCREEN).plain();
    crate::render::golden::golden(&format!("advise/tests/{name}.txt"), &text);
}

#[test]
fn under_range_another_assignor_is_the_lever() {
    let advice = advice(&shape(Assignor::Range, Spread::LogNormal { sigma: 1.0 }), false);
    golden("range", &advice);
}

#[test]
fn a_sticky_group_is_helped_by_a_rotation() {
    let sticky = shape(Assignor::CooperativeSticky, Spread::LogNormal { sigma: 1.0 });
    let advice = advice(&Shape { seed: 3, ..sticky }, false);
    golden("sticky", &advice);
}

#[test]
fn where_nothing_tells_the_assignor_the_spread_over_all_that_fit_is_said() {
    let sticky = shape(Assignor::CooperativeSticky, Spread::LogNormal { sigma: 1.0 });
    let snapshot = Fleet::new(&Shape { seed: 3, ..sticky }).unwrap().snapshot().unwrap();
    let advice = advise(&snapshot, &Policy::default(), &Constraints::default(), &LoadBasis::Present).unwrap();
    golden("untold", &advice);
}

#[test]
fn one_hot_partition_is_said_to_be_one() {
    let hot = Spread::Hot { partitions: 1, times: 60.0 };
    let advice = advice(&shape(Assignor::CooperativeSticky, hot), false);
    golden("hot", &advice);
}

#[test]
fn without_partition_loads_the_setting_is_named_and_nothing_estimated() {
    let advice = advice(&shape(Assignor::Range, Spread::LogNormal { sigma: 1.0 }), true);
    golden("unknown", &advice);
}

#[test]
fn machines_get_the_same_with_its_version() {
    let advice = advice(&shape(Assignor::Range, Spread::LogNormal { sigma: 1.0 }), false);
    let shown = Shown { advice: &advice, usage: None, kafka: None };
    let document = serde_json::to_value(AdviceDocument::of(&shown)).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/schema/advise.json");
    let schema: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("advise.json", schema).unwrap();
    let compiled = compiler.compile("advise.json", &mut schemas).unwrap();
    schemas.validate(&document, compiled).unwrap();
    crate::render::golden::golden(
        "advise/tests/range.json",
        &serde_json::to_string_pretty(&document).unwrap(),
    );
    assert_eq!(document["version"], VERSION);
    assert_eq!(document["outlook"]["outlook"], "known");
    assert_eq!(document["outlook"]["conclusion"]["conclusion"], "best");
}

/// Whatever the fleet is called, and whatever is known of it.
#[test]
fn no_line_is_wider_than_the_screen_and_no_figure_is_lost() {
    for seed in 0..40 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let assignor = [Assignor::Range, Assignor::CooperativeSticky][random.random_range(0..2)];
        let sigma = random.random_range(0.1..2.0);
        let fleet = Shape {
            pods: random.random_range(2..=12),
            partitions: random.random_range(12..=48),
            seed: random.random(),
            ..shape(assignor, Spread::LogNormal { sigma })
        };
        let mut snapshot = Fleet::new(&fleet).unwrap().snapshot().unwrap();
        snapshot.workload.name = fits::any_name(&mut random);
        let mut policy = Policy::default();
        policy.group.assignor = random.random_bool(0.5).then_some(assignor);
        let Ok(advice) = advise(&snapshot, &policy, &Constraints::default(), &LoadBasis::Present) else {
            continue;
        };
        let shown = Shown { advice: &advice, usage: Some(Usage::default()), kafka: None };
        let text = fits::everywhere(seed, |screen| sheet(&shown, screen));
        let Outlook::Known(known) = &advice.outlook else { continue };
        let outcomes = known.levers.iter().filter_map(LeverReport::outcome);
        for figure in outcomes.map(|outcome| format!("{:.3}", outcome.cv.expected)) {
            assert!(
                text.iter().all(|text| text.contains(&figure)),
                "seed {seed}: {figure} is not in {text:?}"
            );
        }
    }
}
