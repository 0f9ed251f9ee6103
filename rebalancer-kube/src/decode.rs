//! From the API server's JSON to the core's values. Pure.
//!
//! The types here hold only the wanted fields: a full pod is some 9 KiB of JSON with its managed fields, and
//! reading a thousand of them as `k8s_openapi` types takes many times the memory of what is kept.

mod budget;
mod controller;
mod hpa;
mod pod;
mod quantity;
mod scale;
mod scaling;
mod scaling_metric;

pub(crate) use budget::budget;
pub(crate) use controller::{RawController, controller};
pub(crate) use hpa::{RawHpa, hpa};
pub(crate) use pod::{RawPod, pod};
pub(crate) use scale::{RawScale, scale};

use std::collections::BTreeMap;

use jiff::Timestamp;
use rebalancer_core::eligibility::ANNOTATIONS;
use rebalancer_core::port::InventoryError;

use crate::text::excerpt;

/// An object without a field that every stored object has.
fn incomplete(kind: &str, name: &str, field: &str) -> InventoryError {
    InventoryError::Rejected { message: format!("the {kind} '{}' came without {field}", excerpt(name)) }
}

/// An answer of another kind than was requested, which may still parse.
pub(crate) fn foreign(asked: &str, came: &str) -> InventoryError {
    InventoryError::Rejected { message: format!("a {asked} was asked for, a {} came", excerpt(came)) }
}

/// Objects carry kilobytes of annotations, such as their last applied configuration.
fn that_matter(mut annotations: BTreeMap<String, String>) -> BTreeMap<String, String> {
    annotations.retain(|name, _| ANNOTATIONS.contains(&name.as_str()));
    annotations
}

/// What can't be read is not known; a time is never made up.
fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

/// A number of objects. The server leaves out what has its default, mostly a zero; a negative one is not known.
fn count(number: Option<i64>, absent: u32) -> Option<u32> {
    number.map_or(Some(absent), |number| u32::try_from(number).ok())
}

/// Whether a status speaks of the present specification. Where either generation is missing, that is not known.
pub(crate) fn is_current(generation: Option<i64>, observed: Option<i64>) -> bool {
    generation.zip(observed).is_some_and(|(wanted, seen)| wanted > 0 && seen >= wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_current_only_when_both_generations_are_known_and_it_is_not_behind() {
        for (generation, observed, expected) in [
            (Some(3), Some(3), true),
            (Some(3), Some(4), true),
            (Some(3), Some(2), false),
            (Some(3), None, false),
            (None, Some(3), false),
            (None, None, false),
            (Some(0), Some(0), false),
            (Some(-2), Some(-1), false),
        ] {
            assert_eq!(is_current(generation, observed), expected, "{generation:?} {observed:?}");
        }
    }
}
