//! Reads pod loads from Prometheus and VictoriaMetrics: the [`MetricsSource`] of the pod rebalancer. Also sends metrics
//! of the program's own, to a Pushgateway or to VictoriaMetrics: see [`Pusher`]; and asks Cruise Control what it does, by the
//! same transport: see [`CruiseControlApi`].
//!
//! ```text
//!   query      template, names, window  ->  PromQL, escaped, checked   pure
//!   client     PromQL, time or times    ->  bytes                      the only I/O
//!   decode     bytes                    ->  samples, or why not        pure
//!   source     all queries of a reading ->  Readings                   the port
//!              one query, earlier times ->  samples of each time
//! ```
//!
//! What always holds:
//!
//! - Queries fetch plain values, with the labels that tell copies of one fact from the series of another cluster. Nothing
//!   about a decision is hidden in PromQL, because Prometheus and VictoriaMetrics disagree on comparisons.
//! - A value that can't be trusted is never passed on: NaN, infinite and negative values are left out (missing,
//!   never zero), and an answer that contradicts itself or is not whole is an error.
//! - Series of several clusters are never taken for one pod's by a query that is ready: such an answer is an error that
//!   names the label. What a query that the user wrote folds can't be known here.
//! - The past is what was asked for or an error: a value of another time is never taken for it.
//! - One query, with all of its retries, ends within [`ClientSettings::timeout`]. Each part of a reading fails by itself.
//! - No more queries run at the same time than [`ClientSettings::concurrency`]; [`Client::usage`] shows what a
//!   reading has cost.
//! - Answers are requested compressed, and no more of them is decompressed than [`ClientSettings::response_limit`].
//! - Secrets live in files that are read again for every request, but for a client certificate, which is read when a
//!   client is built. No error, log line or `Debug` output shows them.
//! - Through `tracing` it emits events with a stable name in the field `event`, and a span for each query; never an
//!   answer, a header or a credential.
//!
//! What is absent: settings from the environment (except the usual proxy variables, unless [`ClientSettings::proxy`] says
//! otherwise; they don't count for loopback addresses), opinions about loads, and redirects.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use rebalancer_core::fleet::Indicator;
//! use rebalancer_core::port::MetricsSource;
//! use rebalancer_prom::query::{self, Dialect, Matchers, Placeholders, Window};
//! use rebalancer_prom::{Auth, Client, ClientSettings, PrometheusSource, Queries};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = ClientSettings::new("https://metrics.example/select/0/prometheus".parse()?)
//!     .timeout(Duration::from_secs(10))
//!     .auth(Auth::BearerFile("/var/run/secrets/metrics/token".into()));
//! let names = Placeholders {
//!     namespace: "shop".into(),
//!     container: "orders".into(),
//!     workload: "orders".into(),
//!     window: Window::new(Duration::from_secs(300))?,
//!     matchers: Matchers::parse(r#"cluster="eu""#)?,
//! };
//! let lag = query::fill(r#"sum by (pod) (kafka_lag{namespace="{{namespace}}"})"#, &names)?;
//! query::check(&lag, Dialect::Prometheus)?;
//! let queries = Queries::new(query::cpu_requests(&names), query::hpa_target(&names, "hpa-"))
//!     .load(Indicator::Cpu, query::cpu(&names))
//!     .load(Indicator::Lag, lag);
//! let client = Client::new(&settings)?;
//! let source = PrometheusSource::new(client.clone(), queries);
//! let readings = source.read(jiff::Timestamp::now()).await;
//! println!("{}", client.usage());
//! # Ok(())
//! # }
//! ```
//!
//! [`MetricsSource`]: rebalancer_core::port::MetricsSource

mod attempts;
mod auth;
mod cgroup;
mod client;
mod client_error;
mod copies;
mod cruise_control;
mod decode;
mod endpoint;
mod failure;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod grid;
mod hidden;
pub mod history;
mod identity;
mod matchers;
mod pace;
mod preflight;
mod promql;
mod proxy;
mod push;
pub mod query;
mod question;
mod request_log;
mod selector;
mod settings;
mod source;
mod syntax;
mod template;
mod text;
mod transport;
mod usage;

pub use auth::Auth;
pub use client::Client;
pub use client_error::ClientError;
pub use cruise_control::CruiseControlApi;
pub use preflight::{Answers, UnusableServer};
pub use proxy::Proxy;
pub use push::{NotPushed, Pusher, Receiver};
pub use selector::{Selector, selectors};
pub use settings::ClientSettings;
pub use source::{PrometheusSource, Queries};
pub use usage::Usage;
