//! Behind `rebalancer check`: every usual mistake in one run, each with its fix. Changes nothing.
//!
//! ```text
//!   gather (reads) ─> Facts ─> judge (pure) ─> Findings
//! ```

mod facts;
pub(crate) mod finding;
mod gather;
mod judge;
mod needs;

use rebalancer_kube::{ConnectError, Connection};

use crate::config::{AdapterSettings, RunSettings};
use finding::Finding;

/// Reads what there is, and judges it.
pub(crate) async fn findings(
    connection: Result<Connection, ConnectError>,
    adapters: &AdapterSettings,
    run: &RunSettings,
) -> Vec<Finding> {
    judge::judge(&gather::facts(connection, adapters, run).await)
}
