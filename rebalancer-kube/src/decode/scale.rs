//! The scale subresource, `autoscaling/v1`: what the autoscaler reads and writes, of whatever kind the object is.

use rebalancer_core::fleet::{Scale, Uid};
use rebalancer_core::port::InventoryError;
use serde::Deserialize;

use super::{foreign, incomplete};

const KIND: &str = "Scale";

/// A scale as the server sends it.
#[derive(Deserialize)]
pub(crate) struct RawScale {
    kind: String,
    metadata: Metadata,
    #[serde(default)]
    spec: Replicas,
    #[serde(default)]
    status: Replicas,
}

#[derive(Deserialize)]
struct Metadata {
    name: Option<String>,
    uid: Option<String>,
}

/// The server leaves a zero out.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Replicas {
    replicas: i64,
}

/// Takes the two numbers, and the UID of the object itself, which its scale has.
///
/// # Errors
/// When it is of another kind, or has no UID, or numbers that can't be.
pub(crate) fn scale(raw: RawScale) -> Result<Scale, InventoryError> {
    let RawScale { kind, metadata, spec, status } = raw;
    if kind != KIND {
        return Err(foreign(KIND, &kind));
    }
    let name = metadata.name.unwrap_or_default();
    let whole = |replicas: Replicas, field| {
        u32::try_from(replicas.replicas).map_err(|_| incomplete(KIND, &name, field))
    };
    let uid = metadata.uid.filter(|uid| !uid.is_empty()).ok_or_else(|| incomplete(KIND, &name, "a UID"))?;
    Ok(Scale {
        uid: Uid::new(uid),
        desired: whole(spec, "a number of replicas")?,
        current: whole(status, "a number of replicas")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(kind: &str, uid: &str, spec: Value, status: Value) -> Result<Scale, InventoryError> {
        let metadata = json!({"name": "consumer", "namespace": "shop", "uid": uid});
        let raw = json!({"apiVersion": "autoscaling/v1", "kind": kind, "metadata": metadata, "spec": spec, "status": status});
        scale(serde_json::from_value(raw).unwrap())
    }

    #[test]
    fn the_two_numbers_and_the_identity_are_taken_and_a_zero_is_left_out() {
        let found = read(KIND, "u", json!({"replicas": 5}), json!({"replicas": 4, "selector": "app=x"}));
        assert_eq!(found, Ok(Scale { uid: Uid::new("u"), desired: 5, current: 4 }));
        let found = read(KIND, "u", json!({}), json!({"replicas": 0}));
        assert_eq!(found, Ok(Scale { uid: Uid::new("u"), desired: 0, current: 0 }));
    }

    #[test]
    fn a_scale_without_identity_or_with_impossible_numbers_is_refused() {
        assert!(read(KIND, "", json!({}), json!({})).is_err());
        assert!(read("Deployment", "u", json!({}), json!({})).is_err());
        assert!(read(KIND, "u", json!({"replicas": -1}), json!({})).is_err());
        assert!(read(KIND, "u", json!({}), json!({"replicas": -1})).is_err());
    }
}
