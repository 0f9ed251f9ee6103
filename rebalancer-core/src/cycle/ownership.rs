//! Follows the owner references of pods, by UID, and asks for as little as tells whose they are.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::{
    Controller, NotRead, Owner, OwnerReference, Ownership, Pod, Progress, Scale, Tie, Unread,
};
use crate::port::{Inventory, InventoryError};

/// Direct owners that are looked at. A settled fleet has one and a rollout two; the selector may match others' pods too,
/// and who is not looked at is told by its name, and trusted no further than that.
const MOST_OWNERS: usize = 8;

/// Objects above the workload's own that are looked at.
const MOST_ABOVE: usize = 3;

/// Reads who owns these pods: their direct owners, the workload's own object, and what is above it.
///
/// A settled Deployment costs two requests, a StatefulSet one. The workload's own Deployment or StatefulSet must be
/// readable; of anything else what may not be read is left out, and [`Ownership::unread`] says so.
///
/// # Errors
/// When it can't be known.
pub async fn ownership(
    inventory: &dyn Inventory,
    workload: &str,
    pods: &[Pod],
) -> Result<Ownership, InventoryError> {
    let mut reader = Reader { inventory, workload, ownership: Ownership::default() };
    let direct: BTreeSet<&Owner> = pods.iter().filter_map(|pod| pod.owner.as_ref()).collect();
    let candidates = direct.into_iter().filter(|owner| may_lead_to(owner, workload));
    for owner in candidates.take(MOST_OWNERS) {
        reader.follow(owner).await?;
    }
    reader.by_name(pods).await?;
    Ok(reader.ownership)
}

/// Controllers are called as the workload, or as it and something more.
fn may_lead_to(owner: &Owner, workload: &str) -> bool {
    let rest = owner.name.strip_prefix(workload);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

struct Reader<'a> {
    inventory: &'a dyn Inventory,
    workload: &'a str,
    ownership: Ownership,
}

impl Reader<'_> {
    /// From a direct owner up to the workload's own object, and a little further.
    async fn follow(&mut self, direct: &Owner) -> Result<(), InventoryError> {
        let mut found = direct.name == self.workload;
        let mut next = self.read(direct).await?;
        for _ in 0..=MOST_ABOVE {
            let Some(owner) = next.filter(|owner| found || owner.name == self.workload) else { break };
            found = true;
            next = self.read(&owner).await?;
        }
        Ok(())
    }

    /// Reads what a reference names, once; gives what controls that in turn.
    async fn read(&mut self, owner: &Owner) -> Result<Option<Owner>, InventoryError> {
        if let Some(known) = self.ownership.object(owner) {
            return Ok(known.owner.clone());
        }
        if self.ownership.unread.iter().any(|unread| unread.owner == *owner) {
            return Ok(None);
        }
        let OwnerReference { api_version, kind, name, uid } = &**owner;
        let why = match self.inventory.owner(api_version, kind, name).await {
            Ok(Some(object)) if object.uid == *uid => {
                let above = object.owner.clone();
                let object = match name == self.workload {
                    true => with_numbers(self.inventory, object).await?,
                    false => object,
                };
                self.ownership.objects.push(object);
                return Ok(above);
            }
            Ok(Some(_)) => NotRead::Replaced,
            Ok(None) => NotRead::Gone,
            Err(error) if self.must_be_read(owner) => return Err(error),
            Err(InventoryError::Forbidden { .. }) => {
                self.ownership.objects.extend(self.by_scale(owner).await?);
                NotRead::NotAllowed
            }
            Err(InventoryError::Rejected { .. }) => NotRead::Unreadable,
            Err(error @ (InventoryError::Unauthorized { .. } | InventoryError::Unavailable { .. })) => {
                return Err(error);
            }
        };
        self.ownership.unread.push(Unread { owner: owner.clone(), why });
        Ok(None)
    }

    /// The workload's own object, by its scale subresource alone.
    async fn by_scale(&self, owner: &Owner) -> Result<Option<Controller>, InventoryError> {
        if owner.name != self.workload {
            return Ok(None);
        }
        let OwnerReference { api_version, kind, name, uid } = (**owner).clone();
        let scale = if_told(self.inventory.scale(&api_version, &kind, &name).await)?;
        Ok(scale.filter(|scale| scale.uid == uid).map(|scale| Controller {
            api_version,
            kind,
            name,
            uid,
            annotations: BTreeMap::new(),
            marks: Vec::new(),
            owner: None,
            progress: Some(Progress::from(&scale)),
            at_work: None,
        }))
    }

    /// Every installation may read these, so that it is a mistake when it may not.
    fn must_be_read(&self, owner: &Owner) -> bool {
        let built_in = matches!(owner.kind.as_str(), "Deployment" | "StatefulSet");
        built_in && owner.api_version.starts_with("apps/") && owner.name == self.workload
    }

    /// Where no chain leads to the workload, what has its name may be what is meant.
    async fn by_name(&mut self, pods: &[Pod]) -> Result<(), InventoryError> {
        if !self.ownership.tops(pods.iter(), self.workload).is_empty() {
            return Ok(());
        }
        let presumed = pods.iter().find_map(|pod| match self.ownership.tie(pod, self.workload) {
            Tie::Presumed(owner) => Some(owner.kind.as_str()),
            Tie::Owned(_) | Tie::Stranger => None,
        });
        let kinds: &[(&str, &str)] = match presumed {
            Some("ReplicationController") => &[("apps.openshift.io/v1", "DeploymentConfig")],
            Some(_) => &[("apps/v1", "Deployment")],
            None => &[("apps/v1", "Deployment"), ("apps/v1", "StatefulSet")],
        };
        for (api_version, kind) in kinds {
            if let Some(found) = self.named(api_version, kind).await? {
                self.ownership.by_name = Some(found);
                break;
            }
        }
        Ok(())
    }

    async fn named(&self, api_version: &str, kind: &str) -> Result<Option<Controller>, InventoryError> {
        match self.inventory.owner(api_version, kind, self.workload).await {
            Err(InventoryError::Forbidden { .. } | InventoryError::Rejected { .. })
                if kind == "DeploymentConfig" =>
            {
                Ok(None)
            }
            answer => answer,
        }
    }
}

/// Reads the workload's own object again, by the way that told of it before; `None` when it is not there any more.
///
/// # Errors
/// When it can't be known.
pub(super) async fn again(
    inventory: &dyn Inventory,
    ownership: &Ownership,
    known: &Controller,
) -> Result<Option<Controller>, InventoryError> {
    let Controller { api_version, kind, name, uid, .. } = known;
    if ownership.is_by_scale(known) {
        let scale = inventory.scale(api_version, kind, name).await?.filter(|scale| scale.uid == *uid);
        return Ok(scale.map(|scale| Controller { progress: Some(Progress::from(&scale)), ..known.clone() }));
    }
    match inventory.owner(api_version, kind, name).await?.filter(|now| now.uid == *uid) {
        Some(now) if known.progress.is_some() => with_numbers(inventory, now).await.map(Some),
        now => Ok(now),
    }
}

/// An object that does not tell its numbers, with those of its scale subresource.
async fn with_numbers(inventory: &dyn Inventory, object: Controller) -> Result<Controller, InventoryError> {
    if object.progress.is_some() {
        return Ok(object);
    }
    let Controller { api_version, kind, name, uid, .. } = &object;
    let scale = if_told(inventory.scale(api_version, kind, name).await)?.filter(|scale| scale.uid == *uid);
    Ok(Controller { progress: scale.as_ref().map(Progress::from), ..object })
}

/// What may not be read, or is not understood, is not told.
fn if_told(answer: Result<Option<Scale>, InventoryError>) -> Result<Option<Scale>, InventoryError> {
    match answer {
        Err(InventoryError::Forbidden { .. } | InventoryError::Rejected { .. }) => Ok(None),
        answer => answer,
    }
}

#[cfg(test)]
mod tests;
