//! The decoders as the fuzz targets call them. No part of the interface: it may change with any release.

use rebalancer_core::fleet::{Hpa, Pod};
use rebalancer_core::port::InventoryError;

use crate::answer::{Encoding, Gather as _, Listed, Object, One};
use crate::decode::{RawHpa, RawPod, foreign, hpa, pod};
use crate::inventory::{each_once, sharing};
use crate::wire::Failure;

pub use crate::state::fuzzing::{acquire, annotation, peek, record, written};

/// The pods of this namespace, from a list that came in one page.
///
/// # Errors
/// When it can't be used.
pub fn pods(body: &[u8], namespace: &str, container: &str) -> Result<Vec<Pod>, InventoryError> {
    list(body, "PodList", sharing(|raw: RawPod| pod(raw, namespace, container))).map(each_once)
}

/// One pod of this namespace.
///
/// # Errors
/// When it can't be used.
pub fn one_pod(body: &[u8], namespace: &str, container: &str) -> Result<Pod, InventoryError> {
    let mut one = One::begin(encoding(body));
    let raw = one.take(body).and_then(|()| one.end()).map_err(rejected)?;
    pod(raw, namespace, container)
}

/// The autoscalers of a list that came in one page.
///
/// # Errors
/// When it can't be used.
pub fn hpas(body: &[u8], container: &str) -> Result<Vec<Hpa>, InventoryError> {
    list(body, "HorizontalPodAutoscalerList", |raw: RawHpa| hpa(raw, container))
}

fn list<R: Object, T: Send>(
    body: &[u8],
    kind: &str,
    convert: impl Fn(R) -> Result<T, InventoryError> + Sync,
) -> Result<Vec<T>, InventoryError> {
    let mut listed = Listed::begin(encoding(body), &convert);
    // In two pieces, as it may arrive.
    let (first, second) = body.split_at(body.len() / 2);
    let whole = listed.take(first).and_then(|()| listed.take(second)).and_then(|()| listed.end());
    let (frame, all) = whole.map_err(rejected)?;
    if frame.kind == kind { all } else { Err(foreign(kind, &frame.kind)) }
}

/// As its header would say.
fn encoding(body: &[u8]) -> Encoding {
    if body.starts_with(b"k8s\0") { Encoding::Protobuf } else { Encoding::Json }
}

fn rejected(failure: Failure) -> InventoryError {
    InventoryError::Rejected { message: failure.to_string() }
}
