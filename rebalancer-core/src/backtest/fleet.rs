//! The pods of the past.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Gap, Moment};
use crate::fleet::{Owner, Pod, Text, Uid, Workload};

/// Pods of each moment, with since when they are Ready: the first time at which they were seen to be, or, of those that were
/// there from the start, when they were created.
pub(super) fn of(history: &[Moment], workload: &Workload) -> Vec<Vec<Pod>> {
    let mut ready: BTreeMap<Uid, Timestamp> = BTreeMap::new();
    let mut is_first = true;
    let namespace = Text::from(workload.namespace.as_str());
    let mut fleets = Vec::with_capacity(history.len());
    for moment in history {
        let mut pods = moment.pods.clone().unwrap_or_else(|| inferred(moment, workload));
        let here: BTreeSet<Uid> = pods.iter().filter(|pod| pod.ready).map(|pod| pod.uid.clone()).collect();
        // In a gap nobody is seen, which says nothing.
        if !pods.is_empty() {
            ready.retain(|uid, _| here.contains(uid));
        }
        for pod in &mut pods {
            pod.namespace.clone_from(&namespace);
            if pod.ready {
                let before = if is_first { pod.created_at.unwrap_or(Timestamp::MIN) } else { moment.at };
                let since = *ready.entry(pod.uid.clone()).or_insert(before);
                pod.ready_since = Some(since);
                pod.created_at = pod.created_at.or(Some(since));
            }
        }
        is_first &= pods.is_empty();
        fleets.push(pods);
    }
    fleets
}

/// Every pod with a sample. Nothing but its name says who it is.
fn inferred(moment: &Moment, workload: &Workload) -> Vec<Pod> {
    let samples = moment.readings.loads.values().filter_map(|loads| loads.as_ref().ok());
    let names: BTreeSet<&String> = samples.flat_map(BTreeMap::keys).collect();
    let pod = |name: &String| {
        let pod = Pod::new(name, format!("name/{name}"));
        Pod { owner: presumed(name, workload), ..pod }
    };
    names.into_iter().map(pod).collect()
}

/// A StatefulSet's pods have its name and a number, a ReplicaSet's its name and five letters.
fn presumed(name: &str, workload: &Workload) -> Option<Owner> {
    let rest = name.strip_prefix(&workload.name)?.strip_prefix('-')?;
    if rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Owner::of_apps("StatefulSet", &workload.name, format!("name/{}", workload.name)));
    }
    let (set, _) = name.rsplit_once('-')?;
    Some(Owner::of_apps("ReplicaSet", set, format!("name/{set}")))
}

/// Some pod has a load.
pub(super) fn has_samples(moment: &Moment) -> bool {
    moment.readings.loads.values().any(|loads| loads.as_ref().is_ok_and(|loads| !loads.is_empty()))
}

/// Runs of moments without any sample.
pub(super) fn gaps(history: &[Moment]) -> Vec<Gap> {
    let runs = history.chunk_by(|a, b| has_samples(a) == has_samples(b));
    let empty = runs.filter(|run| run.first().is_some_and(|first| !has_samples(first)));
    let gap = |run: &[Moment]| Some(Gap { from: run.first()?.at, to: run.last()?.at, moments: run.len() });
    empty.filter_map(gap).collect()
}
