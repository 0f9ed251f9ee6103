//! A fleet of consumers in a namespace of its own, with known loads.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, Pod};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, Preconditions};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::json;
use tempfile::TempDir;

use crate::harness::control_plane::{ADMIN_TOKEN, ControlPlane};
use crate::harness::fixture::{self, Budget, Rule, Template, Workload};
use crate::harness::kubelet::{self, ANNOTATION, Behavior};
use crate::harness::metrics::History;
use crate::harness::proxy::Proxy;
use crate::harness::rebalancer::{Rebalancer, Run};
use crate::harness::setup::Setup;
use crate::harness::wait;

/// The service account that a fleet's rebalancer uses, with [`fixture::granted`].
pub(crate) const ACCOUNT: &str = "rebalancer";

/// More pods than this are not listed again and again.
const MANY: usize = 2_000;
/// How long they may take on a busy machine.
const PATIENCE_WITH_MANY: Duration = Duration::from_secs(900);

/// Pods as they were at one time, in the order of their names; the n-th has the n-th load.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pods(pub(crate) Vec<SeenPod>);

/// What identifies a pod and its state.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SeenPod {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
}

impl SeenPod {
    fn of(pod: &impl ResourceExt) -> Self {
        Self {
            name: pod.name_any(),
            uid: pod.uid().unwrap(),
            resource_version: pod.resource_version().unwrap(),
        }
    }
}

impl From<&Pod> for SeenPod {
    fn from(pod: &Pod) -> Self {
        Self::of(pod)
    }
}

/// A running fleet.
pub(crate) struct Fleet {
    pub(crate) plane: &'static ControlPlane,
    /// With all rights.
    pub(crate) client: Client,
    pub(crate) namespace: String,
    /// Of the rebalancer's service account.
    pub(crate) token: String,
    pub(crate) dir: TempDir,
    pub(crate) setup: Setup,
}

impl Fleet {
    /// A Deployment of this name with a request of one core, in a namespace of its own.
    pub(crate) fn named(name: &str) -> Setup {
        Setup::deployment(name)
    }

    /// The workload's name, which is its container's too.
    pub(crate) fn name(&self) -> &str {
        &self.setup.name
    }

    /// An API of the fleet's namespace, with all rights.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Waits until exactly the wanted number of pods are there and Ready, none terminating, and the
    /// disruption budget is counted; then tells them.
    pub(crate) async fn settled(&self) -> Pods {
        if self.setup.replicas > MANY {
            return self.many_settled().await;
        }
        let pods = wait::until("a settled fleet", async || {
            let pods = self.list().await;
            let ready = pods.iter().filter(|pod| is_serving(pod)).count();
            let wanted = self.setup.replicas;
            if ready == wanted && pods.len() == wanted {
                Ok(pods)
            } else {
                Err(format!("{ready} of {} pods Ready, wanted {wanted}", pods.len()))
            }
        })
        .await;
        if let Some(budget) = self.setup.budget {
            self.counted(budget).await;
        }
        Pods(pods.iter().map(SeenPod::from).collect())
    }

    /// The same for a Deployment of which a whole list is too dear to ask for it again and again: its own status
    /// tells first.
    async fn many_settled(&self) -> Pods {
        let wanted = self.setup.replicas;
        wait::until_within(PATIENCE_WITH_MANY, "a large fleet", async || {
            let status = self.api::<Deployment>().get(self.name()).await.unwrap().status.unwrap_or_default();
            let counts = [status.replicas, status.ready_replicas].map(Option::unwrap_or_default);
            let counted = counts.map(|count| usize::try_from(count).unwrap());
            if counted == [wanted; 2] { Ok(()) } else { Err(format!("{counted:?} of {wanted} pods")) }
        })
        .await;
        let params = ListParams::default().labels(self.setup.selector);
        let mut pods = self.api::<Pod>().list_metadata(&params).await.unwrap().items;
        pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
        pods.sort_by_key(ResourceExt::name_any);
        assert_eq!(pods.len(), wanted, "none has come or gone since");
        Pods(pods.iter().map(SeenPod::of).collect())
    }

    /// Another Deployment under the same label, whose container has the same name; its pods, once they are Ready.
    pub(crate) async fn deploy_beside(&self, name: &str, replicas: usize) -> Pods {
        let workload = (Workload::Deployment, name);
        fixture::workload(&self.client, &self.namespace, workload, replicas, &self.template()).await;
        let beside = wait::until("the pods beside", async || {
            let mut pods = self.list().await;
            pods.retain(|pod| is_serving(pod) && pod.name_any().starts_with(&format!("{name}-")));
            if pods.len() == replicas { Ok(pods) } else { Err(format!("{} of {replicas}", pods.len())) }
        })
        .await;
        Pods(beside.iter().map(SeenPod::from).collect())
    }

    /// What its own pods are made of.
    pub(crate) fn template(&self) -> Template<'_> {
        Template { container: self.name(), cpu_request: Some(1.0), spec: &self.setup.pod_spec }
    }

    /// Asks for the end of all its pods, so that a large fleet does not slow down what comes after it.
    pub(crate) async fn disband(self) {
        self.patch_workload(json!({"spec": {"replicas": 0}})).await;
    }

    /// Wants so many pods from now on.
    pub(crate) async fn scale(&mut self, replicas: usize) {
        self.patch_workload(json!({"spec": {"replicas": replicas}})).await;
        self.setup.replicas = replicas;
    }

    /// Changes the workload's own object.
    pub(crate) async fn patch_workload(&self, patch: serde_json::Value) {
        let (params, patch) = (PatchParams::default(), Patch::Merge(patch));
        match self.setup.workload {
            Workload::Deployment => {
                drop(self.api::<Deployment>().patch(self.name(), &params, &patch).await.unwrap());
            }
            Workload::StatefulSet => {
                drop(self.api::<StatefulSet>().patch(self.name(), &params, &patch).await.unwrap());
            }
        }
    }

    /// Waits until the budget allows this many disruptions.
    pub(crate) async fn allows_disruptions(&self, wanted: i32) {
        wait::until("the disruption budget", async || {
            let budget = self.api::<PodDisruptionBudget>().get(self.name()).await.unwrap();
            let allowed = budget.status.map_or(-1, |status| status.disruptions_allowed);
            if allowed == wanted { Ok(()) } else { Err(format!("allows {allowed}, not {wanted}")) }
        })
        .await;
    }

    async fn counted(&self, budget: Budget) {
        let wanted = match budget {
            Budget::MaxUnavailable(count) => i32::try_from(count).unwrap(),
            Budget::MinAvailable(count) => {
                let replicas = i32::try_from(self.setup.replicas).unwrap();
                (replicas - i32::try_from(count).unwrap()).max(0)
            }
        };
        self.allows_disruptions(wanted).await;
    }

    /// All pods there are now, in any state.
    pub(crate) async fn pods(&self) -> Pods {
        Pods(self.list().await.iter().map(SeenPod::from).collect())
    }

    async fn list(&self) -> Vec<Pod> {
        let params = ListParams::default().labels(self.setup.selector);
        let mut pods = self.api::<Pod>().list(&params).await.unwrap().items;
        pods.sort_by_key(ResourceExt::name_any);
        pods
    }

    /// Which of these pods, by their index, are no longer there or are being deleted.
    pub(crate) async fn gone(&self, before: &Pods) -> Vec<usize> {
        let now = self.list().await;
        let stays = |uid: &str| {
            now.iter()
                .any(|pod| pod.uid().as_deref() == Some(uid) && pod.metadata.deletion_timestamp.is_none())
        };
        (0..before.0.len()).filter(|&index| !stays(&before.0[index].uid)).collect()
    }

    /// `kind/name` and resourceVersion of all that there is in the namespace, once it has come to rest.
    pub(crate) async fn everything(&self) -> BTreeMap<String, String> {
        wait::until_still("the namespace", async || {
            let mut all = BTreeMap::new();
            self.add::<Pod>(&mut all).await;
            self.add::<Deployment>(&mut all).await;
            self.add::<ReplicaSet>(&mut all).await;
            self.add::<StatefulSet>(&mut all).await;
            self.add::<HorizontalPodAutoscaler>(&mut all).await;
            self.add::<PodDisruptionBudget>(&mut all).await;
            self.add::<Lease>(&mut all).await;
            self.add::<Event>(&mut all).await;
            all
        })
        .await
    }

    async fn add<K>(&self, all: &mut BTreeMap<String, String>)
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + DeserializeOwned
            + Clone
            + std::fmt::Debug,
    {
        let objects = self.api::<K>().list(&ListParams::default()).await.unwrap();
        all.extend(objects.iter().map(|object| {
            (format!("{}/{}", K::kind(&()), object.name_any()), object.resource_version().unwrap())
        }));
    }

    /// The Events about this object, by name.
    pub(crate) async fn events_about(&self, name: &str) -> Vec<Event> {
        let params = ListParams::default().fields(&format!("involvedObject.name={name}"));
        self.api::<Event>().list(&params).await.unwrap().items
    }

    /// Changes what the kubelet makes of a pod, and waits until its status shows it.
    pub(crate) async fn behave(&self, pod: &SeenPod, behavior: Behavior) {
        self.annotate(&pod.name, ANNOTATION, behavior.name()).await.unwrap();
        wait::until("the pod's new status", async || {
            let pod = self.api::<Pod>().get(&pod.name).await.unwrap();
            if behavior.is_shown_by(&pod) { Ok(()) } else { Err(format!("{:?}", pod.status)) }
        })
        .await;
    }

    /// Makes a pod terminating, for good.
    pub(crate) async fn terminate(&self, pod: &SeenPod) {
        self.behave(pod, Behavior::StuckTerminating).await;
        self.api::<Pod>().delete(&pod.name, &DeleteParams::default()).await.unwrap();
    }

    /// Deletes a pod and waits until another one is Ready under the same name (of a StatefulSet).
    pub(crate) async fn replace(&self, pod: &SeenPod) {
        let preconditions = Preconditions { uid: Some(pod.uid.clone()), resource_version: None };
        let params = DeleteParams { preconditions: Some(preconditions), ..Default::default() };
        self.api::<Pod>().delete(&pod.name, &params).await.unwrap();
        wait::until("the pod's successor", async || match self.api::<Pod>().get_opt(&pod.name).await {
            Ok(Some(new)) if new.uid().as_deref() != Some(&pod.uid) && is_serving(&new) => Ok(()),
            other => Err(format!("{:?}", other.map(|pod| pod.map(|pod| pod.metadata)))),
        })
        .await;
    }

    /// From now on no new pod starts: it stays Pending, as in a full cluster. So a disruption budget that
    /// is used up stays so.
    pub(crate) fn freeze(&self) {
        kubelet::freeze(&self.namespace);
    }

    /// The end of [`Self::freeze`].
    pub(crate) async fn thaw(&self) {
        kubelet::thaw(&self.namespace);
        for pod in self.list().await {
            // One that is being deleted may be gone by now.
            let _ = self.annotate(&pod.name_any(), "test.rebalancer/touched", "thawed").await;
        }
    }

    /// Sets an annotation of a pod.
    pub(crate) async fn annotate(&self, pod: &str, name: &str, value: &str) -> kube::Result<()> {
        let patch = Patch::Merge(json!({"metadata": {"annotations": {name: value}}}));
        self.api::<Pod>().patch_metadata(pod, &PatchParams::default(), &patch).await.map(drop)
    }

    /// A history in which the n-th of these pods has the n-th load, and its CPU request.
    pub(crate) fn history(&self, pods: &Pods) -> History {
        let loads = pods.0.iter().zip(&self.setup.cores);
        loads.fold(self.requests(pods), |history, (pod, &cores)| history.cpu(&pod.name, cores))
    }

    /// A history of the pods' CPU requests alone.
    pub(crate) fn requests(&self, pods: &Pods) -> History {
        let history = History::new(&self.namespace, self.name());
        let Some(cores) = self.setup.cpu_request else { return history };
        pods.0.iter().fold(history, |history, pod| history.cpu_request(&pod.name, cores))
    }

    /// One cycle with a metric server, and variables besides those that every run needs.
    pub(crate) async fn rebalance(&self, metrics: impl AsRef<str>, variables: &[(&str, &str)]) -> Run {
        self.rebalancer(metrics).envs(variables).run().await
    }

    /// A run with the variables it needs, as the service account with [`fixture::granted`]. Pods may be of any
    /// age and one reading is enough, since those of the scenarios are seconds old; any share of the fleet may go, since
    /// it is small; and nothing is remembered. Scenarios that are about one of these say so.
    pub(crate) fn rebalancer(&self, metrics: impl AsRef<str>) -> Rebalancer {
        self.rebalancer_without_metrics().env("PROMETHEUS_ENDPOINT", metrics.as_ref())
    }

    /// The same without a metric server.
    pub(crate) fn rebalancer_without_metrics(&self) -> Rebalancer {
        Rebalancer::new()
            .env("MINIMUM_POD_AGE", "0s")
            .env("PERSISTENCE_WINDOWS", "1")
            .env("MAXIMUM_REMOVAL_SHARE", "1")
            .env("RECORD_STORE", "none")
            .env("KUBE_NAMESPACE", &self.namespace)
            .env("DEPLOYMENT_NAME", self.name())
            .kubeconfig(&self.dir.path().join(ACCOUNT))
    }

    /// A kubeconfig of another service account, with these rights only.
    pub(crate) async fn kubeconfig_with(&self, account: &str, rules: &[Rule<'_>]) -> PathBuf {
        fixture::service_account(&self.client, &self.namespace, account, &fixture::rules(rules)).await;
        let token = self.plane.token(&self.client, &self.namespace, account).await;
        self.plane.kubeconfig(&self.file(account), &self.plane.url, &token)
    }

    /// The rebalancer's kubeconfig by way of a proxy.
    pub(crate) fn kubeconfig_through(&self, proxy: &Proxy) -> PathBuf {
        self.plane.kubeconfig(&self.file("proxied"), &proxy.url, &self.token)
    }

    /// What a person sees by `kubectl describe`.
    pub(crate) async fn describe(&self, kind: &str, name: &str) -> String {
        let kubeconfig = self.plane.kubeconfig(&self.file("person"), &self.plane.url, ADMIN_TOKEN);
        let mut kubectl = tokio::process::Command::new(crate::harness::assets::find("kubectl"));
        kubectl.args(["--namespace", &self.namespace, "describe", kind, name]).env("KUBECONFIG", kubeconfig);
        let output = kubectl.kill_on_drop(true).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A file of the fleet's own folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

fn is_serving(pod: &Pod) -> bool {
    kubelet::is_ready(pod) && pod.metadata.deletion_timestamp.is_none()
}
