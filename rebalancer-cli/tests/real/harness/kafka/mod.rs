//! A real broker, and real consumers in the pods of the control plane.
//!
//! ```text
//!   Broker (one for all scenarios) <── Clients (a JVM, or librdkafka in Python) <── PodConsumers <── kubelet: starts, stops
//!     └─> Observed: the group at rest, who holds what, how uneven that is
//! ```
//!
//! `protocol` lists what consumers can speak, `loads` makes records for their partitions, and `rotation` sets what an
//! assignor would do beside what was done; `courses` knows which steps a coordinator may take, and `world` is a fleet with
//! its group, for one cycle of the binary. `bare` has groups of consumers without pods, which are quicker, and `table`
//! counts how predictions held.

pub(crate) mod bare;
pub(crate) mod broker;
pub(crate) mod clients;
pub(crate) mod courses;
pub(crate) mod loads;
pub(crate) mod observed;
pub(crate) mod pods;
pub(crate) mod protocol;
pub(crate) mod rotation;
pub(crate) mod table;
pub(crate) mod weeks;
pub(crate) mod world;
