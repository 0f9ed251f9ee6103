//! The pods of a report: what was seen of each, and what was decided about it.

use std::iter::Zip;
use std::slice::Iter;

use super::Verdict;
use crate::fleet::Pod;
use crate::snapshot::{Loads, ObservedPod, Pods};
use crate::unit::{Cores, Ratio};

#[cfg(feature = "serde")]
mod line;

/// Every pod of the snapshot, with what was decided about it. It shares the pods with the snapshot.
#[derive(Debug, Clone, Default)]
pub struct PodReports {
    pods: Pods,
    judged: Vec<Judged>,
}

/// What was decided about one pod.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judged {
    pub(crate) score: Option<Ratio>,
    pub(crate) verdict: Verdict,
}

/// One pod: what was seen of it, and what was decided. It is written down with its namespace, name, UID, node, owner, phase
/// and readiness.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PodReport<'a> {
    /// The pod as Kubernetes lists it.
    pub pod: &'a Pod,
    /// It is one of the workload's own.
    pub own: bool,
    /// Its CPU request.
    pub cpu_request: Option<Cores>,
    /// Its load by each indicator; `None` is missing, never zero.
    pub loads: &'a Loads,
    /// Partitions that it holds; `None` when partitions are not known.
    pub partitions: Option<usize>,
    /// Its score, where several indicators rank the pods: each of its loads by the mean of that indicator, weighted. 1 is
    /// as loaded as the mean pod; `None` is not known.
    pub score: Option<Ratio>,
    /// What was decided about it.
    pub verdict: &'a Verdict,
}

impl PodReports {
    /// One judgment for each pod, in the order of the pods.
    pub(crate) fn new(pods: Pods, judged: Vec<Judged>) -> Self {
        debug_assert_eq!(pods.len(), judged.len(), "each pod is judged");
        Self { pods, judged }
    }

    /// Each of them, by name and then UID.
    #[must_use]
    pub fn iter(&self) -> PodReportIter<'_> {
        PodReportIter(std::iter::zip(self.pods.iter(), self.judged.iter()))
    }

    /// The one at this place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<PodReport<'_>> {
        Some(PodReport::of((self.pods.get(place)?, self.judged.get(place)?)))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.judged.len()
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.judged.is_empty()
    }
}

/// By what is shown of the pods: the snapshot knows more of them.
impl PartialEq for PodReports {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl<'a> IntoIterator for &'a PodReports {
    type Item = PodReport<'a>;
    type IntoIter = PodReportIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The pods of a report one by one, by name and then UID.
#[derive(Debug, Clone)]
pub struct PodReportIter<'a>(Zip<Iter<'a, ObservedPod>, Iter<'a, Judged>>);

impl<'a> Iterator for PodReportIter<'a> {
    type Item = PodReport<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(PodReport::of)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for PodReportIter<'_> {}

/// By what is shown.
impl PartialEq for PodReport<'_> {
    fn eq(&self, other: &Self) -> bool {
        let Self { pod, own, cpu_request, loads, partitions, score, verdict } = *other;
        let of_pod = self.pod.namespace == pod.namespace
            && self.pod.name == pod.name
            && self.pod.uid == pod.uid
            && self.pod.node == pod.node
            && self.pod.owner == pod.owner
            && self.pod.phase == pod.phase
            && self.pod.ready == pod.ready
            && self.pod.ready_since == pod.ready_since
            && self.pod.terminating == pod.terminating;
        let measured = (self.own, self.cpu_request, self.loads, self.partitions, self.score);
        of_pod
            && self.has_container() == other.has_container()
            && measured == (own, cpu_request, loads, partitions, score)
            && self.verdict == verdict
    }
}

impl<'a> PodReport<'a> {
    fn of((observed, judged): (&'a ObservedPod, &'a Judged)) -> Self {
        let ObservedPod { pod, own, cpu_request, loads, partitions } = observed;
        let Judged { score, verdict } = judged;
        let (own, cpu_request, partitions, score) = (*own, *cpu_request, *partitions, *score);
        Self { pod, own, cpu_request, loads, partitions, score, verdict }
    }

    /// It has a container of the configured name.
    #[must_use]
    pub const fn has_container(&self) -> bool {
        self.pod.container.is_some()
    }
}
