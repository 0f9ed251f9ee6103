//! Which partitions the balancing has moved, so that it undoes a move rather than making its reverse.

use std::collections::BTreeMap;

use super::java_hash::PartitionSet;

/// From whom a partition came, and to whom it went; ranks.
type Pair = (usize, usize);

/// All moves so far, seen from where each partition started.
#[derive(Debug, Default)]
pub(super) struct Movements {
    pairs: BTreeMap<usize, Pair>,
    /// By topic and pair.
    moved: BTreeMap<(usize, Pair), PartitionSet>,
}

impl Movements {
    /// The partition to move instead: one of the same topic that went the other way before, if there is any.
    pub(super) fn actual(&self, topic: usize, partition: usize, owner: usize, to: usize) -> usize {
        let origin = self.pairs.get(&partition).map_or(owner, |&(origin, _)| origin);
        let reverse = self.moved.get(&(topic, (to, origin)));
        reverse.and_then(PartitionSet::first).unwrap_or(partition)
    }

    /// Notes a move; one that brings the partition back to its origin leaves no trace.
    pub(super) fn record(&mut self, topic: usize, (partition, hash): (usize, u32), (from, to): Pair) {
        let origin = self.forget(topic, partition).unwrap_or(from);
        if origin != to {
            self.pairs.insert(partition, (origin, to));
            self.moved.entry((topic, (origin, to))).or_insert_with(PartitionSet::new).insert(hash, partition);
        }
    }

    /// Drops the record of a partition and gives its origin.
    fn forget(&mut self, topic: usize, partition: usize) -> Option<usize> {
        let pair = self.pairs.remove(&partition)?;
        if let Some(set) = self.moved.get_mut(&(topic, pair)) {
            set.remove(partition);
            // The next one starts small again, and so in another order.
            if set.is_empty() {
                self.moved.remove(&(topic, pair));
            }
        }
        Some(pair.0)
    }
}
