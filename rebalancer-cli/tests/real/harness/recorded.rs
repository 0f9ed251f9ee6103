//! The past of a simulated fleet, as metric servers have it: its true course is known.

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::backtest::Moment;
use rebalancer_core::fleet::{Indicator, Pod, Samples};
use rebalancer_core::port::{Inventory as _, MetricsSource as _};
use rebalancer_core::simulation::{Fleet, Shape};

use crate::harness::metrics::History;
use crate::harness::series::seconds;

/// Between two readings.
pub(crate) const STEP: i64 = 300;
/// Samples between two readings; a rate needs two of them in its window.
const SCRAPES: usize = 5;
/// What the fleet's counters have begun with.
const BEGUN: f64 = 1e6;

/// A fleet that was left alone.
pub(crate) struct Recorded {
    /// One for each step, the last one the present.
    pub(crate) moments: Vec<Moment>,
    /// True loads at each.
    pub(crate) truth: Vec<Samples>,
    /// Seconds between two of them.
    step: i64,
}

/// What is broken in the recording, by the places of moments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Broken {
    /// Without any sample.
    pub(crate) gap: std::ops::Range<usize>,
    /// Counters begin anew here.
    pub(crate) reset: Option<usize>,
}

impl Recorded {
    /// So many moments until now. The times are whole multiples of two steps, as a backtest asks for them.
    pub(crate) async fn of(shape: &Shape, moments: usize, now: Timestamp) -> Self {
        Self::every(STEP, shape, moments, now).await
    }

    /// The same with so many seconds from one moment to the next.
    pub(crate) async fn every(step: i64, shape: &Shape, moments: usize, now: Timestamp) -> Self {
        let fleet = Fleet::new(shape).unwrap();
        let last = now.as_second().div_euclid(2 * step) * 2 * step;
        let mut recorded = Self { moments: Vec::new(), truth: Vec::new(), step };
        for place in 0..moments {
            let back = i64::try_from(moments - 1 - place).unwrap() * step;
            let at = Timestamp::from_second(last - back).unwrap();
            let moved = at.duration_since(fleet.now());
            let readings = fleet.read(fleet.now()).await;
            let mut pods = fleet.pods().await.unwrap();
            for pod in &mut pods {
                let shifted = |time: Option<Timestamp>| time.map(|time| time + moved);
                (pod.created_at, pod.ready_since) = (shifted(pod.created_at), shifted(pod.ready_since));
            }
            recorded.moments.push(Moment { at, readings, pods: Some(pods) });
            recorded.truth.push(fleet.loads());
            fleet.advance(SignedDuration::from_secs(step));
        }
        recorded
    }

    /// As cAdvisor, librdkafka and kube-state-metrics would have told it.
    pub(crate) fn history(&self, broken: &Broken) -> History {
        let workload = Fleet::workload();
        let now = self.moments.last().unwrap().at;
        let mut history = History::new(&workload.namespace, &workload.name)
            .every(usize::try_from(self.step).unwrap() / SCRAPES)
            .seen_at(now);
        let pods = self.moments[0].pods.clone().unwrap();
        for pod in &pods {
            let cores = self.counted(broken, |moment| {
                moment.readings.loads[&Indicator::Cpu].clone().unwrap()[&pod.name].get()
            });
            history = self.pod(history, pod, cores, broken);
        }
        let held = self.moments[0].readings.partitions.clone().unwrap().unwrap();
        for one in &held {
            let flow = self.counted(broken, |moment| {
                let loads = moment.readings.partitions.as_ref().unwrap().as_ref().unwrap();
                let same = |other: &&rebalancer_core::fleet::PartitionLoad| {
                    (&other.topic, &other.partition) == (&one.topic, &one.partition)
                };
                loads.iter().find(same).unwrap().load.get()
            });
            let labels = [
                ("pod", one.pod.as_deref().unwrap()),
                ("container", workload.name.as_str()),
                ("topic", one.topic.as_str()),
                ("partition", one.partition.as_str()),
            ];
            history = history.recorded("rdkafka_topics_partitions_rxmsgs", &labels, flow, self.span());
        }
        history
    }

    fn pod(&self, history: History, pod: &Pod, cores: Vec<f64>, broken: &Broken) -> History {
        let workload = Fleet::workload();
        let uid = pod.uid.to_string();
        let (name, uid) = (("pod", pod.name.as_str()), ("uid", uid.as_str()));
        let container = ("container", workload.name.as_str());
        let owner = pod.owner.as_ref().unwrap();
        let node = ("node", pod.node.as_deref().unwrap());
        let info = [name, uid, node, ("created_by_kind", &*owner.kind), ("created_by_name", &*owner.name)];
        let request = [name, container, ("resource", "cpu"), ("unit", "core")];
        let created = seconds(pod.created_at.unwrap().as_second());
        let always = |value: f64| self.known(broken, value);
        let gauge = |history: History, metric: &str, labels: &[(&str, &str)], value: f64| {
            history.recorded(metric, labels, always(value), self.span())
        };
        let cpu = [name, container, ("image", "registry.invalid/consumer:1"), ("cpu", "total")];
        let history = history.recorded("container_cpu_usage_seconds_total", &cpu, cores, self.span());
        let history = gauge(history, "kube_pod_info", &info, 1.0);
        let history = gauge(history, "kube_pod_container_info", &[name, uid, container], 1.0);
        let history = gauge(history, "kube_pod_status_ready", &[name, uid, ("condition", "true")], 1.0);
        let history = gauge(history, "kube_pod_created", &[name, uid], created);
        gauge(history, "kube_pod_container_resource_requests", &request, 1.0)
    }

    /// One step before the first moment, so that it has a rate.
    fn span(&self) -> std::ops::RangeInclusive<i64> {
        -i64::try_from(self.moments.len()).unwrap() * self.step..=0
    }

    /// The counter whose rate over the step before each moment is what the moment has.
    fn counted(&self, broken: &Broken, rate: impl Fn(&Moment) -> f64) -> Vec<f64> {
        let seconds = seconds(self.step) / SCRAPES as f64;
        let (mut total, mut values) = (BEGUN, vec![BEGUN]);
        for (place, moment) in self.moments.iter().enumerate() {
            let rate = rate(moment);
            for scrape in 0..SCRAPES {
                if broken.reset == Some(place) && scrape == 0 {
                    total = 0.0;
                }
                total += rate * seconds;
                values.push(if broken.gap.contains(&place) { f64::NAN } else { total });
            }
        }
        values
    }

    fn known(&self, broken: &Broken, value: f64) -> Vec<f64> {
        let places = self.counted(broken, |_| 1.0);
        places.into_iter().map(|known| if known.is_nan() { f64::NAN } else { value }).collect()
    }
}
