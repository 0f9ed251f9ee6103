//! What is decided where nothing tells the group's assignor, and only metrics show who holds what: the table in
//! docs/decision.md.
//!
//! cargo test --release -p rebalancer-core --features simulation --test inferred_rule -- --ignored --nocapture
#![cfg(feature = "simulation")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use rebalancer_core::assignor::Assignor;
use rebalancer_core::policy::{Persistence, Policy, Timing};
use rebalancer_core::port::{Mode, PodDeleter as _};
use rebalancer_core::report::Method;
use rebalancer_core::simulation::course::Balance;
use rebalancer_core::simulation::{Fleet, Shape, Spread};
use rebalancer_core::{Constraints, Decision, Report, plan};

const SEEDS: u64 = 5;

/// A group that has just been formed, and one in which each pod was replaced twice.
const CHURN: [usize; 2] = [0, 2];

/// The hold that names what would tell the rules apart.
const UNCLEAR: &str = "assignor_unclear";

/// A fall of the CV that is smaller is rounding.
const ROUNDING: f64 = 1e-9;

fn shapes() -> Vec<Shape> {
    let base = Shape::default();
    let sized = |pods, partitions| Shape { pods, partitions, ..base };
    let mild = Spread::LogNormal { sigma: 0.5 };
    let kinds = [
        sized(20, 160),
        sized(20, 80),
        sized(12, 50),
        Shape { topics: 4, ..base },
        Shape { spread: mild, mean_cores: 0.75, ..sized(8, 40) },
    ];
    let timings = [Timing::LeaveThenJoin, Timing::AllAtOnce];
    let timed = kinds.into_iter().flat_map(|kind| timings.map(|timing| Shape { timing, ..kind }));
    timed.flat_map(|shape| (1..=SEEDS).map(move |seed| Shape { seed, ..shape })).collect()
}

/// The timing is told, so that only the rule is to be found out.
fn policy(shape: &Shape, told: Option<Assignor>) -> Policy {
    Policy::default()
        .with_persistence(Persistence::default())
        .with_timing(Some(shape.timing))
        .with_assignor(told)
}

/// What is decided about a fleet, and whether its CV falls if that is done.
struct Made {
    report: Report,
    lowers: bool,
}

impl Made {
    fn rotates(&self) -> bool {
        matches!(self.report.decision, Decision::Rotate(_))
    }

    /// Of the rules that fit, the one that a planner would take that has to take one.
    fn guess(&self) -> Option<Assignor> {
        match &self.report.method {
            Method::Predict { assignor, .. } => Some(assignor.assignor()),
            Method::None | Method::RotateOutliers { .. } => None,
        }
    }
}

fn made(shape: &Shape, told: Option<Assignor>) -> Made {
    let fleet = Fleet::new(shape).unwrap();
    let before = Balance::of(&fleet.loads()).cv;
    let report = plan(&fleet.snapshot().unwrap(), &policy(shape, told), &Constraints::default());
    if let Decision::Rotate(plan) = &report.decision {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for removal in &plan.removals {
            runtime.block_on(fleet.remove(&removal.pod, Mode::Real)).unwrap();
        }
        fleet.replace();
    }
    Made { report, lowers: Balance::of(&fleet.loads()).cv < before - ROUNDING }
}

/// Plans of one kind, counted.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    plans: usize,
    rotations: usize,
    /// Rotations after which the CV is no lower.
    wrong_rotations: usize,
    /// Holds where a planner that is told the rule makes a rotation that lowers the CV.
    wrong_holds: usize,
    /// Those of them that don't say what would tell the rules apart.
    silent: usize,
    /// With one of the rules that fit taken for the group's: the same.
    guessed: [usize; 3],
    /// With the rule told: rotations, and those after which the CV is no lower.
    told: [usize; 2],
}

impl Count {
    fn of(rule: Assignor, churn: usize) -> Self {
        let mut count = Self::default();
        for shape in shapes() {
            let shape = Shape { assignor: rule, churn, ..shape };
            let inferred = made(&shape, None);
            let guessed = made(&shape, inferred.guess());
            count.add(&inferred, &guessed, &made(&shape, Some(rule)));
        }
        count
    }

    fn add(&mut self, inferred: &Made, guessed: &Made, told: &Made) {
        let counted = |made: &Made| {
            let wrong = made.rotates() && !made.lowers;
            let wrong_hold = !made.rotates() && told.rotates() && told.lowers;
            [made.rotates(), wrong, wrong_hold].map(usize::from)
        };
        let [rotations, wrong_rotations, wrong_holds] = counted(inferred);
        let is_silent = inferred.report.decision.name() != UNCLEAR;
        let [told_rotations, told_wrong, _] = counted(told);
        *self = self.plus(Self {
            plans: 1,
            rotations,
            wrong_rotations,
            wrong_holds,
            silent: if is_silent { wrong_holds } else { 0 },
            guessed: counted(guessed),
            told: [told_rotations, told_wrong],
        });
    }

    fn plus(self, other: Self) -> Self {
        Self {
            plans: self.plans + other.plans,
            rotations: self.rotations + other.rotations,
            wrong_rotations: self.wrong_rotations + other.wrong_rotations,
            wrong_holds: self.wrong_holds + other.wrong_holds,
            silent: self.silent + other.silent,
            guessed: std::array::from_fn(|which| self.guessed[which] + other.guessed[which]),
            told: std::array::from_fn(|which| self.told[which] + other.told[which]),
        }
    }

    fn row(&self, name: &str, kind: &str) {
        let Self { plans, rotations, wrong_rotations, wrong_holds, silent, .. } = self;
        let ([guessed, guessed_wrong, guessed_holds], [told, told_wrong]) = (self.guessed, self.told);
        println!(
            "| {name} | {kind} | {plans} | {guessed}, {guessed_wrong} | {guessed_holds} | {rotations}, {wrong_rotations} | \
             {wrong_holds}, {silent} | {told}, {told_wrong} |"
        );
    }
}

#[test]
#[ignore = "takes minutes without optimization"]
fn a_rule_that_nothing_tells_is_not_guessed() {
    println!(
        "| rule | group | plans | guessed: rotations, wrong | wrong holds | all that fit: rotations, wrong | wrong holds, \
         silent | told: rotations, wrong |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let (mut all, mut of_today) = (Count::default(), Count::default());
    for rule in Assignor::ALL {
        for (churn, kind) in CHURN.into_iter().zip(["fresh", "after churn"]) {
            let count = Count::of(rule, churn);
            count.row(rule.name(), kind);
            assert!(rule.is_sticky() || count.rotations == 0, "{rule} makes the same sets again");
            all = all.plus(count);
            if rule != Assignor::EarlyUniform {
                of_today = of_today.plus(count);
            }
        }
    }
    all.row("all", "");
    assert_eq!(all.silent, 0, "each wrong hold says what would tell the rules apart");
    // No rule that is told does better than this.
    let (rotations, wrong) = (of_today.rotations, of_today.wrong_rotations);
    assert!(wrong * 100 <= rotations * 8, "{wrong} of {rotations}");
    assert!(wrong * 2 <= of_today.guessed[1], "{wrong} and {}", of_today.guessed[1]);
    let [told, told_wrong] = all.told;
    assert!(all.wrong_rotations * told <= told_wrong * all.rotations, "{all:?}");
}
