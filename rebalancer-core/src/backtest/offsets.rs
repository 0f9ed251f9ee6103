//! Partition loads of the past by Kafka's offsets: what was produced is told by time for as long as retention reaches back,
//! who holds what only of now.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Moment;
use crate::assignor::Assignor;
use crate::fleet::{Indicator, Pod, Samples, Uid};
use crate::group::told_rule;
use crate::policy::MemberMatching;
use crate::port::{GroupReading, MetricsError};
use crate::snapshot::{GroupQuestion, ObservedGroup, Placement, ProducedRates, placements};
use crate::unit::Load;

#[cfg(test)]
#[cfg(feature = "simulation")]
mod tests;

/// What Kafka tells for a backtest.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaPast {
    /// The group as it is now, and the offsets at each of [`times`], by their order.
    pub reading: GroupReading,
    /// The pods that there are now.
    pub pods: Vec<Pod>,
    /// How members are matched with them.
    pub matching: MemberMatching,
}

/// What offsets told of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct FromOffsets {
    /// Partitions of the group's topics.
    pub partitions: usize,
    /// Times whose offsets were asked for.
    pub times: usize,
    /// From this moment on, what was produced to each partition is known at every later one; `None`: not at the last one.
    pub rates_from: Option<Timestamp>,
    /// Why not before.
    pub rates_before: Option<String>,
    /// From this moment on, the pods are those of now, and are taken to have held what they hold now.
    pub held_from: Option<Timestamp>,
    /// Why not before.
    pub held_before: Option<String>,
    /// The group's rule, as Kafka tells it.
    pub assignor: Option<Assignor>,
    /// The group has members with a `group.instance.id`.
    pub static_members: bool,
}

/// The times at which offsets are asked for: both ends of the window of each moment.
#[must_use]
pub fn times(moments: impl IntoIterator<Item = Timestamp>, window: SignedDuration) -> Vec<Timestamp> {
    let both = moments.into_iter().flat_map(|at| [at.checked_sub(window).ok(), Some(at)]);
    both.flatten().collect::<BTreeSet<Timestamp>>().into_iter().collect()
}

/// Puts what offsets tell into the moments: partition loads, and production rates where the question has them.
pub fn fill(history: &mut [Moment], past: &KafkaPast, question: &GroupQuestion) -> FromOffsets {
    let KafkaPast { reading, pods, matching } = past;
    let places = placements(&reading.group, pods, *matching);
    let held = held(history, past, &places);
    let name = |uid: &Uid| pods.iter().find(|pod| pod.uid == *uid).map(|pod| pod.name.as_str());
    let holders: Vec<Option<&str>> = places.iter().map(|place| place.pod().and_then(name)).collect();
    let rates = ProducedRates::new(reading, &holders);
    let (mut rates_from, mut rates_before) = (None, None);
    for (place, moment) in history.iter_mut().enumerate().rev() {
        let from = moment.at.checked_sub(question.window).unwrap_or(Timestamp::MIN);
        let rates = rates.between(from, moment.at);
        match (&rates, &rates_before) {
            (Ok(_), None) => rates_from = Some(moment.at),
            (Err(error), None) => rates_before = Some(error.to_string()),
            (_, Some(_)) => {}
        }
        let whose = held.as_ref().map_err(|why| why.clone());
        let loads = match whose {
            Ok(first) if place >= first.place => rates,
            Ok(first) => rates.and_then(|_| Err(not_told(first.before.as_deref().unwrap_or_default()))),
            Err(why) => rates.and_then(|_| Err(not_told(&why))),
        };
        put(moment, loads, question);
    }
    let observed =
        ObservedGroup { topics: reading.topics.clone(), ..ObservedGroup::new(reading.group.clone(), places) };
    let (held_from, held_before) = match held {
        Ok(held) => (history.get(held.place).map(|moment| moment.at), held.before),
        Err(why) => (None, Some(why)),
    };
    FromOffsets {
        partitions: reading.topics.iter().map(|topic| topic.partitions.len()).sum(),
        times: reading.earlier.len(),
        rates_from,
        rates_before,
        held_from,
        held_before,
        // Where it depends on a release that is not known, all that fit are reckoned with, as without it.
        assignor: told_rule(&observed)
            .ok()
            .filter(|rules| rules.len() == 1)
            .and_then(|rules| rules.iter().next()),
        static_members: reading.group.members.iter().any(|member| member.instance_id.is_some()),
    }
}

fn put(
    moment: &mut Moment,
    loads: Result<Vec<crate::fleet::PartitionLoad>, MetricsError>,
    question: &GroupQuestion,
) {
    for &indicator in &question.indicators {
        let samples = match (indicator, &loads) {
            (Indicator::ProductionRate, Ok(loads)) => {
                let mut samples = Samples::new();
                for one in loads {
                    let Some(pod) = &one.pod else { continue };
                    let so_far = samples.get(pod).copied().map_or(0.0, Load::get);
                    if let Ok(sum) = Load::new(so_far + one.load.get()) {
                        samples.insert(pod.clone(), sum);
                    }
                }
                Ok(samples)
            }
            (Indicator::ProductionRate, Err(error)) => Err(error.clone()),
            (Indicator::Lag | Indicator::Cpu | Indicator::Memory | Indicator::ConsumptionRate, _) => {
                Err(MetricsError::Offsets { message: format!("Kafka keeps no earlier {indicator}") })
            }
        };
        moment.readings.loads.insert(indicator, samples);
    }
    if question.partitions {
        moment.readings.partitions = Some(loads);
    }
}

fn not_told(why: &str) -> MetricsError {
    MetricsError::Offsets { message: format!("who held what is not known: {why}") }
}

/// From where on the pods are those of now.
struct Held {
    place: usize,
    before: Option<String>,
}

/// Every member in a pod of its own, and all alike: then who holds what is told by the pods. Going back, the pods are those
/// of now until one is another.
fn held(history: &[Moment], past: &KafkaPast, places: &[Placement]) -> Result<Held, String> {
    let members = &past.reading.group.members;
    if !past.reading.group.state.is_stable() {
        return Err(format!("the group is {}", past.reading.group.state));
    }
    let uids: Vec<&Uid> = places.iter().filter_map(Placement::pod).collect();
    let distinct: BTreeSet<&Uid> = uids.iter().copied().collect();
    let outside = members.len() - uids.len();
    if outside > 0 {
        return Err(format!("{outside} of {} members run in no pod of the fleet", members.len()));
    }
    if distinct.len() < uids.len() {
        return Err("several members run in one pod".to_owned());
    }
    let alike = members.windows(2).all(|pair| match pair {
        [a, b] => a.subscription == b.subscription,
        _ => true,
    });
    if !alike {
        return Err("members subscribe to different topics".to_owned());
    }
    let now: Vec<&Pod> = past.pods.iter().filter(|pod| distinct.contains(&pod.uid)).collect();
    let since = now.iter().filter_map(|pod| pod.ready_since).max();
    let names: BTreeSet<&str> = now.iter().map(|pod| pod.name.as_str()).collect();
    let (mut first, mut before) = (history.len(), None);
    for (place, moment) in history.iter().enumerate().rev() {
        if let Some(since) = since.filter(|since| *since > moment.at) {
            before = Some(format!("a pod of now is Ready only since {since:.0}"));
            break;
        }
        match other(moment, &distinct, &names) {
            Some(pod) => {
                before =
                    Some(format!("at {:.0} there was {pod}, which is none of the pods of now", moment.at));
                break;
            }
            None => first = place,
        }
    }
    match (first < history.len(), before) {
        (true, before) => Ok(Held { place: first, before }),
        (false, before) => Err(before.unwrap_or_else(|| "there is no moment".to_owned())),
    }
}

/// A pod of this moment that is none of these. Without kube-state-metrics names have to do.
fn other(moment: &Moment, uids: &BTreeSet<&Uid>, names: &BTreeSet<&str>) -> Option<String> {
    match &moment.pods {
        Some(pods) => {
            let serving = pods.iter().filter(|pod| pod.is_serving());
            serving.filter(|pod| !uids.contains(&pod.uid)).map(|pod| pod.name.clone()).next()
        }
        None => {
            let samples = moment.readings.loads.values().filter_map(|loads| loads.as_ref().ok());
            samples.flat_map(Samples::keys).find(|name| !names.contains(name.as_str())).cloned()
        }
    }
}
