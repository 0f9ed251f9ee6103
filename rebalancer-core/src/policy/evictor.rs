//! Others who evict pods, and whose marks are honored.

use std::collections::BTreeSet;

/// A system that moves pods too, and has an annotation by which people keep it from a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Evictor {
    /// The cluster autoscaler: `cluster-autoscaler.kubernetes.io/safe-to-evict`.
    ClusterAutoscaler,
    /// The descheduler: `descheduler.alpha.kubernetes.io/prefer-no-eviction`.
    Descheduler,
    /// Karpenter: `karpenter.sh/do-not-disrupt`.
    Karpenter,
}

impl Evictor {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::ClusterAutoscaler, Self::Descheduler, Self::Karpenter];

    /// Its name, as in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClusterAutoscaler => "cluster-autoscaler",
            Self::Descheduler => "descheduler",
            Self::Karpenter => "karpenter",
        }
    }

    /// All of them.
    #[must_use]
    pub fn all() -> BTreeSet<Self> {
        Self::ALL.into()
    }
}
