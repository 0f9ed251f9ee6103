//! The objects that a decision is about, as plain values: what Kubernetes and the metric system give of them. What
//! follows from them is decided elsewhere.

mod addresses;
mod autoscaler;
mod claim;
pub mod consumer_group;
mod controller;
mod disruption;
mod executor_state;
mod extras;
mod labels;
mod load;
mod names;
mod neighbor;
mod owner;
mod ownership;
mod pod;
mod scaling_metric;
mod text;
mod uid;
mod vertical;
mod watched;
mod workload;

pub use addresses::Addresses;
pub use autoscaler::{CpuTarget, Hpa, Scaling, Target};
pub use claim::{Claims, Identity, Settled};
pub use controller::{Controller, Mark, Progress, Scale};
pub use disruption::{DisruptionBudget, Requirement, Selector};
pub use executor_state::ExecutorState;
pub use extras::{Disturbance, Extra, Extras};
pub use labels::Labels;
pub use load::{Indicator, PartitionLoad, Samples};
pub(crate) use names::joined;
pub use neighbor::{Activity, AtWork, Leaving, LeavingNode, Neighbor, UnreadNeighbor};
pub use owner::{Owner, OwnerReference};
pub use ownership::{LABELS, NotRead, Ownership, Tie, Unread, revision, revision_label};
pub(crate) use ownership::{REVISION_ANNOTATION, are_of_one_revision};
pub use pod::{Phase, Pod, PodRef, Requests};
pub use scaling_metric::{Level, Measured, ScalingMetric};
pub use text::Text;
pub use uid::{ContainerId, Uid};
pub use vertical::{Bounds, VerticalScaler};
pub use watched::Watched;
pub use workload::Workload;
