//! Loads by offsets: what was produced to a partition over a window, and what is not consumed yet.
//!
//! A partition's rate is its end offset less the offset of the first record at or after the window's beginning, by the
//! window. Offsets are no count of messages where a topic is compacted, and no measure of time where time stamps lie:
//! then there is no load.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::fleet::consumer_group::{ConsumerGroup, GroupOffsets, OffsetAt, PartitionOffsets, TopicPartition};
use crate::fleet::{Indicator, PartitionLoad, Samples};
use crate::port::{GroupReading, MetricsError};
use crate::unit::Load;

mod course;

pub use course::ProducedRates;

/// Time stamps that lie further ahead than this are no differences between clocks.
const CLOCKS_DIFFER: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// What one reading of offsets tells.
pub(super) struct Loads<'a> {
    reading: &'a GroupReading,
    /// The pod of each member, by name.
    holders: &'a [Option<&'a str>],
}

impl<'a> Loads<'a> {
    pub(super) const fn new(reading: &'a GroupReading, holders: &'a [Option<&'a str>]) -> Self {
        Self { reading, holders }
    }

    /// The load of each pod that has a member, by its name.
    pub(super) fn of(&self, indicator: Indicator) -> Result<Samples, MetricsError> {
        match indicator {
            Indicator::Lag => self.by_pod(|offsets| Ok(lag(offsets))),
            Indicator::ProductionRate => {
                self.trusted()?;
                self.by_pod(|offsets| self.rate(offsets, 0).map(Some))
            }
            Indicator::Cpu | Indicator::Memory | Indicator::ConsumptionRate => {
                Err(MetricsError::Offsets { message: format!("{indicator} is not known to Kafka") })
            }
        }
    }

    /// The rate of each partition, with the pod that holds it; `None` for one that no pod of the fleet holds.
    pub(super) fn partitions(&self) -> Result<Vec<PartitionLoad>, MetricsError> {
        self.trusted()?;
        let owners = owners(&self.reading.group, self.holders);
        let offsets = self.offsets()?;
        let load = |(partition, offsets): (&TopicPartition, &Result<PartitionOffsets, _>)| {
            let offsets = read(partition, offsets)?;
            let rate = self.rate(offsets, 0).map_err(|why| at(partition, &why))?;
            let pod = owners.get(partition).copied().flatten().map(str::to_owned);
            let TopicPartition { topic, partition } = partition.clone();
            Ok(PartitionLoad { topic, partition: partition.to_string(), pod, load: rate })
        };
        offsets.iter().map(load).collect()
    }

    fn offsets(&self) -> Result<&GroupOffsets, MetricsError> {
        let offsets = self.reading.offsets.as_ref();
        offsets.map_err(|error| MetricsError::Offsets { message: error.to_string() })
    }

    /// No topic is compacted. Where that can't be known, the right to know it is missing, and offsets are believed.
    fn trusted(&self) -> Result<(), MetricsError> {
        let mut configs = self.reading.configs.iter();
        let compacted = configs.find(|(_, config)| config.as_ref().is_ok_and(|config| config.compacted));
        compacted.map_or(Ok(()), |(topic, _)| {
            let message = format!("the topic {topic} is compacted, so its offsets are no count of messages");
            Err(MetricsError::Offsets { message })
        })
    }

    /// Sums of what each pod's members hold. A pod that holds a partition of which nothing is known has no sample, and
    /// one whose members hold nothing carries nothing.
    fn by_pod(
        &self,
        of: impl Fn(&PartitionOffsets) -> Result<Option<Load>, String>,
    ) -> Result<Samples, MetricsError> {
        let offsets = self.offsets()?;
        let mut sums: BTreeMap<&str, Option<f64>> = BTreeMap::new();
        for (member, holder) in self.reading.group.members.iter().zip(self.holders) {
            let (Some(pod), Some(assigned)) = (holder, &member.assigned) else { continue };
            let sum = sums.entry(pod).or_insert(Some(0.0));
            for partition in assigned {
                let known = offsets.get(partition);
                let offsets = known.ok_or_else(|| at(partition, "it does not exist"))?;
                let load = of(read(partition, offsets)?).map_err(|why| at(partition, &why))?;
                *sum = sum.zip(load).map(|(sum, load)| sum + load.get());
            }
        }
        let load = |(pod, sum): (&str, Option<f64>)| Some((pod.to_owned(), Load::new(sum?).ok()?));
        Ok(sums.into_iter().filter_map(load).collect())
    }

    /// Messages a second from the earlier time of this index until now.
    fn rate(&self, offsets: &PartitionOffsets, index: usize) -> Result<Load, String> {
        let since = self.reading.earlier.get(index).ok_or("no earlier time was asked for")?;
        honest(offsets, self.reading.at)?;
        let produced = offsets.produced_since(index);
        let produced = produced.ok_or_else(|| format!("its log does not reach back to {since:.0}"))?;
        per_second(produced, *since, self.reading.at)
    }
}

/// The rates of each pod's partitions over windows that lie back: one for each pair of times, the latest first, as the
/// partitions are held now. `reading` has the times of the pairs one after the other: from, to.
pub(super) fn past_rates(
    reading: &GroupReading,
    holders: &[Option<&str>],
) -> Result<Vec<Samples>, MetricsError> {
    let loads = Loads::new(reading, holders);
    loads.trusted()?;
    let window = |(pair, times): (usize, &[Timestamp])| {
        let [from, to] = times else { return Ok(Samples::new()) };
        loads.by_pod(|offsets| {
            honest(offsets, reading.at)?;
            let since = latest_told(offsets, &reading.earlier);
            let at = |index: usize, time: Timestamp| offset_at(offsets, index, time, since);
            match (at(2 * pair, *from), at(2 * pair + 1, *to)) {
                (Some(first), Some(last)) => per_second(last.saturating_sub(first), *from, *to).map(Some),
                _ => Ok(None),
            }
        })
    };
    reading.earlier.chunks(2).enumerate().map(window).collect()
}

/// The offset that the next record had at that time; `None` when the log does not reach back. `since` is the latest time of
/// which a record is told.
///
/// A broker says that there is nothing since a time at which all of a segment's records are deleted and the segment is still
/// there, whatever came later.
fn offset_at(
    offsets: &PartitionOffsets,
    index: usize,
    time: Timestamp,
    since: Option<Timestamp>,
) -> Option<u64> {
    match *offsets.earlier.get(index)? {
        OffsetAt::NothingSince if since.is_some_and(|since| since > time) => None,
        OffsetAt::NothingSince => Some(offsets.end),
        OffsetAt::First { offset, .. } if offset <= offsets.log_start && offsets.log_start > 0 => None,
        OffsetAt::First { offset, .. } => Some(offset),
    }
}

/// The latest of these times of which a record is told.
fn latest_told(offsets: &PartitionOffsets, times: &[Timestamp]) -> Option<Timestamp> {
    let told = times.iter().zip(&offsets.earlier).filter(|(_, at)| matches!(at, OffsetAt::First { .. }));
    told.map(|(time, _)| *time).max()
}

/// What is not consumed yet. Of an empty partition nothing has to be committed.
fn lag(offsets: &PartitionOffsets) -> Option<Load> {
    let empty = (offsets.end == offsets.log_start).then_some(0);
    Load::new(offsets.lag().or(empty)? as f64).ok()
}

/// No time stamp lies ahead of the time.
fn honest(offsets: &PartitionOffsets, now: Timestamp) -> Result<(), String> {
    let ahead = |stamp: &Timestamp| stamp.duration_since(now) > CLOCKS_DIFFER;
    let stamps = offsets.earlier.iter().filter_map(|at| match at {
        OffsetAt::First { timestamp, .. } => *timestamp,
        OffsetAt::NothingSince => None,
    });
    match stamps.filter(ahead).max() {
        None => Ok(()),
        Some(stamp) => Err(format!("a record has the time stamp {stamp:.0}, which is yet to come")),
    }
}

fn per_second(count: u64, from: Timestamp, to: Timestamp) -> Result<Load, String> {
    let seconds = to.duration_since(from).as_secs_f64();
    Load::new(count as f64 / seconds).map_err(|_| "the window has no length".to_owned())
}

fn read<'a, E: std::fmt::Display>(
    partition: &TopicPartition,
    offsets: &'a Result<PartitionOffsets, E>,
) -> Result<&'a PartitionOffsets, MetricsError> {
    offsets.as_ref().map_err(|why| at(partition, &why.to_string()))
}

fn at(partition: &TopicPartition, why: &str) -> MetricsError {
    MetricsError::Offsets { message: format!("partition {partition}: {why}") }
}

/// The pod of each partition that a member holds.
fn owners<'a>(
    group: &'a ConsumerGroup,
    holders: &[Option<&'a str>],
) -> BTreeMap<&'a TopicPartition, Option<&'a str>> {
    let members = group.members.iter().zip(holders);
    let held = members.filter_map(|(member, pod)| Some((member.assigned.as_ref()?, *pod)));
    held.flat_map(|(assigned, pod)| assigned.iter().map(move |partition| (partition, pod))).collect()
}

#[cfg(test)]
mod tests;
