//! Shows a group and its lag, from a plaintext listener:
//!
//! ```text
//! cargo run -p rebalancer-kafka --example group -- kafka:9092 orders
//! ```
#![expect(clippy::print_stdout, reason = "an example shows something")]

use std::error::Error;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::port::GroupSource;
use rebalancer_kafka::{KafkaGroupSource, Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(servers), Some(group)) = (arguments.next(), arguments.next()) else {
        return Err("which bootstrap servers, by commas, and which group?".into());
    };
    let servers = servers.split(',').map(str::parse).collect::<Result<Vec<_>, _>>()?;
    let source = KafkaGroupSource::new(Settings::new(servers, group)?);

    let mut lap = Instant::now();
    let mut took = |what: &str| {
        let (seconds, usage) = (lap.elapsed().as_secs_f64(), source.usage());
        lap = Instant::now();
        println!("{what} took {:.0} ms; so far {usage}", seconds * 1000.0);
    };
    let group = source.group().await?;
    took("the group");
    println!("{} is {} by {:?} with {} members", group.id, group.state, group.assignor, group.members.len());
    let topics = source.topics(&group.topics()).await?;
    took("its topics");
    let minutes_ago = |minutes| Timestamp::now() - SignedDuration::from_mins(minutes);
    let offsets = source.offsets(&topics, &[minutes_ago(5), minutes_ago(10)]).await?;
    took("offsets now and at two earlier times");
    let known = offsets.values().flatten();
    let lag: u64 = known.clone().filter_map(|offsets| offsets.lag()).sum();
    let produced: u64 = known.filter_map(|offsets| offsets.produced_since(0)).sum();
    println!("{} partitions: {lag} messages of lag, {produced} produced within 5 minutes", offsets.len());
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
    }
    Ok(())
}
