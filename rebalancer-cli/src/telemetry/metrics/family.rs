//! Metric families, by the catalog.

use prometheus::proto::{self, Bucket, LabelPair, MetricFamily, MetricType};
use rebalancer_core::history::Durations;

use super::catalog::{CLUSTER, Kind, Metric, ON_EVERY_SERIES};
use crate::target::Target;

/// Families of one workload.
pub(super) struct Families<'a> {
    target: &'a Target,
    all: Vec<MetricFamily>,
}

impl<'a> Families<'a> {
    pub(super) const fn of(target: &'a Target) -> Self {
        Self { target, all: Vec::new() }
    }

    pub(super) fn into_vec(self) -> Vec<MetricFamily> {
        self.all
    }

    /// Adds a metric that has only the labels of every series.
    pub(super) fn one(&mut self, metric: Metric, value: f64) {
        self.each(metric, [([], value)]);
    }

    /// Adds a metric with a series for each of these: values of its labels, in the catalog's order, and its own value.
    pub(super) fn each<'v, const LABELS: usize>(
        &mut self,
        metric: Metric,
        series: impl IntoIterator<Item = ([&'v str; LABELS], f64)>,
    ) {
        let series = series.into_iter().map(|(labels, value)| {
            let mut one = self.labeled(metric, &labels);
            match metric.kind {
                Kind::Counter => {
                    let mut counter = proto::Counter::default();
                    counter.set_value(value);
                    one.set_counter(counter);
                }
                Kind::Gauge | Kind::Histogram => {
                    let mut gauge = proto::Gauge::default();
                    gauge.set_value(value);
                    one.set_gauge(gauge);
                }
            }
            one
        });
        let series = series.collect();
        self.add(metric, series);
    }

    /// Adds a metric with a series for each name: 1 for the present one, 0 for the others.
    pub(super) fn state(&mut self, metric: Metric, names: &[&str], present: &str) {
        let value = |name: &str| if name == present { 1.0 } else { 0.0 };
        self.each(metric, names.iter().map(|name| ([*name], value(name))));
    }

    /// Adds a histogram.
    pub(super) fn durations(&mut self, metric: Metric, durations: &Durations) {
        let bucket = |(bound, count)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(count);
            bucket
        };
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(durations.buckets().map(bucket).collect());
        histogram.set_sample_count(durations.count());
        histogram.set_sample_sum(durations.sum());
        let mut series = self.labeled(metric, &[]);
        series.set_histogram(histogram);
        self.add(metric, vec![series]);
    }

    fn labeled(&self, metric: Metric, values: &[&str]) -> proto::Metric {
        let own = metric.labels.iter().map(|label| label.name).zip(values.iter().copied());
        let Target { cluster, workload } = self.target;
        let cluster = cluster.as_deref().map(|cluster| (CLUSTER.name, cluster));
        let common = ON_EVERY_SERIES.map(|label| label.name);
        let common = common.into_iter().zip([workload.namespace.as_str(), workload.name.as_str()]);
        let common = cluster.into_iter().chain(common);
        let pair = |(name, value): (&str, &str)| {
            let mut pair = LabelPair::default();
            pair.set_name(name.to_owned());
            pair.set_value(value.to_owned());
            pair
        };
        proto::Metric::from_label(common.chain(own).map(pair).collect())
    }

    /// A metric without a series is left out.
    fn add(&mut self, metric: Metric, series: Vec<proto::Metric>) {
        if series.is_empty() {
            return;
        }
        let mut family = MetricFamily::default();
        family.set_name(metric.name.to_owned());
        family.set_help(metric.help.to_owned());
        family.set_field_type(match metric.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge => MetricType::GAUGE,
            Kind::Histogram => MetricType::HISTOGRAM,
        });
        family.set_metric(series);
        self.all.push(family);
    }
}
