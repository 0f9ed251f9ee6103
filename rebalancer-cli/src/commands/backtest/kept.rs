//! Offsets at earlier times in the folder of `--cache`: a run that was stopped goes on there, and the next one asks only for
//! what is new.
//!
//! A topic that was deleted and made anew has another id, so the question names topics by it; without ids nothing is kept.
//! Where the log begins, where it ends and what is committed is of now: only answers to "the first record since then" are
//! kept, and only where there was one. "Nothing since" is true until the next record.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use rebalancer_core::fleet::consumer_group::{
    GroupOffsets, OffsetAt, PartitionOffsets, Topic, TopicPartition,
};
use rebalancer_core::port::GroupReading;
use rebalancer_prom::history::Kept;

const NAME: &str = "offsets";

/// Offsets at these times from an earlier run, with the ends of the log as they are in this reading. `None`: they are to be
/// asked for.
pub(super) fn get(kept: Option<&Kept>, reading: &GroupReading, times: &[Timestamp]) -> Option<GroupOffsets> {
    let body = kept?.get(NAME, &question(&reading.topics, times)?)?;
    let read: Vec<(TopicPartition, Vec<OffsetAt>)> = serde_json::from_slice(&body).ok()?;
    let mut read: BTreeMap<TopicPartition, Vec<OffsetAt>> = read.into_iter().collect();
    let one = |(partition, now): (&TopicPartition, &Result<PartitionOffsets, _>)| {
        let (earlier, now) = (read.remove(partition)?, now.as_ref().ok()?);
        // A log that ends before what was once read of it lost records when its leader did.
        let whole = earlier.len() == times.len() && earlier.iter().all(|at| is_before(*at, now.end));
        whole.then(|| (partition.clone(), Ok(PartitionOffsets { earlier, ..now.clone() })))
    };
    reading.offsets.as_ref().ok()?.iter().map(one).collect()
}

/// Keeps offsets at these times, where they won't change any more.
pub(super) fn put(kept: Option<&Kept>, topics: &[Topic], times: &[Timestamp], offsets: &GroupOffsets) {
    let Some(kept) = kept.filter(|kept| kept.keeps_until(times.last().copied())) else { return };
    let Some(question) = question(topics, times) else { return };
    let one = |(partition, offsets): (&TopicPartition, &Result<PartitionOffsets, _>)| {
        let PartitionOffsets { earlier, end, .. } = offsets.as_ref().ok()?;
        earlier.iter().all(|at| is_before(*at, *end)).then(|| (partition.clone(), earlier.clone()))
    };
    let whole: Option<Vec<(TopicPartition, Vec<OffsetAt>)>> = offsets.iter().map(one).collect();
    if let Some(body) = whole.and_then(|whole| serde_json::to_vec(&whole).ok()) {
        kept.put(NAME, &question, &body);
    }
}

fn is_before(at: OffsetAt, end: u64) -> bool {
    match at {
        OffsetAt::First { offset, .. } => offset < end,
        OffsetAt::NothingSince => false,
    }
}

fn question(topics: &[Topic], times: &[Timestamp]) -> Option<String> {
    let mut question = "offsets of".to_owned();
    for topic in topics {
        let (name, count) = (&topic.name, topic.partitions.len());
        let id = topic.id?;
        write!(question, " {name} {:016x}{:016x} {count}", id.most, id.least).ok()?;
    }
    question.push_str(" at");
    for time in times {
        write!(question, " {}", time.as_second()).ok()?;
    }
    Some(question)
}
