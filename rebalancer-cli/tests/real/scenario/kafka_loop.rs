//! The closed loop: the binary reads a real group, predicts and evicts; its pods' consumers leave, their replacements join;
//! and what came is set beside what was predicted.

use rebalancer_core::policy::Timing;

use crate::harness::fleet::Fleet;
use crate::harness::kafka::bare::Rotation;
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::courses::course;
use crate::harness::kafka::loads::Flow;
use crate::harness::kafka::pods::Launch;
use crate::harness::kafka::protocol::Protocol;
use crate::harness::kafka::world::{LATE, World};
use crate::harness::rebalancer::{Rebalancer, Run};

const LEAVE_THEN_JOIN: &str = "replacements join after the removed pods have left";
const ALL_AT_ONCE: &str = "removed pods leave and replacements join in one rebalance";

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_rotation_of_slow_pods_comes_out_as_predicted() {
    for protocol in [Protocol::CooperativeSticky, Protocol::Sticky] {
        let (_world, rotated) = World::rotating(|| Launch::of(protocol).start_up(LATE)).await;
        rotated.expect_method(&[protocol.spoken(), "told by Kafka", LEAVE_THEN_JOIN]);
        rotated.expect_exact();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_rotation_of_quick_pods_comes_out_as_predicted() {
    let launch = || Launch::of(Protocol::CooperativeSticky).joining_as_others_leave();
    let (_world, rotated) = World::rotating(launch).await;
    rotated.expect_method(&["cooperative-sticky", "told by Kafka", ALL_AT_ONCE]);
    rotated.expect_exact();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_rotation_of_librdkafka_consumers_matched_by_client_id_comes_out_as_predicted() {
    let launch = || Launch::of(Protocol::LibrdkafkaCooperativeSticky).start_up(LATE);
    let (_world, rotated) = World::rotating(launch).await;
    rotated.expect_method(&["librdkafka-cooperative-sticky", "told by Kafka", LEAVE_THEN_JOIN]);
    rotated.expect_exact();
}

/// Members that leave a tenth of a second apart are assigned together or one by one: what comes is one of a few outcomes.
#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_rotation_of_the_consumer_protocol_takes_one_of_the_coordinators_courses() {
    let (world, rotated) = World::rotating(|| Launch::of(Protocol::Uniform).start_up(LATE)).await;
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

fn patient(world: &World) -> Rebalancer {
    world.rebalancer().env("KAFKA_REPLACEMENT_WAIT", "40s").env("CYCLE_TIMEOUT", "90s")
}

/// A run whose plan waits. Which rotation is the best depends on the members' ids, which are random: of every two groups with
/// these loads about one has such a plan, and where two plans are worth nearly the same, the run's own readings of the rates may
/// choose otherwise than those of the dry run before it.
async fn a_run_whose_plan_waits() -> Run {
    let paces = |run: &Run| -> Vec<_> {
        let predictions = run.log_with(&["\"event\":\"prediction\""]);
        predictions.iter().map(|prediction| prediction["pace"].clone()).collect()
    };
    for _ in 0..16 {
        let flows = [Flow::log_normal(&Broker::shared().await.name("orders"), 26, 1.0, 3)];
        let launch = Launch::of(Protocol::CooperativeSticky).start_up(LATE);
        let world = World::with(Fleet::named("loop"), launch, &flows).await;
        let dry = patient(&world).env("DRY_RUN", "true").run().await.expect_exit(0);
        if paces(&dry) == ["each-awaited"] {
            let run = patient(&world).run().await.expect_exit(0);
            if paces(&run) == ["each-awaited"] {
                return run;
            }
        }
    }
    panic!("no plan waits for replacements");
}

/// Before anything is known of when replacements join, two pods that go together may bring this or that. Where the second waits
/// until the replacement of the first is a member, what comes is what was predicted.
#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_run_that_waits_for_each_replacement_leaves_nothing_open() {
    let run = a_run_whose_plan_waits().await;
    let events = |name: &str| run.log_with(&[&format!("\"event\":\"{name}\"")]);
    let removed = run.log_with(&["\"event\":\"removal_finished\"", "\"outcome\":\"removed\""]).len();
    assert!(removed > 1, "{}", run.stderr);
    assert_eq!(events("replacement_joined").len(), removed - 1, "{}", run.stderr);
    let came = events("group_settled");
    let number = |field: &str| came[0][field].as_f64().unwrap();
    let off = (number("measured_cv") - number("predicted_cv")).abs();
    assert!(off < 3.0 * number("cv_spread") + 0.005, "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn several_consumers_in_a_pod_leave_and_come_together() {
    let launch = || Launch::of(Protocol::CooperativeSticky).each(2).start_up(LATE);
    let (_world, rotated) = World::rotating(launch).await;
    rotated.expect_method(&["26 partitions on 12 members", LEAVE_THEN_JOIN]);
    rotated.expect_as_predicted();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_member_outside_the_fleet_stays_and_takes_part() {
    let with_a_laptop = async || {
        let mut world = World::start(Launch::of(Protocol::CooperativeSticky).start_up(LATE)).await;
        world.consumers.add_outside("laptop").await;
        (_, world.before) = world.consumers.settled(&world.fleet).await;
        world
    };
    let (_world, rotated) = World::rotating_of(with_a_laptop).await;
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
