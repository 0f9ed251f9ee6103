//! Consumers in pods: what the kubelet starts and stops.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use rebalancer_kafka::KafkaGroupSource;
use tokio::time::{Instant, sleep};

use crate::harness::fleet::{Fleet, Pods};
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::clients::{Clients, Consumer};
use crate::harness::kafka::loads::Flow;
use crate::harness::kafka::observed::Observed;
use crate::harness::kafka::protocol::{Client, HEARTBEAT_MILLISECONDS, Protocol};
use crate::harness::kubelet::{self, Containers};
use crate::harness::wait;

/// How members are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientId {
    /// `consumer-GROUP-1` in every pod, as the Java client calls the first consumer of a process.
    OfJava,
    /// The pod's name.
    PodName,
}

/// What the pods of a fleet run.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) protocol: Protocol,
    /// Consumers in each pod.
    pub(crate) each: usize,
    pub(crate) client_id: ClientId,
    /// Each has the pod's name as its `group.instance.id`.
    pub(crate) is_static: bool,
    /// From a pod's creation to its consumers' start.
    pub(crate) start_up: Duration,
    /// From a pod's deletion to its consumers' leaving.
    pub(crate) stopping: Duration,
    /// More settings of the consumers.
    pub(crate) settings: BTreeMap<String, String>,
    /// The first pods that start run no consumer.
    pub(crate) idle: usize,
    /// To which topics consumers subscribe.
    pub(crate) topics: Topics,
}

/// To which topics the consumers of a pod subscribe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topics {
    /// Each to all.
    All,
    /// Each to all, by one pattern.
    Pattern,
    /// The n-th of a pod to the n-th.
    OneEach,
}

impl Launch {
    /// One consumer a pod, which starts and stops at once.
    pub(crate) fn of(protocol: Protocol) -> Self {
        Self {
            protocol,
            each: 1,
            client_id: match protocol.client() {
                Client::Java => ClientId::OfJava,
                Client::Librdkafka => ClientId::PodName,
            },
            is_static: false,
            start_up: Duration::ZERO,
            stopping: Duration::ZERO,
            settings: protocol.heartbeat(HEARTBEAT_MILLISECONDS).into_iter().collect(),
            idle: 0,
            topics: Topics::All,
        }
    }

    /// The first pods that start, so many, run no consumer.
    pub(crate) fn idle(mut self, pods: usize) -> Self {
        self.idle = pods;
        self
    }

    /// How consumers subscribe.
    pub(crate) fn topics(mut self, topics: Topics) -> Self {
        self.topics = topics;
        self
    }

    /// So many consumers in each pod, as threads or `concurrency` make them.
    pub(crate) fn each(mut self, count: usize) -> Self {
        self.each = count;
        self
    }

    /// Consumers start so long after their pod was created.
    pub(crate) fn start_up(mut self, time: Duration) -> Self {
        self.start_up = time;
        self
    }

    /// Consumers leave so long after their pod was deleted.
    pub(crate) fn stopping(mut self, time: Duration) -> Self {
        self.stopping = time;
        self
    }

    /// Replacements start while those that they replace stop, so that one rebalance is for both.
    pub(crate) fn joining_as_others_leave(self) -> Self {
        self.start_up(Duration::from_millis(1200)).stopping(Duration::from_millis(1000))
    }

    /// Members are static.
    pub(crate) fn with_instance_ids(mut self) -> Self {
        self.is_static = true;
        self
    }

    /// Client ids have the pod's name.
    pub(crate) fn named_by_pod(mut self) -> Self {
        self.client_id = ClientId::PodName;
        self
    }
}

/// The consumers of a fleet, in a group of their own. When this is dropped, they leave.
pub(crate) struct PodConsumers {
    containers: Arc<Running>,
    namespace: String,
    pub(crate) broker: &'static Broker,
    pub(crate) clients: Arc<Clients>,
    pub(crate) group: String,
    pub(crate) source: KafkaGroupSource,
    /// Names of members that run in no pod.
    outside: BTreeSet<String>,
}

impl PodConsumers {
    /// Makes these topics with their records; then pods of the fleet's namespace run these consumers, from their start on.
    /// So it comes before the pods: the fleet has none yet.
    pub(crate) async fn launch(fleet: &mut Fleet, launch: Launch, flows: &[Flow], pods: usize) -> Self {
        let java = Clients::shared(Client::Java).await;
        for flow in flows {
            flow.make(&java).await;
        }
        let clients = Clients::shared(launch.protocol.client()).await;
        Self::launch_at((Broker::shared().await, clients), fleet, launch, flows, pods).await
    }

    /// The same at a broker of the scenario's own, with its clients. The topics are there.
    pub(crate) async fn launch_at(
        (broker, clients): (&'static Broker, Arc<Clients>),
        fleet: &mut Fleet,
        launch: Launch,
        flows: &[Flow],
        pods: usize,
    ) -> Self {
        let topics = flows.iter().map(|flow| flow.topic.clone()).collect();
        Self::launch_into((broker, clients), (broker.name("orders"), topics), fleet, launch, pods).await
    }

    /// Another fleet in the same group.
    pub(crate) async fn launch_beside(&self, fleet: &mut Fleet, launch: Launch, pods: usize) -> Self {
        let at = (self.broker, Arc::clone(&self.clients));
        let group = (self.group.clone(), self.containers.topics.clone());
        Self::launch_into(at, group, fleet, launch, pods).await
    }

    async fn launch_into(
        (broker, clients): (&'static Broker, Arc<Clients>),
        (group, topics): (String, Vec<String>),
        fleet: &mut Fleet,
        launch: Launch,
        pods: usize,
    ) -> Self {
        let containers = Arc::new(Running {
            clients: Arc::clone(&clients),
            group: group.clone(),
            topics,
            launch,
            addresses: Mutex::default(),
            idle: Mutex::default(),
            held_back: AtomicBool::new(false),
            started: tokio::sync::Mutex::default(),
        });
        kubelet::run(&fleet.namespace, Arc::clone(&containers) as Arc<dyn Containers>);
        fleet.scale(pods).await;
        let (namespace, source) = (fleet.namespace.clone(), broker.source(&group));
        Self { containers, namespace, broker, clients, group, source, outside: BTreeSet::new() }
    }

    /// From now on consumers of new pods don't start, until [`Self::let_start`].
    pub(crate) fn hold_back(&self) {
        self.containers.held_back.store(true, Ordering::Relaxed);
    }

    /// The end of [`Self::hold_back`].
    pub(crate) fn let_start(&self) {
        self.containers.held_back.store(false, Ordering::Relaxed);
    }

    /// One more member, which runs in no pod.
    pub(crate) async fn add_outside(&mut self, name: &str) {
        let consumer = Consumer {
            name: name.to_owned(),
            group: self.group.clone(),
            topics: self.containers.topics.clone(),
            protocol: self.containers.launch.protocol,
            settings: BTreeMap::from([("client.id".to_owned(), name.to_owned())]),
        };
        self.clients.add(&consumer).await;
        self.outside.insert(consumer.name);
    }

    /// Names of the members that these pods run, and of those that run in none.
    pub(crate) fn names(&self, pods: &Pods) -> impl Iterator<Item = String> {
        let inside = pods.0.iter().flat_map(|pod| self.containers.names(&pod.name));
        inside.chain(self.outside.iter().cloned())
    }

    /// The fleet and its group, once both have settled.
    pub(crate) async fn settled(&self, fleet: &Fleet) -> (Pods, Observed) {
        let pods = fleet.settled().await;
        let names = self.names(&pods).collect();
        let observed = Observed::at_rest(&self.clients, &self.source, &names).await;
        (pods, observed)
    }

    /// The same, when none of these pods' consumers is a member any more.
    pub(crate) async fn settled_without(&self, fleet: &Fleet, gone: &BTreeSet<String>) -> (Pods, Observed) {
        wait::until("pods to be gone", async || {
            let left: Vec<String> = fleet.pods().await.0.into_iter().map(|pod| pod.name).collect();
            let left: Vec<&String> = left.iter().filter(|name| gone.contains(*name)).collect();
            if left.is_empty() { Ok(()) } else { Err(format!("{left:?} are there")) }
        })
        .await;
        self.settled(fleet).await
    }
}

impl Drop for PodConsumers {
    fn drop(&mut self) {
        kubelet::run_nothing(&self.namespace);
        let pods: Vec<String> =
            self.containers.addresses.lock().unwrap().values().map(|(name, _)| name.clone()).collect();
        let inside = pods.iter().flat_map(|pod| self.containers.names(pod));
        for name in inside.chain(self.outside.iter().cloned()) {
            self.clients.leave_now(&name);
        }
    }
}

/// The pod of a consumer, by the consumer's name; `None` for one that runs in none.
pub(crate) fn pod_of(consumer: &str) -> Option<&str> {
    consumer.rsplit_once('/').map(|(pod, _)| pod)
}

struct Running {
    clients: Arc<Clients>,
    group: String,
    topics: Vec<String>,
    launch: Launch,
    /// Names of pods that run nothing.
    idle: Mutex<BTreeSet<String>>,
    /// Names and addresses of pods, by UID.
    addresses: Mutex<BTreeMap<String, (String, Ipv4Addr)>>,
    /// New pods' consumers wait.
    held_back: AtomicBool,
    /// UIDs of pods, and whether their consumers may run; held while they are started or stopped.
    started: tokio::sync::Mutex<BTreeMap<String, bool>>,
}

impl Running {
    fn names(&self, pod: &str) -> Vec<String> {
        if self.idle.lock().unwrap().contains(pod) {
            return Vec::new();
        }
        (1..=self.launch.each).map(|number| format!("{pod}/{number}")).collect()
    }

    /// Whether a pod is one of the first that start, which run nothing.
    fn is_idle(&self, pod: &str) -> bool {
        let mut idle = self.idle.lock().unwrap();
        idle.contains(pod) || (idle.len() < self.launch.idle && idle.insert(pod.to_owned()))
    }

    fn topics(&self, number: usize) -> Vec<String> {
        match self.launch.topics {
            Topics::All => self.topics.clone(),
            Topics::Pattern => vec![format!("^({})$", self.topics.join("|"))],
            Topics::OneEach => vec![self.topics[(number - 1) % self.topics.len()].clone()],
        }
    }

    /// A loopback address that no other pod has: all of 127.0.0.0/8 is here.
    fn host(&self, pod: &Pod) -> Ipv4Addr {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        const FIRST: u32 = 0x7F01_0000;
        let next = || Ipv4Addr::from(FIRST + NEXT.fetch_add(1, Ordering::Relaxed));
        let mut addresses = self.addresses.lock().unwrap();
        addresses.entry(pod.uid().unwrap()).or_insert_with(|| (pod.name_any(), next())).1
    }

    fn consumer(&self, pod: &Pod, number: usize) -> Consumer {
        let (launch, name) = (&self.launch, pod.name_any());
        let numbered = if launch.each > 1 { format!("{name}-{number}") } else { name.clone() };
        let mut settings = launch.settings.clone();
        let client_id = match launch.client_id {
            ClientId::OfJava => format!("consumer-{}-{number}", self.group),
            ClientId::PodName => numbered.clone(),
        };
        settings.insert("client.id".to_owned(), client_id);
        if launch.protocol.client() == Client::Java {
            settings.insert("host".to_owned(), self.host(pod).to_string());
        }
        if launch.is_static {
            settings.insert("group.instance.id".to_owned(), numbered);
        }
        Consumer {
            name: format!("{name}/{number}"),
            group: self.group.clone(),
            topics: self.topics(number),
            protocol: launch.protocol,
            settings,
        }
    }
}

#[async_trait]
impl Containers for Running {
    fn address(&self, pod: &Pod) -> IpAddr {
        self.host(pod).into()
    }

    async fn start(&self, pod: &Pod) {
        if self.is_idle(&pod.name_any()) {
            return;
        }
        sleep(self.launch.start_up).await;
        while self.held_back.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(20)).await;
        }
        let mut started = self.started.lock().await;
        if *started.entry(pod.uid().unwrap()).or_insert(true) {
            for number in 1..=self.launch.each {
                self.clients.add(&self.consumer(pod, number)).await;
            }
        }
    }

    async fn stop(&self, pod: &Pod) {
        sleep(self.launch.stopping).await;
        let names = self.names(&pod.name_any());
        let was_started = self.started.lock().await.insert(pod.uid().unwrap(), false) == Some(true);
        if !was_started {
            return;
        }
        for name in &names {
            self.clients.leave(name).await;
        }
        // Not by `wait`: the future of an async closure can't be sent to another thread.
        let end = Instant::now() + wait::PATIENCE;
        while self.clients.seen().await.keys().any(|name| names.contains(name)) {
            assert!(Instant::now() < end, "{names:?} don't leave");
            sleep(Duration::from_millis(20)).await;
        }
    }
}
