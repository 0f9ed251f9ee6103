//! The past of partition loads alone, series by series, for forecasts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rebalancer_core::fleet::PartitionLoad;
use rebalancer_core::port::{HistoryGrid, LoadHistory, MetricsError, SeriesOf};
use rebalancer_core::unit::Load;

use super::{Asked, Chunk, times};
use crate::source::PrometheusSource;

/// Values in one answer, about: some megabytes.
const VALUES: usize = 200_000;
/// Times of the first answer, which shows how many partitions there are.
const FIRST: usize = 24;

/// By topic and partition, from the earliest time on.
type Series = BTreeMap<(String, String), Vec<Option<Load>>>;

/// Reads the loads of all partitions at the times of a grid, in chunks of about as many values each. A time that can't be
/// read is a gap; a chunk of which no time can be read is an error.
pub(crate) async fn read(
    source: &PrometheusSource,
    at: Timestamp,
    grid: HistoryGrid,
) -> Result<Vec<LoadHistory>, MetricsError> {
    let mut series = Series::new();
    let mut done = 0;
    let mut size = FIRST;
    while done < grid.count {
        let count = size.min(grid.count - done);
        let back = |steps: usize| grid.step.checked_mul(i32::try_from(steps).ok()?);
        let from = back(grid.count - done).and_then(|back| at.checked_sub(back).ok());
        let from = from.ok_or_else(|| MetricsError::Refused {
            message: format!("{} times before {at} can't be asked for", grid.count),
        })?;
        let chunk = one_chunk(source, Chunk { from, step: grid.step, count }).await?;
        for (place, loads) in chunk.into_iter().enumerate() {
            put(&mut series, loads, done + place, grid.count);
        }
        done += count;
        size = (VALUES / series.len().max(1)).clamp(FIRST, 11_000);
    }
    let history =
        |((topic, partition), loads)| LoadHistory { of: SeriesOf::Partition { topic, partition }, loads };
    Ok(series.into_iter().map(history).collect())
}

/// A partition that moves from one pod to another has two loads for a while: the larger one counts.
fn put(series: &mut Series, loads: Vec<PartitionLoad>, place: usize, count: usize) {
    for PartitionLoad { topic, partition, load, .. } in loads {
        let loads = series.entry((topic, partition)).or_insert_with(|| vec![None; count]);
        if let Some(slot) = loads.get_mut(place) {
            *slot = Some(slot.map_or(load, |other| if other.get() > load.get() { other } else { load }));
        }
    }
}

async fn one_chunk(source: &PrometheusSource, chunk: Chunk) -> Result<Vec<Vec<PartitionLoad>>, MetricsError> {
    let (grid, times) = times(chunk)?;
    let asked = Asked { source, grid, times: &times, kept: None };
    let course = asked.partitions().await.ok_or_else(|| MetricsError::Refused {
        message: "there is no query for partition loads".to_owned(),
    })?;
    let mut failed = None;
    let mut read = Vec::with_capacity(times.len());
    let mut known = 0_usize;
    for loads in course.values {
        match loads {
            Ok(loads) => {
                known += 1;
                read.push(loads);
            }
            Err(error) if error.is_ambiguous() => return Err(error),
            Err(error) => {
                failed.get_or_insert(error);
                read.push(Vec::new());
            }
        }
    }
    match failed {
        Some(error) if known == 0 => Err(error),
        Some(_) | None => Ok(read),
    }
}
