//! Settings of the queries.

use std::time::Duration;

use rebalancer_core::cycle::Subject;
use rebalancer_core::fleet::Indicator;
use rebalancer_prom::Queries;
use rebalancer_prom::query::{self, Dialect, Placeholders, Preset, PromQl, Window};

use super::parse::{self, Expected, Reader};

/// A window that is shorter than two scrapes has no rate; a longer one than a day hides every change.
const WINDOWS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(24 * 3600));

/// Indicators that are read only when their query is set.
const OPTIONAL_QUERIES: [(&str, Indicator); 4] = [
    ("MEMORY_QUERY", Indicator::Memory),
    ("KAFKA_LAG_QUERY", Indicator::Lag),
    ("CONSUMPTION_RATE_QUERY", Indicator::ConsumptionRate),
    ("PRODUCTION_RATE_QUERY", Indicator::ProductionRate),
];

/// The rate window. Its problem is noted by whoever asks first; asking again gives the same answer.
pub(super) fn window(reader: &mut Reader<'_>) -> Option<Duration> {
    reader.required("METRICS_TIME_WINDOW", parse::duration_within(WINDOWS.0, WINDOWS.1))
}

/// All queries, with the names of the workload filled in.
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
    };
    let dialects = [("promql", Dialect::Prometheus), ("metricsql", Dialect::MetricsQl)];
    let dialect = reader.required("QUERY_DIALECT", parse::one_of(&dialects)).unwrap_or(Dialect::MetricsQl);
    let prefix = subject.map_or("", |subject| subject.hpa_prefix.as_str());
    let mut fill = |name: &str| match reader.text(name) {
        None => Some(None),
        Some(_) => reader.optional(name, |text| filled(text, &names, dialect)).map(Some),
    };
    let cpu = fill("CPU_QUERY");
    let optional = OPTIONAL_QUERIES.map(|(name, indicator)| (fill(name), indicator));
    let partitions = fill("PARTITION_LOAD_QUERY");
    let presets = [("jmx-exporter", Preset::JmxExporter), ("librdkafka", Preset::Librdkafka)];
    let preset = match reader.text("KAFKA_METRICS_PRESET") {
        Some(_) => reader.required("KAFKA_METRICS_PRESET", parse::one_of(&presets)).map(Some),
        None => Some(None),
    };
    let mut queries = Queries::new(query::cpu_requests(&names), query::hpa_target(&names, prefix))
        .load(Indicator::Cpu, cpu?.unwrap_or_else(|| query::cpu(&names)));
    for (query, indicator) in optional {
        if let Some(query) = query? {
            queries = queries.load(indicator, query);
        }
    }
    // A query of one's own is more exact than a preset.
    let partitions = partitions?.or(preset?.map(|preset| query::partition_load(preset, &names)));
    Some(match partitions {
        Some(query) => queries.partitions(query),
        None => queries,
    })
}

/// A query of the user's own, as far as it can be told without asking the server.
fn filled(text: &str, names: &Placeholders, dialect: Dialect) -> Result<PromQl, Expected> {
    let query = query::fill(text, names).map_err(|error| format!("PromQL with placeholders; {error}"))?;
    let hint = match dialect {
        Dialect::Prometheus => " (QUERY_DIALECT=metricsql, if the server is VictoriaMetrics)",
        Dialect::MetricsQl => "",
    };
    query::check(&query, dialect).map_err(|error| format!("a query that can be parsed; {error}{hint}"))?;
    Ok(query)
}
