//! The same from answers in which the containers of a pod come one by one: one value by pod, with what each of its series
//! says of whose it is.

use std::collections::BTreeMap;

use rebalancer_core::fleet::{Claims, Identity, Samples};
use rebalancer_core::port::MetricsError;
use rebalancer_core::unit::Load;

use super::Decoded;
use super::answer::{matrix, vector};
use super::kept::taken;
use super::past::Spread;
use crate::cgroup::identity;
use crate::copies::{Labels, are_copies};
use crate::grid::Grid;
use crate::promql::Parts;

/// Samples, and the claims to them.
pub(crate) type Claimed = (Samples, Claims);

/// Series of one pod: their other labels, and a value of each.
type Group = Vec<(Labels, f64)>;

/// One value by pod. A pod whose value is NaN, infinite or negative is left out.
pub(crate) fn samples(body: &[u8], parts: Parts) -> Result<Decoded<Claimed>, MetricsError> {
    let mut pods: BTreeMap<String, Group> = BTreeMap::new();
    let mut values = 0;
    for element in vector::<Labels>(body)? {
        values += 1;
        let number = element.number();
        let mut labels = element.metric;
        pods.entry(taken(&mut labels, "pod", body)?).or_default().push((labels, number));
    }
    let (mut samples, mut claims, found) = (Samples::new(), Claims::default(), pods.len());
    for (pod, group) in pods {
        let number = fold(&pod, group, parts, &mut claims)?;
        if let Ok(load) = Load::new(number) {
            samples.insert(pod, load);
        }
    }
    Ok(Decoded { left_out: found - samples.len(), values, series: values, value: (samples, claims) })
}

/// One value by pod for each time of the grid, the latest first.
pub(crate) fn past(body: &[u8], grid: &Grid, parts: Parts) -> Result<Decoded<Vec<Claimed>>, MetricsError> {
    let mut places: BTreeMap<(usize, String), Group> = BTreeMap::new();
    let mut spread = Spread::over(grid);
    for track in matrix::<Labels>(body)? {
        let mut labels = track.metric.clone();
        let pod = taken(&mut labels, "pod", body)?;
        for (place, number) in spread.points(&track, &format!("pod {pod}"))? {
            places.entry((place, pod.clone())).or_default().push((labels.clone(), number));
        }
    }
    let mut claims = vec![Claims::default(); grid.count()];
    for ((place, pod), group) in places {
        let mut unplaced = Claims::default();
        let claims = claims.get_mut(place).unwrap_or(&mut unplaced);
        let number = fold(&pod, group, parts, claims)?;
        spread.put(place, &pod, number);
    }
    let Decoded { value, series, values, left_out } = spread.decoded();
    Ok(Decoded { value: value.into_iter().zip(claims).collect(), series, values, left_out })
}

/// One value of all of a pod's series, for as long as nothing is known of the pod; and their claims.
fn fold(pod: &str, group: Group, parts: Parts, claims: &mut Claims) -> Result<f64, MetricsError> {
    let mut series: Vec<(String, Identity, Labels, f64)> = Vec::with_capacity(group.len());
    for (mut labels, number) in group {
        let container = labels.get("id").cloned().unwrap_or_default();
        series.push((container, identity(&mut labels), labels, number));
    }
    are_copies(|| format!("pod {pod}"), series.iter().map(|(_, _, labels, _)| labels))?;
    if series.iter().any(|(_, of, _, _)| !of.is_unknown()) {
        for (_, of, _, number) in &series {
            if let Ok(load) = Load::new(*number) {
                claims.add(pod, of.clone(), load);
            }
        }
    }
    let mut containers: BTreeMap<&str, f64> = BTreeMap::new();
    for (container, _, _, number) in &series {
        let known = containers.entry(container).or_insert(f64::NAN);
        *known = known.max(*number);
    }
    Ok(match parts {
        Parts::Successive => containers.into_values().fold(f64::NAN, f64::max),
        // A copy may lack the label, and has it all then.
        Parts::Added => {
            let copy = containers.remove("").unwrap_or(f64::NAN);
            if containers.is_empty() { copy } else { containers.into_values().sum::<f64>().max(copy) }
        }
    })
}

#[cfg(test)]
mod tests;
