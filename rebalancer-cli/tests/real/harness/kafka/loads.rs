//! Loads of partitions, as real records.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::SeedableRng as _;
use rand::distr::Distribution as _;
use rand::rngs::ChaCha8Rng;
use rand_distr::LogNormal;
use rebalancer_core::fleet::consumer_group::TopicPartition;
use rebalancer_core::port::GroupSource;
use rebalancer_kafka::KafkaGroupSource;

use crate::harness::kafka::clients::Clients;

/// Over how long records are spread, and the load of a partition is taken.
pub(crate) const WINDOW: SignedDuration = SignedDuration::from_mins(20);

/// Messages a second by partition.
pub(crate) type Loads = BTreeMap<TopicPartition, f64>;

/// A topic to be: records by partition over [`WINDOW`].
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    pub(crate) topic: String,
    pub(crate) records: Vec<u32>,
}

impl Flow {
    /// Log-normal weights from a seed, as rates of real partitions are: many small ones, a few large ones.
    pub(crate) fn log_normal(topic: &str, partitions: usize, sigma: f64, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let weights = LogNormal::new(5.0, sigma).unwrap();
        let records = (0..partitions).map(|_| whole(weights.sample(&mut random).clamp(5.0, 5_000.0)));
        Self { topic: topic.to_owned(), records: records.collect() }
    }

    /// One partition gets so many times what it had.
    pub(crate) fn hot(mut self, partition: usize, times: u32) -> Self {
        self.records[partition] *= times;
        self
    }

    /// Makes the topic and its records, as if the window had passed.
    pub(crate) async fn make(&self, clients: &Arc<Clients>) {
        self.make_over(clients, WINDOW).await;
    }

    /// The same, with records over so long a time.
    pub(crate) async fn make_over(&self, clients: &Arc<Clients>, time: SignedDuration) {
        clients.order(format!("topic {} {}", self.topic, self.records.len())).await;
        let counts: Vec<String> = self.records.iter().map(u32::to_string).collect();
        clients.order(format!("past {} {} {}", self.topic, time.as_secs(), counts.join(","))).await;
    }
}

fn whole(count: f64) -> u32 {
    format!("{count:.0}").parse().unwrap()
}

/// What was produced over the window, as Kafka's offsets tell it.
pub(crate) async fn measured(source: &KafkaGroupSource) -> Loads {
    let group = source.group().await.unwrap();
    let topics = source.topics(&group.topics()).await.unwrap();
    let offsets = source.offsets(&topics, &[Timestamp::now() - WINDOW]).await.unwrap();
    offsets
        .into_iter()
        .map(|(partition, offsets)| {
            let produced = offsets.unwrap().produced_since(0).expect("the log reaches back");
            (partition, produced as f64 / WINDOW.as_secs_f64())
        })
        .collect()
}
