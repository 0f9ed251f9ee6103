//! Reading loads.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{ApiErrors, HistoryGrid, LoadHistory};
use crate::fleet::{Claims, Hpa, Indicator, PartitionLoad, Samples};

/// Why a metric could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "kind")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum MetricsError {
    /// No usable answer within the deadline and all retries: connection, time-out, 429 or 5xx. The next cycle may succeed.
    #[error("the metric server could not be used: {message}")]
    Unavailable {
        /// What happened, after how many attempts.
        message: String,
    },
    /// The server refuses this request (other 4xx): the query, the path or the credentials must be changed.
    #[error("the metric server refused the query: {message}")]
    Refused {
        /// Status and the server's own words.
        message: String,
    },
    /// The server says that its answer is not whole (`isPartial`, warnings). It must not be read as the fleet.
    #[error("the metric server's answer is incomplete: {message}")]
    Incomplete {
        /// The server's own words.
        message: String,
    },
    /// The answer does not have the requested shape; the query or the server behind the address is wrong.
    #[error("the metric server's answer can't be used: {message}")]
    Malformed {
        /// What came and what was expected.
        message: String,
    },
    /// Kafka's offsets can't be read, or are no measure of loads.
    #[error("offsets can't be used as loads: {message}")]
    Offsets {
        /// Which, and why.
        message: String,
    },
    /// Series that count as one thing's differ in a label that neither a second scrape nor a replica explains: they may
    /// be another cluster's, and whose load they are can't be known.
    #[error("series of {of} differ in the label {label} ({}), {}", quoted(values), why(*passing))]
    Ambiguous {
        /// What they are taken for, such as `pod orders-0`.
        of: String,
        /// The label.
        label: String,
        /// Its values, in order; an empty one stands for a series without the label.
        values: Vec<String>,
        /// The label describes the pod or its node: a pod and its predecessor of the same name differ in it too, for as
        /// long as the metric system sees both.
        passing: bool,
    },
}

impl MetricsError {
    /// The series of several clusters were taken for one: no reading of this metric system can be relied on.
    #[must_use]
    pub const fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Ambiguous { .. })
    }
}

fn why(passing: bool) -> &'static str {
    if passing {
        "so they may be those of several clusters, or of a pod and its predecessor, which passes with the metrics window"
    } else {
        "so they may be those of several clusters"
    }
}

fn quoted(values: &[String]) -> String {
    values.iter().map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join(", ")
}

/// One reading of the metric system. Each part may fail by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// One entry for each enabled indicator.
    pub loads: BTreeMap<Indicator, Result<Samples, MetricsError>>,
    /// Of these indicators, what the series say of whose they are. A pod that has claims has a sample too; which of its
    /// claims it comes to is settled when Kubernetes has said what the pod is.
    pub claims: BTreeMap<Indicator, Claims>,
    /// CPU requests in cores by pod name, for pods whose request the API does not give; empty where
    /// [`MetricsSource::cpu_requests`] is to be asked for them.
    pub cpu_requests: Result<Samples, MetricsError>,
    /// Autoscalers of this workload with a CPU target, as kube-state-metrics shows them.
    pub hpas: Result<Vec<Hpa>, MetricsError>,
    /// Partition loads and owners; `None` when they are not requested.
    pub partitions: Option<Result<Vec<PartitionLoad>, MetricsError>>,
}

impl Readings {
    /// Readings of no indicator, without CPU requests and autoscalers from the metric system.
    #[must_use]
    pub fn none() -> Self {
        Self {
            loads: BTreeMap::new(),
            claims: BTreeMap::new(),
            cpu_requests: Ok(Samples::new()),
            hpas: Ok(Vec::new()),
            partitions: None,
        }
    }

    /// With the samples of this indicator.
    #[must_use]
    pub fn with_loads(mut self, indicator: Indicator, samples: Samples) -> Self {
        self.loads.insert(indicator, Ok(samples));
        self
    }

    /// With the load and the owner of each partition.
    #[must_use]
    pub fn with_partitions(mut self, partitions: Vec<PartitionLoad>) -> Self {
        self.partitions = Some(Ok(partitions));
        self
    }
}

/// One indicator as it was at an earlier time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PastReading {
    /// Loads by pod name.
    pub samples: Samples,
    /// What the series say of whose they are, where they say something.
    pub claims: Claims,
}

impl From<Samples> for PastReading {
    /// Series that say nothing of whose they are.
    fn from(samples: Samples) -> Self {
        Self { samples, claims: Claims::default() }
    }
}

/// Reads loads from Prometheus or VictoriaMetrics.
#[async_trait]
pub trait MetricsSource: Send + Sync {
    /// Reads everything that is enabled, evaluated at one time.
    ///
    /// NaN, infinite and negative values must already be left out: such a pod has no sample.
    async fn read(&self, at: Timestamp) -> Readings;

    /// CPU requests in cores by pod name, evaluated at one time. Asked only where a pod of the workload does not tell its
    /// own, and [`read`](Self::read) gave none. By default nothing is known of any.
    ///
    /// # Errors
    /// When they could not be read.
    async fn cpu_requests(&self, _at: Timestamp) -> Result<Samples, MetricsError> {
        Ok(Samples::new())
    }

    /// One indicator as it was at `count` earlier times: one, two, ... steps before `at`, the latest first. A time of
    /// which the metric system knows nothing has no samples; that is no error.
    ///
    /// Called only for a policy that requires several readings. A source without a past need not implement it: the
    /// planner then holds.
    ///
    /// # Errors
    /// When the whole of it was not given.
    async fn past(
        &self,
        _indicator: Indicator,
        _at: Timestamp,
        _step: SignedDuration,
        _count: usize,
    ) -> Result<Vec<PastReading>, MetricsError> {
        Err(MetricsError::Refused { message: "this source keeps no earlier readings".to_owned() })
    }

    /// The load of each partition at the times of this grid, the last of which is one step before `at`. What is not known
    /// of a time stays unknown.
    ///
    /// # Errors
    /// When the past can't be read, or the source keeps none.
    async fn partition_history(
        &self,
        _at: Timestamp,
        _grid: HistoryGrid,
    ) -> Result<Vec<LoadHistory>, MetricsError> {
        Err(MetricsError::Refused { message: "this source keeps no earlier partition loads".to_owned() })
    }

    /// What went wrong with the metric server so far, as far as that is known.
    fn errors(&self) -> ApiErrors {
        ApiErrors::default()
    }
}
