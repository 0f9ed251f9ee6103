//! PromQL, built and escaped. Pure.
//!
//! Every built-in query gives one value for each pod. Where several series can describe the same thing, the aggregation
//! says what they are to each other:
//!
//! - *Copies* of one fact come from pairs of exporters or Prometheus replicas, and from a kubelet that is scraped by
//!   two jobs. They differ in labels of the scrape only. They agree, so `max` folds them; adding them up would make an
//!   innocent pod look twice as busy. While one copy is a scrape behind, `max` takes the larger one for at most that
//!   scrape.
//! - *Parts* of one pod's CPU are added up: single CPUs where the kubelet reports them (label `cpu`), and container
//!   instances before and after a restart. These come by themselves (label `id`): what they say of pod and container is
//!   compared with what Kubernetes says, so that a predecessor's load is not taken for the pod's.
//! - *Strangers* are another cluster's series of the same namespace and pod name, in a store that several clusters write
//!   to. They differ in a label of any other kind, such as `cluster`. All labels but those of copies and parts are kept
//!   (`without`), so that a pod that has strangers comes more than once, and the answer says in which label: it is
//!   refused then. [`Matchers`] select one cluster.

use crate::copies::OF_SCRAPE;
use crate::promql::Parts;
use crate::template::{escape_regex, quoted};

pub use crate::matchers::{Matchers, MatchersError};
pub use crate::promql::{PromQl, QueryError};
pub use crate::syntax::{Dialect, SyntaxError, check};
pub use crate::template::fill;
pub use placeholders::{Placeholders, Window};
pub use preset::{Preset, consumption_rate, lag, partition_load, production_rate};

mod placeholders;
mod preset;

/// CPU usage by pod, in cores, from the kubelet's cAdvisor.
#[must_use]
pub fn cpu(names: &Placeholders) -> PromQl {
    // The name and the image belong to the id; a copy may lack them.
    let text = format!(
        "sum without (cpu) (max without (name, image, {OF_SCRAPE}) \
         (rate(container_cpu_usage_seconds_total{{{}, pod!=\"\"}}[{}])))",
        container_of(names),
        names.window
    );
    PromQl::by_container(text, Parts::Added)
}

/// Memory working set by pod, in bytes, from the kubelet's cAdvisor.
///
/// A pod has one container of this name, so there are no parts to add up. A container that was restarted is seen under
/// both its label `id`s for the look-back of the server, since cAdvisor sends time stamps of its own; of them that counts
/// which Kubernetes says is running, or, where that can't be told, the larger one, as two sums of memory were never used at
/// the same time.
#[must_use]
pub fn memory(names: &Placeholders) -> PromQl {
    let text = format!(
        "max without (name, image, {OF_SCRAPE}) (container_memory_working_set_bytes{{{}, pod!=\"\"}})",
        container_of(names)
    );
    PromQl::by_container(text, Parts::Successive)
}

/// CPU requests by pod, in cores, from kube-state-metrics.
#[must_use]
pub fn cpu_requests(names: &Placeholders) -> PromQl {
    PromQl::keeping_labels(format!(
        "max without ({OF_SCRAPE}) (kube_pod_container_resource_requests{{{}, resource=\"cpu\"}})",
        container_of(names)
    ))
}

/// CPU targets of the autoscalers called `<workload>` and, with a prefix, `<prefix><workload>`, from kube-state-metrics:
/// percent for `utilization`, cores for `average`.
///
/// Name and kind of target are kept, so two autoscalers, or two kinds of target on one, stay visible as the
/// contradiction they are. The pod and container are those of kube-state-metrics.
#[must_use]
pub fn hpa_target(names: &Placeholders, prefix: &str) -> PromQl {
    let candidates = if prefix.is_empty() {
        escape_regex(&names.workload)
    } else {
        escape_regex(&names.workload) + "|" + &escape_regex(&format!("{prefix}{}", names.workload))
    };
    PromQl::keeping_labels(format!(
        "max without (pod, container, node, uid, {OF_SCRAPE}) (kube_horizontalpodautoscaler_spec_target_metric{{\
         namespace={}, horizontalpodautoscaler=~{}, metric_name=\"cpu\", metric_target_type=~\"utilization|average\"{}}})",
        quoted(&names.namespace),
        quoted(&candidates),
        names.matchers.after_others()
    ))
}

fn container_of(names: &Placeholders) -> String {
    let (namespace, container) = (quoted(&names.namespace), quoted(&names.container));
    format!("namespace={namespace}, container={container}{}", names.matchers.after_others())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::query::preset::tests::names;

    #[test]
    fn built_in_queries_fold_copies_add_up_parts_and_keep_all_other_labels() {
        assert_eq!(
            cpu(&names()).as_str(),
            format!(
                r#"sum without (cpu) (max without (name, image, {OF_SCRAPE}) (rate(container_cpu_usage_seconds_total{{namespace="shop", container="worker", pod!=""}}[5m])))"#
            )
        );
        assert_eq!(
            memory(&names()).as_str(),
            format!(
                r#"max without (name, image, {OF_SCRAPE}) (container_memory_working_set_bytes{{namespace="shop", container="worker", pod!=""}})"#
            )
        );
        assert_eq!(
            cpu_requests(&names()).as_str(),
            format!(
                r#"max without ({OF_SCRAPE}) (kube_pod_container_resource_requests{{namespace="shop", container="worker", resource="cpu"}})"#
            )
        );
    }

    #[test]
    fn the_autoscaler_is_looked_for_under_both_names_only_with_a_prefix() {
        let plain = hpa_target(&names(), "");
        let prefixed = hpa_target(&names(), "hpa.");
        assert_eq!(
            plain.as_str(),
            format!(
                r#"max without (pod, container, node, uid, {OF_SCRAPE}) (kube_horizontalpodautoscaler_spec_target_metric{{namespace="shop", horizontalpodautoscaler=~"orders", metric_name="cpu", metric_target_type=~"utilization|average"}})"#
            )
        );
        assert!(prefixed.as_str().contains(r#"=~"orders|hpa\\.orders""#), "{prefixed}");
    }

    #[test]
    fn a_name_can_not_leave_its_quotes() {
        let evil = Placeholders { namespace: "a\"} or up{b=\"\\".into(), ..names() };
        for query in [cpu(&evil), memory(&evil), cpu_requests(&evil), hpa_target(&evil, "")] {
            assert!(query.as_str().contains(r#"{namespace="a\"} or up{b=\"\\", "#), "{query}");
            assert_eq!(check(&query, Dialect::Prometheus), Ok(()), "{query}");
        }
    }

    #[test]
    fn a_window_is_a_duration_that_both_servers_read() {
        let shown = |millis| Window::new(Duration::from_millis(millis)).map(|window| window.to_string());
        assert_eq!(shown(3_600_000).as_deref(), Ok("60m"));
        assert_eq!(shown(90_000).as_deref(), Ok("90s"));
        assert_eq!(shown(1_500).as_deref(), Ok("1500ms"));
        assert_eq!(shown(0), Err(QueryError::Window));
    }
}
