//! Members as real groups have them: pods without one, several in a pod, subscriptions of their own. What is predicted is
//! what comes.

use crate::harness::kafka::pods::{Launch, Topics};
use crate::harness::kafka::protocol::Protocol;
use crate::harness::kafka::world::{LATE, World};

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_pod_without_a_member_takes_no_part_and_stays() {
    let launch = || Launch::of(Protocol::CooperativeSticky).start_up(LATE).idle(1);
    let (world, rotated) = World::rotating(launch).await;
    rotated.expect_method(&["26 partitions on 5 members"]);
    rotated.expect_exact();
    let with_member: Vec<String> = world.before.names.values().cloned().collect();
    let of_member = |pod: &String| with_member.iter().any(|name| name.starts_with(&format!("{pod}/")));
    assert!(rotated.gone.iter().all(of_member), "{:?}", rotated.gone);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn members_that_subscribe_by_a_pattern_come_out_as_predicted() {
    for protocol in [Protocol::CooperativeSticky, Protocol::Uniform] {
        let launch = || Launch::of(protocol).start_up(LATE).topics(Topics::Pattern);
        let (_world, rotated) = World::rotating(launch).await;
        rotated.expect_method(&["26 partitions on 6 members", "told by Kafka"]);
        rotated.expect_as_predicted();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn members_of_a_pod_that_subscribe_to_a_topic_each_come_out_as_predicted() {
    for protocol in [Protocol::CooperativeSticky, Protocol::Uniform] {
        let launch = || Launch::of(protocol).each(2).start_up(LATE).topics(Topics::OneEach);
        let (_world, rotated) = World::rotating(launch).await;
        rotated.expect_method(&["26 partitions on 12 members", "told by Kafka"]);
        rotated.expect_as_predicted();
    }
}
