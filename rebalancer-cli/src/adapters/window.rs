//! The mean of the partition loads over a time before now.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::advice::LoadBasis;
use rebalancer_core::fleet::PartitionLoad;
use rebalancer_core::snapshot::ProducedRates;
use rebalancer_core::unit::{Elapsed, Load};

use super::Adapters;

/// So many readings are averaged, evenly apart; the last one is the present.
const READINGS: usize = 12;

/// The mean over this time: by offsets at its two ends where they tell partition loads, or else of readings of the metric
/// server.
///
/// # Errors
/// When a reading fails, or when no reading has any partition.
pub(crate) async fn mean_of(
    adapters: &Adapters,
    window: SignedDuration,
    now: Timestamp,
) -> anyhow::Result<LoadBasis> {
    let from = now.checked_sub(window).context("the window reaches back to before all time")?;
    match &adapters.group {
        Some(group) if group.tells_loads() => {
            let reading = group.side().source.reading(vec![from, now], now).await;
            let reading = reading.context("the offsets could not be read")?;
            let partitions = ProducedRates::new(&reading, &[]).between(from, now)?;
            Ok(LoadBasis::Mean { window, readings: 1, asked: 1, partitions })
        }
        Some(_) | None => of_metrics(adapters, window, now).await,
    }
}

async fn of_metrics(
    adapters: &Adapters,
    window: SignedDuration,
    now: Timestamp,
) -> anyhow::Result<LoadBasis> {
    let step = window / i32::try_from(READINGS)?;
    let mut readings = Vec::new();
    for back in 0..i32::try_from(READINGS)? {
        let at = now
            .checked_sub(step.saturating_mul(back))
            .context("the window reaches back to before all time")?;
        let Some(reading) = adapters.metrics.partitions(at).await else {
            bail!(
                "--window needs partition loads: set PARTITION_LOAD_QUERY or KAFKA_METRICS_PRESET, or \
                 KAFKA_BOOTSTRAP_SERVERS and KAFKA_GROUP_ID"
            );
        };
        readings.push(reading.with_context(|| format!("partition loads of {at:.0} could not be read"))?);
    }
    readings.retain(|reading| !reading.is_empty());
    ensure!(!readings.is_empty(), "the metric server has no partition load of the last {}", Elapsed(window));
    let partitions = means(&readings);
    Ok(LoadBasis::Mean { window, readings: readings.len(), asked: READINGS, partitions })
}

/// The mean of each partition over the readings that have it once. One that half of them do not have has no mean: it is
/// missing, and not idle.
fn means(readings: &[Vec<PartitionLoad>]) -> Vec<PartitionLoad> {
    let mut sums: BTreeMap<(&str, &str), (f64, usize)> = BTreeMap::new();
    for reading in readings {
        let mut once: BTreeMap<(&str, &str), Option<f64>> = BTreeMap::new();
        for one in reading {
            let entry = once.entry((&one.topic, &one.partition));
            entry.and_modify(|load| *load = None).or_insert(Some(one.load.get()));
        }
        for (partition, load) in once {
            if let Some(load) = load {
                let (sum, count) = sums.entry(partition).or_default();
                *sum += load;
                *count += 1;
            }
        }
    }
    let often = sums.into_iter().filter(|(_, (_, count))| *count * 2 >= readings.len());
    let mean = |((topic, partition), (sum, count)): ((&str, &str), (f64, usize))| {
        let load = Load::new(sum / count as f64).ok()?;
        Some(PartitionLoad { topic: topic.to_owned(), partition: partition.to_owned(), pod: None, load })
    };
    often.filter_map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(loads: &[(&str, f64)]) -> Vec<PartitionLoad> {
        let of = |&(partition, load): &(&str, f64)| PartitionLoad {
            topic: "events".to_owned(),
            partition: partition.to_owned(),
            pod: Some("a".to_owned()),
            load: Load::new(load).unwrap(),
        };
        loads.iter().map(of).collect()
    }

    fn shown(readings: &[Vec<PartitionLoad>]) -> Vec<(String, f64)> {
        means(readings).into_iter().map(|mean| (mean.partition, mean.load.get())).collect()
    }

    #[test]
    fn a_partition_has_the_mean_of_the_readings_that_have_it() {
        let readings = [reading(&[("0", 1.0), ("1", 4.0)]), reading(&[("0", 3.0)])];
        assert_eq!(shown(&readings), [("0".to_owned(), 2.0), ("1".to_owned(), 4.0)]);
    }

    #[test]
    fn a_partition_that_most_readings_lack_or_have_twice_has_no_mean() {
        let rare = [reading(&[("0", 1.0), ("1", 4.0)]), reading(&[("0", 1.0)]), reading(&[("0", 1.0)])];
        assert_eq!(shown(&rare), [("0".to_owned(), 1.0)]);
        let twice = [reading(&[("0", 1.0), ("1", 4.0), ("1", 5.0)])];
        assert_eq!(shown(&twice), [("0".to_owned(), 1.0)]);
    }
}
