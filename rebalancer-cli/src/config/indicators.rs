//! Which indicators are read, and how much each of them counts.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use rebalancer_core::fleet::Indicator;
use rebalancer_core::policy::{Policy, Weights};
use rebalancer_core::unit::Weight;

use super::kafka;
use super::parse::{self, Expected, Reader};
use super::shown::showable;

/// The setting of an indicator's own query.
pub(crate) const fn query_variable(indicator: Indicator) -> &'static str {
    match indicator {
        Indicator::Cpu => "CPU_QUERY",
        Indicator::Memory => "MEMORY_QUERY",
        Indicator::Lag => "KAFKA_LAG_QUERY",
        Indicator::ConsumptionRate => "CONSUMPTION_RATE_QUERY",
        Indicator::ProductionRate => "PRODUCTION_RATE_QUERY",
    }
}

/// The indicators that are read. Asking again gives the same answer, and notes no problem twice.
pub(super) fn enabled(reader: &mut Reader<'_>) -> Option<BTreeSet<Indicator>> {
    let listed = match reader.required("INDICATORS", chosen)? {
        Chosen::Listed(listed) => listed,
        Chosen::Auto => return Some(with_a_query(reader)),
    };
    for indicator in Indicator::ALL.into_iter().filter(|indicator| !listed.contains(indicator)) {
        refuse_query(reader, indicator);
    }
    Some(listed)
}

/// A preset enables nothing here: who set one for the partition loads would be asked more queries after an upgrade. CPU
/// needs a metric server: without one, the production rate from Kafka takes its place. Lag must be listed, since Kafka keeps
/// no earlier lag by which an imbalance could be confirmed.
fn with_a_query(reader: &Reader<'_>) -> BTreeSet<Indicator> {
    let is_set = |indicator| reader.text(query_variable(indicator)).is_some();
    let by_kafka_alone = kafka::is_set(reader) && reader.text("PROMETHEUS_ENDPOINT").is_none();
    let unasked = |indicator| match by_kafka_alone {
        true => indicator == Indicator::ProductionRate,
        false => indicator == Indicator::Cpu,
    };
    Indicator::ALL.into_iter().filter(|&indicator| unasked(indicator) || is_set(indicator)).collect()
}

/// Somebody who sets a query expects that it is read.
fn refuse_query(reader: &mut Reader<'_>, indicator: Indicator) {
    let variable = query_variable(indicator);
    if let Some(given) = reader.text(variable).map(|given| showable(variable, given)) {
        let expected =
            format!("no value, since INDICATORS leaves {indicator} out; add it there, or unset this");
        reader.problem(variable, given, expected);
    }
}

/// Puts into a policy how much each indicator counts when several rank the pods.
pub(super) fn weighed(reader: &mut Reader<'_>, policy: Option<Policy>) -> Option<Policy> {
    let weights = weights(reader)?;
    policy.map(|policy| policy.with_weights(weights))
}

/// One without an entry counts 1.
fn weights(reader: &mut Reader<'_>) -> Option<Weights> {
    let enabled = enabled(reader);
    let variable = "INDICATOR_WEIGHTS";
    let Some(given) = reader.text(variable).map(|given| showable(variable, given)) else {
        return Some(Weights::default());
    };
    let weights = Weights::new(reader.optional(variable, weighted)?).ok();
    // Those that are not read have a say in nothing.
    let counts = |weights: &Weights| enabled.iter().flatten().any(|read| weights.of(*read).get() > 0.0);
    if enabled.is_some() && !weights.as_ref().is_some_and(counts) {
        reader.problem(
            variable,
            given,
            "a weight above 0 for one of the indicators that are read".to_owned(),
        );
        return None;
    }
    weights
}

/// What `INDICATORS` says.
enum Chosen {
    Auto,
    Listed(BTreeSet<Indicator>),
}

fn chosen(text: &str) -> Result<Chosen, Expected> {
    let text = parse::text(text)?;
    if text.eq_ignore_ascii_case("auto") {
        return Ok(Chosen::Auto);
    }
    let mut listed = BTreeSet::new();
    for name in text.split(',') {
        let indicator = named(name).map_err(|known| format!("auto, or a list with commas, each {known}"))?;
        if !listed.insert(indicator) {
            return Err(format!("each indicator once, but {indicator} is there twice"));
        }
    }
    Ok(Chosen::Listed(listed))
}

fn weighted(text: &str) -> Result<BTreeMap<Indicator, Weight>, Expected> {
    let mut weights = BTreeMap::new();
    for part in parse::text(text)?.split(',') {
        let expected = "NAME=WEIGHT with a weight of 0 or more, separated by commas, such as cpu=1,lag=0.5";
        let (name, weight) = part.split_once('=').ok_or(expected)?;
        let indicator = named(name).map_err(|known| format!("{expected}, each name {known}"))?;
        let weight = f64::from_str(weight.trim()).ok().and_then(|weight| Weight::new(weight).ok());
        let weight = weight.ok_or(expected)?;
        if weights.insert(indicator, weight).is_some() {
            return Err(format!("each indicator once, but {indicator} is there twice"));
        }
    }
    Ok(weights)
}

fn named(name: &str) -> Result<Indicator, Expected> {
    parse::one_of(&Indicator::ALL.map(|indicator| (indicator.name(), indicator)))(name)
}
