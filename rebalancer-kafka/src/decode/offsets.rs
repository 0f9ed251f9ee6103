//! Offsets of partitions, and where partitions are going.

use jiff::Timestamp;
use rebalancer_core::fleet::consumer_group::{OffsetAt, Reassignment, TopicPartition};

use super::{offset, unsigned};
use crate::wire::{BadAnswer, ErrorCode, Reader, Version};

/// A partition's offset, or why there is none.
pub(crate) type ListedOffset = (TopicPartition, Result<OffsetAt, ErrorCode>);

/// The offset that was asked for, of each partition. -1 says that there is no such record, which is an answer.
pub(crate) fn list_offsets(r: &mut Reader<'_>, version: Version) -> Result<Vec<ListedOffset>, BadAnswer> {
    if version.number >= 2 {
        r.i32()?; // throttled
    }
    by_partition(r, |r| {
        let error = ErrorCode::read(r.i16()?);
        let (time, number) = (r.i64()?, r.i64()?);
        if version.number >= 4 {
            r.i32()?; // the leader's epoch
        }
        r.tags()?;
        let found = offset(number)?.map_or(OffsetAt::NothingSince, |offset| OffsetAt::First {
            offset,
            timestamp: if time < 0 { None } else { Timestamp::from_millisecond(time).ok() },
        });
        Ok(error.map(|()| found))
    })
}

/// What the group has committed, or why the whole of it can't be read.
pub(crate) type Committed = Result<Vec<(TopicPartition, Result<Option<u64>, ErrorCode>)>, ErrorCode>;

pub(crate) fn offset_fetch(r: &mut Reader<'_>, version: Version) -> Result<Committed, BadAnswer> {
    if version.number >= 3 {
        r.i32()?; // throttled
    }
    let partitions = by_partition(r, |r| {
        let number = r.i64()?;
        if version.number >= 5 {
            r.i32()?; // the leader's epoch
        }
        r.nullable_string()?; // the consumer's own
        let error = ErrorCode::read(r.i16()?);
        r.tags()?;
        error.map_or_else(|error| Ok(Err(error)), |()| offset(number).map(Ok))
    })?;
    let error = if version.number >= 2 { ErrorCode::read(r.i16()?) } else { Ok(()) };
    Ok(error.map(|()| partitions))
}

pub(crate) fn list_partition_reassignments(
    r: &mut Reader<'_>,
) -> Result<Result<Vec<Reassignment>, ErrorCode>, BadAnswer> {
    r.i32()?; // throttled
    let error = ErrorCode::read(r.i16()?);
    r.nullable_string()?; // the error in words
    let moves = by_partition(r, |r| {
        r.array(Reader::i32)?; // all replicas
        let (adding, removing) = (r.array(Reader::i32)?, r.array(Reader::i32)?);
        r.tags()?;
        Ok((adding, removing))
    })?;
    let reassignment = |(partition, (adding, removing))| Reassignment { partition, adding, removing };
    Ok(error.map(|()| moves.into_iter().map(reassignment).collect()))
}

fn by_partition<T>(
    r: &mut Reader<'_>,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, BadAnswer>,
) -> Result<Vec<(TopicPartition, T)>, BadAnswer> {
    let mut all = Vec::new();
    r.array(|r| {
        let topic = r.string()?;
        r.array(|r| {
            let number = unsigned(r.i32()?)?;
            all.push((TopicPartition::new(topic.clone(), number), read(r)?));
            Ok(())
        })?;
        r.tags()
    })?;
    Ok(all)
}
