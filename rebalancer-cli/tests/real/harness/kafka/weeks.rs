//! Weeks of partition loads on a real broker, as records with the time stamps of then.

use std::f64::consts::TAU;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::backtest::Moment;
use rebalancer_core::fleet::{Indicator, Owner, PartitionLoad, Pod, Samples};
use rebalancer_core::port::Readings;
use rebalancer_core::unit::Load;

use crate::harness::fleet::{Fleet, Pods};
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::clients::Clients;
use crate::harness::kafka::observed::{Observed, held};
use crate::harness::kafka::pods::{Launch, PodConsumers, pod_of};
use crate::harness::kafka::protocol::{Client, Protocol};
use crate::harness::series::seconds;

pub(crate) const PODS: usize = 6;
pub(crate) const PARTITIONS: usize = 24;
/// Two weeks in hours.
pub(crate) const HOURS: usize = 14 * 24;
pub(crate) const HOUR: i64 = 3600;

/// A topic with two weeks of records, and a fleet that has consumed it all the time.
pub(crate) struct Weeks {
    pub(crate) fleet: Fleet,
    pub(crate) consumers: PodConsumers,
    pub(crate) pods: Pods,
    pub(crate) observed: Observed,
    pub(crate) topic: String,
    /// The last whole hour.
    pub(crate) end: Timestamp,
    /// Records of each partition in each hour.
    pub(crate) counts: Vec<Vec<u32>>,
}

/// Each partition has its size, and its own time of day at which it is busiest. Sums of several are rarely the same.
fn count(partition: usize, hour: usize) -> u32 {
    let size = [5.0, 11.0, 16.0, 26.0, 47.0, 73.0][partition * 7 % 6] + 0.31 * partition as f64;
    let (at, of) = ((hour % 24) as f64 / 24.0, partition as f64 / PARTITIONS as f64);
    format!("{:.0}", size * (1.0 + 0.6 * (TAU * (at + 0.3 * of)).sin())).parse().unwrap()
}

impl Weeks {
    pub(crate) async fn start(name: &str) -> Self {
        let topic = Broker::shared().await.name(name);
        let end = Timestamp::from_second(Timestamp::now().as_second().div_euclid(HOUR) * HOUR).unwrap();
        let of = |partition| (0..HOURS).map(|hour| count(partition, hour)).collect();
        let counts: Vec<Vec<u32>> = (0..PARTITIONS).map(of).collect();
        let java = Clients::shared(Client::Java).await;
        java.order(format!("topic {topic} {PARTITIONS} retention.ms=-1")).await;
        let courses =
            counts.iter().map(|counts| counts.iter().map(u32::to_string).collect::<Vec<_>>().join(","));
        let courses: Vec<String> = courses.collect();
        java.order(format!("course {topic} {} {HOUR} {}", end.as_second(), courses.join(";"))).await;
        let mut fleet = Fleet::named(name).aged_for(SignedDuration::from_hours(24 * 20)).start().await;
        let clients = Clients::shared(Client::Java).await;
        let flow = crate::harness::kafka::loads::Flow { topic: topic.clone(), records: vec![0; PARTITIONS] };
        let launch = Launch::of(Protocol::CooperativeSticky);
        let broker = Broker::shared().await;
        let consumers = PodConsumers::launch_at((broker, clients), &mut fleet, launch, &[flow], PODS).await;
        let (pods, observed) = consumers.settled(&fleet).await;
        Self { fleet, consumers, pods, observed, topic, end, counts }
    }

    /// So many hours after the begin.
    pub(crate) fn at(&self, hour: usize) -> Timestamp {
        let back = i64::try_from(HOURS).unwrap() - i64::try_from(hour).unwrap();
        self.end - SignedDuration::from_secs(back * HOUR)
    }

    /// The pod that holds a partition, by its name.
    pub(crate) fn holder(&self, partition: usize) -> &str {
        let number = u32::try_from(partition).unwrap();
        let members = self.observed.group.members.iter();
        let member =
            members.clone().find(|member| held(member).any(|held| held.partition == number)).unwrap();
        pod_of(self.observed.name(member)).unwrap()
    }

    /// Messages a second over the hour before this moment.
    pub(crate) fn rate(&self, partition: usize, hour: usize) -> f64 {
        f64::from(self.counts[partition][hour - 1]) / seconds(HOUR)
    }

    /// What each pod's partitions got in that hour.
    pub(crate) fn by_pod(&self, hour: usize) -> Samples {
        let mut sums = Samples::new();
        for partition in 0..PARTITIONS {
            let pod = self.holder(partition).to_owned();
            let so_far = sums.get(&pod).copied().map_or(0.0, Load::get);
            sums.insert(pod, Load::new(so_far + self.rate(partition, hour)).unwrap());
        }
        sums
    }

    /// The pods as they are told to a backtest.
    fn listed(&self) -> Vec<Pod> {
        let since = self.end - SignedDuration::from_hours(24 * 20);
        let pod = |seen: &crate::harness::fleet::SeenPod| {
            let (set, _) = seen.name.rsplit_once('-').unwrap();
            Pod::new(&*seen.name, &*seen.uid).with_ready_since(since).with_owner(Owner::of_apps(
                "ReplicaSet",
                set,
                format!("ReplicaSet/{set}"),
            ))
        };
        self.pods.0.iter().map(pod).collect()
    }

    /// The moments from one hour on, as they truly were: loads by the given indicator.
    pub(crate) fn moments(
        &self,
        from: usize,
        indicator: Indicator,
        of: impl Fn(&Self, usize) -> Samples,
    ) -> Vec<Moment> {
        let moment = |hour: usize| {
            let partition = |partition: usize| PartitionLoad {
                topic: self.topic.clone(),
                partition: partition.to_string(),
                pod: Some(self.holder(partition).to_owned()),
                load: Load::new(self.rate(partition, hour)).unwrap(),
            };
            let readings = Readings::none()
                .with_loads(indicator, of(self, hour))
                .with_partitions((0..PARTITIONS).map(partition).collect());
            Moment { at: self.at(hour), readings, pods: Some(self.listed()) }
        };
        (from..=HOURS).map(moment).collect()
    }

    /// Retention has deleted what a partition got before this hour.
    pub(crate) async fn delete_before(&self, partition: usize, hour: usize) {
        let offset: u32 = self.counts[partition][..hour].iter().sum();
        let java = Clients::shared(Client::Java).await;
        java.order(format!("truncate {} {partition} {offset}", self.topic)).await;
    }
}
