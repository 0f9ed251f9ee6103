//! The order in which Java's hash tables give their entries back.

/// Buckets of a table that nothing was ever put into more than this allows.
const SMALLEST: usize = 16;

/// Java's `String.hashCode`, as bits.
pub(in crate::assignor) fn of_text(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)))
}

/// The hash of a `TopicPartition`, as bits.
pub(super) fn of_partition(topic: u32, partition: u32) -> u32 {
    partition.wrapping_add(31).wrapping_mul(31).wrapping_add(topic)
}

/// Buckets of a table that grew to `entries`: it doubles when more than three quarters full.
pub(in crate::assignor) fn buckets(entries: usize) -> usize {
    let mut buckets = SMALLEST;
    while entries > buckets / 4 * 3 {
        buckets *= 2;
    }
    buckets
}

/// The bucket of a hash; tables are walked through bucket by bucket, and a bucket in the order of insertion.
pub(in crate::assignor) fn bucket(hash: u32, buckets: usize) -> usize {
    let spread = hash ^ (hash >> 16);
    usize::try_from(spread).unwrap_or(usize::MAX) & (buckets - 1)
}

/// A `HashSet` of partitions, reduced to which of them comes first.
#[derive(Debug)]
pub(super) struct PartitionSet {
    /// Hash and partition, in the order of insertion.
    entries: Vec<(u32, usize)>,
    /// Never shrinks.
    buckets: usize,
}

impl PartitionSet {
    pub(super) const fn new() -> Self {
        Self { entries: Vec::new(), buckets: SMALLEST }
    }

    pub(super) fn insert(&mut self, hash: u32, partition: usize) {
        self.entries.push((hash, partition));
        self.buckets = self.buckets.max(buckets(self.entries.len()));
    }

    pub(super) fn remove(&mut self, partition: usize) {
        self.entries.retain(|&(_, entry)| entry != partition);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn first(&self) -> Option<usize> {
        // Of equal buckets `min_by_key` gives the first, which was inserted first.
        let first = self.entries.iter().min_by_key(|&&(hash, _)| bucket(hash, self.buckets));
        first.map(|&(_, partition)| partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_hashes_as_in_java() {
        // From the documentation's formula, s[0]*31^(n-1) + ... + s[n-1].
        assert_eq!(of_text("ab"), 97 * 31 + 98);
        assert_eq!(of_text(""), 0);
    }

    #[test]
    fn a_table_doubles_beyond_three_quarters() {
        assert_eq!([0, 12, 13, 24, 25].map(buckets), [16, 16, 32, 32, 64]);
    }
}
