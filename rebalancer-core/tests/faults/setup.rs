//! What one seed makes: a fleet, the rules it is rebalanced by, how much time things take, and what goes wrong how often.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rebalancer_core::assignor::Assignor;
use rebalancer_core::cycle::MemorySettings;
use rebalancer_core::history::{ApprovalLimits, Budget, HistoryPolicy};
use rebalancer_core::policy::{Persistence, Policy, QuietHours, Strategy};
use rebalancer_core::unit::{Percent, Share};

use crate::fault::{Fault, Hitch, Mix};

/// The cycle's own deadline, counted from its start by a clock that nobody sets.
pub(crate) const DEADLINE: SignedDuration = SignedDuration::from_secs(28);

/// Half of the longest time that one call takes: on its way there, and on its way back.
pub(crate) const HALF_CALL: SignedDuration = SignedDuration::from_millis(2_500);

/// As the program reckons it: the deadline, two calls, and ten seconds.
pub(crate) const LOCK_FOR: SignedDuration = SignedDuration::from_secs(28 + 2 * 5 + 10);

/// Everything about one episode that does not change while it runs.
pub(crate) struct Setup {
    pub(crate) pods: usize,
    pub(crate) stateful: bool,
    /// If not, a Rollout in place of a Deployment.
    pub(crate) custom: bool,
    pub(crate) assignor: Assignor,
    pub(crate) partitions: u32,
    /// Percent; `None` without an autoscaler.
    pub(crate) hpa: Option<f64>,
    /// Pods that each disruption budget keeps; mostly one budget or none.
    pub(crate) budgets: Vec<usize>,
    pub(crate) policy: Policy,
    /// Lag is measured too.
    pub(crate) lag: bool,
    pub(crate) memory: MemorySettings,
    pub(crate) interval: SignedDuration,
    pub(crate) rounds: usize,
    pub(crate) mix: Mix,
    /// The longest that one half of a call takes here.
    pub(crate) half_call: SignedDuration,
    /// No clock is further from the truth than this.
    pub(crate) clock_error: SignedDuration,
    /// Somebody must approve each plan.
    pub(crate) approval: Option<ApprovalLimits>,
    /// Another cluster has a fleet of the same consumer group.
    pub(crate) spans_clusters: bool,
    /// The fleet is known by watches, whose events may come late.
    pub(crate) watches: bool,
    /// Processes may be suspended, without the deadline's clock noticing.
    pub(crate) suspends: bool,
}

impl Setup {
    pub(crate) fn of(random: &mut ChaCha8Rng) -> Self {
        let pods = random.random_range(6..=14);
        let suspends = random.random_bool(0.3);
        let mix = mix(random);
        let half_call =
            [100, 500, 2_500].choose(random).map_or(HALF_CALL, |ms| SignedDuration::from_millis(*ms));
        Self {
            pods,
            stateful: random.random_bool(0.3),
            custom: pods.is_multiple_of(3),
            watches: pods % 3 == 1,
            assignor: assignor(random),
            partitions: random.random_range(2..=5) * u32::try_from(pods).unwrap_or(6),
            hpa: random.random_bool(0.6).then_some(60.0),
            budgets: budgets(pods, random),
            policy: policy(pods, random),
            lag: random.random_bool(0.4),
            memory: MemorySettings {
                policy: history_policy(random),
                lock_for: LOCK_FOR,
                one_removal: HALF_CALL * 2,
            },
            interval: SignedDuration::from_mins(random.random_range(3..=6) * 2),
            rounds: random.random_range(25..=60),
            half_call,
            clock_error: clock_error(&mix, suspends),
            approval: None,
            spans_clusters: false,
            suspends,
            mix,
        }
    }

    /// Removing pods can't change how uneven the fleet is.
    pub(crate) fn is_hopeless(&self) -> bool {
        matches!(self.assignor, Assignor::Range | Assignor::RoundRobin)
    }

    pub(crate) fn budget(&self) -> Option<Budget> {
        self.memory.policy.budget()
    }
}

/// How far clocks may be off so that the lock can still keep its promise; that is a bound in principle, since nothing
/// stops a removal that was sent before the lock expired.
///
/// - Where the deadline's clock runs on, a removal takes effect within the deadline and one call of the lock's beginning,
///   and another run takes the lock over after [`LOCK_FOR`] and the store's five seconds: clocks may differ by the rest,
///   20 seconds.
/// - Where a process may be suspended unnoticed, only the lock's end stops it. No removal is asked for later than one call
///   before it, so what clocks differ by must fit into the store's five seconds.
fn clock_error(mix: &Mix, suspends: bool) -> SignedDuration {
    match (mix.rate(Fault::ClockStep) > 0.0, suspends) {
        (false, _) => SignedDuration::ZERO,
        (true, false) => SignedDuration::from_secs(9),
        (true, true) => SignedDuration::from_secs(2),
    }
}

/// Drawn by a generator of its own, so that episodes are what they were before anybody was asked.
pub(crate) fn approval(seed: u64) -> Option<ApprovalLimits> {
    let mut random = ChaCha8Rng::seed_from_u64(!seed);
    let valid_for = SignedDuration::from_mins(random.random_range(8..60));
    let tolerance = Percent::new(random.random_range(0.0..20.0)).unwrap();
    random.random_bool(0.1).then(|| ApprovalLimits::new(valid_for, tolerance).unwrap())
}

/// Drawn by a generator of its own, so that episodes are what they were before there were several clusters.
pub(crate) fn spans_clusters(seed: u64) -> bool {
    ChaCha8Rng::seed_from_u64(seed.rotate_left(32)).random_bool(0.2)
}

fn assignor(random: &mut ChaCha8Rng) -> Assignor {
    let rules = [
        Assignor::CooperativeSticky,
        Assignor::CooperativeSticky,
        Assignor::Uniform,
        Assignor::Range,
        Assignor::RoundRobin,
    ];
    *rules.choose(random).unwrap()
}

fn budgets(pods: usize, random: &mut ChaCha8Rng) -> Vec<usize> {
    match random.random_range(0..20) {
        0..10 => Vec::new(),
        10..19 => vec![pods - random.random_range(1..=4)],
        _ => vec![pods / 2, pods / 3],
    }
}

fn policy(pods: usize, random: &mut ChaCha8Rng) -> Policy {
    let quiet = QuietHours::parse("01:00-02:30", TimeZone::UTC).unwrap();
    let persistence = Persistence::new(
        NonZeroUsize::new(2).unwrap(),
        NonZeroUsize::new(3).unwrap(),
        SignedDuration::from_mins(2),
    );
    Policy::default()
        .with_top_k(NonZeroUsize::new(random.random_range(1..=3)).unwrap())
        .with_minimum_improvement(Percent::new(5.0).unwrap())
        .with_minimum_pods(pods - random.random_range(2..=5))
        .with_minimum_age(SignedDuration::from_mins(2))
        .with_most_young(Share::new(0.5).unwrap())
        .with_opt_in(random.random_bool(0.1))
        .with_quiet_hours(random.random_bool(0.15).then_some(quiet))
        .with_persistence(if random.random_bool(0.5) { Persistence::NONE } else { persistence.unwrap() })
        .with_minimum_coverage(Share::new(0.6).unwrap())
        .with_strategy(if random.random_bool(0.1) { Strategy::Predict } else { Strategy::RotateOutliers })
        .with_variance_thresholds(BTreeMap::new())
}

fn history_policy(random: &mut ChaCha8Rng) -> HistoryPolicy {
    let budget = Budget::new(random.random_range(2..=8), SignedDuration::from_hours(1)).unwrap();
    HistoryPolicy::default()
        .settling_for(SignedDuration::from_mins(random.random_range(2..=12)))
        .and_then(|history_policy| {
            history_policy.giving_up_after(random.random_range(1..=3), random.random_range(2..=5))
        })
        .and_then(|history_policy| {
            history_policy.opening_for(SignedDuration::from_mins(20), SignedDuration::from_hours(4))
        })
        .unwrap()
        .spending(Some(budget))
}

/// A quarter of the episodes has no faults at all, so that it can't pass by doing nothing. The others have some of them,
/// each more or less often.
fn mix(random: &mut ChaCha8Rng) -> Mix {
    let mut mix = Mix::default();
    if random.random_bool(0.25) {
        return mix;
    }
    let share = random.random_range(0.1..0.6);
    for fault in Fault::ALL {
        if random.random_bool(share) {
            mix.set(fault, fault.usual() * random.random_range(0.3..3.0));
        }
    }
    for hitch in Hitch::ALL {
        if random.random_bool(share) {
            mix.disturb(hitch, hitch.usual() * random.random_range(0.3..3.0));
        }
    }
    mix
}
