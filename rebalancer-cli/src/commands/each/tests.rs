//! Who works when, and in which order it is shown. No cluster is there: the work is told so, and does without.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;

use tokio::sync::Barrier;

use super::*;
use crate::config;
use crate::config::layers::gather;

/// Four workloads in two clusters by turns.
const FILE: &str = "
workloads:
  - {DEPLOYMENT_NAME: a, KUBECONFIG: /nowhere/eu}
  - {DEPLOYMENT_NAME: b, KUBECONFIG: /nowhere/us}
  - {DEPLOYMENT_NAME: c, KUBECONFIG: /nowhere/eu}
  - {DEPLOYMENT_NAME: d, KUBECONFIG: /nowhere/us}
";

fn several(at_once: &str) -> Several {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("workloads.yaml");
    std::fs::write(&file, FILE).unwrap();
    let set = BTreeMap::from([
        ("PROMETHEUS_ENDPOINT", "http://metrics:9090"),
        ("KUBE_NAMESPACE", "streams"),
        ("WORKLOADS_FILE", file.to_str().unwrap()),
        ("CONCURRENT_CYCLES", at_once),
    ]);
    let (raw, _) = gather(BTreeMap::new(), |name| set.get(name).map(OsString::from));
    config::several(&raw, config::Purpose::Cycle).unwrap()
}

fn name(settings: &WorkloadSettings) -> String {
    settings.run.subject.workload.name.clone()
}

#[tokio::test]
async fn clusters_are_at_work_at_the_same_time_and_what_they_show_comes_in_the_order_of_the_file() {
    let signals = Signals::listen().unwrap();
    // Nobody passes without somebody of the other cluster.
    let (together, shown) = (Barrier::new(2), RefCell::new(Vec::new()));
    let work = async |connection: Result<Connection, ConnectError>, settings, begun: &Begun<'_>| {
        assert!(connection.is_err(), "nothing is there");
        together.wait().await;
        begun.in_turn().await;
        shown.borrow_mut().push(name(&settings));
        name(&settings)
    };
    let ended = each(several("2"), &signals, work).await;
    assert_eq!(shown.take(), ["a", "b", "c", "d"]);
    assert_eq!(ended.into_iter().flatten().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn no_more_work_at_one_time_than_is_allowed_and_of_one_cluster_never_two() {
    let signals = Signals::listen().unwrap();
    let (working, seen) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    for (at_once, most) in [("1", 1), ("4", 2)] {
        let work = async |_, settings: WorkloadSettings, begun: &Begun<'_>| {
            let way = settings.adapters.kubernetes.kubeconfig.clone();
            working.borrow_mut().push(way.clone());
            seen.borrow_mut().push(working.borrow().clone());
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            working.borrow_mut().retain(|other| *other != way);
            begun.in_turn().await;
        };
        assert_eq!(each(several(at_once), &signals, work).await.len(), 4);
        let seen = seen.take();
        assert_eq!(seen.iter().map(Vec::len).max(), Some(most), "{seen:?}");
        assert!(seen.iter().all(|now| now.len() < 2 || now[0] != now[1]), "{seen:?}");
    }
}

#[tokio::test]
async fn a_cluster_that_is_not_configured_is_told_of_by_the_exit_code_and_nothing_else_changes() {
    let turns = each_workload(several("4"), async |_, _, _| Exit::Finished).await.unwrap();
    assert_eq!(turns, [PerWorkload::NoCluster; 4]);
    let mixed =
        vec![PerWorkload::Done(Exit::Finished), PerWorkload::NoCluster, PerWorkload::Done(Exit::Failed)];
    assert_eq!(worst(Ok(mixed)), Exit::Misconfigured);
}
