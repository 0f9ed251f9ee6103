//! What owns pods, or owns their owners: what it wants, and how far it is. Of Deployments and StatefulSets, `apps/v1`,
//! every number is known; other kinds tell what they like, mostly under the same names.

use jiff::Timestamp;
use rebalancer_core::fleet::{Controller, Mark, Progress, Uid};
use rebalancer_core::history::{APPROVE_ANNOTATION, REJECT_ANNOTATION};
use rebalancer_core::port::InventoryError;
use serde::Deserialize;
use serde_json::Value;

use super::at_work::{Length, at_work};
use super::pod::{OwnerReference, controlling};
use super::{Kept, count, foreign, incomplete, is_current};
use crate::text::excerpt;

/// An owner as the server sends it, as far as it matters here.
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
    #[serde(default)]
    annotations: Kept,
    #[serde(default)]
    managed_fields: Vec<ManagedFields>,
    owner_references: Option<Vec<OwnerReference>>,
}

/// What one manager set, and when it did so last.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ManagedFields {
    manager: Option<String>,
    time: Option<Timestamp>,
    #[serde(rename = "fieldsV1")]
    fields: Value,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    replicas: Number,
    /// A StatefulSet's. `OnDelete` has no `rollingUpdate`; other kinds put anything here.
    pub(super) update_strategy: Value,
    /// Of an Argo Rollout and of a DeploymentConfig.
    pub(super) paused: Value,
    /// Of an Argo Rollout.
    pub(super) strategy: Value,
    /// Of a StrimziPodSet, which lists its pods in whole.
    pods: Length,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    observed_generation: Number,
    replicas: Number,
    updated_replicas: Number,
    /// A StatefulSet's, as the two revisions.
    current_replicas: Number,
    current_revision: Value,
    update_revision: Value,
    pub(super) conditions: Value,
    /// Of an Argo Rollout.
    pub(super) phase: Value,
    pub(super) message: Value,
    pub(super) abort: Value,
    pub(super) pause_conditions: Value,
    pub(super) current_step_index: Value,
    #[serde(rename = "stableRS")]
    pub(super) stable: Value,
    pub(super) current_pod_hash: Value,
    /// Of a StrimziPodSet: its pods, and those of its present revision.
    pods: Value,
    current_pods: Value,
}

/// A number as other kinds may send it: an Argo Rollout's `observedGeneration` is a text. What is none is not known, which
/// is not what the server leaves out where it is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Number {
    #[default]
    Absent,
    Known(i64),
    Strange,
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Null => Self::Absent,
            Value::String(text) => text.parse().map_or(Self::Strange, Self::Known),
            Value::Number(number) => number.as_i64().map_or(Self::Strange, Self::Known),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Self::Strange,
        })
    }
}

impl Number {
    /// So many objects; `None` where that is not known.
    fn or(self, absent: u32) -> Option<u32> {
        match self {
            Self::Absent => Some(absent),
            Self::Known(number) => count(Some(number), absent),
            Self::Strange => None,
        }
    }

    fn known(self) -> Option<i64> {
        match self {
            Self::Known(number) => Some(number),
            Self::Absent | Self::Strange => None,
        }
    }
}

/// Takes what the core wants to know of an owner, which must be of this kind.
///
/// # Errors
/// When it is of another kind, or has no name or UID.
pub(crate) fn controller(raw: RawController, asked: &str) -> Result<Controller, InventoryError> {
    let RawController { api_version, kind, metadata, spec, status } = raw;
    if kind != asked {
        return Err(foreign(asked, &kind));
    }
    let present = |value: Option<String>, name: &str, field| {
        value.filter(|value| !value.is_empty()).ok_or_else(|| incomplete(asked, name, field))
    };
    let name = present(metadata.name, "", "a name")?;
    let uid = Uid::new(present(metadata.uid, &name, "a UID")?);
    let known = (metadata.generation, status.observed_generation);
    let told = progress((&api_version, &kind), &spec, &status, known);
    // What is being deleted replaces no pod any more, whatever its numbers say, and if it has none.
    let progress = match metadata.deletion_timestamp {
        Some(_) => Some(Progress { status_is_current: false, ..told.unwrap_or_default() }),
        None => told,
    };
    let replicas = told.map(|told| (told.current, told.updated));
    let at_work = at_work((&api_version, &kind), &spec, &status, replicas);
    Ok(Controller {
        api_version,
        kind,
        at_work,
        annotations: metadata.annotations.ours(),
        marks: marks(&metadata.managed_fields),
        owner: controlling(metadata.owner_references),
        name,
        uid,
        progress,
    })
}

/// Who set the annotations that answer a proposal: of several managers of one, who wrote last.
fn marks(managed: &[ManagedFields]) -> Vec<Mark> {
    let mark = |annotation: &str| {
        let has = |fields: &&ManagedFields| {
            let annotations = fields.fields.pointer("/f:metadata/f:annotations");
            annotations.is_some_and(|set| set.get(format!("f:{annotation}")).is_some())
        };
        let last = managed.iter().filter(has).max_by_key(|fields| fields.time)?;
        let manager = excerpt(last.manager.as_deref()?);
        Some(Mark { annotation: annotation.to_owned(), manager, at: last.time })
    };
    [APPROVE_ANNOTATION, REJECT_ANNOTATION].into_iter().filter_map(mark).collect()
}

fn progress(
    kind: (&str, &str),
    spec: &Spec,
    status: &Status,
    (generation, observed): (Option<i64>, Number),
) -> Option<Progress> {
    match kind {
        ("apps/v1", "Deployment" | "StatefulSet") => {
            let numbers = built_in(kind.1, spec, status);
            let status_is_current = numbers.is_some() && is_current(generation, observed.known());
            let Numbers { desired, current, updated } = numbers.unwrap_or_default();
            Some(Progress { status_is_current, desired, current, updated })
        }
        (_, "StrimziPodSet") => pod_set(spec, status, generation, observed),
        _ => by_scale(spec, status, generation, observed),
    }
}

/// A StrimziPodSet has no replicas: it lists its pods, and counts those that it has and those of the present revision.
fn pod_set(spec: &Spec, status: &Status, generation: Option<i64>, observed: Number) -> Option<Progress> {
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    let (desired, current) = (spec.pods.0?, number(&status.pods)?);
    let updated = number(&status.current_pods)?;
    Some(Progress { status_is_current: is_current(generation, observed.known()), desired, current, updated })
}

#[derive(Default)]
struct Numbers {
    desired: u32,
    current: u32,
    updated: u32,
}

/// `None` where one of the numbers is not known.
fn built_in(kind: &str, spec: &Spec, status: &Status) -> Option<Numbers> {
    let desired = spec.replicas.or(1)?;
    let current = status.replicas.or(0)?;
    let updated = status.updated_replicas.or(0)?;
    let numbers = Numbers { desired, current, updated };
    match kind {
        "StatefulSet" => Some(Numbers { updated: updated_of_set(spec, status, &numbers)?, ..numbers }),
        _ => Some(numbers),
    }
}

/// What other kinds tell: the two numbers of the scale subresource, by the names that nearly all of them have, and how many
/// pods are new, if they count them; else the pods' own revisions tell. `None` where they don't have the two.
fn by_scale(spec: &Spec, status: &Status, generation: Option<i64>, observed: Number) -> Option<Progress> {
    let whole = |number: Number| number.known().and_then(|number| u32::try_from(number).ok());
    let (desired, current) = (whole(spec.replicas)?, whole(status.replicas)?);
    let updated = match status.updated_replicas {
        Number::Absent => current,
        given @ (Number::Known(_) | Number::Strange) => whole(given).unwrap_or(0),
    };
    // A kind that does not say which specification its status speaks of can't be waited for.
    let status_is_current = match observed {
        Number::Absent => true,
        Number::Known(seen) => is_current(generation, Some(seen)),
        Number::Strange => false,
    };
    Some(Progress { status_is_current, desired, current, updated })
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
///   remove one would put the new template into it, which somebody wants to do by hand.
fn updated_of_set(spec: &Spec, status: &Status, numbers: &Numbers) -> Option<u32> {
    let (former, latest) = (revision(&status.current_revision)?, revision(&status.update_revision)?);
    if former == latest {
        return Some(numbers.updated.max(status.current_replicas.or(0)?));
    }
    let partition = spec.update_strategy.pointer("/rollingUpdate/partition").filter(|given| !given.is_null());
    let partition = partition.map_or(Some(0), |given| count(Some(given.as_i64()?), 0))?;
    let is_over = partition > 0 && numbers.updated >= numbers.desired.saturating_sub(partition);
    Some(if is_over { numbers.current } else { numbers.updated })
}

fn revision(name: &Value) -> Option<&str> {
    name.as_str().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
