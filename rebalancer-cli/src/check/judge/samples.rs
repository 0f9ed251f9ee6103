//! Whether the queries give what a cycle needs of the fleet's pods.

use rebalancer_core::cycle::Observation;
use rebalancer_core::eligibility::Criteria;
use rebalancer_core::fleet::{Indicator, Pod, Samples};
use rebalancer_core::policy::Policy;
use rebalancer_core::port::MetricsError;

use super::super::facts::Facts;
use super::super::finding::{Code, Finding, Severity, some};
use super::series::{self, Why};
use crate::config::query_variable;

const PARTITIONS: &str = "partition_load";
const PARTITION_QUERY: &str = "PARTITION_LOAD_QUERY";

pub(super) fn judge(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(readings) = facts.readings() else { return Vec::new() };
    let judged: Vec<Finding> =
        readings.loads.iter().map(|(indicator, reading)| of_load(facts, *indicator, reading)).collect();
    // One indicator that can be used is enough for a cycle, unless the store mixes clusters.
    let usable = judged.iter().all(|finding| finding.code != Code::SeriesAmbiguous)
        && judged.iter().any(|finding| finding.severity < Severity::Error);
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
    if reading.is_ok() && is_scaled_to_nothing(facts) {
        return Finding::not_checked(&format!("samples of {indicator}"), "the workload is scaled to 0 pods");
    }
    match reading {
        Ok(samples) => coverage(facts, indicator, samples, variable),
        Err(error) => failed(error, variable),
    }
}

/// What has no pods has no samples.
fn is_scaled_to_nothing(facts: &Facts<'_>) -> bool {
    facts.survey().is_some_and(|survey| survey.is_scaled_to_nothing(facts.workload()))
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
        MetricsError::Ambiguous { label, values, passing, .. } => {
            let each: Vec<String> = values.iter().map(|value| format!("{label}={value:?}")).collect();
            let fix = format!("set PROMETHEUS_MATCHERS to what this cluster has: {}", each.join(" or "));
            let fix = match passing {
                true => format!("check again in some minutes if a pod was just replaced; if not, {fix}"),
                false => fix,
            };
            Finding::error(Code::SeriesAmbiguous, message, fix)
        }
        MetricsError::Offsets { .. } => Finding::error(
            Code::QueryFailed,
            message,
            "take this indicator from the metric server (docs/kafka.md says when offsets are no measure)",
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
    let may_go = |policy: &Policy| -> Vec<&'a Pod> {
        let criteria = Criteria::of(&fleet.snapshot, policy);
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
    if let Some(error) = of_nobody_known(fleet, indicator) {
        return failed(error, variable);
    }
    let without: Vec<&str> =
        pods.iter().filter(|pod| !has_load(fleet, pod, indicator)).map(|pod| pod.name.as_str()).collect();
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
    let of_others: Vec<&str> = without.iter().copied().filter(|name| samples.contains_key(*name)).collect();
    if sampled == 0 && of_others.is_empty() {
        return nothing(facts, indicator.name(), variable, &format!("none of {all} pods has a sample"));
    }
    let message = format!(
        "{indicator}: {sampled} of {all} pods have a sample, a share of {required} is required (MINIMUM_SAMPLE_COVERAGE); \
         without: {}",
        some(&without)
    );
    // How the samples of one of them come may tell why.
    let why = series::of(facts, indicator.name(), variable).into_iter().find(|why| why.is_of_sampling);
    let (message, fix) = match why {
        Some(Why { message: told, fix: Some(fix), .. }) => (format!("{message}; {told}"), fix),
        Some(_) | None if of_others.is_empty() => {
            (message, "see that the metric server scrapes every node, and those pods".to_owned())
        }
        Some(_) | None => (
            format!(
                "{message}; of {} there are series, but of another pod of that name, or of a container that ended",
                some(&of_others)
            ),
            "check again after the next scrape, or five minutes after a restart; if it stays, the metric server has pods \
             of another cluster by these names: see docs/metrics-sources.md#whose-series"
                .to_owned(),
        ),
    };
    if (sampled as f64) < required.get() * all as f64 {
        Finding::error(Code::SamplesFew, message, fix)
    } else {
        Finding::warning(Code::SamplesFew, message, fix)
    }
}

/// A cycle counts the pod's sample: there is one, and it is the pod's own.
fn has_load(fleet: &Observation, pod: &Pod, indicator: Indicator) -> bool {
    let observed = fleet.snapshot.pods.iter().find(|observed| observed.pod.uid == pod.uid);
    observed.is_some_and(|observed| observed.loads.get(indicator).is_some())
}

/// Why it can't be told whose the samples are, although they could be read.
fn of_nobody_known(fleet: &Observation, indicator: Indicator) -> Option<&MetricsError> {
    let degraded = fleet.snapshot.degraded.iter().find(|degraded| degraded.indicator == indicator);
    degraded.map(|degraded| &degraded.error)
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
    let reading = facts.readings()?.partitions.as_ref()?;
    let finding = match reading {
        Err(error) => failed(error, PARTITION_QUERY),
        Ok(loads) if facts.lookups().iter().any(|lookup| lookup.query == PARTITIONS) || loads.is_empty() => {
            nothing(facts, PARTITIONS, PARTITION_QUERY, "no partition of the fleet's pods is known")
        }
        Ok(loads) => {
            Finding::ok(Code::Samples, format!("{PARTITIONS}: {} partitions are known", loads.len()))
        }
    };
    // Without them a cycle goes on as rotate-outliers does, unless the store mixes clusters.
    let severity = match reading {
        Err(MetricsError::Ambiguous { .. }) => finding.severity,
        Ok(_) | Err(_) => finding.severity.min(Severity::Warning),
    };
    Some(Finding { severity, ..finding })
}

/// Nothing came: what the server has of what the query reads tells why.
fn nothing(facts: &Facts<'_>, query: &str, variable: &str, message: &str) -> Finding {
    let told: Vec<Why> = series::of(facts, query, variable);
    let all: Vec<&str> = told.iter().map(|why| why.message.as_str()).collect();
    let all = if all.is_empty() { String::new() } else { format!(": {}", all.join("; ")) };
    let code = told.iter().map(|why| why.code).find(|code| *code != Code::SamplesMissing);
    let fix = told.iter().find_map(|why| why.fix.clone());
    let fix = fix.unwrap_or_else(|| {
        format!("scrape what it reads, or set {variable} to a query that fits; `rebalancer plan` shows loads")
    });
    Finding::error(code.unwrap_or(Code::SamplesMissing), format!("{query}: {message}{all}"), fix)
}
