//! From the bytes of a range query's answer to the samples of each time.

use std::collections::BTreeSet;

use rebalancer_core::fleet::Samples;
use rebalancer_core::port::MetricsError;
use rebalancer_core::unit::Load;

use super::answer::{PodLabel, Track, malformed, matrix};
use super::{Decoded, label, twice};
use crate::grid::Grid;

/// One value by pod for each time of the grid, the latest first. Values that are NaN, infinite or negative are left out.
///
/// A time that no point belongs to has no samples: a server that knows nothing of it sends no points.
pub(crate) fn past(body: &[u8], grid: &Grid) -> Result<Decoded<Vec<Samples>>, MetricsError> {
    let mut pods = BTreeSet::new();
    let mut decoded =
        Decoded { value: vec![Samples::new(); grid.count()], series: 0, values: 0, left_out: 0 };
    for track in matrix::<PodLabel<'_>>(body)? {
        let pod = label(&track.metric.pod, "pod", body)?;
        spread(&track, &pod, grid, &mut decoded)?;
        // Even when they are of different times: whose load it is now would depend on which of them goes on.
        if let Some(pod) = pods.replace(pod) {
            return Err(twice(&format!("pod {pod}"), "pod"));
        }
    }
    decoded.series = pods.len();
    Ok(decoded)
}

/// Puts the points of a pod where they belong.
fn spread(
    track: &Track<PodLabel<'_>>,
    pod: &str,
    grid: &Grid,
    decoded: &mut Decoded<Vec<Samples>>,
) -> Result<(), MetricsError> {
    let mut places = BTreeSet::new();
    for (time, number) in track.points() {
        let place = grid.place(time).ok_or_else(|| off_grid(time, pod, grid))?;
        if !places.insert(place) {
            return Err(malformed(format!(
                "pod {pod} came with two values for one time, the second at {time}, expected one"
            )));
        }
        decoded.values += 1;
        match (Load::new(number), decoded.value.get_mut(place)) {
            (Ok(load), Some(samples)) => {
                samples.insert(pod.to_owned(), load);
            }
            (Ok(_) | Err(_), _) => decoded.left_out += 1,
        }
    }
    Ok(())
}

/// To take the nearest time instead would compare pods with what they were at another time, and only in some cycles.
fn off_grid(time: f64, pod: &str, grid: &Grid) -> MetricsError {
    malformed(format!(
        "pod {pod} came with a value at {time}, expected {grid}; if a front end aligns ranges to their \
         step, bypass it"
    ))
}

#[cfg(test)]
mod tests;
