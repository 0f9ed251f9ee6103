//! The broker's `uniform` on a plain group: `assignor::uniform::homogeneous`.

use super::Slot;
use super::trial::Trial;
use crate::assignor::TopicPartition;
use crate::assignor::uniform::Quotas;
use crate::assignor::uniform::java_order;

pub(super) fn rebalance(trial: &mut Trial<'_>) {
    let plain = trial.plain;
    let mut quotas = Quotas::new(trial.partitions(), trial.members);
    let mut pool = std::mem::take(&mut trial.free);
    pool.sort_unstable();
    let mut rooms: Vec<(Slot, usize)> = Vec::new();
    let mut surplus: Vec<u32> = Vec::new();
    for &slot in plain.hash_order(trial.members) {
        if !trial.is_present(slot) {
            continue;
        }
        let most = quotas.most();
        if trial.count(slot) > most {
            take_surplus(trial, slot, most, &mut surplus);
            pool.append(&mut surplus);
        }
        let room = quotas.room(trial.count(slot));
        if room > 0 {
            rooms.push((slot, room));
        }
    }
    let mut rest = pool.iter().copied();
    for (slot, room) in rooms {
        for partition in rest.by_ref().take(room) {
            trial.give(partition, slot);
        }
    }
    let left: Vec<u32> = rest.collect();
    trial.free.clear();
    trial.free.extend(left);
}

/// Takes what a member has too much, in the order of the coordinator's sets of numbers.
fn take_surplus(trial: &mut Trial<'_>, slot: Slot, most: usize, surplus: &mut Vec<u32>) {
    let mut list = Vec::new();
    trial.gather(slot, &mut list);
    let mut held: Vec<TopicPartition> =
        list.iter().map(|&partition| trial.plain.partition(partition)).collect();
    java_order::sort_partitions(&mut held);
    for partition in held.get(most..).unwrap_or(&[]) {
        let Ok(place) = trial.plain.partitions.binary_search(partition) else { continue };
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        trial.release(place, slot);
        surplus.push(place);
    }
    // Released partitions go into the pool, in their own order.
    trial.free.clear();
}
