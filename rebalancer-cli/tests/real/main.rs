//! The suite on real servers: the built binary against a real Prometheus or VictoriaMetrics and a real
//! Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager, and a fake kubelet), and against a real Kafka
//! broker whose real consumers start and stop with pods.
//!
//! ```text
//!  scenario ──> Fleet ──────────────> ControlPlane (one for all scenarios; a namespace each)
//!     │           │ pods' loads                ▲  ▲
//!     │           └─> History ─> MetricServer  │  └── kubelet: binds, makes Ready, finishes deletion
//!     │                           ▲            │
//!     ├─> Rebalancer (the binary) ┴────────────┴── or Broken, Front or Proxy in between
//!     └─> PodConsumers ─> Clients ─> Broker (kafka_*)
//! ```
//!
//! Servers listen on loopback only, on ports that were free, and end with the test binary however it ends.
//! Run it by `KUBEBUILDER_ASSETS="$(.ci/real-servers)" KAFKA_ASSETS="$(.ci/kafka)" cargo test -p rebalancer-cli --test real
//! -- --ignored --skip five_thousand --skip two_hundred`, and what that leaves out alone: so many pods slow down all others,
//! and the table of two hundred rotations takes minutes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is how a test fails, and helpers of integration tests aren't recognized as tests"
)]
#![allow(dead_code, reason = "scenarios take what they need of the harness")]

mod harness;
mod scenario;
