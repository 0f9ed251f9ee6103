//! Which indicators are read, by which query, and how much each counts.

use rebalancer_prom::Queries;
use rebalancer_prom::history::FleetQueries;
use rebalancer_prom::query::{self, Matchers, Placeholders, Preset, PromQl, Window};

use super::*;

fn names() -> Placeholders {
    Placeholders {
        namespace: "streams".into(),
        container: "consumer".into(),
        workload: "consumer".into(),
        window: Window::new(Duration::from_secs(300)).unwrap(),
        matchers: Matchers::default(),
    }
}

/// What is asked in any case, and these loads.
fn asked(loads: &[(Indicator, PromQl)]) -> Queries {
    let queries = Queries::new(query::cpu_requests(&names()), query::hpa_target(&names(), ""));
    let queries = queries.fleet(FleetQueries::new(&names()));
    loads.iter().cloned().fold(queries, |queries, (indicator, query)| queries.load(indicator, query))
}

fn queries(environment: &[(&str, &str)]) -> Queries {
    resolved(environment).adapters.metrics.unwrap().queries
}

fn own(text: &str) -> PromQl {
    query::fill(text, &names()).unwrap()
}

fn weights(environment: &[(&str, &str)]) -> BTreeMap<Indicator, f64> {
    let weights = resolved(environment).run.policy.selection.weights;
    Indicator::ALL.iter().map(|&indicator| (indicator, weights.of(indicator).get())).collect()
}

const OWN_LAG: (&str, &str) = ("KAFKA_LAG_QUERY", "sum by (pod) (lag)");

#[test]
fn without_a_list_cpu_is_read_and_what_has_a_query() {
    let cpu = (Indicator::Cpu, query::cpu(&names()));
    assert_eq!(queries(&[]), asked(std::slice::from_ref(&cpu)));
    assert_eq!(queries(&[OWN_LAG]), asked(&[cpu, (Indicator::Lag, own(OWN_LAG.1))]));
}

#[test]
fn a_preset_adds_no_indicator_unless_it_is_listed() {
    for (name, preset) in [("jmx-exporter", Preset::JmxExporter), ("librdkafka", Preset::Librdkafka)] {
        let cpu = asked(&[(Indicator::Cpu, query::cpu(&names()))]);
        let partitions = query::partition_load(preset, &names());
        assert_eq!(queries(&[("KAFKA_METRICS_PRESET", name)]), cpu.partitions(partitions));
    }
}

#[test]
fn what_is_listed_is_read_by_the_query_of_ones_own_or_the_one_that_is_ready() {
    assert_eq!(queries(&[("INDICATORS", "Memory")]), asked(&[(Indicator::Memory, query::memory(&names()))]));
    let preset = Preset::Librdkafka;
    let listed = ("INDICATORS", " lag, consumption_rate ,production_rate,cpu");
    let expected = asked(&[
        (Indicator::Cpu, query::cpu(&names())),
        (Indicator::Lag, own(OWN_LAG.1)),
        (Indicator::ConsumptionRate, query::consumption_rate(preset, &names())),
        (Indicator::ProductionRate, query::production_rate(preset, &names())),
    ]);
    assert_eq!(
        queries(&[listed, OWN_LAG, ("KAFKA_METRICS_PRESET", "librdkafka")]),
        expected.partitions(query::partition_load(preset, &names()))
    );
    let jmx = queries(&[("INDICATORS", "lag"), ("KAFKA_METRICS_PRESET", "jmx-exporter")]);
    let expected = asked(&[(Indicator::Lag, query::lag(Preset::JmxExporter, &names()))]);
    assert_eq!(jmx, expected.partitions(query::partition_load(Preset::JmxExporter, &names())));
}

#[test]
fn a_listed_indicator_without_any_query_says_what_to_set() {
    assert_eq!(
        bad(&[("INDICATORS", "cpu,lag,consumption_rate")]),
        [
            "KAFKA_LAG_QUERY is not set: a query, since INDICATORS names lag; set this, KAFKA_METRICS_PRESET or KAFKA_BOOTSTRAP_SERVERS",
            "CONSUMPTION_RATE_QUERY is not set: a query, since INDICATORS names consumption_rate; set this, or KAFKA_METRICS_PRESET",
        ]
    );
    let preset = bad(&[("INDICATORS", "lag"), ("KAFKA_METRICS_PRESET", "burrow")]);
    assert_eq!(preset.len(), 1, "the preset alone is wrong: {preset:?}");
}

#[test]
fn a_query_that_would_not_be_read_is_a_mistake() {
    assert_eq!(
        bad(&[("INDICATORS", "cpu"), OWN_LAG]),
        [
            "KAFKA_LAG_QUERY=\"sum by (pod) (lag)\": expected no value, since INDICATORS leaves lag out; add it there, or unset this"
        ]
    );
    assert_eq!(bad(&[("INDICATORS", "memory"), ("CPU_QUERY", "sum by (pod) (cpu)")]).len(), 1);
}

#[test]
fn each_name_is_known_and_there_once() {
    let twice = "expected each indicator once, but lag is there twice";
    assert_eq!(bad(&[("INDICATORS", "lag,lag")]), [format!("INDICATORS=\"lag,lag\": {twice}")]);
    let weights = ("INDICATOR_WEIGHTS", "lag=1,lag=1");
    assert_eq!(bad(&[weights]), [format!("INDICATOR_WEIGHTS=\"lag=1,lag=1\": {twice}")]);
    for (variable, value) in [
        ("INDICATORS", "cpu,"),
        ("INDICATORS", "auto,lag"),
        ("INDICATOR_WEIGHTS", "cpu"),
        ("INDICATOR_WEIGHTS", "disk=1"),
        ("INDICATOR_WEIGHTS", "cpu=NaN"),
        ("INDICATOR_WEIGHTS", "cpu=inf"),
        ("INDICATOR_WEIGHTS", "cpu=1,"),
    ] {
        assert_eq!(bad(&[(variable, value)]).len(), 1, "{variable}={value}");
    }
}

/// The examples of a shell, `NAME='value'` on a line of its own.
#[test]
fn the_queries_of_the_documentation_are_accepted() {
    let pages = [
        include_str!("../../../../docs/metrics-sources.md"),
        include_str!("../../../../docs/configuration.md"),
    ];
    let examples = pages.iter().flat_map(|page| page.lines()).filter_map(|line| {
        let (name, value) = line.strip_suffix('\'')?.split_once("='")?;
        name.ends_with("_QUERY").then_some((name, value))
    });
    let examples: Vec<_> = examples.collect();
    assert_eq!(examples.len(), 4);
    for example in examples {
        assert_eq!(bad(&[example]), [] as [String; 0]);
    }
}

#[test]
fn weights_are_by_name_and_one_at_least_counts() {
    let all = |but: &[(Indicator, f64)]| {
        Indicator::ALL
            .into_iter()
            .map(|one| (one, 1.0))
            .chain(but.iter().copied())
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(weights(&[]), all(&[]));
    assert_eq!(weights(&[("INDICATOR_WEIGHTS", "cpu=1, lag = 0.5")]), all(&[(Indicator::Lag, 0.5)]));
    let none = ("INDICATOR_WEIGHTS", "cpu=0,lag=1");
    assert_eq!(
        bad(&[none]),
        [
            "INDICATOR_WEIGHTS=\"cpu=0,lag=1\": expected a weight above 0 for one of the indicators that are read"
        ]
    );
    let without_cpu = all(&[(Indicator::Cpu, 0.0)]);
    assert_eq!(weights(&[none, OWN_LAG]), without_cpu);
    assert_eq!(weights(&[none, ("INDICATORS", "cpu,memory")]), without_cpu, "memory counts 1");
}
