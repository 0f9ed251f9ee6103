//! The past, read in chunks: what a cycle would have read at each of many times, by range queries of the same PromQL.
//!
//! ```text
//!   chunk (times evenly apart) ─> one range query for each part ─> moments ─> the decoders of instant answers
//!                                          │
//!                                        Kept (a folder: what was read once is not asked for again)
//! ```
//!
//! A range answer is taken apart into what an instant query would have answered at each time, so that the past is read by
//! exactly the rules by which the present is. Each part of each moment may fail by itself; a moment of which the server
//! knows nothing has no samples, and nothing is filled in.

mod fleet;
mod kept;
mod moments;
pub(crate) mod partitions;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::{Indicator, PartitionLoad, Pod};
use rebalancer_core::port::{MetricsError, Readings};
use tracing::Instrument as _;

pub use fleet::FleetQueries;
pub use kept::Kept;

use crate::decode::claimed::{self, Claimed};
use crate::decode::{self, Decoded};
use crate::grid::Grid;
use crate::query::PromQl;
use crate::question::{Question, Times};
use crate::request_log::RequestLog;
use crate::source::{PrometheusSource, unclaimed};

/// Times evenly apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// The first.
    pub from: Timestamp,
    /// Between two of them.
    pub step: SignedDuration,
    /// How many, at most 11,000.
    pub count: usize,
}

/// What the metric system had at one time.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PastMoment {
    /// The time.
    pub at: Timestamp,
    /// What a cycle would have read.
    pub readings: Readings,
    /// Pods as kube-state-metrics showed them then; empty where it showed none. When a pod became Ready is not known.
    pub pods: Result<Vec<Pod>, MetricsError>,
}

/// A chunk that was read.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReadChunk {
    /// Its moments, the earliest first.
    pub moments: Vec<PastMoment>,
    /// Values that came for it, kept ones among them.
    pub points: usize,
    /// Answers that were kept from an earlier run.
    pub kept: usize,
}

/// A part at each time, the earliest first.
struct Course<T> {
    values: Vec<Result<T, MetricsError>>,
    points: usize,
    kept: bool,
}

impl PrometheusSource {
    /// Reads everything that is enabled, and the fleet, at each time of a chunk.
    ///
    /// # Errors
    /// [`MetricsError::Refused`] when these are no times that a server could be asked for.
    pub async fn chunk(&self, chunk: Chunk, kept: Option<&Kept>) -> Result<ReadChunk, MetricsError> {
        let (grid, times) = times(chunk)?;
        let asked = Asked { source: self, grid, times: &times, kept };
        let loads = self.queries.loads.iter();
        let loads =
            loads.map(|(&indicator, query)| async move { (indicator, asked.load(indicator, query).await) });
        let parts = &self.queries;
        let (loads, requests, hpas, partitions, pods) = tokio::join!(
            join_all(loads),
            asked.by_kind("cpu_requests", &parts.cpu_requests, decode::samples, decode::kept::samples),
            asked.by_kind("hpa_target", &parts.hpas, decode::hpas, decode::kept::hpas),
            asked.partitions(),
            asked.fleet(),
        );
        let mut read = ReadChunk { moments: Vec::with_capacity(times.len()), points: 0, kept: 0 };
        let (mut requests, mut hpas) = (read.count(requests), read.count(hpas));
        let mut pods = read.count(pods);
        let mut partitions = partitions.map(|partitions| read.count(partitions));
        let mut loads: Vec<(Indicator, _)> =
            loads.into_iter().map(|(indicator, course)| (indicator, read.count(course))).collect();
        for at in times {
            let mut readings = Readings::none();
            for (indicator, course) in &mut loads {
                let load = next(course).map(|(samples, claims)| {
                    readings.claims.insert(*indicator, claims);
                    samples
                });
                readings.loads.insert(*indicator, load);
            }
            readings.cpu_requests = next(&mut requests);
            readings.hpas = next(&mut hpas);
            readings.partitions = partitions.as_mut().map(next);
            read.moments.push(PastMoment { at, readings, pods: next(&mut pods) });
        }
        Ok(read)
    }
}

impl ReadChunk {
    fn count<T>(&mut self, course: Course<T>) -> std::vec::IntoIter<Result<T, MetricsError>> {
        self.points += course.points;
        self.kept += usize::from(course.kept);
        course.values.into_iter()
    }
}

/// Every course has a value for each time.
fn next<T>(course: &mut std::vec::IntoIter<Result<T, MetricsError>>) -> Result<T, MetricsError> {
    course
        .next()
        .unwrap_or_else(|| Err(MetricsError::Malformed { message: "no value for this time".to_owned() }))
}

fn times(chunk: Chunk) -> Result<(Grid, Vec<Timestamp>), MetricsError> {
    let Chunk { from, step, count } = chunk;
    let refused =
        || MetricsError::Refused { message: format!("{count} times from {from} can't be asked for") };
    let span = i32::try_from(count).ok().and_then(|count| step.checked_mul(count)).ok_or_else(refused)?;
    let end = from.checked_add(span).map_err(|_| refused())?;
    let grid = Grid::before(end, step, count).ok_or_else(refused)?;
    let time = |place: i32| step.checked_mul(place).and_then(|after| from.checked_add(after).ok());
    let times: Option<Vec<Timestamp>> = (0..).take(count).map(time).collect();
    Ok((grid, times.ok_or_else(refused)?))
}

/// What every question of a chunk needs.
#[derive(Clone, Copy)]
struct Asked<'a> {
    source: &'a PrometheusSource,
    grid: Grid,
    times: &'a [Timestamp],
    kept: Option<&'a Kept>,
}

impl Asked<'_> {
    async fn load(self, indicator: Indicator, query: &PromQl) -> Course<Claimed> {
        let name = indicator.name();
        if let Some(parts) = query.parts() {
            return self.course(name, query, |body| claimed::samples(body, parts)).await;
        }
        let decode = decode::by_kind(query, decode::samples, decode::kept::samples);
        self.course(name, query, move |body| decode(body).map(|decoded| decoded.map(unclaimed))).await
    }

    async fn by_kind<T>(
        self,
        name: &str,
        query: &PromQl,
        plain: fn(&[u8]) -> Result<Decoded<T>, MetricsError>,
        kept: fn(&[u8]) -> Result<Decoded<T>, MetricsError>,
    ) -> Course<T> {
        self.course(name, query, decode::by_kind(query, plain, kept)).await
    }

    async fn partitions(self) -> Option<Course<Vec<PartitionLoad>>> {
        let query = self.source.queries.partitions.as_ref()?;
        Some(self.by_kind("partition_load", query, decode::partitions, decode::kept::partitions).await)
    }

    async fn fleet(self) -> Course<Vec<Pod>> {
        let Some(queries) = &self.source.queries.fleet else {
            return Course {
                values: self.times.iter().map(|_| Ok(Vec::new())).collect(),
                points: 0,
                kept: false,
            };
        };
        let rows = |body: &[u8]| fleet::rows(body);
        let (info, ready, created) = tokio::join!(
            self.course("pods", &queries.info, rows),
            self.course("pods_ready", &queries.ready, rows),
            self.course("pods_created", &queries.created, rows),
        );
        let (points, kept) =
            (info.points + ready.points + created.points, info.kept && ready.kept && created.kept);
        let parts = info.values.into_iter().zip(ready.values).zip(created.values);
        let values =
            parts.map(|((info, ready), created)| Ok(fleet::pods(&info?, &ready?, &created?))).collect();
        Course { values, points, kept }
    }

    /// One range query, decoded as instant answers. A failure of the whole is one of every time.
    async fn course<T>(
        self,
        name: &str,
        query: &PromQl,
        decode: impl Fn(&[u8]) -> Result<Decoded<T>, MetricsError>,
    ) -> Course<T> {
        let question = Question { name, promql: query, times: Times::On(self.grid) };
        let all_failed = |error: MetricsError| Course {
            values: self.times.iter().map(|_| Err(error.clone())).collect(),
            points: 0,
            kept: false,
        };
        let (body, kept) = match self.body(question).await {
            Ok(found) => found,
            Err(error) => return all_failed(question.show_in(error)),
        };
        let split = self.source.client.hidden.read(&body, |body| moments::split(body, &self.grid));
        let moments::Split { bodies, points } = match split {
            Ok(split) => split,
            Err(error) => return all_failed(question.show_in(error)),
        };
        let one = |body: &Vec<u8>| {
            let decoded = decode(body).and_then(|decoded| decoded.within(self.source.client.series_limit()));
            decoded.map(|decoded| decoded.value).map_err(|error| question.show_in(error))
        };
        Course { values: bodies.iter().map(one).collect(), points, kept }
    }

    /// The raw answer, and whether it was kept from an earlier run.
    async fn body(self, question: Question<'_>) -> Result<(Vec<u8>, bool), MetricsError> {
        let of = format!("{} {} {}", self.source.client.base, self.grid, question.promql);
        if let Some(body) = self.kept.and_then(|kept| kept.get(question.name, &of)) {
            return Ok((body, true));
        }
        let mut log = RequestLog::new(question);
        let body = self.source.client.ask(question).instrument(log.span()).await;
        log.received(body.as_ref().map_or(0, Vec::len));
        let counted = body.as_ref().map(|_| Decoded { value: (), series: 0, values: 0, left_out: 0 });
        log.ended(counted.as_ref().map_err(|error| *error));
        let body = body?;
        if let Some(kept) = self.kept.filter(|kept| kept.keeps_until(self.times.last().copied())) {
            // Only an answer that is whole is worth keeping.
            if moments::split(&body, &self.grid).is_ok() {
                kept.put(question.name, &of, &body);
            }
        }
        Ok((body, false))
    }
}
