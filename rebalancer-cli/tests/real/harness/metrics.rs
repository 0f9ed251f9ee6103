//! Real metric servers with a known history.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::ops::RangeInclusive;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::fixture::Target;
use crate::harness::process::{Daemon, answers};
use crate::harness::series::{Series, Shape, seconds};
use crate::harness::{assets, wait};

const CPU: &str = "container_cpu_usage_seconds_total";
/// Seconds between two samples, unless said otherwise.
const STEP: usize = 15;
/// Seconds from now in which a series has samples, unless said otherwise. They go on into the future, so
/// that every window is as full at the end of a slow scenario as at its start.
pub(crate) const WHOLE: RangeInclusive<i64> = -900..=300;
/// Which metric server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Prometheus,
    VictoriaMetrics,
}

impl Server {
    /// Where metrics matter, a scenario is true for both.
    pub(crate) const BOTH: [Self; 2] = [Self::Prometheus, Self::VictoriaMetrics];
}

/// What a metric server knows about one namespace.
#[derive(Debug, Clone)]
pub(crate) struct History {
    namespace: String,
    container: String,
    series: Vec<Series>,
    step: usize,
    /// What counts as now, in seconds since the epoch; `None` is when it is served.
    now: Option<i64>,
}

impl History {
    /// Of the containers of this name in this namespace.
    pub(crate) fn new(namespace: &str, container: &str) -> Self {
        let (namespace, container) = (namespace.to_owned(), container.to_owned());
        Self { namespace, container, series: Vec::new(), step: STEP, now: None }
    }

    /// With so many seconds between two samples.
    pub(crate) fn every(mut self, seconds: usize) -> Self {
        self.step = seconds;
        self
    }

    /// Seconds from now are seconds from this time.
    pub(crate) fn seen_at(mut self, now: jiff::Timestamp) -> Self {
        self.now = Some(now.as_second());
        self
    }

    /// Values one after the other, with the step of this history, in this span.
    pub(crate) fn recorded(
        self,
        name: &str,
        labels: &[(&str, &str)],
        values: Vec<f64>,
        span: RangeInclusive<i64>,
    ) -> Self {
        let (from, step) = (*span.start(), i64::try_from(self.step).unwrap());
        // For as long as the test runs.
        let shape = Shape::Recorded { values: values.leak(), from, step };
        self.series(name, labels, shape, span)
    }

    /// Of all that was said so far, only what is in this span, in seconds from now.
    pub(crate) fn during(mut self, span: &RangeInclusive<i64>) -> Self {
        for series in &mut self.series {
            series.span = span.clone();
        }
        self
    }

    /// A pod that was gone at this second from now.
    pub(crate) fn gone(mut self, pod: &str, second: i64) -> Self {
        for series in self.series.iter_mut().filter(|series| series.is_of(pod)) {
            series.span = *series.span.start()..=second;
        }
        self
    }

    /// All that is known of a pod comes by a second scrape job too.
    pub(crate) fn scraped_twice(mut self, pod: &str) -> Self {
        let mut copies: Vec<Series> =
            self.series.iter().filter(|series| series.is_of(pod)).cloned().collect();
        for copy in &mut copies {
            copy.labels.insert("job".to_owned(), "twice".to_owned());
        }
        self.series.extend(copies);
        self
    }

    /// Every series has these labels besides, or instead.
    pub(crate) fn labelled(mut self, labels: &[(&str, &str)]) -> Self {
        for series in &mut self.series {
            series.labels.extend(labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
        }
        self
    }

    /// All that is known comes from there too.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.series.extend(other.series);
        self
    }

    /// A label has another name in every series.
    pub(crate) fn renamed(mut self, label: &str, to: &str) -> Self {
        for series in &mut self.series {
            if let Some(value) = series.labels.remove(label) {
                series.labels.insert(to.to_owned(), value);
            }
        }
        self
    }

    /// A metric has another name.
    pub(crate) fn metric_renamed(mut self, name: &str, to: &str) -> Self {
        for series in self.series.iter_mut().filter(|series| series.name == name) {
            to.clone_into(&mut series.name);
        }
        self
    }

    /// A pod that has used this many cores all the time.
    pub(crate) fn cpu(self, pod: &str, cores: f64) -> Self {
        self.cpu_during(pod, cores, WHOLE)
    }

    /// A pod with samples only in this span, in seconds from now. As from cAdvisor: the container's own
    /// series, and the pod's cgroup (all its containers), which is not to be counted twice.
    pub(crate) fn cpu_during(self, pod: &str, cores: f64, span: RangeInclusive<i64>) -> Self {
        let (container, image) = (self.container.clone(), "registry.invalid/consumer:1");
        let own = [("pod", pod), ("container", container.as_str()), ("image", image), ("cpu", "total")];
        let pods = [("pod", pod), ("container", ""), ("image", ""), ("cpu", "total")];
        let shape = Shape::Counter(cores);
        self.series(CPU, &own, shape, span.clone()).series(CPU, &pods, shape, span)
    }

    /// Takes back what [`Self::cpu`] said about this pod.
    pub(crate) fn without_cpu(mut self, pod: &str) -> Self {
        self.series.retain(|series| series.name != CPU || series.labels["pod"] != pod);
        self
    }

    /// Leaves of all CPU samples only those in this span, in seconds from now.
    pub(crate) fn cpu_only_during(mut self, span: &RangeInclusive<i64>) -> Self {
        for series in self.series.iter_mut().filter(|series| series.name == CPU) {
            series.span = span.clone();
        }
        self
    }

    /// A pod's CPU request, as kube-state-metrics tells it.
    pub(crate) fn cpu_request(self, pod: &str, cores: f64) -> Self {
        let container = self.container.clone();
        let labels = [("pod", pod), ("container", &container), ("resource", "cpu"), ("unit", "core")];
        self.gauge("kube_pod_container_resource_requests", &labels, cores)
    }

    /// A Deployment's autoscaler on CPU, as kube-state-metrics tells it.
    pub(crate) fn hpa(self, hpa: &str, deployment: &str, target: Target) -> Self {
        let (kind, value) = match target {
            Target::Utilization(percent) => ("utilization", f64::from(percent)),
            Target::AverageCores(cores) => ("average", cores),
        };
        let name = ("horizontalpodautoscaler", hpa);
        let of = [name, ("scaletargetref_kind", "Deployment"), ("scaletargetref_name", deployment)];
        let aim = [name, ("metric_name", "cpu"), ("metric_target_type", kind)];
        self.gauge("kube_horizontalpodautoscaler_info", &of, 1.0).gauge(
            "kube_horizontalpodautoscaler_spec_target_metric",
            &aim,
            value,
        )
    }

    /// Any other constant value; the namespace is added to the labels.
    pub(crate) fn gauge(self, name: &str, labels: &[(&str, &str)], value: f64) -> Self {
        self.series(name, labels, Shape::Gauge(value), WHOLE)
    }

    /// Any other counter, by its increase per second; the namespace is added to the labels.
    pub(crate) fn counter(self, name: &str, labels: &[(&str, &str)], rate: f64) -> Self {
        self.series(name, labels, Shape::Counter(rate), WHOLE)
    }

    /// An offset that librdkafka did not know until two minutes ago, by its increase per second.
    pub(crate) fn late_offset(self, name: &str, labels: &[(&str, &str)], rate: f64) -> Self {
        self.series(name, labels, Shape::Offset(rate), WHOLE)
    }

    fn series(
        mut self,
        name: &str,
        labels: &[(&str, &str)],
        shape: Shape,
        span: RangeInclusive<i64>,
    ) -> Self {
        let own = [("namespace", self.namespace.as_str())];
        let labels = own.iter().chain(labels).filter(|(_, value)| !value.is_empty());
        let labels = labels.map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        self.series.push(Series { name: name.to_owned(), labels, shape, span });
        self
    }

    /// A server of this kind that knows this history and nothing else.
    pub(crate) async fn serve(&self, server: Server) -> MetricServer {
        let dir = tempfile::tempdir().unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let daemon = match server {
            Server::Prometheus => self.prometheus(&dir).await,
            Server::VictoriaMetrics => self.victoria_metrics(&http, &dir).await,
        };
        let url = format!("http://127.0.0.1:{}", daemon.port);
        let server = MetricServer { url, http, _daemon: daemon, _dir: dir };
        self.wait_for_all_series(&server).await;
        server
    }

    async fn prometheus(&self, dir: &TempDir) -> Daemon {
        let path = |name: &str| dir.path().join(name).display().to_string();
        fs::write(path("prometheus.yml"), "{}").unwrap();
        if !self.series.is_empty() {
            fs::write(path("history"), self.exposition(1.0) + "# EOF\n").unwrap();
            let mut promtool = tokio::process::Command::new(assets::find("promtool"));
            promtool.args(["tsdb", "create-blocks-from", "openmetrics", &path("history"), &path("data")]);
            let output = promtool.stdin(Stdio::null()).output().await.unwrap();
            assert!(output.status.success(), "promtool: {}", String::from_utf8_lossy(&output.stderr));
        }
        let args = |port| {
            vec![
                format!("--config.file={}", path("prometheus.yml")),
                format!("--storage.tsdb.path={}", path("data")),
                format!("--web.listen-address=127.0.0.1:{port}"),
            ]
        };
        Daemon::start("prometheus", dir.path(), args, answers("/-/ready")).await
    }

    async fn victoria_metrics(&self, http: &reqwest::Client, dir: &TempDir) -> Daemon {
        let data = dir.path().join("data").display().to_string();
        let args = |port| {
            vec![
                format!("-storageDataPath={data}"),
                format!("-httpListenAddr=127.0.0.1:{port}"),
                "-retentionPeriod=100y".to_owned(),
                "-search.latencyOffset=0s".to_owned(),
                "-memory.allowedBytes=512MB".to_owned(),
            ]
        };
        let daemon = Daemon::start("victoria-metrics", dir.path(), args, answers("/health")).await;
        let url = format!("http://127.0.0.1:{}", daemon.port);
        let import = http.post(format!("{url}/api/v1/import/prometheus")).body(self.exposition(1000.0));
        import.send().await.unwrap().error_for_status().unwrap();
        http.get(format!("{url}/internal/force_flush")).send().await.unwrap().error_for_status().unwrap();
        daemon
    }

    /// All samples as text, with time stamps in units of which `units` make a second.
    fn exposition(&self, units: f64) -> String {
        let now = self.now.unwrap_or_else(|| jiff::Timestamp::now().as_second());
        let mut text = String::new();
        for series in &self.series {
            let Series { name, labels, shape, span } = series;
            let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
            let labels = labels.join(",");
            for second in span.clone().step_by(self.step).filter(|second| series.has(*second)) {
                let (value, time) = (shape.at(second), seconds(now + second) * units);
                writeln!(text, "{name}{{{labels}}} {value} {time}").unwrap();
            }
        }
        text
    }

    async fn wait_for_all_series(&self, server: &MetricServer) {
        // VictoriaMetrics does not store what is no number.
        let stored = self
            .series
            .iter()
            .filter(|series| !matches!(series.shape, Shape::Gauge(value) if value.is_nan()));
        let expected = seconds(i64::try_from(stored.count()).unwrap());
        wait::until("the history to be searchable", async || {
            let found = server.query(r#"count(last_over_time({__name__!=""}[2h]))"#).await;
            let count = found.first().map_or(0.0, |(_, count)| *count);
            if count >= expected { Ok(()) } else { Err(format!("{count} of {expected} series")) }
        })
        .await;
    }
}

/// A running metric server; ends when dropped.
#[derive(Debug)]
pub(crate) struct MetricServer {
    /// Its base URL.
    pub(crate) url: String,
    http: reqwest::Client,
    _daemon: Daemon,
    _dir: TempDir,
}

impl AsRef<str> for MetricServer {
    fn as_ref(&self) -> &str {
        &self.url
    }
}

impl MetricServer {
    /// An instant query now: the labels and value of each element.
    pub(crate) async fn query(&self, query: &str) -> Vec<(BTreeMap<String, String>, f64)> {
        let request = self.http.post(format!("{}/api/v1/query", self.url)).form(&[("query", query)]);
        let answer = request.send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let elements = answer["data"]["result"].as_array().expect("a vector").iter();
        elements
            .map(|element| {
                let labels = serde_json::from_value(element["metric"].clone()).unwrap();
                (labels, element["value"][1].as_str().unwrap().parse().unwrap())
            })
            .collect()
    }

    /// An instant query now, by the label `pod`.
    pub(crate) async fn by_pod(&self, query: &str) -> BTreeMap<String, f64> {
        let elements = self.query(query).await.into_iter();
        elements.map(|(labels, value)| (labels["pod"].clone(), value)).collect()
    }
}
