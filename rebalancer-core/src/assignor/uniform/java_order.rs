//! The order in which Java's and the coordinator's hash tables are gone through.

use std::cmp::Reverse;

use crate::assignor::{Member, TopicPartition};

/// 2^64 divided by the golden ratio: the multiplier of the coordinator's own hash table.
const FIBONACCI: u64 = 0x9E37_79B9_7F4A_7C15;

/// Indices of `members` in the coordinator's order: by bucket of a `HashMap`, which is filled from the group's own
/// table, which hands out a slot's members last come, first served. That is the order in which it lists them, too; where
/// it does not tell, the table is taken to be as large as so many members need. It never shrinks, so that it may be larger,
/// with other slots. One that is not in the table yet comes last in its bucket.
pub(super) fn members(members: &[Member]) -> Vec<usize> {
    let mut keyed: Vec<_> = members
        .iter()
        .enumerate()
        .map(|(index, member)| {
            let (bucket, own) = place(hash_code(&member.id), members.len());
            let is_new = member.listed == u32::MAX;
            ((bucket, is_new), member.listed, own, Reverse(member.id.as_str()), index)
        })
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, _, _, _, index)| index).collect()
}

/// Where the coordinator, with so many members, comes to one with this hash: bucket and slot. Of equals the last by id
/// comes first.
pub(in crate::assignor) fn place(hash: u32, members: usize) -> (usize, u64) {
    (bucket(hash, grown_table(members)), slot(hash, own_table(members)))
}

/// Buckets and slots of the coordinator's tables of so many members; the order of the members depends on nothing else.
pub(in crate::assignor) fn sizes(members: usize) -> (usize, usize) {
    (grown_table(members), own_table(members))
}

/// Sorts partitions, which come by topic, as `HashSet`s of the numbers of each topic would hand them out; those of one
/// bucket stay in order.
pub(in crate::assignor) fn sort_partitions(held: &mut [TopicPartition]) {
    for topic in held.chunk_by_mut(|one, next| one.topic == next.topic) {
        let buckets = copied_table(topic.len());
        topic.sort_by_key(|held| bucket(held.partition, buckets));
    }
}

/// The bucket of a topic's id among so many in a `HashSet`: `Uuid.hashCode` of Kafka.
pub(super) fn topic_bucket((most, least): (u64, u64), topics: usize) -> usize {
    let mixed = most ^ least;
    let (upper, lower) = (mixed >> 32, mixed & u64::from(u32::MAX));
    bucket(u32::try_from(upper ^ lower).unwrap_or(0), copied_table(topics))
}

/// The bucket of a topic's name among so many in a `HashSet`.
pub(super) fn name_bucket(name: &str, topics: usize) -> usize {
    bucket(hash_code(name), copied_table(topics))
}

/// `String.hashCode`.
pub(in crate::assignor) fn hash_code(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash: u32, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)))
}

/// Buckets of a `HashMap` that has grown to `len` entries one by one.
fn grown_table(len: usize) -> usize {
    (len * 4).div_ceil(3).next_power_of_two().max(16)
}

/// Buckets of a `HashSet` that was made from a collection of `len` elements.
fn copied_table(len: usize) -> usize {
    (len * 4 / 3 + 1).next_power_of_two().max(16)
}

/// Slots of the coordinator's table after `len` members have joined; it never shrinks, which is not modeled.
fn own_table(len: usize) -> usize {
    (len * 3).div_ceil(4).next_power_of_two().max(2)
}

/// The bucket in which the coordinator, with so many members, finds one with this hash.
pub(in crate::assignor) fn member_bucket(hash: u32, members: usize) -> usize {
    bucket(hash, grown_table(members))
}

fn bucket(hash: u32, buckets: usize) -> usize {
    (hash ^ (hash >> 16)) as usize & (buckets - 1)
}

/// The upper bits of the hash, sign-extended, times the multiplier.
fn slot(hash: u32, slots: usize) -> u64 {
    let wide = i64::from(hash.cast_signed()).cast_unsigned();
    wide.wrapping_mul(FIBONACCI) >> (64 - slots.ilog2())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_codes_are_those_of_java() {
        assert_eq!(hash_code("Aa"), hash_code("BB"));
        assert_eq!(hash_code("hello").cast_signed(), 99_162_322);
    }

    #[test]
    fn topics_come_by_the_buckets_of_their_ids() {
        let shared = (0x0000_0001_0000_0000, 0x0000_0000_0000_0003);
        assert_eq!(topic_bucket(shared, 2), 2);
        assert_eq!(topic_bucket((0, 0x0001_0000), 2), 1, "the upper bits count too");
        let topics = [("a", (0, 9)), ("b", (0, 4)), ("c", (0, 5))];
        assert_eq!(super::super::topic_order(&topics), [1, 2, 0]);
        let of_one_bucket = [("a", (0, 4)), ("p", (0, 20)), ("b", (0, 36))];
        assert_eq!(super::super::topic_order(&of_one_bucket), [1, 0, 2], "by name: 'p' has the first bucket");
    }

    #[test]
    fn tables_grow_at_three_quarters() {
        assert_eq!([0, 12, 13, 24, 25].map(grown_table), [16, 16, 32, 32, 64]);
        assert_eq!([1, 11, 12, 23, 24].map(copied_table), [16, 16, 32, 32, 64]);
        assert_eq!([0, 2, 3, 5, 6].map(own_table), [2, 2, 4, 4, 8]);
    }
}
