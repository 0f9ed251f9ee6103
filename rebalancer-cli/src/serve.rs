//! `rebalancer serve`: the cycle of `rebalancer run`, again and again, for as long as the process lives.
//!
//! ```text
//!   commands::serve ─> Keeper ─> one loop for each workload ─> commands::cycle::turn      (nothing else decides or acts)
//!                        │           waits by Rhythm; wakes when its watch or its group has changed
//!                        ├─ Leadership: only the elected replica watches and acts
//!                        ├─ Reload: WORKLOADS_FILE is read again when it changes
//!                        └─> Board <─ http: page, /api/v1, /metrics, /healthz, /readyz
//! ```

mod api;
mod board;
mod connections;
mod http;
mod keeper;
mod loads;
mod page;
mod regrouped;
mod reload;
mod rhythm;
#[cfg(test)]
mod scripted;
mod shared;
#[cfg(test)]
pub(crate) use api::{VERSION as API_VERSION, WorkloadDocument, WorkloadsDocument};

pub(crate) use board::{Board, Last};
pub(crate) use http::listen;
pub(crate) use keeper::{AGAIN, Cycle, Keeper};
