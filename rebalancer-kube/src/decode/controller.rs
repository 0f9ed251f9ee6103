//! Deployments and StatefulSets, `apps/v1`: what they want, and how far they are.

use std::collections::BTreeMap;

use rebalancer_core::fleet::Controller;
use rebalancer_core::fleet::Uid;
use rebalancer_core::port::InventoryError;
use serde::Deserialize;

use super::{count, foreign, incomplete, is_current, that_matter};

/// The kinds that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Deployment,
    StatefulSet,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
        }
    }
}

/// A Deployment or StatefulSet as the server sends it, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawController {
    api_version: String,
    kind: String,
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    uid: Option<String>,
    generation: Option<i64>,
    deletion_timestamp: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    replicas: Option<i64>,
    update_strategy: UpdateStrategy,
}

/// A StatefulSet's. `OnDelete` has no `rollingUpdate`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct UpdateStrategy {
    rolling_update: Option<RollingUpdate>,
}

#[derive(Deserialize)]
struct RollingUpdate {
    partition: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    observed_generation: Option<i64>,
    replicas: Option<i64>,
    updated_replicas: Option<i64>,
    /// A StatefulSet's, as the two revisions.
    current_replicas: Option<i64>,
    current_revision: Option<String>,
    update_revision: Option<String>,
}

/// Takes what the core wants to know of the workload's own object, which must be of this kind.
///
/// # Errors
/// When it is of another kind, or has no name or UID.
pub(crate) fn controller(raw: RawController, kind: Kind) -> Result<Controller, InventoryError> {
    let RawController { api_version, kind: came, metadata, spec, status } = raw;
    if came != kind.name() {
        return Err(foreign(kind.name(), &came));
    }
    let present = |value: Option<String>, name: &str, field| {
        value.filter(|value| !value.is_empty()).ok_or_else(|| incomplete(kind.name(), name, field))
    };
    let name = present(metadata.name, "", "a name")?;
    let uid = Uid::new(present(metadata.uid, &name, "a UID")?);
    let scale = Scale::of(kind, &spec, &status);
    // What is being deleted replaces no pod any more, whatever its numbers say.
    let lasts = metadata.deletion_timestamp.is_none();
    let status_is_current =
        scale.is_some() && lasts && is_current(metadata.generation, status.observed_generation);
    let Scale { desired, current, updated } = scale.unwrap_or_default();
    Ok(Controller {
        api_version,
        kind: came,
        annotations: that_matter(metadata.annotations.unwrap_or_default()),
        name,
        uid,
        status_is_current,
        desired,
        current,
        updated,
    })
}

#[derive(Default)]
struct Scale {
    desired: u32,
    current: u32,
    updated: u32,
}

impl Scale {
    /// `None` where one of the numbers is not known.
    fn of(kind: Kind, spec: &Spec, status: &Status) -> Option<Self> {
        let desired = count(spec.replicas, 1)?;
        let current = count(status.replicas, 0)?;
        let updated = count(status.updated_replicas, 0)?;
        let scale = Self { desired, current, updated };
        match kind {
            Kind::Deployment => Some(scale),
            Kind::StatefulSet => Some(Self { updated: updated_of_set(spec, status, &scale)?, ..scale }),
        }
    }
}

/// How many pods of a StatefulSet no rollout is going to replace: all that it has when none is in progress. From its
/// controller (`stateful_set_control.go`) and `kubectl rollout status`.
///
/// - One revision: both counters count its pods (before Kubernetes 1.11, `updatedReplicas` stayed away). What they don't
///   count is of an older one, as after a rollback in the middle of a rollout, or terminates.
/// - Two, and a partition: pods below it keep the former revision and come back with it, for as long as the partition
///   stays there. The rollout is over when those above it have the new one; the former one stays in the status.
/// - Two, and no partition: a rolling update, or `OnDelete`, where the former one stays in the status even when no pod
///   has it (kubernetes#73492); so the pods are counted. Those that `OnDelete` spares count as not yet rolled out: to
///   remove one would put the new template into it, which someone wants to do by hand.
fn updated_of_set(spec: &Spec, status: &Status, scale: &Scale) -> Option<u32> {
    let (former, latest) = (revision(&status.current_revision)?, revision(&status.update_revision)?);
    if former == latest {
        return Some(scale.updated.max(count(status.current_replicas, 0)?));
    }
    let rolling = spec.update_strategy.rolling_update.as_ref();
    let partition = count(rolling.and_then(|rolling| rolling.partition), 0)?;
    let is_over = partition > 0 && scale.updated >= scale.desired.saturating_sub(partition);
    Some(if is_over { scale.current } else { scale.updated })
}

fn revision(name: &Option<String>) -> Option<&str> {
    name.as_deref().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
