//! Real consumers of all scenarios, in one process for each kind of client, driven by lines.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex};

use rebalancer_core::fleet::consumer_group::TopicPartition;

use crate::harness::kafka::broker::{Broker, assets, java};
use crate::harness::kafka::protocol::{Client, Protocol};

/// What a consumer says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its member id; empty before it has one.
    pub(crate) id: String,
    pub(crate) held: BTreeSet<TopicPartition>,
}

/// A consumer to be.
#[derive(Debug, Clone)]
pub(crate) struct Consumer {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) topics: Vec<String>,
    pub(crate) protocol: Protocol,
    /// Settings by Kafka's names; `host`, of Java, is the local address that it connects from.
    pub(crate) settings: BTreeMap<String, String>,
}

/// A process full of consumers, which ends with the test binary.
#[derive(Debug)]
pub(crate) struct Clients {
    pipe: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    _child: Child,
}

impl Clients {
    /// The process for this kind of client, started by whoever asks first. That of Java makes topics and records, too.
    pub(crate) async fn shared(client: Client) -> Arc<Self> {
        static JAVA: LazyLock<Arc<Clients>> = LazyLock::new(|| Clients::java(Broker::shared_now()));
        static LIBRDKAFKA: LazyLock<Arc<Clients>> =
            LazyLock::new(|| Clients::librdkafka(Broker::shared_now()));
        let start = move || match client {
            Client::Java => Arc::clone(&JAVA),
            Client::Librdkafka => Arc::clone(&LIBRDKAFKA),
        };
        tokio::task::spawn_blocking(start).await.expect("the clients start")
    }

    /// Java's of another broker than the shared one.
    pub(crate) async fn of_java(broker: &'static Broker) -> Arc<Self> {
        tokio::task::spawn_blocking(|| Self::java(broker)).await.expect("the clients start")
    }

    fn java(broker: &Broker) -> Arc<Self> {
        Self::spawn(java("Fleet", "384m").arg(broker.bootstrap()))
    }

    fn librdkafka(broker: &Broker) -> Arc<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut python = Command::new(Path::new(&assets()).join("../librdkafka/bin/python"));
        let script = here.join("../rebalancer-kafka/tests/librdkafka/fleet.py");
        Self::spawn(python.arg("-B").arg(script).arg(broker.bootstrap()))
    }

    fn spawn(command: &mut Command) -> Arc<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let pipe = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Arc::new(Self { pipe: Mutex::new(pipe), _child: child })
    }

    /// Gives an order, and waits for its answer.
    ///
    /// # Panics
    /// When it could not be done.
    pub(crate) async fn order(self: &Arc<Self>, order: impl Into<String>) -> String {
        let (clients, order) = (Arc::clone(self), order.into());
        tokio::task::spawn_blocking(move || clients.answer(&order)).await.unwrap()
    }

    fn answer(&self, order: &str) -> String {
        let answer = self.said(order);
        let rest = answer.strip_prefix("ok").unwrap_or_else(|| panic!("{order}: {answer}"));
        rest.trim().to_owned()
    }

    fn said(&self, order: &str) -> String {
        let mut pipe = self.pipe.lock().unwrap();
        pipe.0.write_all(format!("{order}\n").as_bytes()).expect("the process lives");
        let mut answer = String::new();
        pipe.1.read_line(&mut answer).unwrap();
        answer
    }

    /// Starts a consumer.
    pub(crate) async fn add(self: &Arc<Self>, consumer: &Consumer) {
        let Consumer { name, group, topics, protocol, settings } = consumer;
        let mut order = format!("add {name} {group} {} {}", topics.join(","), protocol.spoken());
        let assignor = protocol.remote_assignor().map(|name| ("group.remote.assignor".to_owned(), name));
        let mut settings = settings.clone();
        settings.extend(assignor.map(|(key, name)| (key, name.to_owned())));
        settings.iter().for_each(|(key, value)| order.push_str(&format!(" {key}={value}")));
        self.order(order).await;
    }

    /// Asks a consumer to leave. It is no longer in [`Self::seen`] when it has.
    pub(crate) async fn leave(self: &Arc<Self>, name: &str) {
        self.order(format!("leave {name}")).await;
    }

    /// The same from where nothing can be awaited; one that is not there has left.
    pub(crate) fn leave_now(&self, name: &str) {
        let _ = self.said(&format!("leave {name}"));
    }

    /// All consumers that have not left, by name, as they see themselves.
    pub(crate) async fn seen(self: &Arc<Self>) -> BTreeMap<String, Seen> {
        let all = self.order("held").await;
        all.split_whitespace()
            .map(|member| {
                let (name, rest) = member.split_once('=').unwrap();
                let (id, held) = rest.rsplit_once(':').unwrap();
                let held = held.split(',').filter(|text| !text.is_empty()).map(partition).collect();
                (name.to_owned(), Seen { id: id.to_owned(), held })
            })
            .collect()
    }
}

fn partition(text: &str) -> TopicPartition {
    let (topic, number) = text.rsplit_once('-').unwrap();
    TopicPartition::new(topic, number.parse().unwrap())
}
