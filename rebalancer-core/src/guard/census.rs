//! What the guards ask of the pods, counted in one walk: a large fleet is more than the caches hold.

use jiff::{SignedDuration, Timestamp};

use super::stays;
use crate::fleet::{Pod, are_of_one_revision};
use crate::snapshot::{ObservedPod, Snapshot};

/// Every pod of a snapshot, counted.
#[derive(Default)]
pub(super) struct Census<'a> {
    /// Of pods in a row with one owner, the first: what is asked of them depends on the owner alone.
    pub(super) by_owner: Vec<&'a Pod>,
    /// The first of each such row that is there to stay.
    pub(super) staying_by_owner: Vec<&'a Pod>,
    /// Pods that the workload owns and that are there to stay.
    pub(super) listed: usize,
    /// The others that it owns.
    pub(super) ending: usize,
    /// The workload's own pods that are there to stay.
    pub(super) revisions: Revisions<'a>,
    /// Those of them that do not serve.
    pub(super) not_ready: Group<'a>,
    /// Those of them that serve, and have been Ready for less than the minimum age.
    pub(super) young: Group<'a>,
}

impl<'a> Census<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, minimum_age: SignedDuration) -> Self {
        let (workload, ownership) = (&snapshot.workload.name, &snapshot.surroundings.ownership);
        let mut census = Self::default();
        let (mut owner, mut owned, mut any_stays) = (None, false, false);
        for observed in &snapshot.pods {
            let pod = &observed.pod;
            if owner != Some(&pod.owner) {
                (owner, owned, any_stays) = (Some(&pod.owner), ownership.owns(pod, workload), false);
                census.by_owner.push(pod);
            }
            let stays = stays(pod);
            if stays && !any_stays {
                any_stays = true;
                census.staying_by_owner.push(pod);
            }
            match (owned, stays) {
                (true, true) => census.listed += 1,
                (true, false) => census.ending += 1,
                (false, _) => {}
            }
            if observed.own && stays {
                census.count(observed, minimum_age, snapshot.taken_at);
            }
        }
        census
    }

    /// One of the workload's own pods that is there to stay.
    fn count(
        &mut self,
        ObservedPod { pod, .. }: &'a ObservedPod,
        minimum_age: SignedDuration,
        now: Timestamp,
    ) {
        self.revisions.push(pod);
        if !pod.is_serving() {
            self.not_ready.push(pod);
        } else if pod.ready_since.is_none_or(|since| now.duration_since(since) < minimum_age) {
            self.young.push(pod);
        }
    }
}

/// Some pods: how many, and the first.
#[derive(Default)]
pub(super) struct Group<'a> {
    pub(super) pods: usize,
    pub(super) first: Option<&'a Pod>,
}

impl<'a> Group<'a> {
    fn push(&mut self, pod: &'a Pod) {
        self.pods += 1;
        self.first.get_or_insert(pod);
    }
}

/// Pods by their revision.
#[derive(Default)]
pub(super) struct Revisions<'a> {
    pub(super) pods: usize,
    newest: Option<&'a Pod>,
    /// Of pods in a row of one revision, the first, and how many they are.
    rows: Vec<(&'a Pod, usize)>,
}

impl<'a> Revisions<'a> {
    pub(super) fn of(pods: impl Iterator<Item = &'a Pod>) -> Self {
        let mut revisions = Self::default();
        pods.for_each(|pod| revisions.push(pod));
        revisions
    }

    fn push(&mut self, pod: &'a Pod) {
        self.pods += 1;
        if self.newest.is_none_or(|newest| pod.created_at >= newest.created_at) {
            self.newest = Some(pod);
        }
        match self.rows.last_mut() {
            Some((first, pods)) if are_of_one_revision(first, pod) => *pods += 1,
            Some(_) | None => self.rows.push((pod, 1)),
        }
    }

    /// How many are of the revision of the newest.
    pub(super) fn updated(&self) -> usize {
        let Some(newest) = self.newest else { return 0 };
        let updated = self.rows.iter().filter(|(first, _)| are_of_one_revision(first, newest));
        updated.map(|(_, pods)| pods).sum()
    }
}
