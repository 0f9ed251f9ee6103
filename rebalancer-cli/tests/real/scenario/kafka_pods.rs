//! Real consumers in pods: that the group does what the core's assignor says, whatever they speak, and how members tell
//! their pods.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams};

use crate::harness::fleet::Fleet;
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::loads::{self, Flow};
use crate::harness::kafka::observed::{Observed, cv};
use crate::harness::kafka::pods::{Launch, PodConsumers, pod_of};
use crate::harness::kafka::protocol::Protocol;
use crate::harness::kafka::rotation::{dealt, holdings};

const PODS: usize = 5;

async fn flows() -> Vec<Flow> {
    let broker = Broker::shared().await;
    let (orders, payments) = (broker.name("orders"), broker.name("payments"));
    vec![Flow::log_normal(&orders, 11, 1.0, 1).hot(3, 4), Flow::log_normal(&payments, 6, 1.0, 2)]
}

async fn running(launch: Launch) -> (Fleet, PodConsumers) {
    let mut fleet = Fleet::named("consumer").aged().start().await;
    let consumers = PodConsumers::launch(&mut fleet, launch, &flows().await, PODS).await;
    (fleet, consumers)
}

/// Deletes the two pods whose members carry most; their names.
async fn rotate(fleet: &Fleet, observed: &Observed, loads: &loads::Loads) -> BTreeSet<String> {
    let mut by_load: Vec<(String, f64)> = observed.loads(loads).into_iter().collect();
    by_load.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut gone = BTreeSet::new();
    for (name, _) in by_load {
        if gone.len() < 2 && gone.insert(pod_of(&name).to_owned()) {
            fleet.api::<Pod>().delete(pod_of(&name), &DeleteParams::default()).await.unwrap();
        }
    }
    gone
}

async fn addresses(fleet: &Fleet) -> BTreeMap<String, String> {
    let pods = fleet.api::<Pod>().list(&ListParams::default()).await.unwrap();
    let address = |pod: Pod| (pod.status.unwrap().pod_ip.unwrap(), pod.metadata.name.unwrap());
    pods.items.into_iter().map(address).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn members_of_java_are_at_the_hosts_of_their_pods_and_a_rotation_goes_by_the_rule() {
    for protocol in [Protocol::CooperativeSticky, Protocol::Uniform] {
        let (fleet, consumers) = running(Launch::of(protocol)).await;
        let (_, before) = consumers.settled(&fleet).await;
        let loads = loads::measured(&consumers.source).await;
        let gone = rotate(&fleet, &before, &loads).await;
        let (_, after) = consumers.settled_without(&fleet, &gone).await;
        for observed in [&after] {
            let addresses = addresses(&fleet).await;
            for member in &observed.group.members {
                assert_eq!(addresses[&member.host], pod_of(observed.name(member)), "{member:?}");
                assert_eq!(member.client_id, format!("consumer-{}-1", consumers.group));
            }
        }
        eprintln!(
            "{protocol}: CV {:.3} -> {:.3}, {}",
            cv(before.loads(&loads).into_values().collect::<Vec<_>>().into_iter()),
            cv(after.loads(&loads).into_values().collect::<Vec<_>>().into_iter()),
            dealt(protocol.assignor(), &before, &after) == holdings(&after)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn replacements_that_start_late_join_a_group_that_has_settled_without_the_removed() {
    let launch = Launch::of(Protocol::CooperativeSticky).start_up(Duration::from_secs(4));
    let (fleet, consumers) = running(launch).await;
    let (_, before) = consumers.settled(&fleet).await;
    let loads = loads::measured(&consumers.source).await;
    let gone = rotate(&fleet, &before, &loads).await;
    let stay = before.names.values().filter(|name| !gone.contains(pod_of(name))).cloned().collect();
    let between = Observed::at_rest(&consumers.clients, &consumers.source, &stay).await;
    assert_eq!(dealt(Protocol::CooperativeSticky.assignor(), &before, &between), holdings(&between));
    let (_, after) = consumers.settled_without(&fleet, &gone).await;
    assert_eq!(dealt(Protocol::CooperativeSticky.assignor(), &between, &after), holdings(&after));
}
