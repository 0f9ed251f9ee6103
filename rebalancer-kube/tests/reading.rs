//! Reading the fleet from an API server in memory. Time is virtual: pauses and deadlines take none.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the failure")]

use std::collections::BTreeSet;
use std::time::Duration;

use rebalancer_core::fleet::{CpuTarget, Hpa, Pod, Uid};
use rebalancer_core::fleet::{Level, Measured, Scaling, ScalingMetric};
use rebalancer_core::port::{ApiErrors as Counted, Inventory, InventoryError};
use rebalancer_core::unit::Amount;
use rebalancer_kube::{InventorySettings, KubeInventory};
use serde_json::json;
use tokio::time::Instant;

mod world;
use world::{Fault, World};

fn names(pods: &[Pod]) -> BTreeSet<String> {
    pods.iter().map(|pod| pod.name.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn pages_are_joined_to_the_whole_fleet() {
    let world = World::with_pods(1203);
    let pods = world.inventory().pods().await.unwrap();
    assert_eq!(pods.len(), 1203);
    assert_eq!(names(&pods), world.pods().into_keys().collect());
}

#[tokio::test(start_paused = true)]
async fn an_empty_fleet_is_an_answer() {
    assert_eq!(World::default().inventory().pods().await, Ok(vec![]));
}

#[tokio::test(start_paused = true)]
async fn an_expired_list_is_begun_again_and_two_lists_are_never_mixed() {
    let world = World::with_pods(25).page(10).compacts(2);
    let pods = world.inventory().pods().await.unwrap();
    assert_eq!(names(&pods), world.pods().into_keys().collect());
    assert_eq!(pods.len(), 25);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_keeps_expiring_is_no_answer() {
    let world = World::with_pods(25).page(10).compacts(3);
    let error = world.inventory().pods().await.unwrap_err();
    assert!(matches!(&error, InventoryError::Unavailable { message } if message.contains("410")), "{error}");
}

#[tokio::test(start_paused = true)]
async fn troubles_that_pass_are_waited_out() {
    let faults = [Fault::Status(500, "InternalError"), Fault::Busy, Fault::Serve, Fault::Status(503, "")];
    let world = World::with_pods(20).page(10).faults(faults);
    let inventory = world.inventory();
    assert_eq!(inventory.pods().await.unwrap().len(), 20);
    let Counted { errors, retries } = inventory.errors();
    assert_eq!((errors, retries), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let start = Instant::now();
    let world = World::with_pods(3).faults([Fault::BusyForever]);
    let message = "429: Too many requests, please try again later.".to_owned();
    assert_eq!(world.inventory().pods().await, Err(InventoryError::Unavailable { message }));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn part_of_a_fleet_is_never_returned() {
    let broken = (0..50).map(|_| Fault::Status(500, "InternalError"));
    let world = World::with_pods(20).page(10).faults([Fault::Serve].into_iter().chain(broken));
    let error = world.inventory().pods().await.unwrap_err();
    let message = "500 InternalError: words of the server".to_owned();
    assert_eq!(error, InventoryError::Unavailable { message });
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_ends_at_the_deadline_and_so_do_all_retries_together() {
    for first in [Fault::Hang, Fault::Busy] {
        let start = Instant::now();
        let hangs = (0..9).map(|_| Fault::Hang);
        let world = World::with_pods(3).faults([first].into_iter().chain(hangs));
        let error = world.inventory().pods().await.unwrap_err();
        assert_eq!(error, InventoryError::Unavailable { message: "no answer within 10s".into() });
        assert!(start.elapsed() <= Duration::from_millis(10_010), "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named_with_its_verb_and_resource() {
    let forbidden = |verb, resource| {
        let message = "403 Forbidden: words of the server".to_owned();
        Err(InventoryError::Forbidden { verb, resource, namespace: "shop".into(), message })
    };
    let world = || World::with_pods(1).faults([Fault::Status(403, "Forbidden")]).inventory();
    assert_eq!(world().pods().await, forbidden("list", "pods").map(|()| vec![]));
    assert_eq!(world().pod("a").await, forbidden("get", "pods").map(|()| None));
    let hpas = "horizontalpodautoscalers.autoscaling";
    assert_eq!(world().hpas().await, forbidden("list", hpas).map(|()| vec![]));
}

#[tokio::test(start_paused = true)]
async fn bad_credentials_are_told_apart_and_not_tried_again() {
    let world = World::with_pods(1).faults([Fault::Status(401, "Unauthorized")]);
    assert!(matches!(world.inventory().pods().await, Err(InventoryError::Unauthorized { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_bad_selector_is_rejected_in_the_servers_words() {
    let settings = InventorySettings { label_selector: "!!".into(), ..world::settings() };
    let error = KubeInventory::new(&World::with_pods(1).connection(), settings).pods().await.unwrap_err();
    let told = |message: &str| message.contains("400") && message.contains("unable to parse requirement");
    assert!(matches!(&error, InventoryError::Rejected { message } if told(message)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_kind_is_not_an_empty_fleet() {
    for other in
        [json!({}), json!({"kind": "Status", "status": "Success"}), json!({"kind": "Table", "items": []})]
    {
        let world = World::with_pods(1).faults([Fault::Exactly(200, other)]);
        assert!(matches!(world.inventory().pods().await, Err(InventoryError::Rejected { .. })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_read_by_name_and_a_missing_one_is_none() {
    let inventory = World::with_pods(2).inventory();
    let found = inventory.pod("consumer-0001").await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.uid), ("consumer-0001", Uid::new("uid-1")));
    assert_eq!(inventory.pod("consumer-0002").await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_missing_path_is_not_a_missing_pod() {
    let world = World::with_pods(1).faults([Fault::Status(404, "NotFound")]);
    assert!(matches!(world.inventory().pod("consumer-0000").await, Err(InventoryError::Rejected { .. })));
}

#[tokio::test(start_paused = true)]
async fn autoscalers_come_from_all_pages() {
    let metrics = json!([{"type": "Resource", "resource":
        {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]);
    let hpa = |name: &str| json!({"metadata": {"name": name}, "spec": {"scaleTargetRef": {"name": "w"}, "metrics": metrics}});
    let world = World::default().page(1).hpas(vec![hpa("a"), hpa("b")]);
    let never_looked_at = Scaling {
        active: false,
        current: 0,
        desired: 0,
        minimum: 1,
        last_scaled_at: None,
        wants_fewer: false,
        disabled: false,
    };
    let read = |name: &str| Hpa {
        name: name.into(),
        scales: Some("w".into()),
        scales_kind: None,
        of_container: false,
        cpu: Some(CpuTarget::Utilization(70.0)),
        scaling: Some(never_looked_at),
        scales_by: vec![ScalingMetric {
            measured: Measured::Resource { name: "cpu".into() },
            target: Some(Level::Utilization(Amount::new(70.0).unwrap())),
            current: None,
        }],
    };
    assert_eq!(world.inventory().hpas().await, Ok(vec![read("a"), read("b")]));
}
