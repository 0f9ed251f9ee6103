//! `rebalancer serve`: the cycle of `rebalancer run`, again and again, for as long as the process lives.
//!
//! ```text
//!   commands::serve ─> Keeper ─> one loop for each workload ─> commands::cycle::turn      (nothing else decides or acts)
//!                        │           waits by Rhythm; wakes when its watch sees a change
//!                        ├─ Leadership: only the elected replica watches and acts
//!                        ├─ Reload: WORKLOADS_FILE is read again when it changes
//!                        └─> Board <─ http: page, /api/v1, /metrics, /healthz, /readyz
//! ```

mod board;
mod http;
mod keeper;
mod reload;
mod rhythm;

pub(crate) use board::{Board, Last};
pub(crate) use http::listen;
pub(crate) use keeper::{Cycle, Keeper};
