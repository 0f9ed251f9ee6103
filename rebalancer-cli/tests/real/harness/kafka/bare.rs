//! A group of consumers without pods: what a rotation does to it, in seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rebalancer_core::policy::Timing;
use rebalancer_kafka::KafkaGroupSource;

use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::clients::{Clients, Consumer};
use crate::harness::kafka::loads::Flow;
use crate::harness::kafka::observed::Observed;
use crate::harness::kafka::protocol::{Client, HEARTBEAT_MILLISECONDS, Protocol};

/// `group.consumer.assignment.interval.ms`, by default.
const ASSIGNMENT_INTERVAL: Duration = Duration::from_secs(1);

/// A running group. Its consumers leave when it is dropped.
pub(crate) struct BareGroup {
    pub(crate) protocol: Protocol,
    clients: Arc<Clients>,
    pub(crate) source: KafkaGroupSource,
    group: String,
    topics: Vec<String>,
    names: BTreeSet<String>,
    started: usize,
}

/// A group before a rotation, between its two parts if it has two, and after it.
#[derive(Debug, Clone)]
pub(crate) struct Rotation {
    pub(crate) before: Observed,
    pub(crate) between: Option<Observed>,
    pub(crate) after: Observed,
}

impl BareGroup {
    /// So many members on these topics. A member's client id is its name.
    pub(crate) async fn start(protocol: Protocol, flows: &[Flow], members: usize) -> Self {
        let java = Clients::shared(Client::Java).await;
        for flow in flows {
            flow.make(&java).await;
        }
        Self::of_topics(protocol, flows.iter().map(|flow| flow.topic.clone()).collect(), members).await
    }

    /// The same, on topics that are there.
    pub(crate) async fn of_topics(protocol: Protocol, topics: Vec<String>, members: usize) -> Self {
        let broker = Broker::shared().await;
        let group = broker.name("group");
        let mut all = Self {
            protocol,
            clients: Clients::shared(protocol.client()).await,
            source: broker.source(&group),
            group,
            topics,
            names: BTreeSet::new(),
            started: 0,
        };
        all.add(members).await;
        all
    }

    /// The group, once it is at rest.
    pub(crate) async fn at_rest(&self) -> Observed {
        Observed::at_rest(&self.clients, &self.source, &self.names).await
    }

    /// Replaces these members. `before` is the group as it is now, and has been for longer than the coordinator waits.
    pub(crate) async fn rotate(
        &mut self,
        before: Observed,
        gone: &BTreeSet<String>,
        timing: Timing,
    ) -> Rotation {
        self.outwait_the_coordinator().await;
        for name in gone {
            self.clients.leave(name).await;
            self.names.remove(name);
            if timing == Timing::OneByOne {
                self.at_rest().await;
            }
        }
        let between = match timing {
            Timing::LeaveThenJoin => {
                let between = self.at_rest().await;
                self.outwait_the_coordinator().await;
                Some(between)
            }
            Timing::AllAtOnce | Timing::OneByOne => None,
        };
        if timing == Timing::OneByOne {
            for _ in gone {
                self.add(1).await;
                self.at_rest().await;
            }
        } else {
            self.add(gone.len()).await;
        }
        Rotation { before, between, after: self.at_rest().await }
    }

    /// As pods take longer to start, and rotations are rarer, than a coordinator waits until it assigns again. When it
    /// last did is told by nothing, so there is no condition to wait for.
    async fn outwait_the_coordinator(&self) {
        if self.protocol.remote_assignor().is_some() {
            tokio::time::sleep(ASSIGNMENT_INTERVAL).await;
        }
    }

    async fn add(&mut self, count: usize) {
        for _ in 0..count {
            self.started += 1;
            let name = format!("{}-{}", self.group, self.started);
            let client_id = ("client.id".to_owned(), name.clone());
            let heartbeat = self.protocol.heartbeat(HEARTBEAT_MILLISECONDS);
            let settings: BTreeMap<String, String> = heartbeat.into_iter().chain([client_id]).collect();
            let (group, topics) = (self.group.clone(), self.topics.clone());
            let consumer = Consumer { name: name.clone(), group, topics, protocol: self.protocol, settings };
            self.clients.add(&consumer).await;
            self.names.insert(name);
        }
    }
}

impl Drop for BareGroup {
    fn drop(&mut self) {
        self.names.iter().for_each(|name| self.clients.leave_now(name));
    }
}
