//! Real consumers in one JVM, driven by lines, and what they say of themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rebalancer_core::fleet::consumer_group::{ConsumerGroup, TopicPartition};
use rebalancer_core::port::GroupSource;
use rebalancer_kafka::KafkaGroupSource;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::broker::{Broker, Listener, java};
use crate::wait;

/// Partitions by member id.
pub(crate) type Held = BTreeMap<String, BTreeSet<TopicPartition>>;

/// Consumers of one test.
pub(crate) struct Fleet {
    pub(crate) broker: &'static Broker,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _child: Child,
    /// Makes the names of this test's topics and groups its own.
    number: u32,
}

impl Fleet {
    pub(crate) async fn start() -> Self {
        static BROKER: OnceLock<&'static Broker> = OnceLock::new();
        let broker = tokio::task::spawn_blocking(|| *BROKER.get_or_init(Broker::shared)).await.unwrap();
        Self::at(broker)
    }

    pub(crate) fn at(broker: &'static Broker) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mut command = Command::from(java("Fleet", "256m"));
        command.arg(broker.address(Listener::Plaintext).to_string());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self { broker, orders, answers, _child: child, number }
    }

    /// A name of this test's own.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{name}-{}", self.number)
    }

    pub(crate) async fn order(&mut self, order: &str) -> String {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
        let answer = self.answers.next_line().await.unwrap().expect("the JVM ended");
        let rest = answer.strip_prefix("ok").unwrap_or_else(|| panic!("{order}: {answer}"));
        rest.trim().to_owned()
    }

    pub(crate) async fn topic(&mut self, name: &str, partitions: u32, configs: &str) -> String {
        let topic = self.name(name);
        self.order(format!("topic {topic} {partitions} {configs}").trim()).await;
        topic
    }

    /// Members as they see themselves: name to member id, and what each holds.
    pub(crate) async fn held(&mut self) -> (BTreeMap<String, String>, Held) {
        let (mut ids, mut held) = (BTreeMap::new(), Held::new());
        for member in self.order("held").await.split_whitespace() {
            let (name, rest) = member.split_once('=').unwrap();
            let (id, partitions) = rest.split_once(':').unwrap();
            ids.insert(name.to_owned(), id.to_owned());
            let partitions = partitions.split(',').filter(|text| !text.is_empty()).map(|text| {
                let (topic, number) = text.rsplit_once('-').unwrap();
                TopicPartition::new(topic, number.parse().unwrap())
            });
            held.insert(id.to_owned(), partitions.collect());
        }
        (ids, held)
    }

    /// The group when it is stable with so many members, all of which see it as we do.
    pub(crate) async fn settled(
        &mut self,
        source: &KafkaGroupSource,
        members: usize,
    ) -> (ConsumerGroup, BTreeMap<String, String>) {
        wait::until("a group that has settled", async || {
            let group = source.group().await.ok()?;
            let (ids, held) = self.held().await;
            let same = group.state.is_stable() && group.members.len() == members && as_held(&group) == held;
            same.then_some((group, ids))
        })
        .await
    }
}

/// What members hold, as the adapter sees it.
pub(crate) fn as_held(group: &ConsumerGroup) -> Held {
    let held = |partitions: &Option<Vec<TopicPartition>>| {
        partitions.clone().unwrap_or_default().into_iter().collect()
    };
    group.members.iter().map(|member| (member.id.clone(), held(&member.assigned))).collect()
}
