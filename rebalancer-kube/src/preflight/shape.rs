//! Objects as far as a mistake in the settings can be told by them. Pure. Unlike the decoders of a cycle, nothing is
//! refused here: what can't be read is left out.

use std::collections::BTreeMap;
use std::fmt;

use rebalancer_core::fleet::{Owner, OwnerReference, Uid};
use serde::Deserialize;
use serde_json::Value;

use crate::answer::OnlyJson;
use crate::decode::is_current;

/// A pod: whose it is, and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodShape {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The controlling owner.
    pub owner: Option<Owner>,
    /// The names of its containers; of init containers only those that run on, as native sidecars do.
    pub containers: Vec<String>,
}

/// What a disruption budget promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetShape {
    /// Its name.
    pub name: String,
    /// Pods that may be missing.
    pub max_unavailable: Option<Amount>,
    /// Pods that must be there.
    pub min_available: Option<Amount>,
    /// Pods that it counts, by a status that speaks of its present specification.
    pub expected: Option<u32>,
}

/// A number of pods, or a share of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// So many.
    Pods(u32),
    /// So many percent.
    Percent(u32),
}

impl Amount {
    /// How many of so many pods that is; shares are rounded up, as the disruption controller does.
    #[must_use]
    pub fn of(self, pods: u32) -> u32 {
        match self {
            Self::Pods(count) => count,
            Self::Percent(percent) => {
                let of_all = (u64::from(percent) * u64::from(pods)).div_ceil(100);
                u32::try_from(of_all).unwrap_or(u32::MAX)
            }
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pods(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl BudgetShape {
    /// How many of so many healthy pods it lets go; `None` when it says nothing that can be read.
    #[must_use]
    pub fn room(&self, pods: u32) -> Option<u32> {
        let by_missing = self.max_unavailable.map(|amount| amount.of(pods));
        let by_there = self.min_available.map(|amount| pods.saturating_sub(amount.of(pods)));
        by_missing.or(by_there)
    }
}

impl fmt::Display for BudgetShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.max_unavailable, self.min_available) {
            (Some(amount), _) => write!(f, "maxUnavailable: {amount}"),
            (None, Some(amount)) => write!(f, "minAvailable: {amount}"),
            (None, None) => f.write_str("minAvailable: 1"),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    pub(super) name: String,
    generation: Option<i64>,
    pub(super) labels: BTreeMap<String, String>,
    owner_references: Vec<RawOwner>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
#[serde(rename_all = "camelCase")]
struct RawOwner {
    api_version: String,
    kind: String,
    name: String,
    uid: String,
    controller: bool,
}

impl OnlyJson for RawPod {}

#[derive(Deserialize)]
pub(super) struct RawPod {
    metadata: Metadata,
    #[serde(default)]
    spec: PodSpec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    containers: Vec<Container>,
    init_containers: Vec<Container>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    name: String,
    restart_policy: Option<String>,
}

impl OnlyJson for RawBudget {}

#[derive(Deserialize)]
pub(super) struct RawBudget {
    metadata: Metadata,
    #[serde(default)]
    spec: BudgetSpec,
    #[serde(default)]
    status: BudgetStatus,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct BudgetStatus {
    observed_generation: Option<i64>,
    expected_pods: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct BudgetSpec {
    max_unavailable: Option<Value>,
    min_available: Option<Value>,
}

pub(super) fn pod(raw: RawPod) -> PodShape {
    let is_sidecar = |container: &Container| container.restart_policy.as_deref() == Some("Always");
    let sidecars = raw.spec.init_containers.into_iter().filter(is_sidecar);
    let owner = raw.metadata.owner_references.into_iter().find(|owner| owner.controller);
    PodShape {
        name: raw.metadata.name,
        labels: raw.metadata.labels,
        owner: owner.map(|owner| {
            let RawOwner { api_version, kind, name, uid, .. } = owner;
            OwnerReference { api_version, kind, name, uid: Uid::new(uid) }.into()
        }),
        containers: raw.spec.containers.into_iter().chain(sidecars).map(|container| container.name).collect(),
    }
}

pub(super) fn budget(raw: RawBudget) -> BudgetShape {
    let BudgetSpec { max_unavailable, min_available } = raw.spec;
    let is_current = is_current(raw.metadata.generation, raw.status.observed_generation);
    BudgetShape {
        name: raw.metadata.name,
        max_unavailable: max_unavailable.as_ref().and_then(amount),
        min_available: min_available.as_ref().and_then(amount),
        expected: raw.status.expected_pods.filter(|_| is_current),
    }
}

fn amount(value: &Value) -> Option<Amount> {
    if let Some(count) = value.as_u64() {
        return u32::try_from(count).ok().map(Amount::Pods);
    }
    value.as_str()?.strip_suffix('%')?.parse().ok().map(Amount::Percent)
}

#[cfg(test)]
mod tests;
