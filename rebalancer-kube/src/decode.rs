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

pub(crate) use budget::{RawBudget, budget};
pub(crate) use controller::{RawController, controller};
pub(crate) use hpa::{RawHpa, hpa};
pub(crate) use pod::{RawPod, pod};
pub(crate) use scale::{RawScale, scale};

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use rebalancer_core::eligibility::ANNOTATIONS;
use rebalancer_core::port::InventoryError;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::text::excerpt;

/// An object without a field that every stored object has.
fn incomplete(kind: &str, name: &str, field: &str) -> InventoryError {
    InventoryError::Rejected { message: format!("the {kind} '{}' came without {field}", excerpt(name)) }
}

/// An answer of another kind than was requested, which may still parse.
pub(crate) fn foreign(asked: &str, came: &str) -> InventoryError {
    InventoryError::Rejected { message: format!("a {asked} was asked for, a {} came", excerpt(came)) }
}

/// The kubelet marks the API's image of a static pod with it.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// The annotations that matter here, and the kubelet's mark. Objects carry kilobytes of others, such as their last applied
/// configuration, which are not kept for a moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(pub(crate) BTreeMap<String, String>);

impl Kept {
    fn wants(name: &str) -> bool {
        name == MIRROR || ANNOTATIONS.contains(&name)
    }

    /// Those that matter to the core.
    fn ours(mut self) -> BTreeMap<String, String> {
        self.0.remove(MIRROR);
        self.0
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Wanted;
        impl<'de> Visitor<'de> for Wanted {
            type Value = Kept;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("annotations")
            }

            fn visit_unit<E>(self) -> Result<Kept, E> {
                Ok(Kept::default())
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Kept, M::Error> {
                let mut kept = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if Kept::wants(&name) {
                        kept.insert(name, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Kept(kept))
            }
        }
        from.deserialize_any(Wanted)
    }
}

/// A time. What can't be read is not known; a time is never made up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Time(pub(crate) Option<Timestamp>);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(time(Some(&text))))
    }
}

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
