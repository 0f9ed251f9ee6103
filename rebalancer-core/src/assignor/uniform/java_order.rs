//! The order in which Java's and the coordinator's hash tables are gone through.

use std::cmp::Reverse;

use crate::assignor::{Member, Topic, TopicPartition};

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

/// The hash map, by topic, of what a member holds.
#[derive(Debug, Clone)]
pub(in crate::assignor) struct ByTopic {
    /// By topic; `None` where they are not known, or there is but one.
    hashes: Option<Vec<u32>>,
}

impl ByTopic {
    pub(in crate::assignor) fn of(topics: &[Topic]) -> Self {
        let hashes = topics.iter().map(|topic| topic.hash);
        Self { hashes: hashes.collect::<Option<Vec<u32>>>().filter(|hashes| hashes.len() > 1) }
    }

    /// Adds a partition to what a member holds. A topic of which it had none goes to the front of its bucket, as
    /// `HashMap.computeIfAbsent` puts it there.
    pub(in crate::assignor) fn put(&self, held: &mut Vec<TopicPartition>, got: TopicPartition) {
        if self.hashes.is_some() && !held.iter().any(|held| held.topic == got.topic) {
            held.insert(0, got);
        } else {
            held.push(got);
        }
    }

    /// Sorts what a member holds, which comes in the order of [`Self::put`], by topic, as the map hands it out.
    pub(in crate::assignor) fn sort(&self, held: &mut [TopicPartition]) {
        let Some(hashes) = &self.hashes else {
            held.sort_by_key(|held| held.topic);
            return;
        };
        let mut firsts: Vec<Option<usize>> = vec![None; hashes.len()];
        for (place, held) in held.iter().enumerate() {
            if let Some(first) = firsts.get_mut(held.topic as usize) {
                first.get_or_insert(place);
            }
        }
        let buckets = grown_table(firsts.iter().flatten().count());
        held.sort_by_key(|held| {
            let topic = held.topic as usize;
            let hash = hashes.get(topic).copied().unwrap_or(0);
            (bucket(hash, buckets), firsts.get(topic).copied().flatten())
        });
    }
}

/// Sorts partitions, which come by topic, as `HashSet`s of the numbers of each topic would hand them out; those of one
/// bucket stay in order.
pub(in crate::assignor) fn sort_partitions(held: &mut [TopicPartition]) {
    for topic in held.chunk_by_mut(|one, next| one.topic == next.topic) {
        let buckets = copied_table(topic.len());
        topic.sort_by_key(|held| bucket(held.partition, buckets));
    }
}

/// `Uuid.hashCode` of Kafka.
pub(super) fn id_hash((most, least): (u64, u64)) -> u32 {
    let mixed = most ^ least;
    let (upper, lower) = (mixed >> 32, mixed & u64::from(u32::MAX));
    u32::try_from(upper ^ lower).unwrap_or(0)
}

/// The bucket of a hash in a `HashSet` that was made from a collection of `len` elements.
pub(super) fn copied_bucket(hash: u32, len: usize) -> usize {
    bucket(hash, copied_table(len))
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
        assert_eq!(copied_bucket(id_hash(shared), 2), 2);
        assert_eq!(copied_bucket(id_hash((0, 0x0001_0000)), 2), 1, "the upper bits count too");
        let names = |known: &[(&str, (u64, u64), u32)]| -> Vec<String> {
            super::super::topics(known).into_iter().map(|topic| topic.name).collect()
        };
        assert_eq!(names(&[("a", (0, 9), 1), ("b", (0, 4), 1), ("c", (0, 5), 1)]), ["b", "c", "a"]);
        let of_one_bucket = [("a", (0, 4), 1), ("p", (0, 20), 1), ("b", (0, 36), 1)];
        assert_eq!(names(&of_one_bucket), ["p", "a", "b"], "by name: 'p' has the first bucket");
    }

    #[test]
    fn of_topics_in_one_bucket_a_member_hands_out_first_what_it_got_last() {
        let topics = super::super::topics(&[("a", (0, 4), 9), ("b", (0, 5), 9), ("c", (0, 20), 9)]);
        assert_eq!(topics[1].name, "c", "it shares a bucket with 'a', and 'b' comes after them");
        let buckets = ByTopic::of(&topics);
        let held = |list: &[(u32, u32)]| -> Vec<TopicPartition> {
            list.iter().map(|&(topic, partition)| TopicPartition { topic, partition }).collect()
        };
        let mut got = Vec::new();
        held(&[(2, 0), (1, 0), (0, 0), (1, 1)]).into_iter().for_each(|one| buckets.put(&mut got, one));
        buckets.sort(&mut got);
        assert_eq!(got, held(&[(0, 0), (1, 0), (1, 1), (2, 0)]));
        buckets.put(&mut got, TopicPartition { topic: 1, partition: 2 });
        buckets.sort(&mut got);
        assert_eq!(got, held(&[(0, 0), (1, 0), (1, 1), (1, 2), (2, 0)]));
    }

    #[test]
    fn tables_grow_at_three_quarters() {
        assert_eq!([0, 12, 13, 24, 25].map(grown_table), [16, 16, 32, 32, 64]);
        assert_eq!([1, 11, 12, 23, 24].map(copied_table), [16, 16, 32, 32, 64]);
        assert_eq!([0, 2, 3, 5, 6].map(own_table), [2, 2, 4, 4, 8]);
    }
}
