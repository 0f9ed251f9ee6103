//! A consumer group that was rebalanced: members came or went, perhaps elsewhere, or hold other partitions.

use std::time::Duration;

use rebalancer_core::fleet::consumer_group::{ConsumerGroup, TopicPartition};
use rebalancer_core::port::GroupSource;
use tokio::time::sleep;

/// Waits until the group is at rest again, with other members or other partitions for them than now. Asks after each such
/// pause; one that can't be read is asked for again, and the next cycle says what is wrong with it.
pub(super) async fn regrouped(source: &dyn GroupSource, every: Duration) {
    let mut before = None;
    loop {
        if let Ok(now) = source.group().await
            && now.state.is_stable()
        {
            let now = held(&now);
            match &before {
                Some(before) if *before != now => return,
                Some(_) => {}
                None => before = Some(now),
            }
        }
        sleep(every).await;
    }
}

/// Who holds what: members are in the order of their ids.
fn held(group: &ConsumerGroup) -> Vec<(String, Vec<TopicPartition>)> {
    let of = |assigned: &Option<Vec<TopicPartition>>| {
        let mut held = assigned.clone().unwrap_or_default();
        held.sort_unstable();
        held
    };
    group.members.iter().map(|member| (member.id.clone(), of(&member.assigned))).collect()
}
