//! Whether series that count as one thing's are copies of one fact, or strangers. Pure.
//!
//! Two series of one pod may differ in three kinds of labels:
//!
//! - *of the scrape*: who scraped it, by which job, for which replica. They say nothing of the pod.
//! - *descriptive*: what a scrape knows of the pod and its node. One scrape knows more of it than another, so that one
//!   series lacks such a label means nothing; two values of it are two pods of one name.
//! - *any other*, such as `cluster`, `region` or `prometheus`: they say where the pod is, and so does their absence.

use std::collections::{BTreeMap, BTreeSet};

use rebalancer_core::port::MetricsError;

use crate::text::{LABELS, VALUE, excerpt};

/// All labels of a series.
pub(crate) type Labels = BTreeMap<String, String>;

/// Labels of the scrape that every query that is ready leaves away. `service` and `endpoint` are those of the operator,
/// and a name with `exported_` is what the scrape has renamed.
pub(crate) const OF_SCRAPE: &str = "instance, job, endpoint, service, metrics_path, scheme, scrape_job, replica, \
     prometheus_replica, __replica__, exported_instance, exported_job, exported_endpoint, exported_service";

/// Labels that describe pod or node.
const DESCRIPTIVE: [&str; 18] = [
    "app",
    "chart",
    "component",
    "controller_revision_hash",
    "heritage",
    "host",
    "host_ip",
    "hostname",
    "image",
    "k8s_app",
    "name",
    "node",
    "pod_ip",
    "pod_template_hash",
    "release",
    "uid",
    "unit",
    "version",
];
/// The same for all labels with such a part: node labels that a scrape takes over.
const DESCRIPTIVE_PARTS: [&str; 2] = ["kubernetes_io", "k8s_io"];
/// Values that are shown.
const MOST_VALUES: usize = 5;

/// That all of these series, each with the labels besides those by which they count as one, are copies.
///
/// # Errors
/// With the label that tells best that some are strangers.
pub(crate) fn are_copies<'a>(
    of: impl FnOnce() -> String,
    series: impl ExactSizeIterator<Item = &'a Labels> + Clone,
) -> Result<(), MetricsError> {
    if series.len() < 2 {
        return Ok(());
    }
    let names: BTreeSet<&str> = series
        .clone()
        .flat_map(|labels| labels.keys().map(String::as_str))
        .filter(|name| !is_of_scrape(name))
        .collect();
    let differing = names.into_iter().filter_map(|name| Some((name, values(name, series.clone())?)));
    match differing.min_by_key(|(name, _)| (is_descriptive(name), !name.contains("cluster"))) {
        Some((label, values)) => {
            let values = values.into_iter().take(MOST_VALUES).map(|value| excerpt(value, VALUE)).collect();
            Err(MetricsError::Ambiguous {
                of: excerpt(&of(), LABELS),
                label: excerpt(label, VALUE),
                values,
                passing: is_descriptive(label),
            })
        }
        None => Ok(()),
    }
}

/// The values of a label, when they differ in a way that means something.
fn values<'a>(name: &str, series: impl Iterator<Item = &'a Labels>) -> Option<BTreeSet<&'a str>> {
    let values = series.map(|labels| labels.get(name).map_or("", String::as_str));
    let known = |value: &&str| !is_descriptive(name) || !value.is_empty();
    let values: BTreeSet<&str> = values.filter(known).collect();
    (values.len() > 1).then_some(values)
}

fn is_of_scrape(name: &str) -> bool {
    name.contains("replica") || OF_SCRAPE.split(", ").any(|of_scrape| of_scrape == name)
}

fn is_descriptive(name: &str) -> bool {
    DESCRIPTIVE.contains(&name) || DESCRIPTIVE_PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Labels {
        let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// What differs between series with these labels.
    fn difference(series: &[&str]) -> Option<(String, Vec<String>)> {
        let series: Vec<Labels> = series.iter().map(|text| labels(text)).collect();
        match are_copies(|| "pod a".to_owned(), series.iter()) {
            Ok(()) => None,
            Err(MetricsError::Ambiguous { of, label, values, passing }) => {
                assert_eq!((of.as_str(), passing), ("pod a", label == "node"));
                Some((label, values))
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_second_scrape_and_a_replica_are_copies() {
        for series in [
            &["namespace=shop"][..],
            &["namespace=shop", "namespace=shop instance=10.0.0.1:10250 job=kubelet"],
            &[
                "job=a replica=0 prometheus_replica=x",
                "job=b replica=1 prometheus_replica=y thanos_receive_replica=2",
            ],
            &["cluster=eu job=a", "cluster=eu job=b", "cluster=eu"],
            &["node=n1 beta_kubernetes_io_arch=amd64 app=orders", "node=n1", "topology_kubernetes_io_zone=a"],
        ] {
            assert_eq!(difference(series), None, "{series:?}");
        }
    }

    #[test]
    fn any_other_label_that_differs_or_is_missing_in_one_makes_strangers() {
        let found = |label: &str, values: &[&str]| {
            Some((label.to_owned(), values.iter().map(|&value| value.to_owned()).collect()))
        };
        assert_eq!(difference(&["cluster=eu", "cluster=us"]), found("cluster", &["eu", "us"]));
        assert_eq!(difference(&["region=eu", ""]), found("region", &["", "eu"]));
        assert_eq!(
            difference(&["prometheus=a/k8s", "prometheus=b/k8s"]),
            found("prometheus", &["a/k8s", "b/k8s"])
        );
        assert_eq!(difference(&["node=n1 job=a", "node=n7 job=a"]), found("node", &["n1", "n7"]));
        let both = ["a_label=1 k8s_cluster=eu node=n1", "a_label=2 k8s_cluster=us node=n7"];
        assert_eq!(difference(&both), found("k8s_cluster", &["eu", "us"]), "the one that tells most");
    }

    #[test]
    fn what_is_shown_of_labels_is_short_and_plain() {
        let long = format!("cluster={}", "x".repeat(5000));
        let (_, values) = difference(&[&long, "cluster=a\u{1b}[31m"]).unwrap();
        assert!(values.iter().all(|value| value.chars().count() <= VALUE + 1), "{values:?}");
        assert!(!values.iter().any(|value| value.contains(char::is_control)), "{values:?}");
        let series = [labels("cluster=a"), labels("cluster=b")];
        let error = are_copies(|| "x\n".repeat(5000), series.iter()).unwrap_err().to_string();
        assert!(!error.contains(char::is_control) && error.chars().count() < 700, "{error}");
        let many: Vec<String> = (10..99).map(|number| format!("cluster={number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(difference(&many).unwrap().1.len(), MOST_VALUES);
    }
}
