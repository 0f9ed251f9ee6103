//! The broker's `uniform` on a plain group: `assignor::uniform::homogeneous`.

use super::Slot;
use super::trial::Trial;
use crate::assignor::TopicPartition;
use crate::assignor::uniform::{Extra, Quotas, java_order};

pub(super) fn rebalance(trial: &mut Trial<'_>) {
    let mut quotas = Quotas::new(trial.partitions(), trial.members, Extra::of(trial.plain.rule));
    let mut pool = std::mem::take(&mut trial.free);
    pool.sort_unstable();
    let mut rooms: Vec<(Slot, usize)> = Vec::new();
    let mut surplus: Vec<u32> = Vec::new();
    for slot in in_turn(trial) {
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

/// Those that take part, in the order in which the coordinator goes through them.
fn in_turn(trial: &Trial<'_>) -> Vec<Slot> {
    let (plain, members) = (trial.plain, trial.members);
    let all = plain.hash_order(members).iter().copied();
    let mut order: Vec<Slot> = all.filter(|slot| trial.is_present(*slot)).collect();
    let newest = trial.newest.and_then(|newest| order.iter().position(|&slot| slot == newest));
    if let Some(mut chain) = newest.and_then(|place| order.get_mut(place..))
        && let Some(bucket) = chain.first().map(|&slot| plain.bucket(slot, members))
    {
        let end = chain.iter().take_while(|&&slot| plain.bucket(slot, members) == bucket).count();
        if let Some((whole, _)) = chain.split_at_mut_checked(end) {
            chain = whole;
            chain.rotate_left(1);
        }
    }
    order
}

/// Takes what a member has too much, in the order of the coordinator's sets of numbers.
fn take_surplus(trial: &mut Trial<'_>, slot: Slot, most: usize, surplus: &mut Vec<u32>) {
    let mut held: Vec<TopicPartition> = Vec::new();
    trial.gather_in_turn(slot, &mut held);
    trial.plain.by_topic.sort(&mut held);
    java_order::sort_partitions(&mut held);
    let place = |partition: &TopicPartition| {
        let place = trial.plain.partitions.binary_search(partition).ok()?;
        u32::try_from(place).ok()
    };
    let places: Vec<u32> = held.iter().filter_map(place).collect();
    let (keeps, gives) = places.split_at(most.min(places.len()));
    for &partition in gives {
        trial.release(partition, slot);
        surplus.push(partition);
    }
    // What it keeps is held in that order from now on.
    trial.keep_in_turn(slot, keeps);
    // Released partitions go into the pool, in their own order.
    trial.free.clear();
}
