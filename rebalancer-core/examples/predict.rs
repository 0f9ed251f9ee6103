//! What removing two pods would do to a consumer group, by the rules of two assignors.
#![allow(clippy::print_stdout, reason = "an example shows its result")]

use rebalancer_core::assignor::Assignor;
use rebalancer_core::fleet::{Owner, PartitionLoad};
use rebalancer_core::jiff::{SignedDuration, Timestamp};
use rebalancer_core::policy::Timing;
use rebalancer_core::unit::Load;
use rebalancer_core::{Indicator, Pod, Policy, Snapshot, predict};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now: Timestamp = "2026-01-01T12:00:00Z".parse()?;
    let mut fleet = Snapshot::builder("streams", "consumer", now);
    let mut partitions = Vec::new();
    for number in 0_u32..6 {
        let name = format!("consumer-{number}");
        // Each holds four partitions; those of the first two pods carry most.
        let rate = if number < 2 { 400.0 } else { 100.0 };
        for partition in number * 4..number * 4 + 4 {
            let (topic, partition, load) = ("orders".to_owned(), partition.to_string(), Load::new(rate)?);
            partitions.push(PartitionLoad { topic, partition, pod: Some(name.clone()), load });
        }
        let pod = Pod::new(name, format!("uid-{number}"))
            .with_owner(Owner::of_apps("StatefulSet", "consumer", "uid-of-the-set"))
            .with_ready_since(now - SignedDuration::from_hours(1));
        fleet = fleet.pod(pod, [(Indicator::ConsumptionRate, Load::new(4.0 * rate)?)]);
    }
    let snapshot = fleet.partitions(partitions).build()?;
    let removed = ["consumer-0", "consumer-5"];
    for assignor in [Assignor::Range, Assignor::CooperativeSticky] {
        let policy = Policy::default().with_assignor(Some(assignor)).with_timing(Some(Timing::AllAtOnce));
        match predict(&snapshot, Indicator::ConsumptionRate, &policy.group, &removed) {
            Ok(prediction) => println!("{prediction}"),
            Err(why) => println!("{assignor}: {why}"),
        }
    }
    Ok(())
}
