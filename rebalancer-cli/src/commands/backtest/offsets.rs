//! Partition loads of the past by Kafka's offsets, read in chunks.

use anyhow::{Context as _, anyhow};
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::backtest::{self, FromOffsets, KafkaPast, Moment};
use rebalancer_core::fleet::Pod;
use rebalancer_core::policy::MemberMatching;
use rebalancer_core::port::{GroupReading, GroupSource as _, Inventory as _};
use rebalancer_kube::KubeInventory;
use rebalancer_prom::history::Kept;

use super::kept;
use super::past::{clear, line};
use crate::adapters::Group;
use crate::config::AdapterSettings;

/// What one request for offsets may bring, about: a second's work of a broker.
const OFFSETS: usize = 100_000;
/// Times in one chunk, which has one deadline: at least, and at most.
const TIMES: [usize; 2] = [4, 64];

/// How offsets are asked for.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    /// The most offsets, which is compared before they are asked for.
    pub(super) most: usize,
    /// From one moment to the next.
    pub(super) step: SignedDuration,
    /// Where answers are kept.
    pub(super) kept: Option<&'a Kept>,
}

/// What there is to go on without where Kafka can't be read.
#[derive(Debug)]
pub(super) enum NotFilled {
    /// More offsets than the user allows.
    TooMany(anyhow::Error),
    /// Kafka, or the pods that hold the partitions.
    NotRead(anyhow::Error),
}

/// What offsets told, and how many of their times were kept from an earlier run.
pub(super) type Told = (FromOffsets, usize);

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

/// Reads offsets at both ends of the window of each moment, and puts what they tell into the moments.
///
/// # Errors
/// When the group or an offset can't be read, or there would be too many. The moments are as they were then.
pub(super) async fn fill(
    history: &mut [Moment],
    group: &Group,
    pods: Vec<Pod>,
    matching: MemberMatching,
    asking: Asking<'_>,
) -> Result<Told, NotFilled> {
    let question = group.side().question;
    let times = backtest::times(history.iter().map(|moment| moment.at), question.window);
    let reading = GroupReading::of(&group.source, Vec::new(), Timestamp::now()).await;
    let mut reading = reading.context("the consumer group could not be read").map_err(NotFilled::NotRead)?;
    let partitions: usize = reading.topics.iter().map(|topic| topic.partitions.len()).sum();
    let values = partitions.saturating_mul(times.len());
    if values > asking.most {
        return Err(NotFilled::TooMany(anyhow!(
            "offsets of {partitions} partitions at {} times are {values} values, more than the {} that --points \
             leaves: ask for less time or a longer --every",
            times.len(),
            asking.most
        )));
    }
    let [fewest, longest] = TIMES;
    let size = (OFFSETS / partitions.max(1)).clamp(fewest, longest);
    let mut from_earlier_run = 0;
    for chunk in chunks(&times, asking.step, question.window, size) {
        let done = reading.earlier.len();
        line(done, times.len(), &format!("offsets of {done} of {} times", times.len()));
        let offsets = match kept::get(asking.kept, &reading, chunk) {
            Some(offsets) => {
                from_earlier_run += chunk.len();
                offsets
            }
            None => {
                let offsets = group.source.offsets(&reading.topics, chunk).await;
                let offsets = offsets.context("the offsets could not be read");
                let offsets = offsets.map_err(NotFilled::NotRead)?;
                kept::put(asking.kept, &reading.topics, chunk, &offsets);
                offsets
            }
        };
        reading.extend(chunk, offsets);
    }
    clear();
    Ok((backtest::fill(history, &KafkaPast { reading, pods, matching }, question), from_earlier_run))
}

/// At most so many times in each, which end where they do in every run with this step and window, so that what was kept is
/// found again. Both ends of all windows lie on the steps, or on two rows of them.
fn chunks(
    times: &[Timestamp],
    step: SignedDuration,
    window: SignedDuration,
    size: usize,
) -> impl Iterator<Item = &[Timestamp]> {
    let step = step.as_secs().max(1);
    let rows = if window.as_secs() % step == 0 { 1 } else { 2 };
    let length = step.saturating_mul(i64::try_from(size / rows).unwrap_or(1).max(1));
    let number = move |time: &Timestamp| time.as_second().div_euclid(length);
    times.chunk_by(move |a, b| number(a) == number(b))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn split(from: i64, minutes: std::ops::Range<i64>, window: i64) -> Vec<Vec<Timestamp>> {
        let moments = minutes.map(|minute| at(from + minute * 60));
        let window = SignedDuration::from_mins(window);
        let times = backtest::times(moments, window);
        chunks(&times, SignedDuration::from_mins(1), window, 64).map(<[Timestamp]>::to_vec).collect()
    }

    #[test]
    fn chunks_have_at_most_so_many_times_and_are_the_same_in_a_run_that_begins_later() {
        for (window, from) in [(5, 1_000_200), (5, 1_000_230), (1, 0)] {
            let (earlier, later) = (split(from, 0..300, window), split(from, 17..340, window));
            assert!(earlier.iter().all(|chunk| chunk.len() <= 64), "{earlier:?}");
            let same = earlier.iter().filter(|chunk| later.contains(chunk)).count();
            assert!(same >= earlier.len() - 3, "{same} of {} {window} {from}", earlier.len());
            assert!(earlier.len() <= 7, "{}", earlier.len());
        }
        // Windows that are no whole number of steps have two rows of times.
        let times = backtest::times((0..300).map(|minute| at(minute * 60)), SignedDuration::from_secs(90));
        let chunks: Vec<_> =
            chunks(&times, SignedDuration::from_mins(1), SignedDuration::from_secs(90), 64).collect();
        assert!(chunks.iter().all(|chunk| chunk.len() <= 64));
        assert_eq!(chunks.iter().map(|chunk| chunk.len()).sum::<usize>(), times.len());
    }
}
