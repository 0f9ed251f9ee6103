//! Pods of the past, as kube-state-metrics showed them. Pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::{Owner, Phase, Pod};
use rebalancer_core::port::MetricsError;

use crate::copies::OF_SCRAPE;
use crate::decode::{Decoded, Element, labelled};
use crate::query::{Placeholders, PromQl};
use crate::template::quoted;

/// What is asked of kube-state-metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetQueries {
    pub(super) info: PromQl,
    pub(super) ready: PromQl,
    pub(super) created: PromQl,
}

impl FleetQueries {
    /// Pods of the namespace that have the container, with owner and node; which of them are Ready; and since when they are.
    #[must_use]
    pub fn new(names: &Placeholders) -> Self {
        let of = |metric: &str, more: &str| {
            let namespace = quoted(&names.namespace);
            format!("{metric}{{namespace={namespace}, pod!=\"\"{more}{}}}", names.matchers.after_others())
        };
        let container = format!(", container={}", quoted(&names.container));
        let by = |labels: &str, text: String| PromQl::keeping_labels(format!("max by ({labels}) ({text})"));
        Self {
            info: by(
                "pod, uid, node, created_by_kind, created_by_name",
                format!(
                    "{} and on (namespace, pod) group without ({OF_SCRAPE}) ({})",
                    of("kube_pod_info", ""),
                    of("kube_pod_container_info", &container)
                ),
            ),
            ready: by("pod, uid", of("kube_pod_status_ready", ", condition=\"true\"")),
            created: by("pod, uid", of("kube_pod_created", "")),
        }
    }
}

/// The elements as they came.
pub(super) fn rows(body: &[u8]) -> Result<Decoded<Vec<Element>>, MetricsError> {
    let value = labelled(body)?;
    Ok(Decoded { series: value.len(), values: value.len(), left_out: 0, value })
}

/// Puts the three answers of one time together. A pod of which nothing says that it is Ready is not.
pub(super) fn pods(info: &[Element], ready: &[Element], created: &[Element]) -> Vec<Pod> {
    let (ready, created) = (by_pod(ready), by_pod(created));
    let pod = |(labels, _): &Element| {
        let (name, uid) = (label(labels, "pod"), label(labels, "uid"));
        let key = (name, uid);
        let is_ready = ready.get(&key).is_some_and(|value| *value > 0.5);
        let since = created.get(&key).and_then(|seconds| time(*seconds));
        Pod {
            phase: if is_ready { Phase::Running } else { Phase::Pending },
            ready: is_ready,
            created_at: since,
            node: Some(label(labels, "node")).filter(|node| !node.is_empty()).map(Into::into),
            owner: owner(labels),
            ..Pod::new(name, uid)
        }
    };
    info.iter().map(pod).collect()
}

fn time(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_duration(SignedDuration::try_from_secs_f64(seconds).ok()?).ok()
}

fn by_pod(rows: &[Element]) -> BTreeMap<(&str, &str), f64> {
    rows.iter().map(|(labels, value)| ((label(labels, "pod"), label(labels, "uid")), *value)).collect()
}

fn label<'a>(labels: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    labels.get(name).map_or("", String::as_str)
}

/// Kube-state-metrics has `<none>` for a pod that nobody controls, and no UID of an owner: its name stands for it.
fn owner(labels: &BTreeMap<String, String>) -> Option<Owner> {
    let (kind, name) = (label(labels, "created_by_kind"), label(labels, "created_by_name"));
    let is_none = |text: &str| text.is_empty() || text == "<none>";
    (!is_none(kind) && !is_none(name)).then(|| Owner::of_apps(kind, name, format!("{kind}/{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(labels: &[(&str, &str)], value: f64) -> Element {
        (labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(), value)
    }

    #[test]
    fn a_pod_is_ready_only_where_that_is_said_of_its_uid() {
        let info = |pod, uid| {
            let owner = [("created_by_kind", "ReplicaSet"), ("created_by_name", "orders-1")];
            element(&[&[("pod", pod), ("uid", uid), ("node", "n1")][..], &owner[..]].concat(), 1.0)
        };
        let state = |uid, value| element(&[("pod", "a"), ("uid", uid)], value);
        let found =
            pods(&[info("a", "1"), info("a", "2")], &[state("1", 1.0), state("2", 0.0)], &[state("1", 60.0)]);
        assert_eq!(found.iter().map(|pod| pod.ready).collect::<Vec<_>>(), [true, false]);
        assert_eq!(found[0].created_at, Timestamp::from_second(60).ok());
        assert_eq!(found[1].created_at, None);
        assert_eq!(found[0].owner.as_ref().map(|owner| owner.name.as_str()), Some("orders-1"));
    }

    #[test]
    fn a_pod_that_nobody_controls_has_no_owner() {
        let labels =
            [("pod", "a"), ("uid", "1"), ("created_by_kind", "<none>"), ("created_by_name", "<none>")];
        let found = pods(&[element(&labels, 1.0)], &[], &[]);
        assert_eq!((found[0].owner.as_ref(), found[0].node.as_ref(), found[0].ready), (None, None, false));
    }
}
