//! What is read back is in the order in which it was assembled: decisions go by it, and both depend on it.

use serde::de::{Deserialize, Deserializer, Error};

use super::{ObservedPod, Pods};
use crate::fleet::{Indicator, PartitionLoad};

pub(super) fn pods<'de, D: Deserializer<'de>>(from: D) -> Result<Pods, D::Error> {
    let pods = Vec::<ObservedPod>::deserialize(from)?;
    let ordered = pods.is_sorted_by(|a, b| (&a.pod.name, &a.pod.uid) < (&b.pod.name, &b.pod.uid));
    in_order(pods.into(), ordered, "pods are not ordered by name and UID, or one is there twice")
}

pub(super) fn readable<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Indicator>, D::Error> {
    let readable = Vec::<Indicator>::deserialize(from)?;
    let ordered = readable.is_sorted_by(|a, b| a < b);
    in_order(readable, ordered, "indicators are not in their order, or one is there twice")
}

pub(super) fn partitions<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<PartitionLoad>>, D::Error> {
    let partitions = Option::<Vec<PartitionLoad>>::deserialize(from)?;
    let ordered = partitions.as_ref().is_none_or(|partitions| {
        partitions.is_sorted_by_key(|partition| (&partition.topic, &partition.partition, &partition.pod))
    });
    in_order(partitions, ordered, "partitions are not ordered by topic, number and pod")
}

fn in_order<T, E: Error>(given: T, ordered: bool, otherwise: &str) -> Result<T, E> {
    if ordered { Ok(given) } else { Err(E::custom(otherwise)) }
}
