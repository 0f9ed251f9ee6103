//! Partition loads of the past by Kafka's offsets, read in chunks.

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use rebalancer_core::backtest::{self, FromOffsets, KafkaPast, Moment};
use rebalancer_core::fleet::Pod;
use rebalancer_core::policy::MemberMatching;
use rebalancer_core::port::{GroupReading, GroupSource as _, Inventory as _};
use rebalancer_kube::KubeInventory;

use super::past::{clear, line};
use crate::adapters::Group;
use crate::config::AdapterSettings;

/// What one request for offsets may bring, about: a second's work of a broker.
const OFFSETS: usize = 100_000;
/// Times in one chunk, which has one deadline: at least, and at most.
const TIMES: [usize; 2] = [4, 64];

/// The pods that there are now, by Kubernetes.
///
/// # Errors
/// When they can't be listed.
pub(super) async fn pods(adapters: &AdapterSettings) -> anyhow::Result<Vec<Pod>> {
    let connection = rebalancer_kube::connect(&adapters.kubernetes).await;
    let connection = connection.context("the pods that hold the partitions now can't be listed")?;
    let pods = KubeInventory::new(&connection, adapters.inventory.clone()).pods().await;
    pods.context("the pods that hold the partitions now can't be listed")
}

/// Reads offsets at both ends of the window of each moment, and puts what they tell into the moments. `most` bounds the
/// offsets that are asked for, which is known before.
///
/// # Errors
/// When the group or an offset can't be read, or there would be too many.
pub(super) async fn fill(
    history: &mut [Moment],
    group: &Group,
    pods: Vec<Pod>,
    matching: MemberMatching,
    most: usize,
) -> anyhow::Result<FromOffsets> {
    let question = group.side().question;
    let times = backtest::times(history.iter().map(|moment| moment.at), question.window);
    let reading = GroupReading::of(&group.source, Vec::new(), Timestamp::now()).await;
    let mut reading = reading.context(
        "the consumer group could not be read (unset KAFKA_BOOTSTRAP_SERVERS to go without Kafka)",
    )?;
    let partitions: usize = reading.topics.iter().map(|topic| topic.partitions.len()).sum();
    let values = partitions.saturating_mul(times.len());
    if values > most {
        bail!(
            "offsets of {partitions} partitions at {} times are {values} values, more than the {most} that --points \
             leaves: ask for less time or a longer --every",
            times.len()
        );
    }
    let [fewest, longest] = TIMES;
    for chunk in times.chunks((OFFSETS / partitions.max(1)).clamp(fewest, longest)) {
        let done = reading.earlier.len();
        line(done, times.len(), &format!("offsets of {done} of {} times", times.len()));
        let offsets = group.source.offsets(&reading.topics, chunk).await;
        reading.extend(chunk, offsets.context("the offsets could not be read")?);
    }
    clear();
    Ok(backtest::fill(history, &KafkaPast { reading, pods, matching }, question))
}

/// Moments without a metric server: those pods that are there now, as soon as each of them was Ready. Who was there before
/// nobody tells.
pub(super) fn moments(times: impl Iterator<Item = Timestamp>, pods: &[Pod]) -> Vec<Moment> {
    let since = pods.iter().filter_map(|pod| pod.ready_since).max();
    let moment = |at: Timestamp| Moment {
        at,
        readings: rebalancer_core::port::Readings::none(),
        pods: since.is_some_and(|since| since <= at).then(|| pods.to_vec()),
    };
    times.map(moment).collect()
}
