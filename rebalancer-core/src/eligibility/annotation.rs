//! The annotations by which people mark pods and workloads.

use std::fmt;

use crate::fleet::REVISION_ANNOTATION;
use crate::history::{APPROVE_ANNOTATION, REJECT_ANNOTATION};

/// An annotation that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Annotation {
    /// Marks a pod or a workload that may be touched where only marked ones may, when its value is `true`.
    #[cfg_attr(feature = "serde", serde(rename = "pod-rebalancer.io/opt-in"))]
    OptIn,
    /// Marks a pod or a workload that must be left alone, unless its value is `false`.
    #[cfg_attr(feature = "serde", serde(rename = "pod-rebalancer.io/opt-out"))]
    OptOut,
    /// Marks a pod that the cluster autoscaler must not evict, when its value is `false`.
    #[cfg_attr(feature = "serde", serde(rename = "cluster-autoscaler.kubernetes.io/safe-to-evict"))]
    SafeToEvict,
    /// Marks a pod that the descheduler should not evict, whatever its value.
    #[cfg_attr(feature = "serde", serde(rename = "descheduler.alpha.kubernetes.io/prefer-no-eviction"))]
    PreferNoEviction,
    /// Marks a pod that Karpenter must not disrupt of its own will: `true`, or a time since the pod's start.
    #[cfg_attr(feature = "serde", serde(rename = "karpenter.sh/do-not-disrupt"))]
    DoNotDisrupt,
}

impl Annotation {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::OptIn, Self::OptOut, Self::SafeToEvict, Self::PreferNoEviction, Self::DoNotDisrupt];

    /// Its key, as in an object's metadata.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::OptIn => "pod-rebalancer.io/opt-in",
            Self::OptOut => "pod-rebalancer.io/opt-out",
            Self::SafeToEvict => "cluster-autoscaler.kubernetes.io/safe-to-evict",
            Self::PreferNoEviction => "descheduler.alpha.kubernetes.io/prefer-no-eviction",
            Self::DoNotDisrupt => "karpenter.sh/do-not-disrupt",
        }
    }
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}

/// The keys of the annotations that are looked at. Adapters need not carry any other.
pub const ANNOTATIONS: [&str; 8] = [
    Annotation::OptIn.key(),
    Annotation::OptOut.key(),
    Annotation::SafeToEvict.key(),
    Annotation::PreferNoEviction.key(),
    Annotation::DoNotDisrupt.key(),
    REVISION_ANNOTATION,
    APPROVE_ANNOTATION,
    REJECT_ANNOTATION,
];

#[cfg(all(test, feature = "serde"))]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_written_by_its_key() {
        for annotation in Annotation::ALL {
            assert_eq!(serde_json::to_value(annotation).unwrap(), annotation.key());
        }
    }
}
