//! What scenarios stand on: real servers, what goes wrong between them, and a fleet with known loads.
//!
//! `setup` describes a [`fleet`], `fixture` makes its objects, `kubelet` keeps its pods, in which real consumers of `kafka`
//! may run, and `metrics` and `series` give it a past. `rebalancer` runs the binary,
//! `browser` and `devtools` look at its pages; `broken`, `front`, `proxy` and
//! `forward_proxy` stand between it and the servers, and `traffic` counts what goes there.
//! Nothing here knows a scenario, and no scenario knows another: what two of them need is moved here.

#[path = "../../shared/alerts.rs"]
pub(crate) mod alerts;
pub(crate) mod assets;
pub(crate) mod authority;
pub(crate) mod broken;
pub(crate) mod browser;
pub(crate) mod check;
pub(crate) mod consumers;
pub(crate) mod container;
pub(crate) mod control_plane;
pub(crate) mod custom;
#[path = "../../shared/dashboard.rs"]
pub(crate) mod dashboard;
pub(crate) mod devtools;
pub(crate) mod example;
pub(crate) mod fixture;
pub(crate) mod fleet;
pub(crate) mod forward_proxy;
pub(crate) mod front;
pub(crate) mod installed;
pub(crate) mod kafka;
pub(crate) mod kubelet;
pub(crate) mod metrics;
pub(crate) mod monitor;
pub(crate) mod namespaces;
pub(crate) mod operators;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod pushed;
pub(crate) mod rebalancer;
pub(crate) mod recorded;
pub(crate) mod resize;
pub(crate) mod rights;
pub(crate) mod series;
pub(crate) mod serving;
pub(crate) mod setup;
pub(crate) mod tools;
pub(crate) mod traffic;
pub(crate) mod wait;
