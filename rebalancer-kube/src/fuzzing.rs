//! The decoders as the fuzz targets call them. No part of the interface: it may change with any release.

use rebalancer_core::fleet::{Hpa, Pod};
use rebalancer_core::port::InventoryError;
use serde::de::DeserializeOwned;

use crate::decode::{RawHpa, RawPod, hpa, pod};
use crate::inventory::each_once;
use crate::list::Page;
use crate::wire::Failure;

pub use crate::state::fuzzing::{acquire, annotation, peek, record, written};

/// The pods of this namespace, from a list that came in one page.
///
/// # Errors
/// When it can't be used.
pub fn pods(body: &[u8], namespace: &str, container: &str) -> Result<Vec<Pod>, InventoryError> {
    list(body, "PodList", |raw: RawPod| pod(raw, namespace, container)).map(each_once)
}

/// One pod of this namespace.
///
/// # Errors
/// When it can't be used.
pub fn one_pod(body: &[u8], namespace: &str, container: &str) -> Result<Pod, InventoryError> {
    pod(json(body)?, namespace, container)
}

/// The autoscalers of a list that came in one page.
///
/// # Errors
/// When it can't be used.
pub fn hpas(body: &[u8], container: &str) -> Result<Vec<Hpa>, InventoryError> {
    list(body, "HorizontalPodAutoscalerList", |raw: RawHpa| hpa(raw, container))
}

fn list<R: DeserializeOwned, T>(
    body: &[u8],
    kind: &str,
    convert: impl Fn(R) -> Result<T, InventoryError>,
) -> Result<Vec<T>, InventoryError> {
    let page: Page<R> = json(body)?;
    page.of_kind(kind)?.items.unwrap_or_default().into_iter().map(convert).collect()
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, InventoryError> {
    serde_json::from_slice(body).map_err(|error| {
        let message = Failure::Malformed(error.to_string()).to_string();
        InventoryError::Rejected { message }
    })
}
