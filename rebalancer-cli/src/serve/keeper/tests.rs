//! Clusters that are not configured yet, and those whose credentials take their time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rebalancer_kube::ConnectionSettings;
use tokio::task::LocalSet;

use super::*;
use crate::config::{self, layers::gather};

/// Counts cycles by the name of the cluster.
#[derive(Clone, Default)]
struct Counted(Rc<RefCell<BTreeMap<String, usize>>>);

#[async_trait(?Send)]
impl Cycle for Counted {
    async fn run(&self, _: &Adapters, run: RunSettings, _: &Watch) -> (Last, Option<Record>) {
        *self.0.borrow_mut().entry(run.cluster.unwrap()).or_default() += 1;
        (Last::failed(String::new()), None)
    }
}

impl Counted {
    fn of(&self, cluster: &str) -> usize {
        self.0.borrow().get(cluster).copied().unwrap_or(0)
    }
}

/// One workload in a cluster whose kubeconfig is this file, there or not.
fn workload(cluster: &str, kubeconfig: &Path) -> WorkloadSettings {
    let file = kubeconfig.display().to_string();
    let given = BTreeMap::from([
        ("PROMETHEUS_ENDPOINT", "http://127.0.0.1:1"),
        ("KUBE_NAMESPACE", "shop"),
        ("DEPLOYMENT_NAME", "orders"),
        ("CLUSTER_NAME", cluster),
        ("CYCLE_TIMEOUT", "1s"),
    ]);
    let flags = BTreeMap::from([("KUBECONFIG".to_owned(), OsString::from(file))]);
    let (raw, problems) = gather(flags, |name| given.get(name).map(OsString::from));
    assert!(problems.is_empty());
    config::workloads(&raw).unwrap().remove(0)
}

/// Nobody listens there.
fn kubeconfig(user: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Config, current-context: c, contexts: [{{name: c, context: {{cluster: c, user: u}}}}], \
         clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:1'}}}}], users: [{{name: u, user: {user}}}]}}"
    )
}

fn keeper(cycle: &Counted, again: Duration) -> Keeper<Counted> {
    let second = Duration::from_secs(1);
    let settings = ServeSettings {
        interval: second,
        shortest: second / 100,
        at_once: NonZeroUsize::MIN,
        listen: ([127, 0, 0, 1], 0).into(),
        home: ConnectionSettings {
            kubeconfig: None,
            context: None,
            timeout: second,
            user_agent: "test".to_owned(),
        },
        election: None,
    };
    let signals = Signals::listen().unwrap();
    let board = Arc::new(Board::new(None));
    Keeper { settings, board, signals, leadership: None, again, cycle: cycle.clone() }
}

/// Keeps these workloads until this holds.
async fn keeps_until(
    keeper: Keeper<Counted>,
    read: impl Fn() -> Vec<WorkloadSettings>,
    holds: impl AsyncFnOnce(),
) {
    let keep = async {
        tokio::select! {
            () = keeper.keep(read(), None, || Ok(read())) => unreachable!("nobody asks it to end"),
            () = holds() => {}
        }
    };
    LocalSet::new().run_until(keep).await;
}

async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_cluster_that_is_not_configured_is_looked_for_again_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let [here, later] = ["here", "later"].map(|name| folder.path().join(name));
    fs::write(&here, kubeconfig("{token: t}")).unwrap();
    let counted = Counted::default();
    let keeper = keeper(&counted, Duration::from_millis(20));
    let board = Arc::clone(&keeper.board);
    let read = || vec![workload("eu", &here), workload("us", &later)];
    keeps_until(keeper, read, async || {
        until(|| counted.of("eu") > 0).await;
        let problem = |cluster: &str| {
            let places = board.places();
            let place = places.iter().find(|place| place.cluster.as_deref() == Some(cluster)).unwrap();
            place.last.as_ref().and_then(|last| last.problem.clone()).unwrap_or_default()
        };
        assert!(problem("us").contains("later"), "it says which file is not there: {}", problem("us"));
        assert_eq!(counted.of("us"), 0);
        fs::write(&later, kubeconfig("{token: t}")).unwrap();
        let before = counted.of("eu");
        until(|| counted.of("us") > 0 && counted.of("eu") > before).await;
    })
    .await;
}

/// The plugin of the one waits until the other has had its cycle.
#[tokio::test]
async fn a_cluster_whose_credentials_take_their_time_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let [slow, quick, plugin, go_on] =
        ["slow", "quick", "plugin", "go-on"].map(|name| folder.path().join(name));
    let credential =
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t"}}"#;
    let script =
        format!("#!/bin/sh\nwhile [ ! -e {} ]; do sleep 0.01; done\necho '{credential}'\n", go_on.display());
    fs::write(&plugin, script).unwrap();
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o700)).unwrap();
    let user = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: '{}', interactiveMode: Never}}}}",
        plugin.display()
    );
    fs::write(&slow, kubeconfig(&user)).unwrap();
    fs::write(&quick, kubeconfig("{token: t}")).unwrap();
    let counted = Counted::default();
    // By name, the slow one is the first.
    let read = || vec![workload("a", &slow), workload("b", &quick)];
    keeps_until(keeper(&counted, AGAIN), read, async || {
        until(|| counted.of("b") > 0).await;
        assert_eq!(counted.of("a"), 0);
        fs::write(&go_on, "").unwrap();
        until(|| counted.of("a") > 0).await;
    })
    .await;
}
