//! Settings of the queries.

use std::collections::BTreeMap;
use std::time::Duration;

use rebalancer_core::backtest::PartitionUnit;
use rebalancer_core::cycle::Subject;
use rebalancer_core::fleet::Indicator;
use rebalancer_prom::Queries;
use rebalancer_prom::history::FleetQueries;
use rebalancer_prom::query::{self, Dialect, Matchers, Placeholders, Preset, PromQl, Window};

use super::access::Need;
use super::parse::{self, Expected, Reader};
use super::problem::Given;
use super::{indicators, kafka};

/// A window that is shorter than two scrapes has no rate; a longer one than a day hides every change.
const WINDOWS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(24 * 3600));

/// The setting of built-in queries for Kafka's metrics.
pub(super) const PRESET: &str = "KAFKA_METRICS_PRESET";
const PARTITIONS: &str = "PARTITION_LOAD_QUERY";

/// The rate window. Its problem is noted by whoever asks first; asking again gives the same answer.
pub(super) fn window(reader: &mut Reader<'_>) -> Option<Duration> {
    reader.required("METRICS_TIME_WINDOW", parse::duration_within(WINDOWS.0, WINDOWS.1))
}

/// What the series of every query that is ready must match besides the fleet's names.
pub(super) fn matchers(reader: &mut Reader<'_>) -> Option<Matchers> {
    reader.optional("PROMETHEUS_MATCHERS", |text| Matchers::parse(text).map_err(|error| error.to_string()))
}

/// Whether anything is read from a metric server.
pub(super) fn need(reader: &mut Reader<'_>) -> Need {
    if !kafka::is_set(reader) {
        return Need::Everything;
    }
    if let Some(variable) = of_partitions(reader) {
        return Need::This(format!("{variable} is set"));
    }
    let enabled = indicators::enabled(reader).unwrap_or_default();
    match enabled.into_iter().find(|indicator| !kafka::gives(reader, *indicator)) {
        Some(indicator) => Need::This(format!("{indicator} is read, which Kafka does not give")),
        None => Need::Nothing,
    }
}

/// The metric server is asked for partition loads.
pub(super) fn asks_for_partitions(reader: &Reader<'_>) -> bool {
    of_partitions(reader).is_some()
}

/// The setting by which it is.
fn of_partitions(reader: &Reader<'_>) -> Option<&'static str> {
    [PARTITIONS, PRESET].into_iter().find(|name| reader.text(name).is_some())
}

/// All queries, with the names of the workload filled in. Every setting is read before any is given up on, so that all
/// problems are found.
pub(super) fn queries(
    reader: &mut Reader<'_>,
    subject: Option<&Subject>,
    container: Option<&str>,
) -> Option<Queries> {
    // Names that are not known yet have their own problem; queries are checked all the same.
    let names = Placeholders {
        namespace: subject.map_or_else(|| "x".to_owned(), |subject| subject.workload.namespace.clone()),
        workload: subject.map_or_else(|| "x".to_owned(), |subject| subject.workload.name.clone()),
        container: container.unwrap_or("x").to_owned(),
        window: Window::new(window(reader).unwrap_or(WINDOWS.0)).ok()?,
        matchers: matchers(reader).unwrap_or_default(),
    };
    let dialects = [("promql", Dialect::Prometheus), ("metricsql", Dialect::MetricsQl)];
    let dialect = reader.required("QUERY_DIALECT", parse::one_of(&dialects)).unwrap_or(Dialect::MetricsQl);
    let prefix = subject.map_or("", |subject| subject.hpa_prefix.as_str());
    let preset = preset(reader);
    let loads = loads(reader, preset, &names, dialect);
    let partitions = own(reader, PARTITIONS, &names, dialect);
    // A query of one's own is more exact than a preset.
    let partitions = partitions?.or(preset?.map(|preset| query::partition_load(preset, &names)));
    let queries = Queries::new(query::cpu_requests(&names), query::hpa_target(&names, prefix))
        .fleet(FleetQueries::new(&names));
    let queries =
        loads?.into_iter().fold(queries, |queries, (indicator, query)| queries.load(indicator, query));
    Some(match partitions {
        Some(query) => queries.partitions(query),
        None => queries,
    })
}

/// `None` within is no preset.
fn preset(reader: &mut Reader<'_>) -> Option<Option<Preset>> {
    let presets = [("jmx-exporter", Preset::JmxExporter), ("librdkafka", Preset::Librdkafka)];
    match reader.text(PRESET) {
        Some(_) => reader.required(PRESET, parse::one_of(&presets)).map(Some),
        None => Some(None),
    }
}

/// What partition loads of the metric server are: one preset has what kafka_exporter says of offsets, the other one what
/// clients have read, and of one's own query nobody knows.
pub(super) fn partition_unit(reader: &mut Reader<'_>) -> PartitionUnit {
    let preset = preset(reader).flatten().filter(|_| reader.text(PARTITIONS).is_none());
    match preset {
        Some(Preset::JmxExporter) => PartitionUnit::Produced,
        Some(Preset::Librdkafka) | None => PartitionUnit::Other,
    }
}

/// The query of each indicator that is read.
fn loads(
    reader: &mut Reader<'_>,
    preset: Option<Option<Preset>>,
    names: &Placeholders,
    dialect: Dialect,
) -> Option<Vec<(Indicator, PromQl)>> {
    let enabled = indicators::enabled(reader);
    let own = Indicator::ALL
        .map(|indicator| (indicator, own(reader, indicators::query_variable(indicator), names, dialect)));
    let enabled = enabled?;
    let by_kafka = Indicator::ALL.map(|indicator| (indicator, kafka::gives(reader, indicator)));
    let by_kafka = BTreeMap::from(by_kafka);
    let read = own.into_iter().filter(|(indicator, _)| {
        enabled.contains(indicator) && by_kafka.get(indicator).is_none_or(|by_kafka| !by_kafka)
    });
    let loads: Vec<_> = read
        .map(|(indicator, own)| match own? {
            Some(query) => Some((indicator, query)),
            None => ready(indicator, preset?, names)
                .or_else(|| missing(reader, indicator))
                .map(|query| (indicator, query)),
        })
        .collect();
    loads.into_iter().collect()
}

/// The built-in query.
fn ready(indicator: Indicator, preset: Option<Preset>, names: &Placeholders) -> Option<PromQl> {
    match indicator {
        Indicator::Cpu => Some(query::cpu(names)),
        Indicator::Memory => Some(query::memory(names)),
        Indicator::Lag => preset.map(|preset| query::lag(preset, names)),
        Indicator::ConsumptionRate => preset.map(|preset| query::consumption_rate(preset, names)),
        Indicator::ProductionRate => preset.map(|preset| query::production_rate(preset, names)),
    }
}

fn missing(reader: &mut Reader<'_>, indicator: Indicator) -> Option<PromQl> {
    let others = if kafka::can_give(indicator) {
        ", KAFKA_METRICS_PRESET or KAFKA_BOOTSTRAP_SERVERS"
    } else {
        ", or KAFKA_METRICS_PRESET"
    };
    let expected = format!("a query, since INDICATORS names {indicator}; set this{others}");
    reader.problem(indicators::query_variable(indicator), Given::Nothing, expected);
    None
}

/// A query that the user wrote; `None` within when there is none.
fn own(
    reader: &mut Reader<'_>,
    variable: &str,
    names: &Placeholders,
    dialect: Dialect,
) -> Option<Option<PromQl>> {
    match reader.text(variable) {
        None => Some(None),
        Some(_) => reader.optional(variable, |text| filled(text, names, dialect)).map(Some),
    }
}

/// A user-defined query, as far as it can be checked without the server.
fn filled(text: &str, names: &Placeholders, dialect: Dialect) -> Result<PromQl, Expected> {
    let query = query::fill(text, names).map_err(|error| format!("PromQL with placeholders; {error}"))?;
    let hint = match dialect {
        Dialect::Prometheus => " (QUERY_DIALECT=metricsql, if the server is VictoriaMetrics)",
        Dialect::MetricsQl => "",
    };
    query::check(&query, dialect).map_err(|error| format!("a query that can be parsed; {error}{hint}"))?;
    Ok(query)
}
