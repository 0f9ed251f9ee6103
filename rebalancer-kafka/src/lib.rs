//! The Kafka side of the pod rebalancer: reads one consumer group, its topics and their offsets. It is a
//! [`GroupSource`](rebalancer_core::port::GroupSource).
//!
//! ```text
//!   Settings ──> KafkaGroupSource : GroupSource
//!                  │  group          coordinator   ConsumerGroupDescribe (KIP-848), else DescribeGroups (classic)
//!                  │  topics         any broker    Metadata
//!                  │  topic_configs  any broker    DescribeConfigs                      a right of its own
//!                  │  offsets        each leader   ListOffsets, one for each time; OffsetFetch at the coordinator
//!                  │  reassignments  controller    ListPartitionReassignments           a right of its own
//!
//!   query (pure) ──> wire ──> connection (TLS, SASL; the only I/O) ──> wire ──> decode (pure) ──> rebalancer-core's values
//!                               └─ probe: why a listener hung up ──> failure ──> rebalancer-core's errors
//! ```
//!
//! # Invariants
//!
//! - Kafka is only read: no group is joined, nothing is committed, no topic is made by asking for it.
//! - An answer is whole or it is an error: an offset that is missing, or is there twice, makes the reading malformed.
//! - -1 is never an offset: "no record since" is [`OffsetAt::NothingSince`], "nothing committed" is `None`.
//! - One call of the port takes at most [`Settings::timeout`], with all its requests and retries.
//! - No memory is reserved by a length that an answer claims.
//! - Secrets live in files that are read again for every connection. No error, log line or `Debug` output shows them.
//! - A broker's name is checked against its certificate, always.
//!
//! What is absent: settings from the environment, opinions about groups, records, and requests that change something.
//!
//! [`OffsetAt::NothingSince`]: rebalancer_core::fleet::consumer_group::OffsetAt::NothingSince
//!
//! # What it tells
//!
//! By `tracing`: a line at debug for each request (`kafka_request`) and a warning for each retry (`kafka_retry`),
//! and a line at debug for each token that is fetched (`kafka_token`); never what is in a request or an answer.
//!
//! # Example
//!
//! ```no_run
//! use rebalancer_core::port::GroupSource;
//! use rebalancer_kafka::{KafkaGroupSource, Login, Sasl, Security, Settings, Tls};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let login = Login { username: "rebalancer".to_owned(), password_file: "/var/run/secrets/kafka/password".into() };
//! let settings = Settings::new(["kafka-0:9093".parse()?, "kafka-1:9093".parse()?], "orders")?
//!     .security(Security::SaslSsl(Tls::default(), Sasl::ScramSha512(login)));
//! let source = KafkaGroupSource::new(settings);
//! let group = source.group().await?;
//! for member in &group.members {
//!     println!("{} at {} holds {:?}", member.id, member.host, member.assigned);
//! }
//! let topics = source.topics(&group.topics()).await?;
//! let five_minutes_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(5);
//! for (partition, offsets) in source.offsets(&topics, &[five_minutes_ago]).await? {
//!     println!("{partition}: {:?} messages since", offsets.map(|offsets| offsets.produced_since(0)));
//! }
//! println!("{}", source.usage());
//! # Ok(())
//! # }
//! ```

mod cluster;
mod connection;
mod decode;
mod failure;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod lookup;
mod meter;
mod offsets;
pub mod preflight;
mod probe;
mod query;
mod reading;
mod request_log;
mod retry;
mod sasl;
mod scram;
mod security;
mod settings;
mod source;
mod text;
mod tls;
mod token;
mod wire;

pub use meter::Usage;
pub use security::{Login, Sasl, Security, Tls, TlsIdentity, Token, TokenEndpoint};
pub use settings::{Address, Settings, SettingsError};
pub use source::KafkaGroupSource;
