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
    let mut spread = Spread::over(grid);
    for track in matrix::<PodLabel<'_>>(body)? {
        let pod = label(&track.metric.pod, "pod", body)?;
        for (place, number) in spread.points(&track, &format!("pod {pod}"))? {
            spread.put(place, &pod, number);
        }
        // Even when they are of different times: whose load it is now would depend on which of them goes on.
        if let Some(pod) = pods.replace(pod) {
            return Err(twice(&format!("pod {pod}"), "pod"));
        }
    }
    Ok(spread.decoded())
}

/// Points where they belong.
pub(super) struct Spread<'a> {
    grid: &'a Grid,
    decoded: Decoded<Vec<Samples>>,
}

impl<'a> Spread<'a> {
    pub(super) fn over(grid: &'a Grid) -> Self {
        let value = vec![Samples::new(); grid.count()];
        Self { grid, decoded: Decoded { value, series: 0, values: 0, left_out: 0 } }
    }

    /// The points of one more series, by their place.
    pub(super) fn points<L>(
        &mut self,
        track: &Track<L>,
        what: &str,
    ) -> Result<Vec<(usize, f64)>, MetricsError> {
        self.decoded.series += 1;
        let (mut places, mut points) = (BTreeSet::new(), Vec::new());
        for (time, number) in track.points() {
            let place = self.grid.place(time).ok_or_else(|| off_grid(time, what, self.grid))?;
            if !places.insert(place) {
                return Err(malformed(format!(
                    "{what} came with two values for one time, the second at {time}, expected one"
                )));
            }
            points.push((place, number));
        }
        self.decoded.values += points.len();
        Ok(points)
    }

    /// The value of a pod.
    pub(super) fn put(&mut self, place: usize, pod: &str, number: f64) {
        match (Load::new(number), self.decoded.value.get_mut(place)) {
            (Ok(load), Some(samples)) => {
                samples.insert(pod.to_owned(), load);
            }
            (Ok(_) | Err(_), _) => self.decoded.left_out += 1,
        }
    }

    pub(super) fn decoded(self) -> Decoded<Vec<Samples>> {
        self.decoded
    }
}

/// To take the nearest time instead would compare pods with what they were at another time, and only in some cycles.
fn off_grid(time: f64, what: &str, grid: &Grid) -> MetricsError {
    malformed(format!(
        "{what} came with a value at {time}, expected {grid}; if a front end aligns ranges to their \
         step, bypass it"
    ))
}

#[cfg(test)]
mod tests;
