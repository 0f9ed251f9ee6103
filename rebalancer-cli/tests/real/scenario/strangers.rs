//! A StatefulSet of one name in two clusters, whose metrics are in one store.

use crate::harness::check::check;
use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fleet::{Fleet, Pods};
use crate::harness::metrics::{History, Server};
use crate::harness::rebalancer::Run;

/// A fleet in balance.
const EVEN: [f64; 6] = [0.7, 0.72, 0.69, 0.7, 0.71, 0.7];

/// The same pods in another cluster, out of balance.
fn other_cluster(fleet: &Fleet, pods: &Pods) -> History {
    let history = History::new(&fleet.namespace, fleet.name());
    let loads = pods.0.iter().zip(WORKED_EXAMPLE);
    loads.fold(history, |history, (pod, cores)| history.cpu(&pod.name, cores).cpu_request(&pod.name, 1.0))
}

fn decision(run: &Run) -> (String, String) {
    let line = run.log_with(&["\"event\":\"decision\""]).remove(0);
    let text = |name: &str| line[name].as_str().unwrap().to_owned();
    (text("decision"), text("reason"))
}

#[tokio::test]
#[ignore]
async fn another_clusters_load_removes_no_pod_and_the_label_is_named() {
    let fleet = Fleet::named("two-clusters").stateful_set().cpu(&EVEN).hpa(70).start().await;
    let before = fleet.settled().await;
    let here = fleet.history(&before).labelled(&[("cluster", "eu")]);
    for server in Server::BOTH {
        let there = other_cluster(&fleet, &before).labelled(&[("cluster", "us")]);
        let metrics = here.clone().and(there).serve(server).await;
        let run = fleet.rebalance(&metrics, &[FOUR_MAY_GO[0]]).await.expect_exit(0);
        let (decision_of_both, reason) = decision(&run);
        assert_eq!(decision_of_both, "ambiguous_series", "{server:?}: {}", run.stderr);
        for word in ["pod two-clusters-", "cluster (\"eu\", \"us\")", "PROMETHEUS_MATCHERS"] {
            assert!(reason.contains(word), "{server:?}: {reason}");
        }
        assert_eq!(fleet.gone(&before).await, [] as [usize; 0], "{server:?}");

        let (findings, run) = check(fleet.rebalancer(&metrics).envs(&[FOUR_MAY_GO[0]])).await;
        assert_eq!(run.exit_code, 1, "{findings:#?}");
        findings
            .expect("error", "series_ambiguous", &["cluster=\"eu\" or cluster=\"us\"", "PROMETHEUS_MATCHERS"])
            .expect("error", "never_rotates", &["ambiguous_series"]);

        let selected = |matchers| [FOUR_MAY_GO[0], ("PROMETHEUS_MATCHERS", matchers), ("DRY_RUN", "true")];
        let run = fleet.rebalance(&metrics, &selected("cluster=\"eu\"")).await.expect_exit(0);
        assert_eq!(decision(&run).0, "balanced", "{server:?}: {}", run.stderr);
        let run = fleet.rebalance(&metrics, &selected("cluster=\"us\"")).await.expect_exit(0);
        assert_eq!(
            decision(&run).0,
            "rotate",
            "{server:?}: the other cluster is out of balance: {}",
            run.stderr
        );
    }
}

#[tokio::test]
#[ignore]
async fn strangers_in_one_indicator_hold_the_whole_cycle() {
    let fleet = Fleet::named("mixed-memory").stateful_set().cpu(&WORKED_EXAMPLE).hpa(70).start().await;
    let before = fleet.settled().await;
    let memory = |cluster: &'static str| {
        before.0.iter().fold(History::new(&fleet.namespace, fleet.name()), |history, pod| {
            let labels = [("pod", pod.name.as_str()), ("container", fleet.name()), ("region", cluster)];
            history.gauge("container_memory_working_set_bytes", &labels, 1e9)
        })
    };
    let everything = fleet.everything().await;
    for server in Server::BOTH {
        let metrics = fleet.history(&before).and(memory("a")).and(memory("b")).serve(server).await;
        let variables = [FOUR_MAY_GO[0], ("INDICATORS", "cpu,memory")];
        let run = fleet.rebalance(&metrics, &variables).await.expect_exit(0);
        let (decision, reason) = decision(&run);
        assert_eq!(decision, "ambiguous_series", "{server:?}: {}", run.stderr);
        assert!(reason.contains("memory: ") && reason.contains("region (\"a\", \"b\")"), "{reason}");
        assert_eq!(fleet.everything().await, everything, "{server:?}");
    }
}
