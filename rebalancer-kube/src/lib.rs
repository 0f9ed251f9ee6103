//! The Kubernetes side of the pod rebalancer: reads the fleet and what goes on around it, removes pods, remembers what
//! was done, and records it as Events.
//!
//! ```text
//!   ConnectionSettings --connect--> Connection --+--> KubeInventory : Inventory    list, get; retried until a deadline
//!                                                +--> KubeRemover   : PodDeleter   evict or delete; sent once
//!                                                +--> LeaseStore    : StateStore   the record and its lock, in a Lease
//!                                                +--> EventRecorder                Events; sent within a time of their own
//!
//!   cluster: written (one kubeconfig) -> load (all of them) -> select (cluster, user) -> Connection
//!   wire (one exchange) -> retry (what may be repeated) -> list (pages) -> decode (pure) -> rebalancer-core's values
//!            \-> classify (pure): what a failure means -> rebalancer-core's errors
//! ```
//!
//! # Invariants
//!
//! - A list is whole or it is an error: pages of two states of the cluster are never mixed.
//! - A pod of another namespace than the one that was asked is an error: it would be removed there.
//! - A removal names the UID it means, so another pod of the same name is never hit.
//! - A removal is sent once. kube's own retry, which repeats even a disruption budget's refusal, is off.
//! - A dry run is marked in the query and in the body of its request, so losing one of them makes nothing real.
//! - A Lease is only ever written over the state that was read: of two writers one succeeds.
//! - No grace period is sent: a pod's own counts.
//! - An Event is stored at most once, and whether it is stored changes nothing else.
//! - No message quotes a kubeconfig, a file that it names, or what a credential plugin prints.
//! - What can't be known for sure is [`Unknown`](rebalancer_core::port::RemovalError::Unknown), never a success.
//! - One call of a port takes at most [`ConnectionSettings::timeout`], with all its pages and retries.
//! - What is absent or can't be read is `None`, never zero, but for numbers that the server leaves out where they are
//!   zero. A status that can't be read is not current.
//!
//! # Logging
//!
//! Through `tracing`: events with a stable name in the field `event`, and a span for each call of a port and each
//! request below it; never a body, a header or a credential.
//!
//! # Example
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use rebalancer_core::fleet::PodRef;
//! use rebalancer_core::port::{Inventory, Mode, PodDeleter};
//! use rebalancer_kube::{ConnectionSettings, InventorySettings, KubeInventory, KubeRemover, RemovalMethod, connect};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let connection = connect(&ConnectionSettings {
//!     kubeconfig: None,
//!     context: None,
//!     timeout: Duration::from_secs(10),
//!     user_agent: "rebalancer/0.1.0".to_owned(),
//! })
//! .await?;
//! let inventory = KubeInventory::new(
//!     &connection,
//!     InventorySettings {
//!         namespace: "shop".to_owned(),
//!         workload: "consumer".to_owned(),
//!         label_selector: "app=consumer".to_owned(),
//!         container: "consumer".to_owned(),
//!     },
//! );
//! let remover = KubeRemover::new(&connection, RemovalMethod::Evict);
//! for pod in inventory.pods().await?.into_iter().take(1) {
//!     let pod = PodRef::from(&pod);
//!     remover.remove(&pod, Mode::DryRun).await?;
//! }
//! # Ok(())
//! # }
//! ```

mod actor;
mod answer;
mod classify;
mod client;
mod cluster;
mod credentials;
mod decode;
mod events;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod inventory;
mod kind;
mod leader;
mod list;
mod meter;
pub mod preflight;
mod remover;
mod request_log;
mod retry;
mod state;
mod text;
mod unmade;
mod watch;
mod wire;

pub use client::{Connection, ConnectionSettings, connect, connect_in};
pub use cluster::{ConnectError, Environment, Files, Known, Mistake, Place, Proxies};
pub use events::{EventRecorder, EventType, NotPosted, Note, Regarding};
pub use inventory::{InventorySettings, KubeInventory};
pub use kind::resource;
pub use leader::{Candidate, ElectionSettings, Leadership};
pub use remover::{KubeRemover, RemovalMethod};
pub use state::{ANNOTATION, LeaseStore};
pub use watch::{FleetWatch, NamespaceWatch, WatchConnection};
