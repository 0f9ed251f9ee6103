//! Others who work on the same fleet, and what they say that they do.

use std::fmt;

use super::Text;

/// A neighbor that is asked what it does. What owns the pods is read in any case, where that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Neighbor {
    /// The nodes: who cordons them, taints them or drains them.
    Nodes,
    /// Flagger, by its Canaries.
    Flagger,
    /// KEDA, by its ScaledObjects.
    Keda,
    /// The vertical pod autoscaler, by its own objects.
    Vpa,
}

impl Neighbor {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Nodes, Self::Flagger, Self::Keda, Self::Vpa];

    /// Its name, as in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Flagger => "flagger",
            Self::Keda => "keda",
            Self::Vpa => "vpa",
        }
    }
}

impl fmt::Display for Neighbor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A neighbor that did not tell although it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UnreadNeighbor {
    /// Which one.
    pub neighbor: Neighbor,
    /// Why.
    pub error: String,
}

/// What an object says that its controller does with the fleet, or has stopped doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Activity {
    /// The object: `ScaledObject consumer`.
    pub of: String,
    /// What it says.
    pub what: AtWork,
}

/// What a controller says that it does. Each is a reason to leave the fleet alone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AtWork {
    /// A rollout is paused, by a person or at a step, or the object is not reconciled.
    Paused,
    /// A rollout was aborted or has failed, or the object is not as it should be.
    Degraded {
        /// In its own words; may be empty.
        message: String,
    },
    /// A new version takes over step by step, or is being tried.
    Canary {
        /// In its own words, such as `step 2 of 5` or `Progressing`.
        stage: String,
    },
    /// A part of the pods is kept at the former revision.
    Partitioned {
        /// Pods of the new one.
        updated: u32,
        /// All pods.
        current: u32,
    },
    /// Somebody has paused the autoscaler.
    ScalingPaused {
        /// At so many pods, where it says so.
        replicas: Option<u32>,
    },
    /// The autoscaler can't read what it scales by, and keeps a fixed number of pods.
    ScalingFallback,
    /// Nothing is left to do, and the autoscaler is about to scale to zero.
    ScalingToZero,
}

impl AtWork {
    /// Every name that [`name`](Self::name) gives.
    pub const NAMES: [&str; 7] = [
        "rollout_paused",
        "rollout_degraded",
        "canary_in_progress",
        "rollout_partitioned",
        "scaling_paused",
        "scaling_fallback",
        "scaling_to_zero",
    ];

    /// A short stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Paused => "rollout_paused",
            Self::Degraded { .. } => "rollout_degraded",
            Self::Canary { .. } => "canary_in_progress",
            Self::Partitioned { .. } => "rollout_partitioned",
            Self::ScalingPaused { .. } => "scaling_paused",
            Self::ScalingFallback => "scaling_fallback",
            Self::ScalingToZero => "scaling_to_zero",
        }
    }
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, what } = self;
        match what {
            AtWork::Paused => write!(f, "{of} is paused"),
            AtWork::Degraded { message } if message.is_empty() => write!(f, "{of} is degraded"),
            AtWork::Degraded { message } => write!(f, "{of} is degraded: {message}"),
            AtWork::Canary { stage } => write!(f, "{of} is trying a new version ({stage})"),
            AtWork::Partitioned { updated, current } => {
                write!(
                    f,
                    "{of} keeps a part of its pods at the former revision: {updated} of {current} are new"
                )
            }
            AtWork::ScalingPaused { replicas: None } => {
                write!(f, "{of} is paused, so the fleet does not scale")
            }
            AtWork::ScalingPaused { replicas: Some(replicas) } => {
                write!(f, "{of} is paused at {replicas} pods, so the fleet does not scale")
            }
            AtWork::ScalingFallback => {
                write!(f, "{of} can't read what it scales by, and keeps a fixed number of pods (fallback)")
            }
            AtWork::ScalingToZero => write!(f, "{of} is idle, and about to scale to zero"),
        }
    }
}

/// A node that is about to lose its pods, or may be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LeavingNode {
    /// Its name.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub name: Text,
    /// How far that is.
    pub stage: Leaving,
    /// What says so: the key of a taint, or `cordoned` or `deleted`.
    pub by: String,
}

/// How far a node is from losing its pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Leaving {
    /// It may be removed soon.
    Candidate,
    /// No pod is scheduled onto it any more.
    Cordoned,
    /// Its pods are being moved.
    Draining,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_what_a_neighbor_does() {
        let of = |what| Activity { of: "Rollout orders".to_owned(), what }.to_string();
        assert_eq!(of(AtWork::Degraded { message: String::new() }), "Rollout orders is degraded");
        assert_eq!(of(AtWork::Degraded { message: "aborted".into() }), "Rollout orders is degraded: aborted");
        assert_eq!(
            of(AtWork::ScalingPaused { replicas: Some(4) }),
            "Rollout orders is paused at 4 pods, so the fleet does not scale"
        );
    }

    #[test]
    fn each_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<&str> = AtWork::NAMES.into();
        assert_eq!(names.len(), AtWork::NAMES.len());
        assert_eq!(Neighbor::ALL.map(Neighbor::name), ["nodes", "flagger", "keda", "vpa"]);
    }
}
