//! From the API server's JSON to the core's values. Pure.
//!
//! The types here hold only the wanted fields: a full pod is some 9 KiB of JSON with its managed fields, and
//! reading a thousand of them as `k8s_openapi` types takes many times the memory of what is kept.

mod hpa;
mod pod;
mod quantity;

pub(crate) use hpa::{RawHpa, hpa};
pub(crate) use pod::{RawPod, pod};

use rebalancer_core::port::InventoryError;

use crate::text::excerpt;

/// An object without a field that every stored object has.
fn incomplete(kind: &str, name: &str, field: &str) -> InventoryError {
    InventoryError::Rejected { message: format!("the {kind} '{}' came without {field}", excerpt(name)) }
}
