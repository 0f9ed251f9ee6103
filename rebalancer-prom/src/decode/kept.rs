//! The same from answers that keep all labels but those of copies and parts, as the queries that are ready give them:
//! copies are folded, and strangers are an error.

use std::collections::BTreeMap;

use rebalancer_core::fleet::{Hpa, PartitionLoad, Samples};
use rebalancer_core::port::MetricsError;
use rebalancer_core::unit::Load;

use super::answer::{matrix, vector};
use super::past::Spread;
use super::{Decoded, aim, autoscalers, label, malformed};
use crate::copies::{Labels, are_copies};
use crate::grid::Grid;

/// Series of one thing: their other labels, and a value of each.
type Group = Vec<(Labels, f64)>;
/// A topic and the number of a partition.
type Partition = (String, String);

/// One value by pod. A pod whose value is NaN, infinite or negative is left out.
pub(crate) fn samples(body: &[u8]) -> Result<Decoded<Samples>, MetricsError> {
    let (mut pods, mut others): (BTreeMap<String, Group>, BTreeMap<Partition, Group>) = Default::default();
    let mut values = 0;
    for element in vector::<Labels>(body)? {
        values += 1;
        let number = element.number();
        let mut labels = element.metric;
        match without_pod(&mut labels) {
            Some(partition) => others.entry(partition).or_default().push((labels, number)),
            None => pods.entry(taken(&mut labels, "pod", body)?).or_default().push((labels, number)),
        }
    }
    for (partition, group) in &others {
        folded(|| name_of(partition), group)?;
    }
    let mut value = Samples::new();
    for (pod, group) in &pods {
        if let Ok(load) = Load::new(folded(|| format!("pod {pod}"), group)?) {
            value.insert(pod.clone(), load);
        }
    }
    Ok(Decoded { left_out: pods.len() - value.len(), values, series: values, value })
}

/// Autoscalers with their CPU target.
pub(crate) fn hpas(body: &[u8]) -> Result<Decoded<Vec<Hpa>>, MetricsError> {
    let mut groups: BTreeMap<(String, String), Group> = BTreeMap::new();
    for element in vector::<Labels>(body)? {
        let number = element.number();
        let mut labels = element.metric;
        let name = taken(&mut labels, "horizontalpodautoscaler", body)?;
        let kind = labels.remove("metric_target_type").unwrap_or_default();
        groups.entry((name, kind)).or_default().push((labels, number));
    }
    let mut targets = BTreeMap::new();
    for ((name, kind), group) in groups {
        let number = folded(|| format!("autoscaler {name}"), &group)?;
        aim(&mut targets, name, &kind, number)?;
    }
    Ok(autoscalers(targets))
}

/// Partition loads with their pods, ordered by topic and partition. Of the elements without a pod, one that no pod
/// holds has nobody as its owner.
pub(crate) fn partitions(body: &[u8]) -> Result<Decoded<Vec<PartitionLoad>>, MetricsError> {
    let mut held: BTreeMap<Partition, BTreeMap<String, Group>> = BTreeMap::new();
    let mut values = 0;
    for element in vector::<Labels>(body)? {
        values += 1;
        let number = element.number();
        let mut labels = element.metric;
        let partition = (taken(&mut labels, "topic", body)?, taken(&mut labels, "partition", body)?);
        let pod = labels.remove("pod").unwrap_or_default();
        held.entry(partition).or_default().entry(pod).or_default().push((labels, number));
    }
    let mut value = Vec::new();
    for (partition, owners) in held {
        let is_held = owners.keys().any(|pod| !pod.is_empty());
        for (pod, group) in owners {
            let number = folded(|| name_of(&partition), &group)?;
            // What kafka_exporter says of a partition that a pod holds is in that pod's own element.
            if pod.is_empty() && is_held {
                continue;
            }
            let load =
                Load::new(number).map_err(|error| malformed(format!("{}: {error}", name_of(&partition))))?;
            let (topic, number) = partition.clone();
            let pod = Some(pod).filter(|pod| !pod.is_empty());
            value.push(PartitionLoad { topic, partition: number, pod, load });
        }
    }
    Ok(Decoded { values, series: values, left_out: 0, value })
}

/// One value by pod for each time of the grid, as [`past`](super::past).
pub(crate) fn past(body: &[u8], grid: &Grid) -> Result<Decoded<Vec<Samples>>, MetricsError> {
    let mut places: BTreeMap<(Option<Partition>, String, usize), Group> = BTreeMap::new();
    let mut spread = Spread::over(grid);
    for track in matrix::<Labels>(body)? {
        let mut labels = track.metric.clone();
        let partition = without_pod(&mut labels);
        let pod = if partition.is_some() { String::new() } else { taken(&mut labels, "pod", body)? };
        let what = partition.as_ref().map_or_else(|| format!("pod {pod}"), name_of);
        for (place, number) in spread.points(&track, &what)? {
            places.entry((partition.clone(), pod.clone(), place)).or_default().push((labels.clone(), number));
        }
    }
    for ((partition, pod, place), group) in places {
        match partition {
            // As of now, these only show that they are several.
            Some(partition) => folded(|| name_of(&partition), &group).map(drop)?,
            None => spread.put(place, &pod, folded(|| format!("pod {pod}"), &group)?),
        }
    }
    Ok(spread.decoded())
}

/// The largest of some copies; NaN when none is a number.
fn folded(of: impl Fn() -> String, group: &Group) -> Result<f64, MetricsError> {
    are_copies(&of, group.iter().map(|(labels, _)| labels))?;
    Ok(group.iter().map(|(_, number)| *number).fold(f64::NAN, f64::max))
}

/// The partition of an element that tells of no pod.
fn without_pod(labels: &mut Labels) -> Option<Partition> {
    if labels.get("pod").is_some_and(|pod| !pod.is_empty()) || !labels.contains_key("partition") {
        return None;
    }
    Some((labels.remove("topic").unwrap_or_default(), labels.remove("partition").unwrap_or_default()))
}

fn name_of((topic, partition): &Partition) -> String {
    format!("partition {partition} of topic {topic}")
}

/// Takes a label away that must be there.
pub(super) fn taken(labels: &mut Labels, name: &str, body: &[u8]) -> Result<String, MetricsError> {
    label(&labels.remove(name).unwrap_or_default(), name, body)
}

#[cfg(test)]
mod tests;
