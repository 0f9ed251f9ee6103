//! The suite on real servers: the built binary against a real Prometheus or VictoriaMetrics and a real
//! Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager, and a fake kubelet).
//!
//! ```text
//!  scenario ──> Fleet ──────────────> ControlPlane (one for all scenarios; a namespace each)
//!     │           │ pods' loads                ▲  ▲
//!     │           └─> History ─> MetricServer  │  └── kubelet: binds, makes Ready, finishes deletion
//!     │                           ▲            │
//!     └─> Rebalancer (the binary) ┴────────────┴── or Broken, Front or Proxy in between
//! ```
//!
//! Servers listen on loopback only, on ports that were free, and end with the test binary however it ends.
//! Run it by `KUBEBUILDER_ASSETS="$(.ci/real-servers)" cargo test -p rebalancer-cli --test real -- --ignored --skip
//! five_thousand`, and what that leaves out alone: so many pods slow down all others.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is how a test fails, and helpers of integration tests aren't recognised as tests"
)]
#![allow(dead_code, reason = "scenarios take what they need of the harness")]

#[path = "../shared/alerts.rs"]
mod alerts;
mod assets;
mod authority;
mod broken;
mod check;
mod consumers;
mod container;
mod control_plane;
#[path = "../shared/dashboard.rs"]
mod dashboard;
mod fixture;
mod fleet;
mod forward_proxy;
mod front;
mod installed;
mod kubelet;
mod metrics;
mod monitor;
mod operators;
mod process;
mod proxy;
mod pushed;
mod rebalancer;
mod rights;
mod series;
mod setup;
mod tools;
mod wait;

mod scenario_access;
mod scenario_admission;
mod scenario_alerts;
mod scenario_audit;
mod scenario_autoscaler;
mod scenario_check_budgets;
mod scenario_check_cluster;
mod scenario_check_endpoint;
mod scenario_check_fleet;
mod scenario_check_record;
mod scenario_check_rights;
mod scenario_check_samples;
mod scenario_dashboard;
mod scenario_decision;
mod scenario_eligibility;
mod scenario_fault;
mod scenario_guard;
mod scenario_harness;
mod scenario_helm;
mod scenario_indicators;
mod scenario_kustomize;
mod scenario_memory;
mod scenario_metrics;
mod scenario_prediction;
mod scenario_ranking;
mod scenario_removal;
mod scenario_restart;
mod scenario_rights;
mod scenario_scale;
mod scenario_series;
mod scenario_strangers;
mod scenario_workloads;
