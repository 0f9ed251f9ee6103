//! A pod whose work costs twice as much because of its node, where its replacements are bound to come back to.

use k8s_openapi::api::core::v1::Pod;

use super::prediction::{blocks, with_partitions};
use crate::harness::fleet::{Fleet, Pods};
use crate::harness::metrics::{History, Server};
use crate::harness::wait;

const PODS: usize = 8;
/// Messages a second of each pod's partitions; a message costs a millicore.
const HOLDS: [f64; 4] = [150.0; 4];
const SLOW: usize = 3;

fn cores() -> [f64; PODS] {
    let mut cores = [HOLDS.iter().sum::<f64>() / 1000.0; PODS];
    cores[SLOW] *= 2.0;
    cores
}

/// Contiguous blocks, as range makes them: nothing but the pod itself can help.
fn history(fleet: &Fleet, pods: &Pods) -> History {
    with_partitions(fleet, (pods, &[HOLDS; PODS]), blocks, |history, labels, load| {
        history.counter("rdkafka_topics_partitions_rxmsgs", labels, load)
    })
}

async fn node(fleet: &Fleet, pod: &str) -> String {
    fleet.api::<Pod>().get(pod).await.unwrap().spec.unwrap().node_name.unwrap()
}

#[tokio::test]
#[ignore]
async fn a_pod_on_a_slow_node_is_replaced_twice_and_then_the_node_is_named() {
    for server in Server::BOTH {
        let setup = Fleet::named("slow-node").stateful_set().bound_to_nodes();
        let fleet = setup.cpu(&cores()).hpa(70).start().await;
        let mut pods = fleet.settled().await;
        let slow = pods.0[SLOW].name.clone();
        let on = node(&fleet, &slow).await;
        let metrics = history(&fleet, &pods).serve(server).await;
        let rebalancer = fleet.rebalancer(&metrics).envs(&[
            ("KAFKA_METRICS_PRESET", "librdkafka"),
            ("KAFKA_ASSIGNOR", "range"),
            ("KAFKA_REPLACEMENT_TIMING", "leave-then-join"),
            ("RECORD_STORE", "lease"),
            ("SETTLE_TIME", "1s"),
        ]);
        for turn in 1..=2 {
            let run = wait::until("the pod to be replaced", async || {
                let run = rebalancer.clone().run().await.expect_exit(0);
                if fleet.gone(&pods).await.is_empty() { Err(run.stderr) } else { Ok(run) }
            })
            .await;
            assert_eq!(fleet.gone(&pods).await, [SLOW], "{server:?} {turn}: {}", run.stderr);
            let predicted = &run.log_with(&["\"event\":\"prediction\""])[0];
            println!("{server:?} {turn}: {predicted}");
            pods = fleet.settled().await;
            assert_eq!(node(&fleet, &slow).await, on, "{server:?}");
        }
        let run = wait::until("the last replacement to be measured", async || {
            let run = rebalancer.clone().run().await.expect_exit(0);
            let held = run.log_with(&["\"event\":\"decision\""])[0]["decision"] != "settling";
            if held { Ok(run) } else { Err(run.stderr) }
        })
        .await;
        let decision = &run.log_with(&["\"event\":\"decision\""])[0];
        assert_eq!(decision["decision"], "slow_node", "{server:?}: {}", run.stderr);
        let reason = decision["reason"].as_str().unwrap();
        assert!(
            reason.contains(&format!("node {on}: the last 2 replacements of such pods did not help"))
                && reason.contains(&format!("2.00 times as much on {slow}")),
            "{server:?}: {reason}"
        );
        assert_eq!(fleet.gone(&pods).await, [] as [usize; 0], "{server:?}");
    }
}
