//! The closed loop: the binary reads a real group, predicts and evicts; its pods' consumers leave, their replacements join;
//! and what came is set beside what was predicted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rebalancer_core::policy::Timing;
use serde_json::Value;

use crate::harness::fleet::{Fleet, Pods};
use crate::harness::kafka::bare::Rotation;
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::courses::course;
use crate::harness::kafka::loads::{self, Flow, Loads};
use crate::harness::kafka::observed::{Observed, cv};
use crate::harness::kafka::pods::{Launch, PodConsumers, pod_of};
use crate::harness::kafka::protocol::Protocol;
use crate::harness::rebalancer::{Rebalancer, Run};
use crate::harness::setup::Setup;

const PODS: usize = 6;
/// Longer than members take to notice a rebalance, so that the group settles without the removed before others come.
const LATE: Duration = Duration::from_secs(6);
/// An outcome that is so many standard deviations off was not among those that are possible.
const DEVIATIONS: f64 = 4.0;
/// Time passes between two looks at the loads of a window.
const DRIFT: f64 = 0.005;

/// A fleet with its group, at rest.
struct World {
    fleet: Fleet,
    consumers: PodConsumers,
    pods: Pods,
    before: Observed,
}

/// What a run did.
struct Rotated {
    run: Run,
    gone: BTreeSet<String>,
    observed: Observed,
    before: f64,
    after: f64,
}

impl World {
    async fn start(launch: Launch) -> Self {
        Self::of(Fleet::named("loop"), launch).await
    }

    async fn of(setup: Setup, launch: Launch) -> Self {
        let mut fleet = setup.start().await;
        let broker = Broker::shared().await;
        let flows = [
            Flow::log_normal(&broker.name("orders"), 17, 1.0, 7).hot(3, 3),
            Flow::log_normal(&broker.name("payments"), 9, 1.0, 8),
        ];
        let consumers = PodConsumers::launch(&mut fleet, launch, &flows, PODS).await;
        let (pods, before) = consumers.settled(&fleet).await;
        Self { fleet, consumers, pods, before }
    }

    fn rebalancer(&self) -> Rebalancer {
        self.fleet
            .rebalancer_without_metrics()
            .env("KAFKA_BOOTSTRAP_SERVERS", self.consumers.broker.bootstrap())
            .env("KAFKA_GROUP_ID", &self.consumers.group)
            .env("METRICS_TIME_WINDOW", "20m")
            .env("INDICATORS", "production_rate")
            .env("PRODUCTION_RATE_VARIANCE_THRESHOLD", "0.1")
            // Some pod is hot, whatever the group's first assignment is.
            .env("TOLERANCE_MULTIPLIER", "1.05")
            .env("MINIMUM_IMPROVEMENT_PERCENT", "0")
    }

    /// One cycle, and what came of it once the group is at rest again.
    async fn rotated(&self) -> Rotated {
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
    fn event(&self, name: &str) -> Value {
        let found = self.run.log_with(&[&format!("\"event\":\"{name}\"")]);
        found.into_iter().next().unwrap_or_else(|| panic!("no {name} in:\n{}", self.run.stderr))
    }

    /// Pods were evicted, and what was predicted came; where several outcomes are possible, one of them.
    fn expect_as_predicted(&self) {
        let (expected, spread) = self.expect_rotation();
        let off = (expected - self.after).abs();
        assert!(off < DEVIATIONS * spread + DRIFT, "{}: {}", self.after, self.run.stderr);
    }

    /// Pods were evicted, by loads as they are; the CV that was predicted, and its spread.
    fn expect_rotation(&self) -> (f64, f64) {
        let prediction = self.event("prediction");
        let number = |field: &str| prediction[field].as_f64().unwrap();
        assert!(!self.gone.is_empty(), "{}", self.run.stderr);
        let (expected, spread) = (number("expected_cv"), number("cv_spread"));
        eprintln!("CV {:.3} -> {:.3}, predicted {expected:.3} (± {spread:.3})", self.before, self.after);
        assert!((number("cv_before") - self.before).abs() < DRIFT, "{}: {prediction}", self.before);
        (expected, spread)
    }

    /// The same where only one outcome is possible.
    fn expect_exact(&self) {
        let spread = self.event("prediction")["cv_spread"].as_f64().unwrap();
        assert!(spread < 1e-9, "{}", self.run.stderr);
        self.expect_as_predicted();
    }

    fn expect_held(&self, decision: &str) {
        assert_eq!(self.event("decision")["decision"], decision, "{}", self.run.stderr);
        assert!(self.gone.is_empty(), "{:?}", self.gone);
    }

    fn expect_method(&self, words: &[&str]) {
        let method = self.event("method")["method"].to_string();
        assert!(words.iter().all(|word| method.contains(word)), "{method}");
    }
}

const LEAVE_THEN_JOIN: &str = "replacements join after the removed pods have left";
const ALL_AT_ONCE: &str = "removed pods leave and replacements join in one rebalance";

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_rotation_of_slow_pods_comes_out_as_predicted() {
    for protocol in [Protocol::CooperativeSticky, Protocol::Sticky] {
        let world = World::start(Launch::of(protocol).start_up(LATE)).await;
        let rotated = world.rotated().await;
        rotated.expect_method(&[protocol.spoken(), "told by Kafka", LEAVE_THEN_JOIN]);
        rotated.expect_exact();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_rotation_of_quick_pods_comes_out_as_predicted() {
    let launch = Launch::of(Protocol::CooperativeSticky).joining_as_others_leave();
    let world = World::start(launch).await;
    let rotated = world.rotated().await;
    rotated.expect_method(&["cooperative-sticky", "told by Kafka", ALL_AT_ONCE]);
    rotated.expect_exact();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_rotation_of_librdkafka_consumers_matched_by_client_id_comes_out_as_predicted() {
    let world = World::start(Launch::of(Protocol::LibrdkafkaCooperativeSticky).start_up(LATE)).await;
    let rotated = world.rotated().await;
    rotated.expect_method(&["librdkafka-cooperative-sticky", "told by Kafka", LEAVE_THEN_JOIN]);
    rotated.expect_exact();
}

/// Members that leave a tenth of a second apart are assigned together or one by one: what comes is one of a few outcomes.
#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_rotation_of_the_consumer_protocol_takes_one_of_the_coordinators_courses() {
    let world = World::start(Launch::of(Protocol::Uniform).start_up(LATE)).await;
    let rotated = world.rotated().await;
    rotated.expect_method(&["uniform", "told by Kafka", LEAVE_THEN_JOIN]);
    let rotation = Rotation { before: world.before.clone(), between: None, after: rotated.observed.clone() };
    let course = course(Timing::LeaveThenJoin, &rotation);
    eprintln!("course: {course:?}");
    assert!(course.is_some(), "{rotation:#?}");
    rotated.expect_as_predicted();
    if rotated.gone.len() == 1 {
        rotated.expect_exact();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn several_consumers_in_a_pod_leave_and_come_together() {
    let world = World::start(Launch::of(Protocol::CooperativeSticky).each(2).start_up(LATE)).await;
    let rotated = world.rotated().await;
    rotated.expect_method(&["26 partitions on 12 members", LEAVE_THEN_JOIN]);
    rotated.expect_as_predicted();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_member_outside_the_fleet_stays_and_takes_part() {
    let mut world = World::start(Launch::of(Protocol::CooperativeSticky).start_up(LATE)).await;
    world.consumers.add_outside("laptop").await;
    (_, world.before) = world.consumers.settled(&world.fleet).await;
    let rotated = world.rotated().await;
    rotated.expect_method(&["26 partitions on 7 members", LEAVE_THEN_JOIN]);
    rotated.expect_exact();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn groups_in_which_the_same_sets_come_back_are_left_alone() {
    let fixed = World::start(Launch::of(Protocol::Range)).await;
    fixed.rotated().await.expect_held("assignor_restores_sets");
    let launch = Launch::of(Protocol::CooperativeSticky).with_instance_ids();
    let stateful = World::of(Fleet::named("stateful").stateful_set(), launch).await;
    stateful.rotated().await.expect_held("static_members");
}
