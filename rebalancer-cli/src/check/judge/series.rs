//! Why a query gives nothing of the fleet's pods: from what the server has of what it reads.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::super::facts::{Facts, Lookup, Sampling, Series};
use super::super::finding::{Code, some};

/// A window that holds so many intervals has its rate even when a scrape fails.
const INTERVALS: i32 = 4;
/// The newest sample of `up` is so old at most where nothing is late.
const ON_TIME: SignedDuration = SignedDuration::from_mins(2);
/// What a scrape puts before the names of labels that it must not overwrite.
const EXPORTED: &str = "exported_";

/// One reason.
pub(super) struct Why {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) fix: Option<String>,
    /// It is how the samples of a pod of the fleet come.
    pub(super) is_of_sampling: bool,
}

impl Why {
    fn missing(message: String, fix: Option<String>) -> Self {
        Self { code: Code::SamplesMissing, message, fix, is_of_sampling: false }
    }
}

/// What was looked up for this query.
pub(super) fn of(facts: &Facts<'_>, query: &str, variable: &str) -> Vec<Why> {
    let lookups = facts.lookups().iter().filter(|lookup| lookup.query == query);
    lookups.map(|lookup| why(lookup, facts, variable)).collect()
}

fn why(lookup: &Lookup, facts: &Facts<'_>, variable: &str) -> Why {
    let Lookup { metric, selector, series, .. } = lookup;
    let series = match series {
        Ok(series) => series,
        Err(error) => {
            let fix = "see why the look-up failed; what the server has is not known".to_owned();
            return Why::missing(format!("{selector} could not be looked up: {error}"), Some(fix));
        }
    };
    if let Some(sampling) = &series.sampling {
        return of_sampling(sampling, series.newest_up, selector, facts, variable);
    }
    if !series.pods.is_empty() {
        let fix =
            "the label pod must be the pod's name; correct DEPLOYMENT_NAME, KUBE_LABEL_SELECTOR or the query";
        let message = format!("{selector} has series of other pods: {}", some(&series.pods));
        return Why::missing(message, Some(fix.to_owned()));
    }
    if let Some((label, values)) = &series.unmatched {
        let values: Vec<String> = values.iter().map(|value| format!("{label}={value:?}")).collect();
        let message =
            format!("{metric} has nothing that PROMETHEUS_MATCHERS matches; there is {}", some(&values));
        return Why::missing(message, Some("correct PROMETHEUS_MATCHERS to one of them".to_owned()));
    }
    if let Some(newest) = series.newest {
        return ended(facts.now.duration_since(newest), series.newest_up, selector, facts);
    }
    elsewhere(lookup, series, facts, variable)
}

/// There are series of the fleet's own pods.
fn of_sampling(
    sampling: &Sampling,
    newest_up: Option<Timestamp>,
    selector: &str,
    facts: &Facts<'_>,
    variable: &str,
) -> Why {
    let told = |code, message, fix: String| Why { code, message, fix: Some(fix), is_of_sampling: true };
    let Sampling { window, interval, age, .. } = sampling;
    match (window.filter(|_| sampling.is_too_few()), interval) {
        (Some(window), Some(interval)) if !sampling.is_late() => told(
            Code::WindowTooShort,
            format!(
                "{selector} has a sample every {}, so that a window of {} holds fewer than two, and a rate needs two",
                words(*interval),
                words(window)
            ),
            longer_window(*interval, window, facts, variable),
        ),
        (Some(window), Some(interval)) => {
            let Why { code, message, fix, .. } = ended(*age, newest_up, selector, facts);
            let message = format!(
                "{message}, though there was one every {}: a window of {} holds fewer than two",
                words(*interval),
                words(window)
            );
            told(code, message, fix.unwrap_or_default())
        }
        (Some(_), None) => told(
            Code::SamplesMissing,
            format!("{selector} has one sample in the last hour, and a rate needs two"),
            "check again when it was scraped twice".to_owned(),
        ),
        (None, _) => told(
            Code::SamplesMissing,
            format!("{selector} has series of the fleet's pods, but the query gives nothing of them"),
            format!("look at what {variable} does with them; a join needs the same labels on both sides"),
        ),
    }
}

fn longer_window(
    interval: SignedDuration,
    window: SignedDuration,
    facts: &Facts<'_>,
    variable: &str,
) -> String {
    let enough = words(interval * INTERVALS);
    if window == facts.settings.policy.balance.persistence.step() {
        format!(
            "set METRICS_TIME_WINDOW={} or more, which is four intervals, or scrape more often",
            enough.replace(' ', "")
        )
    } else {
        format!("look back {enough} or more in {variable}, which is four intervals, or scrape more often")
    }
}

/// There were samples, but not any more.
fn ended(age: SignedDuration, newest_up: Option<Timestamp>, selector: &str, facts: &Facts<'_>) -> Why {
    let message = format!("the newest sample of {selector} is {} old", words(age));
    let up = newest_up.map(|newest| facts.now.duration_since(newest)).filter(|up| *up > ON_TIME);
    let (code, message, fix) = match up {
        Some(up) => (
            Code::SamplesLate,
            format!("{message}, and that of up {}", words(up)),
            "all samples are late: look at what sends them (remote write, an agent whose queue is full), and at the \
             server's clock; METRICS_TIME_WINDOW must be longer than they are late",
        ),
        None => (
            Code::SamplesStale,
            message,
            "its scraping has stopped: look at the targets of the metric server, and at its clock",
        ),
    };
    Why { code, message, fix: Some(fix.to_owned()), is_of_sampling: false }
}

/// Nothing of this selector is there: what is, in its place?
fn elsewhere(lookup: &Lookup, series: &Series, facts: &Facts<'_>, variable: &str) -> Why {
    let Lookup { metric, selector, .. } = lookup;
    let Series { containers, labels, namespaces, similar, .. } = series;
    let namespace = &facts.asked.namespace;
    let other_namespaces = || some(namespaces.iter().filter(|found| *found != namespace));
    if !containers.is_empty() {
        let fix = match containers.iter().next() {
            Some(only) if containers.len() == 1 => format!("set CONTAINER_NAME={only}"),
            Some(_) | None => "set CONTAINER_NAME to one of them".to_owned(),
        };
        let message =
            format!("{metric} has no container {}, but: {}", facts.asked.container, some(containers));
        Why::missing(message, Some(fix))
    } else if !labels.is_empty() {
        of_labels(metric, labels, variable)
    } else if namespaces.contains(namespace) {
        Why::missing(format!("{metric} is there, but nothing matches {selector}"), None)
    } else if !namespaces.is_empty() {
        let fix =
            "correct KUBE_NAMESPACE, or scrape this namespace too; a tenant may hide it (PROMETHEUS_HEADERS)";
        let message = format!("{metric} is there only for other namespaces: {}", other_namespaces());
        Why::missing(message, Some(fix.to_owned()))
    } else if !similar.is_empty() {
        let message = format!("the server has no metric {metric}, but the pods have {}", some(similar));
        let fix = format!(
            "if one of them is the same by another name, set {variable} to a query of it; or {}",
            source_of(metric)
        );
        Why::missing(message, Some(fix))
    } else {
        Why::missing(format!("the server has no metric {metric}"), Some(source_of(metric)))
    }
}

/// The labels that a query asks for are called otherwise.
fn of_labels(metric: &str, labels: &BTreeSet<String>, variable: &str) -> Why {
    let exported: Vec<&String> = ["namespace", "pod", "container"]
        .iter()
        .filter_map(|label| labels.get(&format!("{EXPORTED}{label}")))
        .collect();
    if !exported.is_empty() {
        let exported = some(exported);
        return Why::missing(
            format!("a scrape has renamed the labels of {metric}: the fleet's are in {exported}"),
            Some(format!(
                "set honor_labels: true for this scrape (honorLabels in a ServiceMonitor or PodMonitor), or set \
                 {variable} to a query of {exported}"
            )),
        );
    }
    let lacks = ["namespace", "pod", "container"].into_iter().filter(|&label| !labels.contains(label));
    let lacks: Vec<&str> = lacks.collect();
    let like = |name: &&String| ["namespace", "pod", "container"].iter().any(|word| name.contains(word));
    let mut named: Vec<&String> = labels
        .iter()
        .filter(like)
        .filter(|name| !matches!(name.as_str(), "namespace" | "pod" | "container"))
        .collect();
    if named.is_empty() {
        named = labels.iter().collect();
    }
    Why::missing(
        format!("{metric} has series without the label {}; they have: {}", some(&lacks), some(named)),
        Some(format!(
            "give them namespace, pod and container by metric_relabel_configs, or set {variable} to a query of the \
             labels that they have"
        )),
    )
}

/// Where a metric usually comes from.
fn source_of(metric: &str) -> String {
    let from = if metric.starts_with("container_") {
        "scrape the kubelets' cAdvisor (/metrics/cadvisor)"
    } else if metric.starts_with("kube_") {
        "scrape kube-state-metrics"
    } else if metric.starts_with("kafka_consumer_") {
        "scrape the clients' JMX exporter"
    } else if metric.starts_with("kafka_topic_") {
        "scrape kafka_exporter"
    } else if metric.starts_with("rdkafka_") {
        "scrape librdkafka's statistics"
    } else {
        "scrape what has it"
    };
    format!("{from}, or replace the query; docs/metrics-sources.md has the settings for each metric system")
}

/// To the second, as people write it.
fn words(duration: SignedDuration) -> String {
    let seconds = (duration.as_millis() + 500).div_euclid(1_000).max(1);
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    match (seconds / 3_600, seconds % 3_600 / 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, 0) => format!("{minutes}m"),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours, 0, _) => format!("{hours}h"),
        (hours, minutes, _) => format!("{hours}h {minutes}m"),
    }
}
