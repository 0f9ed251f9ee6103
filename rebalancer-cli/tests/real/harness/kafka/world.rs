//! A fleet whose pods consume from Kafka, and what one cycle of the binary makes of it: what was predicted, and what came.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::harness::fleet::{Fleet, Pods};
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::loads::{self, Flow, Loads};
use crate::harness::kafka::observed::{Observed, cv};
use crate::harness::kafka::pods::{Launch, PodConsumers, pod_of};
use crate::harness::rebalancer::{Rebalancer, Run};
use crate::harness::setup::Setup;

pub(crate) const PODS: usize = 6;
/// Longer than members take to notice a rebalance, so that the group settles without the removed before others come.
pub(crate) const LATE: Duration = Duration::from_secs(6);
/// An outcome that is so many standard deviations off was not among those that are possible.
const DEVIATIONS: f64 = 4.0;
/// Time passes between two looks at the loads of a window.
const DRIFT: f64 = 0.005;

/// A fleet with its group, at rest.
pub(crate) struct World {
    pub(crate) fleet: Fleet,
    pub(crate) consumers: PodConsumers,
    pub(crate) pods: Pods,
    pub(crate) before: Observed,
}

/// By Kafka alone, and for whatever gain.
pub(crate) fn eager(fleet: &Fleet, consumers: &PodConsumers) -> Rebalancer {
    fleet
        .rebalancer_without_metrics()
        .env("KAFKA_BOOTSTRAP_SERVERS", consumers.broker.bootstrap())
        .env("KAFKA_GROUP_ID", &consumers.group)
        .env("METRICS_TIME_WINDOW", "20m")
        .env("INDICATORS", "production_rate")
        .env("PRODUCTION_RATE_VARIANCE_THRESHOLD", "0.1")
        // Some pod is hot, whatever the group's first assignment is.
        .env("TOLERANCE_MULTIPLIER", "1.05")
        .env("MINIMUM_IMPROVEMENT_PERCENT", "0")
}

/// What `make` makes, in which a dry run wants to rotate. Ids are random, and with them the first assignment: one group in ten
/// or so is held, as it should be.
pub(crate) async fn promising<T>(make: impl AsyncFn() -> T, rebalancer: impl Fn(&T) -> Rebalancer) -> T {
    for _ in 0..8 {
        let made = make().await;
        let dry = rebalancer(&made).env("DRY_RUN", "true").run().await.expect_exit(0);
        let decision = dry.log_with(&["\"event\":\"decision\""]).remove(0)["decision"].clone();
        if decision == "rotate" {
            return made;
        }
        assert_eq!(decision, "small_gain", "{}", dry.stderr);
    }
    panic!("there was nothing to gain in eight groups");
}

/// What a run did.
pub(crate) struct Rotated {
    pub(crate) run: Run,
    pub(crate) gone: BTreeSet<String>,
    pub(crate) observed: Observed,
    before: f64,
    after: f64,
}

impl World {
    pub(crate) async fn start(launch: Launch) -> Self {
        Self::of(Fleet::named("loop"), launch).await
    }

    /// A world in which there is something to gain, and its rotation.
    pub(crate) async fn rotating(launch: impl Fn() -> Launch) -> (Self, Rotated) {
        Self::rotating_of(async || Self::start(launch()).await).await
    }

    /// The same, of worlds that are more than a launch.
    pub(crate) async fn rotating_of(world: impl AsyncFn() -> Self) -> (Self, Rotated) {
        let world = promising(world, Self::rebalancer).await;
        let rotated = world.rotated().await;
        (world, rotated)
    }

    pub(crate) async fn of(setup: Setup, launch: Launch) -> Self {
        let broker = Broker::shared().await;
        let flows = [
            Flow::log_normal(&broker.name("orders"), 17, 1.0, 7).hot(3, 3),
            Flow::log_normal(&broker.name("payments"), 9, 1.0, 8),
        ];
        Self::with(setup, launch, &flows).await
    }

    /// With these loads.
    pub(crate) async fn with(setup: Setup, launch: Launch, flows: &[Flow]) -> Self {
        let mut fleet = setup.start().await;
        let consumers = PodConsumers::launch(&mut fleet, launch, flows, PODS).await;
        let (pods, before) = consumers.settled(&fleet).await;
        Self { fleet, consumers, pods, before }
    }

    pub(crate) fn rebalancer(&self) -> Rebalancer {
        eager(&self.fleet, &self.consumers)
    }

    /// One cycle, and what came of it once the group is at rest again.
    pub(crate) async fn rotated(&self) -> Rotated {
        let run = self.rebalancer().run().await.expect_exit(0);
        let gone = self.fleet.gone(&self.pods).await.into_iter();
        let gone: BTreeSet<String> = gone.map(|index| self.pods.0[index].name.clone()).collect();
        let loads = loads::measured(&self.consumers.source).await;
        let (_, after) = self.consumers.settled_without(&self.fleet, &gone).await;
        let [before, cv_after] = [&self.before, &after].map(|observed| cv_by_pod(observed, &loads));
        Rotated { run, gone, observed: after, before, after: cv_after }
    }
}

fn cv_by_pod(observed: &Observed, loads: &Loads) -> f64 {
    let mut by_pod: BTreeMap<String, f64> = BTreeMap::new();
    for (name, load) in observed.loads(loads) {
        if let Some(pod) = pod_of(&name) {
            *by_pod.entry(pod.to_owned()).or_default() += load;
        }
    }
    cv(by_pod.into_values().collect::<Vec<_>>().into_iter())
}

impl Rotated {
    pub(crate) fn event(&self, name: &str) -> Value {
        let found = self.run.log_with(&[&format!("\"event\":\"{name}\"")]);
        found.into_iter().next().unwrap_or_else(|| panic!("no {name} in:\n{}", self.run.stderr))
    }

    /// Pods were evicted, and what was predicted came; where several outcomes are possible, one of them.
    pub(crate) fn expect_as_predicted(&self) {
        let (expected, spread) = self.expect_rotation();
        let off = (expected - self.after).abs();
        assert!(off < DEVIATIONS * spread + DRIFT, "{}: {}", self.after, self.run.stderr);
    }

    /// Pods were evicted, by loads as they are; the CV that was predicted, and its spread.
    pub(crate) fn expect_rotation(&self) -> (f64, f64) {
        let prediction = self.event("prediction");
        let number = |field: &str| prediction[field].as_f64().unwrap();
        assert!(!self.gone.is_empty(), "{}", self.run.stderr);
        let (expected, spread) = (number("expected_cv"), number("cv_spread"));
        eprintln!("CV {:.3} -> {:.3}, predicted {expected:.3} (± {spread:.3})", self.before, self.after);
        assert!((number("cv_before") - self.before).abs() < DRIFT, "{}: {prediction}", self.before);
        (expected, spread)
    }

    /// The same where only one outcome is possible.
    pub(crate) fn expect_exact(&self) {
        let spread = self.event("prediction")["cv_spread"].as_f64().unwrap();
        assert!(spread < 1e-9, "{}", self.run.stderr);
        self.expect_as_predicted();
    }

    pub(crate) fn expect_held(&self, decision: &str) {
        assert_eq!(self.event("decision")["decision"], decision, "{}", self.run.stderr);
        assert!(self.gone.is_empty(), "{:?}", self.gone);
    }

    pub(crate) fn expect_method(&self, words: &[&str]) {
        let method = self.event("method")["method"].to_string();
        assert!(words.iter().all(|word| method.contains(word)), "{method}");
    }
}
