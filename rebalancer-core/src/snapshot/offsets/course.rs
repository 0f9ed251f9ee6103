//! What was produced to each partition between earlier times, as offsets by time tell it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Loads, at, honest, latest_told, offset_at, owners, per_second, read};
use crate::fleet::PartitionLoad;
use crate::fleet::consumer_group::{PartitionOffsets, TopicPartition};
use crate::port::{GroupReading, MetricsError};

/// Rates of a group's partitions between any two of the times that a reading asked for.
pub struct ProducedRates<'a> {
    loads: Loads<'a>,
    owners: BTreeMap<&'a TopicPartition, Option<&'a str>>,
    /// The place of each time among the reading's.
    places: BTreeMap<Timestamp, usize>,
    /// The latest of these times of which a partition tells a record.
    told: BTreeMap<&'a TopicPartition, Option<Timestamp>>,
}

impl<'a> ProducedRates<'a> {
    /// `holders` has the name of each member's pod, in the order of the members; partitions are held as they are now.
    #[must_use]
    pub fn new(reading: &'a GroupReading, holders: &'a [Option<&'a str>]) -> Self {
        let all = reading.offsets.iter().flatten();
        let read = all.filter_map(|(partition, offsets)| Some((partition, offsets.as_ref().ok()?)));
        let told = read.map(|(partition, offsets)| (partition, latest_told(offsets, &reading.earlier)));
        Self {
            loads: Loads::new(reading, holders),
            owners: owners(&reading.group, holders),
            places: reading.earlier.iter().copied().zip(0..).collect(),
            told: told.collect(),
        }
    }

    /// Messages a second that were produced to each partition between these times.
    ///
    /// # Errors
    /// When that is not known of one of them: the reading did not ask for such a time, its log does not reach back, its
    /// topic has no record before, or offsets are no measure.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Result<Vec<PartitionLoad>, MetricsError> {
        self.loads.trusted()?;
        let offsets = self.loads.offsets()?;
        let place = |time: Timestamp| {
            let unasked =
                || MetricsError::Offsets { message: format!("offsets of {time:.0} were not asked for") };
            self.places.get(&time).copied().ok_or_else(unasked)
        };
        let (first, last) = (place(from)?, place(to)?);
        let mut rates = Vec::with_capacity(offsets.len());
        let mut topics: BTreeMap<&str, Seen> = BTreeMap::new();
        for (partition, offsets) in offsets {
            let offsets = read(partition, offsets)?;
            honest(offsets, self.loads.reading.at).map_err(|why| at(partition, &why))?;
            let since = self.told.get(partition).copied().flatten();
            let known = |place: usize, time: Timestamp| {
                let back = || at(partition, &format!("its log does not reach back to {time:.0}"));
                offset_at(offsets, place, time, since).ok_or_else(back)
            };
            let (before, after) = (known(first, from)?, known(last, to)?);
            topics.entry(&partition.topic).or_default().add(offsets, before);
            let load =
                per_second(after.saturating_sub(before), from, to).map_err(|why| at(partition, &why))?;
            let pod = self.owners.get(partition).copied().flatten().map(str::to_owned);
            let TopicPartition { topic, partition } = partition.clone();
            rates.push(PartitionLoad { topic, partition: partition.to_string(), pod, load });
        }
        let unknown = topics.iter().find_map(|(topic, seen)| seen.unknown(topic, from));
        unknown.map_or(Ok(rates), |message| Err(MetricsError::Offsets { message }))
    }
}

/// What the partitions of a topic show together.
#[derive(Debug, Default)]
struct Seen {
    /// One had a record when the time began.
    had: bool,
    /// One has got a record at all.
    has: bool,
    /// Of one, retention has deleted everything.
    emptied: bool,
    /// One has records, or never had any.
    whole: bool,
}

impl Seen {
    fn add(&mut self, offsets: &PartitionOffsets, before: u64) {
        self.had |= before > 0;
        self.has |= offsets.end > 0;
        let emptied = offsets.end > 0 && offsets.log_start == offsets.end;
        self.emptied |= emptied;
        self.whole |= !emptied;
    }

    /// An emptied partition is quiet for as long as retention reaches back, which others of its topic show. A topic without
    /// any record before a time may not have been there, or have been another one by its name.
    fn unknown(&self, topic: &str, from: Timestamp) -> Option<String> {
        match self {
            Self { has: true, had: false, .. } => {
                Some(format!("the topic {topic} has no record before {from:.0}"))
            }
            Self { emptied: true, whole: false, .. } => {
                Some(format!("retention has deleted all records of the topic {topic}"))
            }
            Self { .. } => None,
        }
    }
}
