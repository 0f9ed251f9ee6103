//! Looks at the fleet once more before a removal, and asks for as little as proves that enough pods serve: a handful of
//! them, each read by itself. The whole fleet is listed again only where that does not prove it.

use super::NotAttempted;
use crate::audit::AuditedPlan;
use crate::eligibility::Criteria;
use crate::fleet::{Controller, Pod, Uid, revision_label};
use crate::guard::{NotNow, roll};
use crate::port::Inventory;
use crate::report::Removal;
use crate::snapshot::{ObservedPod, Snapshot, Surroundings};

/// Pods that are read one by one at most. Where more must stay, a list is no dearer than so many requests.
const MOST_READ: usize = 64;

/// What is asked about.
pub(super) struct Left<'a> {
    pub(super) inventory: &'a dyn Inventory,
    pub(super) audited: &'a AuditedPlan<'a>,
    pub(super) criteria: &'a Criteria<'a>,
    /// The batch has removed no pod yet, nor tried one in a dry run, or what it removed is replaced: otherwise its own doings
    /// look like a rollout.
    pub(super) untouched: bool,
}

impl Left<'_> {
    /// Whether the chosen pod may go, by what the others are now.
    ///
    /// # Errors
    /// Why it may not, or why that can't be known.
    pub(super) async fn enough_without(&self, chosen: &Removal) -> Result<(), NotAttempted> {
        if self.may_roll() && !self.is_of_one_revision().await? {
            return self.by_list().await;
        }
        match self.others_suffice(chosen).await? {
            true => Ok(()),
            false => self.by_list().await,
        }
    }

    /// Whether a rollout could have begun that the workload's own object, which was read a moment ago, does not tell of.
    fn may_roll(&self) -> bool {
        let Surroundings { controller, ownership, .. } = self.surroundings();
        let told = |owner: &Controller| owner.tells_of_rollouts() && !ownership.is_by_scale(owner);
        self.untouched && !controller.as_ref().is_some_and(told)
    }

    fn surroundings(&self) -> &Surroundings {
        &self.audited.snapshot().surroundings
    }

    /// Asks for pods of another revision than the fleet was seen with. `false` where they may be there, or one label does not
    /// tell them all: that of an object that is made anew may be the old one, so the workload's own must be known, which
    /// is read again by its identity.
    async fn is_of_one_revision(&self) -> Result<bool, NotAttempted> {
        let Surroundings { controller, ownership, .. } = self.surroundings();
        let known = controller.as_ref().is_some_and(|controller| !ownership.is_by_scale(controller));
        let mut own = self.audited.snapshot().pods.iter().filter(|pod| pod.own);
        let Some((label, value)) = own.next().filter(|_| known).and_then(|pod| revision_label(&pod.pod))
        else {
            return Ok(false);
        };
        if !own.all(|pod| revision_label(&pod.pod) == Some((label, value))) {
            return Ok(false);
        }
        let unlike = self.inventory.pods_unlike(label, value).await.map_err(NotAttempted::Unreadable)?;
        Ok(!unlike.iter().any(|pod| self.is_own(pod)))
    }

    fn is_own(&self, pod: &Pod) -> bool {
        self.criteria.ownership.belongs(pod, self.criteria.workload)
    }

    /// Whether as many others as must stay are seen to serve, each read now. Two rounds, since some may have failed.
    async fn others_suffice(&self, chosen: &Removal) -> Result<bool, NotAttempted> {
        let minimum = self.criteria.policy.limits.minimum_pods;
        if minimum > MOST_READ {
            return Ok(false);
        }
        let mut others = self.likely(chosen);
        let mut serving = 0;
        for _ in 0..2 {
            let round: Vec<&Pod> = others.by_ref().take(minimum - serving).collect();
            let names: Vec<&str> = round.iter().map(|pod| pod.name.as_str()).collect();
            let now = self.inventory.named(&names).await.map_err(NotAttempted::Unreadable)?;
            serving += now.iter().filter(|now| self.still_serves(now, &round)).count();
            if serving >= minimum {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Pods that served when it was decided and stay by the plan.
    fn likely(&self, chosen: &Removal) -> impl Iterator<Item = &Pod> {
        let removals = &self.audited.plan().removals;
        let goes = move |uid: &Uid| removals.iter().any(|removal| removal.pod.uid == *uid);
        let chosen = chosen.pod.uid.clone();
        let serves = |pod: &&ObservedPod| pod.own && pod.pod.is_serving();
        let pods = self.audited.snapshot().pods.iter().filter(serves).map(|pod| &pod.pod);
        pods.filter(move |pod| !goes(&pod.uid) && pod.uid != chosen)
    }

    /// Only one that was asked for counts, as the pod that it was, and only as long as it is the workload's own.
    fn still_serves(&self, now: &Pod, asked: &[&Pod]) -> bool {
        now.is_serving() && self.is_own(now) && asked.iter().any(|pod| pod.uid == now.uid)
    }

    /// Counts the whole fleet once more. Where no owner tells of a rollout, the pods do.
    async fn by_list(&self) -> Result<(), NotAttempted> {
        let pods = self.inventory.pods().await.map_err(NotAttempted::Unreadable)?;
        let own = || pods.iter().filter(|pod| self.is_own(pod));
        if let Some(guard) = self.roll(own()) {
            return Err(NotAttempted::NotNow(guard));
        }
        let (serving, minimum) =
            (own().filter(|pod| pod.is_serving()).count(), self.criteria.policy.limits.minimum_pods);
        if serving > minimum { Ok(()) } else { Err(NotAttempted::TooFewLeft { serving, minimum }) }
    }

    fn roll<'a>(&self, own: impl Iterator<Item = &'a Pod>) -> Option<NotNow> {
        let Snapshot { workload, surroundings, .. } = self.audited.snapshot();
        if self.untouched { roll(own, surroundings.controller.as_ref(), workload) } else { None }
    }
}
