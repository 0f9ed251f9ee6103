//! What is told of a run as metrics.

#[cfg_attr(not(test), expect(dead_code, reason = "the exporter that uses it comes next"))]
pub(in crate::telemetry) mod catalog;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::catalog::{Kind, METRICS, ON_EVERY_SERIES};

    #[test]
    fn names_follow_the_conventions_and_stand_once() {
        let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for metric in METRICS {
            assert!(metric.name.starts_with("rebalancer_"), "{}", metric.name);
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}: {}", metric.name, metric.kind.name());
            let labels = metric.labels.iter().chain(&ON_EVERY_SERIES);
            assert!(labels.clone().all(|label| !label.values.is_empty()), "{}", metric.name);
            let known: BTreeSet<&str> = labels.clone().map(|label| label.name).collect();
            assert_eq!(known.len(), labels.count(), "{}", metric.name);
        }
    }
}
