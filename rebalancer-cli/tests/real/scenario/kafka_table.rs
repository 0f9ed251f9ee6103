//! How predictions hold, over many rotations of real groups.
//!
//! To save time, consumers run without pods here: the library predicts, by `rebalancer_core::predict`, and the test itself
//! replaces the members that carry most and least. The whole loop with pods and the binary is in `kafka_loop`.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rebalancer_core::assignor::{Assignor, Topic, uniform};
use rebalancer_core::cycle::{FleetReading, GroupSide, Subject, assemble};
use rebalancer_core::fleet::consumer_group::TopicPartition;
use rebalancer_core::fleet::{Owner, PartitionLoad};
use rebalancer_core::policy::Timing;
use rebalancer_core::port::{GroupSource as _, MetricsSource, Readings};
use rebalancer_core::snapshot::{GroupQuestion, Surroundings};
use rebalancer_core::{Indicator, Pod, Policy, Prediction, Snapshot, Workload, predict};

use crate::harness::kafka::bare::{BareGroup, Rotation};
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::clients::Clients;
use crate::harness::kafka::courses::course;
use crate::harness::kafka::loads::{Flow, Loads, WINDOW};
use crate::harness::kafka::observed::{Observed, cv};
use crate::harness::kafka::protocol::{Client, Protocol};
use crate::harness::kafka::rotation::{dealt, holdings};
use crate::harness::kafka::table::{Counts, Line, Outcome, table};
use crate::harness::wait;

/// Groups that rotate at the same time.
const AT_ONCE: usize = 4;

/// Topics and members of a group, from a seed.
async fn group(protocol: Protocol, random: &mut ChaCha8Rng) -> BareGroup {
    let broker = Broker::shared().await;
    let members = random.random_range(6..=12);
    let mut flow = |name: &str, partitions: usize| {
        let flow = Flow::log_normal(&broker.name(name), partitions, 1.0, random.random());
        let hot = random.random_range(0..partitions);
        flow.hot(hot, 3)
    };
    let flows = [flow("orders", members * 3 + 1), flow("payments", members + 2)];
    BareGroup::start(protocol, &flows, members).await
}

/// The members with the highest and the lowest loads, as the planner removes them.
fn extremes(observed: &Observed, loads: &Loads, random: &mut ChaCha8Rng) -> BTreeSet<String> {
    let mut by_load: Vec<(String, f64)> = observed.loads(loads).into_iter().collect();
    by_load.sort_by(|a, b| b.1.total_cmp(&a.1));
    let names: Vec<String> = by_load.into_iter().map(|(name, _)| name).collect();
    let (hot, cold) = (random.random_range(1..=2), random.random_range(0..=1));
    names.iter().take(hot).chain(names.iter().rev().take(cold)).cloned().collect()
}

/// There is none: Kafka tells the loads.
struct NoMetrics;

#[async_trait]
impl MetricsSource for NoMetrics {
    async fn read(&self, _: Timestamp) -> Readings {
        Readings::none()
    }
}

/// What the library sees: a pod for each member, which its client id names.
async fn snapshot(group: &BareGroup, observed: &Observed) -> Snapshot {
    let now = Timestamp::now();
    let owner = || Owner::of_apps("StatefulSet", "consumer", "uid-of-the-set");
    let pod = |name: &String| {
        Pod::new(name, format!("uid-of-{name}")).with_owner(owner()).with_ready_since(now - WINDOW)
    };
    let question =
        GroupQuestion { indicators: vec![Indicator::ProductionRate], partitions: true, window: WINDOW };
    let side = GroupSide { source: &group.source, question: &question };
    let reading = FleetReading {
        readings: Readings::none(),
        hpas: Ok(Vec::new()),
        surroundings: Surroundings::default(),
        pods: observed.names.values().map(pod).collect(),
        group: Some(side.read(now).await),
    };
    let workload = Workload { namespace: String::new(), name: "consumer".to_owned() };
    let subject = Subject { workload, hpa_prefix: String::new() };
    assemble(&subject, reading, &NoMetrics, Some(side), &Policy::default(), now).await.unwrap()
}

fn loads_of(snapshot: &Snapshot) -> Loads {
    let partitions = snapshot.partitions.iter().flatten();
    let named = |one: &PartitionLoad| TopicPartition::new(&one.topic, one.partition.parse().unwrap());
    partitions.map(|one| (named(one), one.load.get())).collect()
}

fn predicted(snapshot: &Snapshot, gone: &BTreeSet<String>, timing: Timing) -> Prediction {
    let policy = Policy::default().with_timing(Some(timing));
    let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
    predict(snapshot, Indicator::ProductionRate, &policy.group, &gone).unwrap()
}

/// The assignor gives what came, with the steps that the timing stands for; of a coordinator, by one of its courses.
fn went_by_the_rule(rotation: &Rotation, protocol: Protocol, timing: Timing) -> bool {
    if protocol.assignor() == Assignor::Uniform {
        let course = course(timing, rotation);
        eprintln!("{protocol}, {timing:?}: {}", course.as_deref().unwrap_or("none of its courses"));
        return course.is_some();
    }
    let steps = [Some(&rotation.before), rotation.between.as_ref(), Some(&rotation.after)];
    let steps: Vec<&Observed> = steps.into_iter().flatten().collect();
    (1..).zip(steps.windows(2)).all(|(number, step)| {
        let (expected, came) = (dealt(protocol.assignor(), step[0], step[1]), holdings(step[1]));
        if expected != came {
            let ids: Vec<&str> = step[1].group.members.iter().map(|member| member.id.as_str()).collect();
            let other: Vec<&String> = came.keys().filter(|id| came[*id] != expected[*id]).collect();
            eprintln!(
                "{protocol}, step {number}: not by the rule: {other:?}; members as Kafka lists them: {ids:?}"
            );
        }
        expected == came
    })
}

fn cv_of(observed: &Observed, loads: &Loads) -> f64 {
    let loads: Vec<f64> = observed.loads(loads).into_values().collect();
    cv(loads.iter().copied())
}

/// So many rotations of one group, one after the other.
async fn line(protocol: Protocol, timing: Timing, rotations: usize, seed: u64) -> Line {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut group = group(protocol, &mut random).await;
    let mut outcomes = Vec::new();
    for _ in 0..rotations {
        let before = group.at_rest().await;
        assert_eq!(before.group.assignor.as_deref(), Some(protocol.chosen()));
        let snapshot = snapshot(&group, &before).await;
        let loads = loads_of(&snapshot);
        let gone = extremes(&before, &loads, &mut random);
        let prediction = predicted(&snapshot, &gone, timing);
        assert_eq!(prediction.assignor.assignor(), protocol.assignor());
        let rotation = group.rotate(before, &gone, timing).await;
        let cvs = [&rotation.before, &rotation.after].map(|observed| cv_of(observed, &loads));
        outcomes.push(Outcome::new(went_by_the_rule(&rotation, protocol, timing), cvs, &prediction));
    }
    Line { protocol, timing, outcomes }
}

async fn lines(protocols: &[Protocol], rotations: usize) -> Vec<Line> {
    let both = [Timing::AllAtOnce, Timing::LeaveThenJoin];
    let cells = protocols.iter().flat_map(|protocol| both.map(|timing| (*protocol, timing)));
    let lines = cells.zip(1..).map(|((protocol, timing), seed)| line(protocol, timing, rotations, seed));
    let lines: Vec<Line> = futures_util::stream::iter(lines).buffered(AT_ONCE).collect().await;
    eprintln!("{}", table(&lines));
    lines
}

/// What holds whatever a busy machine makes of the timing: a coordinator takes one of its courses, fixed sets come back, and
/// a prediction with one outcome holds where the group went by the rule.
fn expect_no_wrong_prediction(lines: &[Line]) {
    for Line { protocol, timing, outcomes } in lines {
        for outcome in outcomes {
            let has_courses = protocol.assignor() == Assignor::Uniform;
            assert!(!has_courses || outcome.by_the_rule, "{protocol}, {timing:?}: {outcome:?}");
            let must_hold = outcome.by_the_rule || !protocol.assignor().is_sticky();
            let is_exact = outcome.is_certain() && outcome.is_exact();
            assert!(!must_hold || !outcome.is_certain() || is_exact, "{protocol}, {timing:?}: {outcome:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn twenty_rotations_of_real_groups_come_out_as_predicted() {
    let lines = lines(&Protocol::ALL, 1).await;
    expect_no_wrong_prediction(&lines);
    let all = Counts::of(lines.iter().flat_map(|line| &line.outcomes));
    assert_eq!(all.rotations, 20);
    assert!(all.by_the_rule >= 12, "the fixed sets alone are ten: {all:?}");
    assert!(all.median_error <= 0.05, "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn rotations_under_a_coordinator_come_out_as_predicted() {
    let lines = lines(&[Protocol::Uniform, Protocol::LibrdkafkaUniform], 12).await;
    expect_no_wrong_prediction(&lines);
}

/// Of 17 topics there must be two.
async fn topics_that_share_a_bucket(broker: &Broker) -> Vec<String> {
    let java = Clients::shared(Client::Java).await;
    let flows: Vec<Flow> =
        (0..17).map(|number| Flow::log_normal(&broker.name("shared"), 20 + number % 7, 1.0, 1)).collect();
    for flow in &flows {
        flow.make(&java).await;
    }
    let names: BTreeSet<String> = flows.iter().map(|flow| flow.topic.clone()).collect();
    let source = broker.source(&broker.name("nobody"));
    let topics = wait::until("the topics' ids", async || {
        let topics = source.topics(&names).await.map_err(|error| error.to_string())?;
        let ids: Option<Vec<_>> = topics.iter().map(|topic| topic.id.map(|id| (id.most, id.least))).collect();
        ids.filter(|ids| ids.len() == 17)
            .map(|ids| (topics, ids))
            .ok_or_else(|| "not all are there".to_owned())
    });
    let (topics, ids) = topics.await;
    let known: Vec<_> = topics.iter().zip(ids).map(|(topic, id)| (topic.name.as_str(), id, 1)).collect();
    let pairs = known.iter().flat_map(|one| known.iter().map(move |other| [*one, *other]));
    let bucket = |topic: &Topic| topic.hash.map(|hash| (hash ^ hash >> 16) % 16);
    let mut of_one_bucket = pairs.filter(|[one, other]| {
        let both = uniform::topics(&[*one, *other]);
        one.0 < other.0 && bucket(&both[0]) == bucket(&both[1])
    });
    of_one_bucket.next().unwrap().map(|(name, _, _)| name.to_owned()).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn topics_that_share_a_bucket_come_in_the_order_in_which_each_member_got_them() {
    let broker = Broker::shared().await;
    for _ in 0..3 {
        let topics = topics_that_share_a_bucket(broker).await;
        let mut group = BareGroup::of_topics(Protocol::Uniform, topics, 7).await;
        for _ in 0..4 {
            let before = group.at_rest().await;
            let gone: BTreeSet<String> = before.names.values().take(2).cloned().collect();
            let rotation = group.rotate(before, &gone, Timing::LeaveThenJoin).await;
            assert!(went_by_the_rule(&rotation, group.protocol, Timing::LeaveThenJoin), "{rotation:?}");
        }
    }
}

/// Some seven minutes, so it runs alone and on request:
///
/// ```text
/// KAFKA_ASSETS="$(.ci/kafka)" cargo test -p rebalancer-cli --test real -- --ignored --nocapture two_hundred
/// ```
#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn two_hundred_rotations_of_real_groups_come_out_as_predicted() {
    let lines = lines(&Protocol::ALL, 12).await;
    expect_no_wrong_prediction(&lines);
    let all = Counts::of(lines.iter().flat_map(|line| &line.outcomes));
    assert!(all.rotations >= 200);
    assert!(all.median_error <= 0.05, "{all:?}");
}
