//! Whether the queries give what a cycle needs of the fleet's pods.

use rebalancer_core::cycle::Observation;
use rebalancer_core::eligibility::Criteria;
use rebalancer_core::fleet::{Indicator, Pod, Samples};
use rebalancer_core::policy::Policy;
use rebalancer_core::port::MetricsError;

use super::super::facts::{Facts, Lookup, Series};
use super::super::finding::{Code, Finding, Severity, some};
use crate::config::query_variable;

const PARTITIONS: &str = "partition_load";
const PARTITION_QUERY: &str = "PARTITION_LOAD_QUERY";

pub(super) fn judge(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(readings) = &facts.metrics.readings else { return Vec::new() };
    let judged: Vec<Finding> =
        readings.loads.iter().map(|(indicator, reading)| of_load(facts, *indicator, reading)).collect();
    // One indicator that can be used is enough for a cycle.
    let usable = judged.iter().any(|finding| finding.severity < Severity::Error);
    let softened = |finding: Finding| match finding.severity {
        Severity::Error if usable => Finding { severity: Severity::Warning, ..finding },
        Severity::Ok | Severity::Note | Severity::Warning | Severity::Error => finding,
    };
    let mut findings: Vec<Finding> = judged.into_iter().map(softened).collect();
    findings.extend(partitions(facts));
    findings
}

fn of_load(facts: &Facts<'_>, indicator: Indicator, reading: &Result<Samples, MetricsError>) -> Finding {
    let variable = query_variable(indicator);
    match reading {
        Ok(samples) => coverage(facts, indicator, samples, variable),
        Err(error) => failed(error, variable),
    }
}

fn failed(error: &MetricsError, variable: &str) -> Finding {
    let message = error.to_string();
    match error {
        MetricsError::Refused { .. } => Finding::error(
            Code::QueryRefused,
            message,
            format!("correct {variable}, or what the message names"),
        ),
        MetricsError::Malformed { .. } => Finding::error(
            Code::QueryUnusable,
            message,
            format!(
                "{variable} must give one value for each pod, with the label pod; docs/configuration.md has examples"
            ),
        ),
        MetricsError::Incomplete { .. } => Finding::error(
            Code::QueryFailed,
            message,
            "look at the metric server's storage nodes; what is not whole is not used",
        ),
        MetricsError::Unavailable { .. } => Finding::error(
            Code::QueryFailed,
            message,
            "the server answers, but not to this query in time: raise PROMETHEUS_TIMEOUT, or make the query cheaper",
        ),
    }
}

/// The pods that must have a sample.
struct Expected<'a> {
    pods: Vec<&'a Pod>,
    /// They are old enough to be asked for one.
    settled: bool,
}

fn expected<'a>(fleet: &'a Observation, policy: &Policy) -> Expected<'a> {
    let controller = fleet.snapshot.surroundings.controller.as_ref();
    let may_go = |policy: &Policy| -> Vec<&'a Pod> {
        let criteria = Criteria::under(&fleet.snapshot.workload.name, controller, policy);
        let pods = fleet.snapshot.pods.iter().map(|pod| &pod.pod);
        pods.filter(|pod| criteria.veto(pod, fleet.snapshot.taken_at).is_none()).collect()
    };
    let pods = may_go(policy);
    if !pods.is_empty() {
        return Expected { pods, settled: true };
    }
    let of_any_age = policy.clone().with_minimum_age(jiff::SignedDuration::ZERO);
    Expected { pods: may_go(&of_any_age), settled: false }
}

fn coverage(facts: &Facts<'_>, indicator: Indicator, samples: &Samples, variable: &str) -> Finding {
    let fleet = facts.observation.as_ref().and_then(|observation| observation.as_ref().ok());
    let Some(fleet) = fleet else { return without_fleet(facts, indicator, samples, variable) };
    let Expected { pods, settled } = expected(fleet, &facts.settings.policy);
    if pods.is_empty() {
        return without_fleet(facts, indicator, samples, variable);
    }
    let without: Vec<&str> =
        pods.iter().map(|pod| pod.name.as_str()).filter(|name| !samples.contains_key(*name)).collect();
    let (all, sampled) = (pods.len(), pods.len() - without.len());
    let required = facts.settings.policy.balance.minimum_coverage;
    if without.is_empty() {
        return Finding::ok(Code::Samples, format!("{indicator}: all {all} pods have a sample"));
    }
    if !settled {
        let message = format!(
            "{indicator}: {sampled} of {all} pods have a sample, and all are younger than MINIMUM_POD_AGE; without: {}",
            some(&without)
        );
        return Finding::warning(Code::SamplesFew, message, "check again when they are older");
    }
    if sampled == 0 {
        return nothing(facts, indicator.name(), variable, &format!("none of {all} pods has a sample"));
    }
    let message = format!(
        "{indicator}: {sampled} of {all} pods have a sample, a share of {required} is required (MINIMUM_SAMPLE_COVERAGE); \
         without: {}",
        some(&without)
    );
    let fix = "see that the metric server scrapes every node, and those pods";
    if (sampled as f64) < required.get() * all as f64 {
        Finding::error(Code::SamplesFew, message, fix)
    } else {
        Finding::warning(Code::SamplesFew, message, fix)
    }
}

/// The pods are not known, so only whether there is anything at all can be told.
fn without_fleet(facts: &Facts<'_>, indicator: Indicator, samples: &Samples, variable: &str) -> Finding {
    if samples.is_empty() {
        return nothing(facts, indicator.name(), variable, "the query gives no sample");
    }
    let message =
        format!("{indicator}: {} pods have a sample; which of them must is not known", samples.len());
    Finding::note(Code::Samples, message)
}

fn partitions(facts: &Facts<'_>) -> Option<Finding> {
    let reading = facts.metrics.readings.as_ref()?.partitions.as_ref()?;
    let finding = match reading {
        Err(error) => failed(error, PARTITION_QUERY),
        Ok(loads)
            if facts.metrics.lookups.iter().any(|lookup| lookup.query == PARTITIONS) || loads.is_empty() =>
        {
            nothing(facts, PARTITIONS, PARTITION_QUERY, "no partition of the fleet's pods is known")
        }
        Ok(loads) => {
            Finding::ok(Code::Samples, format!("{PARTITIONS}: {} partitions are known", loads.len()))
        }
    };
    // Without them a cycle goes on as rotate-outliers does.
    let severity = finding.severity.min(Severity::Warning);
    Some(Finding { severity, ..finding })
}

/// Nothing came: what the server has of what the query reads tells why.
fn nothing(facts: &Facts<'_>, query: &str, variable: &str, message: &str) -> Finding {
    let lookups: Vec<&Lookup> = facts.metrics.lookups.iter().filter(|lookup| lookup.query == query).collect();
    let told: Vec<String> = lookups.iter().map(|lookup| describe(lookup, facts)).collect();
    let told = if told.is_empty() { String::new() } else { format!(": {}", told.join("; ")) };
    let stale = lookups.iter().any(|lookup| is_stale(lookup));
    let code = if stale { Code::SamplesStale } else { Code::SamplesMissing };
    let fix = lookups.iter().find_map(|lookup| fix(lookup, facts));
    let fix = fix.unwrap_or_else(|| {
        format!("scrape what it reads, or set {variable} to a query that fits; `rebalancer plan` shows loads")
    });
    Finding::error(code, format!("{query}: {message}{told}"), fix)
}

/// It has ended: nothing now, but something a while ago.
fn is_stale(lookup: &Lookup) -> bool {
    lookup.series.as_ref().is_ok_and(|series| series.pods.is_empty() && series.newest.is_some())
}

fn describe(lookup: &Lookup, facts: &Facts<'_>) -> String {
    let Lookup { metric, selector, series, .. } = lookup;
    let Series { pods, containers, namespaces, newest } = match series {
        Ok(series) => series,
        Err(error) => return format!("{selector} could not be looked up: {error}"),
    };
    if !pods.is_empty() {
        return format!("{selector} has series of other pods: {}", some(pods));
    }
    if let Some(newest) = newest {
        let age = facts.now.duration_since(*newest).as_mins();
        return format!("the newest sample of {selector} is {age} min old");
    }
    let elsewhere: Vec<&String> =
        namespaces.iter().filter(|found| **found != facts.asked.namespace).collect();
    if !containers.is_empty() {
        format!("{metric} has no container {}, but: {}", facts.asked.container, some(containers))
    } else if namespaces.contains(&facts.asked.namespace) {
        format!("{metric} is there, but nothing matches {selector}")
    } else if elsewhere.is_empty() {
        format!("the server has no metric {metric}")
    } else {
        format!("{metric} is there only for other namespaces: {}", some(elsewhere))
    }
}

fn fix(lookup: &Lookup, facts: &Facts<'_>) -> Option<String> {
    let Lookup { metric, series, .. } = lookup;
    let Ok(Series { pods, containers, namespaces, .. }) = series else {
        return Some("see why the look-up failed; what the server has is not known".to_owned());
    };
    if is_stale(lookup) {
        return Some(
            "its scraping has stopped: look at the targets of the metric server, and at its clock".to_owned(),
        );
    }
    let only = || containers.iter().next().filter(|_| containers.len() == 1);
    if !pods.is_empty() {
        Some(
            "the label pod must be the pod's name; correct DEPLOYMENT_NAME, KUBE_LABEL_SELECTOR or the query"
                .to_owned(),
        )
    } else if let Some(only) = only() {
        Some(format!("set CONTAINER_NAME={only}"))
    } else if !containers.is_empty() {
        Some("set CONTAINER_NAME to one of them".to_owned())
    } else if namespaces.is_empty() {
        Some(source_of(metric))
    } else if !namespaces.contains(&facts.asked.namespace) {
        Some(
            "correct KUBE_NAMESPACE, or scrape this namespace too; a tenant may hide it (PROMETHEUS_HEADERS)"
                .to_owned(),
        )
    } else {
        None
    }
}

/// Where a metric usually comes from.
fn source_of(metric: &str) -> String {
    let from = if metric.starts_with("container_") {
        "scrape the kubelets' cAdvisor (/metrics/cadvisor)"
    } else if metric.starts_with("kube_") {
        "scrape kube-state-metrics"
    } else if metric.starts_with("kafka_consumer_") {
        "scrape the clients' JMX exporter"
    } else if metric.starts_with("rdkafka_") {
        "scrape librdkafka's statistics"
    } else {
        "scrape what has it"
    };
    format!("{from}, or replace the query; docs/metrics-sources.md has the settings for each metric system")
}
