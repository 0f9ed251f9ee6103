//! A thousand pods: how long a whole cycle takes, and how much memory.

use std::time::Duration;

use crate::fleet::Fleet;
use crate::metrics::Server;

const PODS: usize = 1_000;

/// Between 0.3 and 0.9 cores, and two hot pods at the front.
fn loads() -> Vec<f64> {
    let mut loads: Vec<f64> = (0..PODS).map(|index| 0.3 + (index * 7 % 60) as f64 / 100.0).collect();
    (loads[0], loads[1]) = (2.0, 1.9);
    loads
}

#[tokio::test]
#[ignore = "needs real servers: KUBEBUILDER_ASSETS=$(.ci/real-servers) cargo test -p rebalancer-cli --test real -- --ignored"]
async fn a_cycle_over_a_thousand_pods_is_far_below_30_seconds_and_small() {
    let fleet = Fleet::named("thousand").cpu(&loads()).hpa(70).start().await;
    for server in Server::BOTH {
        let before = fleet.settled().await;
        let metrics = fleet.history(&before).serve(server).await;
        let run = fleet.rebalance(&metrics, &[]).await.expect_exit(0);
        let seconds = run.elapsed.as_secs_f64();
        let mebibytes = run.peak_memory as f64 / f64::from(1 << 20);
        eprintln!("{PODS} pods, {server:?}: {seconds:.2} s, {mebibytes:.1} MiB at most");
        assert_eq!(run.log_with(&["removal_finished", "\"outcome\":\"removed\""]).len(), 4);
        let gone = fleet.gone(&before).await;
        assert_eq!((gone.len(), &gone[..2]), (4, &[0, 1][..]));
        assert!(run.elapsed < Duration::from_secs(10), "{seconds} s");
        assert!(mebibytes < 64.0, "{mebibytes} MiB");
    }
}
