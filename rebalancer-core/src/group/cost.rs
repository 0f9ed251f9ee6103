//! From partition loads to pod loads: a straight line over the fleet, and the pods that stand out from it.

use super::{GroupModel, Unusable};
use crate::fleet::Indicator;
use crate::snapshot::Snapshot;

/// `pod load = base + slope * sum of its partitions' loads`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub(crate) struct Cost {
    /// What a pod costs that holds nothing, in the indicator's unit.
    pub(crate) base: f64,
    /// What one unit of partition load costs.
    pub(crate) slope: f64,
}

impl Cost {
    /// Load of a usual pod whose partitions carry this much.
    #[must_use]
    pub(crate) fn of(&self, carried: f64) -> f64 {
        self.base + self.slope * carried
    }
}

/// A pod stands out when it is this much off the line, and more than noise explains.
const STANDS_OUT: f64 = 0.25;

/// A pod that seems to do its work for nothing is stuck: partitions that move there are not free.
const LOWEST_FACTOR: f64 = 0.5;

/// How many (scaled) median absolute deviations are still noise.
const NOISE: f64 = 3.5;

/// Makes the median absolute deviation of normal noise its standard deviation.
const MAD_TO_SD: f64 = 1.4826;

/// A line with a larger median error explains nothing.
const LARGEST_ERROR: f64 = 0.25;

/// Fits the line, gives the pods that stand out their factor, and refuses a line that explains nothing.
///
/// The first guess is a median, and the fit is repeated without the pods that stand out: as long as fewer than half of
/// the nodes are slow, they don't bend the line.
pub(super) fn explain(
    model: &mut GroupModel,
    snapshot: &Snapshot,
    indicator: Indicator,
) -> Result<Cost, Unusable> {
    let points = points(model, snapshot, indicator);
    let mut cost = usual(&points);
    let mut kept = usual_ones(&points, &cost);
    for _ in 0..3 {
        cost = fit(&points, &kept).ok_or(Unusable::Unexplained { indicator, error: 1.0 })?;
        kept = usual_ones(&points, &cost);
    }
    let error = median(points.iter().map(|point| (point.ratio(&cost) - 1.0).abs()).collect());
    if error > LARGEST_ERROR {
        return Err(Unusable::Unexplained { indicator, error });
    }
    for (point, kept) in points.iter().zip(kept) {
        if let (false, Some(pod)) = (kept, model.pods.get_mut(point.pod)) {
            pod.factor = point.ratio(&cost).max(LOWEST_FACTOR);
        }
    }
    Ok(cost)
}

/// One pod with a sample: what its partitions carry, and what it was measured at.
struct Point {
    pod: usize,
    carried: f64,
    measured: f64,
}

impl Point {
    /// Measured by expected; 1 where nothing is expected.
    fn ratio(&self, cost: &Cost) -> f64 {
        let expected = cost.of(self.carried);
        if expected > 0.0 { self.measured / expected } else { 1.0 }
    }
}

fn points(model: &GroupModel, snapshot: &Snapshot, indicator: Indicator) -> Vec<Point> {
    let point = |(index, (pod, carried)): (usize, (&super::MemberPod, f64))| {
        let measured = snapshot.pods.get(pod.pod)?.loads.get(indicator)?.get();
        // A pod that holds nothing says what the base costs at best, and is often only just there.
        model.held(pod).next()?;
        Some(Point { pod: index, carried, measured })
    };
    model.pods.iter().zip(model.carried_now()).enumerate().filter_map(point).collect()
}

/// Least squares; through the origin when the line would begin below it, or when all pods carry the same.
fn fit(points: &[Point], kept: &[bool]) -> Option<Cost> {
    let used: Vec<&Point> =
        points.iter().zip(kept).filter_map(|(point, kept)| kept.then_some(point)).collect();
    let count = used.len() as f64;
    let mean_x = used.iter().map(|point| point.carried).sum::<f64>() / count;
    let mean_y = used.iter().map(|point| point.measured).sum::<f64>() / count;
    let sxx: f64 = used.iter().map(|point| (point.carried - mean_x).powi(2)).sum();
    let sxy: f64 = used.iter().map(|point| (point.carried - mean_x) * (point.measured - mean_y)).sum();
    let slope = sxy / sxx;
    let base = mean_y - slope * mean_x;
    let line = if slope > 0.0 && base >= 0.0 && sxx > (0.01 * mean_x).powi(2) * count {
        Cost { base, slope }
    } else {
        Cost { base: 0.0, slope: mean_y / mean_x }
    };
    (line.slope.is_finite() && line.base.is_finite() && line.slope > 0.0).then_some(line)
}

/// The line through the origin with the median cost of a unit of partition load.
fn usual(points: &[Point]) -> Cost {
    let carrying = points.iter().filter(|point| point.carried > 0.0);
    Cost { base: 0.0, slope: median(carrying.map(|point| point.measured / point.carried).collect()) }
}

/// Which points are on the line but for noise.
fn usual_ones(points: &[Point], cost: &Cost) -> Vec<bool> {
    let off = |point: &Point| (point.ratio(cost) - 1.0).abs();
    let noise = NOISE * MAD_TO_SD * median(points.iter().map(off).collect());
    points.iter().map(|point| off(point) <= noise.max(STANDS_OUT)).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() {
        return 0.0;
    }
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
