//! From raw settings to the narrow settings of each crate. All problems are found at once, and nothing is
//! contacted.

mod access;
mod approval;
mod cluster;
mod cruise_control;
pub(crate) mod effective;
mod export;
mod file;
mod group_lock;
mod guards;
mod indicators;
mod kafka;
pub(crate) mod layers;
mod listed;
mod memory;
mod metrics;
mod names;
mod notify;
pub(crate) mod parse;
pub(crate) mod problem;
mod resolve;
mod serve;
mod shown;
#[cfg(test)]
mod tests;
pub(crate) mod variable;
mod workloads;

pub(crate) use cluster::cluster;
pub(crate) use export::Export;
pub(crate) use group_lock::GroupLockSettings;
pub(crate) use indicators::query_variable;
pub(crate) use kafka::{KafkaSettings, servers as kafka_servers};
pub(crate) use names::Names;
pub(crate) use notify::{Notify, NotifyFormat, webhook};
pub(crate) use resolve::{
    AdapterSettings, Logs, MetricServer, Purpose, RunSettings, WorkloadSettings, logs, policy,
};
pub(crate) use serve::{LeaseSettings, ServeSettings, serve};
pub(crate) use workloads::{Several, found, several, workloads};
