//! The port to the metric server, which need not be there.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::{Indicator, PartitionLoad, Samples};
use rebalancer_core::port::{
    ApiErrors, HistoryGrid, LoadHistory, MetricsError, MetricsSource, PastReading, Readings,
};
use rebalancer_prom::history::{Chunk, Kept, ReadChunk};
use rebalancer_prom::{PrometheusSource, Usage};

use crate::config::MetricServer;

/// The metric server, or none where all loads come from Kafka: then nothing is read here.
pub(crate) struct Loads(Option<PrometheusSource>);

impl Loads {
    /// Contacts no server.
    pub(crate) fn of(server: Option<&MetricServer>) -> Self {
        Self(server.map(|server| PrometheusSource::new(server.client.clone(), server.queries.clone())))
    }

    /// What the metric server was asked so far.
    pub(crate) fn usage(&self) -> Usage {
        self.0.as_ref().map(PrometheusSource::usage).unwrap_or_default()
    }

    /// What was there at each time of a chunk.
    ///
    /// # Errors
    /// Without a metric server, or when these are no times.
    pub(crate) async fn chunk(&self, chunk: Chunk, kept: Option<&Kept>) -> Result<ReadChunk, MetricsError> {
        match &self.0 {
            Some(source) => source.chunk(chunk, kept).await,
            None => Err(MetricsError::Refused { message: "no metric server is set".to_owned() }),
        }
    }

    /// Partition loads alone, as they were at this time; `None` when they are not asked for.
    pub(crate) async fn partitions(&self, at: Timestamp) -> Option<Result<Vec<PartitionLoad>, MetricsError>> {
        self.0.as_ref()?.partitions(at).await
    }
}

#[async_trait]
impl MetricsSource for Loads {
    async fn read(&self, at: Timestamp) -> Readings {
        match &self.0 {
            Some(source) => source.read(at).await,
            None => Readings::none(),
        }
    }

    async fn cpu_requests(&self, at: Timestamp) -> Result<Samples, MetricsError> {
        match &self.0 {
            Some(source) => source.cpu_requests(at).await,
            None => Ok(Samples::new()),
        }
    }

    async fn past(
        &self,
        indicator: Indicator,
        at: Timestamp,
        step: SignedDuration,
        count: usize,
    ) -> Result<Vec<PastReading>, MetricsError> {
        match &self.0 {
            Some(source) => source.past(indicator, at, step, count).await,
            None => Err(MetricsError::Refused { message: "no metric server is set".to_owned() }),
        }
    }

    async fn partition_history(
        &self,
        at: Timestamp,
        grid: HistoryGrid,
    ) -> Result<Vec<LoadHistory>, MetricsError> {
        match &self.0 {
            Some(source) => source.partition_history(at, grid).await,
            None => Err(MetricsError::Refused { message: "no metric server is set".to_owned() }),
        }
    }

    fn errors(&self) -> ApiErrors {
        self.0.as_ref().map(MetricsSource::errors).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn where_there_is_no_metric_server_nothing_is_read_and_nothing_fails() {
        let loads = Loads::of(None);
        assert_eq!(loads.read(Timestamp::UNIX_EPOCH).await, Readings::none());
        assert_eq!(loads.partitions(Timestamp::UNIX_EPOCH).await, None);
        assert_eq!((loads.errors(), loads.usage()), (ApiErrors::default(), Usage::default()));
        let step = SignedDuration::from_mins(5);
        let past = loads.past(Indicator::Lag, Timestamp::UNIX_EPOCH, step, 1).await;
        assert!(matches!(past, Err(MetricsError::Refused { .. })), "{past:?}");
    }
}
