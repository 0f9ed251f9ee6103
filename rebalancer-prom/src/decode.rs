//! From the bytes of an answer to samples. Pure; everything untrustworthy ends here.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::num::NonZeroUsize;

use rebalancer_core::fleet::{CpuTarget, Hpa, PartitionLoad, Samples};
use rebalancer_core::port::MetricsError;
use rebalancer_core::unit::{Cores, Load};
use serde::de::IgnoredAny;

pub(crate) use answer::server_error;
use answer::{HpaLabels, PartitionLabels, PodLabel, labels_without, malformed, matrix, vector};
pub(crate) use past::past;

use crate::query::PromQl;

mod answer;
pub(crate) mod claimed;
pub(crate) mod kept;
mod past;

/// What an answer held.
#[derive(Debug, PartialEq)]
pub(crate) struct Decoded<T> {
    /// What can be used.
    pub(crate) value: T,
    /// How many series came.
    pub(crate) series: usize,
    /// How many values came: one for each series of a vector, one for each point of a matrix.
    pub(crate) values: usize,
    /// How many of them can't be used: NaN, infinite or negative.
    pub(crate) left_out: usize,
}

/// All labels of an element, and its value.
pub(crate) type Element = (BTreeMap<String, String>, f64);

/// The elements of a vector.
pub(crate) fn labelled(body: &[u8]) -> Result<Vec<Element>, MetricsError> {
    let elements = vector::<BTreeMap<String, String>>(body)?;
    Ok(elements.into_iter().map(|element| (element.metric.clone(), element.number())).collect())
}

/// All labels of a series, and its points: seconds since the epoch, and a value that may be no number.
pub(crate) type Points = (BTreeMap<String, String>, Vec<(f64, f64)>);

/// The series of a matrix.
pub(crate) fn range(body: &[u8]) -> Result<Vec<Points>, MetricsError> {
    let tracks = matrix::<BTreeMap<String, String>>(body)?;
    Ok(tracks.into_iter().map(|track| (track.metric.clone(), track.points().collect())).collect())
}

/// The times of each series of a matrix, in seconds since the epoch.
pub(crate) fn times(body: &[u8]) -> Result<Vec<Vec<f64>>, MetricsError> {
    let tracks = matrix::<IgnoredAny>(body)?;
    Ok(tracks.iter().map(|track| track.points().map(|(time, _)| time).collect()).collect())
}

impl<T> Decoded<T> {
    /// The same with another value.
    pub(crate) fn map<U>(self, of: impl FnOnce(T) -> U) -> Decoded<U> {
        let Self { value, series, values, left_out } = self;
        Decoded { value: of(value), series, values, left_out }
    }

    /// Refuses an answer with more series than it may have: the server may have cut it off there.
    pub(crate) fn within(self, limit: Option<NonZeroUsize>) -> Result<Self, MetricsError> {
        match limit {
            Some(limit) if self.series > limit.get() => Err(MetricsError::Incomplete {
                message: format!(
                    "{} series came, more than the {limit} that are accepted, so it may have been cut off; raise the \
                     limit on series, or ask for fewer",
                    self.series
                ),
            }),
            Some(_) | None => Ok(self),
        }
    }
}

/// How the answer to this query is read.
pub(crate) fn by_kind<T>(
    query: &PromQl,
    plain: fn(&[u8]) -> Result<Decoded<T>, MetricsError>,
    kept: fn(&[u8]) -> Result<Decoded<T>, MetricsError>,
) -> fn(&[u8]) -> Result<Decoded<T>, MetricsError> {
    if query.keeps_labels() { kept } else { plain }
}

/// One value by pod. A pod whose value is NaN, infinite or negative is left out.
pub(crate) fn samples(body: &[u8]) -> Result<Decoded<Samples>, MetricsError> {
    let mut pods = BTreeMap::new();
    for series in vector::<PodLabel<'_>>(body)? {
        let pod = label(&series.metric.pod, "pod", body)?;
        match pods.entry(pod) {
            Entry::Vacant(entry) => entry.insert(Load::new(series.number()).ok()),
            Entry::Occupied(entry) => return Err(twice(&format!("pod {}", entry.key()), "pod")),
        };
    }
    let values = pods.len();
    let value: Samples = pods.into_iter().filter_map(|(pod, load)| Some((pod, load?))).collect();
    Ok(Decoded { left_out: values - value.len(), values, series: values, value })
}

/// Autoscalers with their CPU target.
pub(crate) fn hpas(body: &[u8]) -> Result<Decoded<Vec<Hpa>>, MetricsError> {
    let mut targets = BTreeMap::new();
    for series in vector::<HpaLabels<'_>>(body)? {
        let name = label(&series.metric.horizontalpodautoscaler, "horizontalpodautoscaler", body)?;
        aim(&mut targets, name, &series.metric.metric_target_type, series.number())?;
    }
    Ok(autoscalers(targets))
}

/// One more target.
fn aim(
    targets: &mut BTreeMap<String, CpuTarget>,
    name: String,
    kind: &str,
    number: f64,
) -> Result<(), MetricsError> {
    let target = cpu_target(&name, kind, number)?;
    match targets.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(target);
            Ok(())
        }
        Entry::Occupied(entry) => Err(malformed(format!(
            "autoscaler {} has two CPU targets, {} and {target}; which one rules can't be known",
            entry.key(),
            entry.get()
        ))),
    }
}

fn autoscalers(targets: BTreeMap<String, CpuTarget>) -> Decoded<Vec<Hpa>> {
    let value: Vec<_> = targets
        .into_iter()
        .map(|(name, target)| Hpa {
            name,
            scales: None,
            scales_kind: None,
            of_container: false,
            cpu: Some(target),
            scaling: None,
            scales_by: Vec::new(),
        })
        .collect();
    Decoded { values: value.len(), series: value.len(), left_out: 0, value }
}

/// Partition loads with their pods, ordered by topic and partition.
///
/// Unlike a pod, a partition can't be left out: the prediction would deal the rest as if it did not exist.
pub(crate) fn partitions(body: &[u8]) -> Result<Decoded<Vec<PartitionLoad>>, MetricsError> {
    let mut loads = BTreeMap::new();
    for series in vector::<PartitionLabels<'_>>(body)? {
        let load = partition(&series.metric, series.number(), body)?;
        // Two pods that hold one partition are for the core to judge: the group is in the middle of a rebalance.
        let key = (load.topic.clone(), load.partition.clone(), load.pod.clone());
        if let Some(other) = loads.insert(key, load) {
            let what = format!("partition {} of topic {}", other.partition, other.topic);
            return Err(twice(&what, "topic, partition, pod"));
        }
    }
    let value: Vec<_> = loads.into_values().collect();
    Ok(Decoded { values: value.len(), series: value.len(), left_out: 0, value })
}

fn partition(labels: &PartitionLabels<'_>, number: f64, body: &[u8]) -> Result<PartitionLoad, MetricsError> {
    let topic = label(&labels.topic, "topic", body)?;
    let partition = label(&labels.partition, "partition", body)?;
    let pod = label(&labels.pod, "pod", body)?;
    let load = Load::new(number)
        .map_err(|error| malformed(format!("partition {partition} of topic {topic}: {error}")))?;
    Ok(PartitionLoad { topic, partition, pod: Some(pod), load })
}

/// A specification can't be NaN, negative or zero. To skip such a target would mean "no autoscaler", which is another rule.
fn cpu_target(hpa: &str, kind: &str, number: f64) -> Result<CpuTarget, MetricsError> {
    let target = match kind {
        "utilization" => usable(number).map(CpuTarget::Utilization),
        "average" => usable(number).and_then(|cores| Cores::new(cores).ok()).map(CpuTarget::AverageValue),
        other => {
            return Err(malformed(format!(
                "autoscaler {hpa} has metric_target_type '{other}', expected 'utilization' or 'average'"
            )));
        }
    };
    target.ok_or_else(|| {
        malformed(format!("autoscaler {hpa} has the CPU target {number}, expected more than 0"))
    })
}

fn usable(number: f64) -> Option<f64> {
    (number.is_finite() && number > 0.0).then_some(number)
}

fn label(value: &str, name: &str, body: &[u8]) -> Result<String, MetricsError> {
    if value.is_empty() {
        let came = labels_without(name, body);
        return Err(malformed(format!("a series came with the labels {came}, expected a label '{name}'")));
    }
    Ok(value.to_owned())
}

/// Equal values are no excuse: the query mixes things that it takes for one.
fn twice(what: &str, by: &str) -> MetricsError {
    malformed(format!("{what} came more than once, expected one value; aggregate the query 'by ({by})'"))
}

#[cfg(test)]
mod tests;
