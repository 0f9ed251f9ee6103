//! A workload with its cluster: what tells it apart from all others.

use std::fmt;

use rebalancer_core::fleet::Workload;

/// A workload, in its cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Target {
    /// CLUSTER_NAME; `None` where it is not set.
    pub(crate) cluster: Option<String>,
    /// The workload.
    pub(crate) workload: Workload,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cluster {
            Some(cluster) => write!(f, "{} in {cluster}", self.workload),
            None => self.workload.fmt(f),
        }
    }
}
