//! The port: everything that is enabled, read at once and evaluated at one time.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::{Claims, Indicator, PartitionLoad, Samples};
use rebalancer_core::port::{
    ApiErrors, HistoryGrid, LoadHistory, MetricsError, MetricsSource, PastReading, Readings,
};
use rebalancer_core::unit::Elapsed;
use tracing::Instrument as _;

use crate::Client;
use crate::decode::claimed::{self, Claimed};
use crate::decode::{self, Decoded, kept};
use crate::grid::Grid;
use crate::history::{self, FleetQueries};
use crate::query::PromQl;
use crate::question::{Question, Times};
use crate::request_log::RequestLog;
use crate::usage::Usage;

/// What partition loads are called in errors.
const PARTITIONS: &str = "partition_load";

/// What is requested in one reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queries {
    pub(crate) loads: BTreeMap<Indicator, PromQl>,
    pub(crate) cpu_requests: PromQl,
    pub(crate) hpas: PromQl,
    pub(crate) partitions: Option<PromQl>,
    pub(crate) fleet: Option<FleetQueries>,
}

impl Queries {
    /// Starts with CPU requests (cores by `pod`) and autoscaler targets (by `horizontalpodautoscaler` and
    /// `metric_target_type`), and no indicator.
    #[must_use]
    pub fn new(cpu_requests: PromQl, hpas: PromQl) -> Self {
        Self { loads: BTreeMap::new(), cpu_requests, hpas, partitions: None, fleet: None }
    }

    /// Enables an indicator; its query gives one value in the indicator's unit for each `pod`.
    #[must_use]
    pub fn load(mut self, indicator: Indicator, query: PromQl) -> Self {
        self.loads.insert(indicator, query);
        self
    }

    /// The queries of all loads that are read, by what they are called in errors; partition loads come last.
    pub fn of_loads(&self) -> impl Iterator<Item = (&'static str, &PromQl)> {
        let loads = self.loads.iter().map(|(indicator, query)| (indicator.name(), query));
        loads.chain(self.partitions.iter().map(|query| (PARTITIONS, query)))
    }

    /// Partition loads are asked for.
    #[must_use]
    pub const fn asks_for_partitions(&self) -> bool {
        self.partitions.is_some()
    }

    /// Asks for the pods of the past too, where the past is [read](crate::history).
    #[must_use]
    pub fn fleet(self, fleet: FleetQueries) -> Self {
        Self { fleet: Some(fleet), ..self }
    }

    /// Asks for partition loads, labeled `topic`, `partition` and `pod`.
    #[must_use]
    pub fn partitions(self, query: PromQl) -> Self {
        Self { partitions: Some(query), ..self }
    }
}

/// Reads the fleet's loads from Prometheus or VictoriaMetrics.
#[derive(Debug, Clone)]
pub struct PrometheusSource {
    pub(crate) client: Client,
    pub(crate) queries: Queries,
}

impl PrometheusSource {
    /// Puts a client and its queries together.
    #[must_use]
    pub fn new(client: Client, queries: Queries) -> Self {
        Self { client, queries }
    }

    /// What has been asked and read so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.client.usage()
    }

    /// Partition loads alone, as they were at this time; `None` when they are not asked for.
    pub async fn partitions(&self, at: Timestamp) -> Option<Result<Vec<PartitionLoad>, MetricsError>> {
        let promql = self.queries.partitions.as_ref()?;
        let decode = decode::by_kind(promql, decode::partitions, kept::partitions);
        Some(self.instant(PARTITIONS, promql, at, decode).await)
    }

    async fn load(
        &self,
        indicator: Indicator,
        promql: &PromQl,
        at: Timestamp,
    ) -> Result<Claimed, MetricsError> {
        let name = indicator.name();
        if let Some(parts) = promql.parts() {
            let question = Question { name, promql, times: Times::At(at) };
            return self.fetch(question, |body| claimed::samples(body, parts)).await;
        }
        let decode = decode::by_kind(promql, decode::samples, kept::samples);
        self.instant(name, promql, at, decode).await.map(unclaimed)
    }

    async fn instant<T>(
        &self,
        name: &str,
        promql: &PromQl,
        at: Timestamp,
        decode: fn(&[u8]) -> Result<Decoded<T>, MetricsError>,
    ) -> Result<T, MetricsError> {
        self.fetch(Question { name, promql, times: Times::At(at) }, decode).await
    }

    async fn fetch<T>(
        &self,
        question: Question<'_>,
        decode: impl Fn(&[u8]) -> Result<Decoded<T>, MetricsError>,
    ) -> Result<T, MetricsError> {
        let mut log = RequestLog::new(question);
        let body = self.client.ask(question).instrument(log.span()).await;
        log.received(body.as_ref().map_or(0, Vec::len));
        let useful = |body: Vec<u8>| {
            let decoded = self
                .client
                .hidden
                .read(&body, decode)
                .and_then(|decoded| decoded.within(self.client.series_limit()));
            decoded.inspect_err(|_| self.client.count_useless())
        };
        let decoded = body.and_then(useful).map_err(|error| question.show_in(error));
        log.ended(decoded.as_ref());
        decoded.map(|decoded| decoded.value)
    }
}

/// Of series that say nothing of whose they are.
pub(crate) fn unclaimed(samples: Samples) -> Claimed {
    (samples, Claims::default())
}

#[async_trait]
impl MetricsSource for PrometheusSource {
    async fn read(&self, at: Timestamp) -> Readings {
        let loads =
            self.queries.loads.iter().map(|(&indicator, promql)| async move {
                (indicator, self.load(indicator, promql, at).await)
            });
        let hpas = &self.queries.hpas;
        let hpas_decode = decode::by_kind(hpas, decode::hpas, kept::hpas);
        // All at once: the client lets as many of them through as the server is to be asked at the same time.
        let (loads, hpas, partitions) = tokio::join!(
            join_all(loads),
            self.instant("hpa_target", hpas, at, hpas_decode),
            self.partitions(at),
        );
        let (mut samples, mut claims) = (BTreeMap::new(), BTreeMap::new());
        for (indicator, load) in loads {
            let load = load.map(|(samples, claimed)| {
                claims.insert(indicator, claimed);
                samples
            });
            samples.insert(indicator, load);
        }
        Readings { loads: samples, claims, hpas, partitions, ..Readings::none() }
    }

    async fn cpu_requests(&self, at: Timestamp) -> Result<Samples, MetricsError> {
        let requests = &self.queries.cpu_requests;
        let decode = decode::by_kind(requests, decode::samples, kept::samples);
        self.instant("cpu_requests", requests, at, decode).await
    }

    /// As the port says. It asks one range query, of the indicator's own PromQL.
    async fn past(
        &self,
        indicator: Indicator,
        at: Timestamp,
        step: SignedDuration,
        count: usize,
    ) -> Result<Vec<PastReading>, MetricsError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let name = indicator.name();
        let refused = |message| MetricsError::Refused { message };
        let promql = self.queries.loads.get(&indicator).ok_or_else(|| {
            refused(format!("there is no query for '{name}', so its past can't be asked for"))
        })?;
        let grid = Grid::before(at, step, count).ok_or_else(|| {
            refused(format!(
                "{count} times of '{name}', {} apart, before {at} can't be asked for",
                Elapsed(step)
            ))
        })?;
        let question = Question { name, promql, times: Times::On(grid) };
        if let Some(parts) = promql.parts() {
            let past = self.fetch(question, |body| claimed::past(body, &grid, parts)).await?;
            let reading = |(samples, claims)| PastReading { samples, claims };
            return Ok(past.into_iter().map(reading).collect());
        }
        let decode = if promql.keeps_labels() { kept::past } else { decode::past };
        let past = self.fetch(question, |body| decode(body, &grid)).await?;
        Ok(past.into_iter().map(PastReading::from).collect())
    }

    async fn partition_history(
        &self,
        at: Timestamp,
        grid: HistoryGrid,
    ) -> Result<Vec<LoadHistory>, MetricsError> {
        history::partitions::read(self, at, grid).await
    }

    fn errors(&self) -> ApiErrors {
        let Usage { errors, retries, .. } = self.usage();
        ApiErrors { errors, retries }
    }
}
