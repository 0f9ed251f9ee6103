//! What must always hold, one rule in one file. Each sees the truth of everything that happens, in its order.

mod approved;
mod disruption_budget;
mod dry_run;
mod intent;
mod minimum;
mod never_now;
mod no_veto;
mod not_twice;
mod old_view;
mod one_batch;
mod one_rotation;
mod own_pods;
mod pauses;
mod quiet;
mod removal_budget;
mod stops;
mod story;
mod told;

use std::sync::Arc;

use crate::event::Event;
use crate::group::Group;
use crate::setup::Setup;
use crate::world::World;

pub(crate) trait Invariant: Send {
    /// As failures call it.
    fn name(&self) -> &'static str;

    /// `Err` says how it was broken. The world is as the event left it.
    fn see(&mut self, event: &Event<'_>, world: &World) -> Result<(), String>;
}

pub(crate) fn all(setup: &Setup) -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(dry_run::DryRun::default()),
        Box::new(own_pods::OwnPods),
        Box::new(minimum::Minimum::of(setup)),
        Box::new(removal_budget::RemovalBudget::of(setup)),
        Box::new(disruption_budget::DisruptionBudgets::default()),
        Box::new(no_veto::NoVeto::of(setup)),
        Box::new(not_twice::NotTwice::default()),
        Box::new(one_batch::OneBatch::of(setup)),
        Box::new(intent::Intents::default()),
        Box::new(stops::Stops),
        Box::new(story::TrueStory::default()),
        Box::new(pauses::Pauses::of(setup)),
        Box::new(quiet::Quiet::of(setup)),
        Box::new(never_now::NeverNow::of(setup)),
        Box::new(told::Told::default()),
        Box::new(approved::OnlyApproved::of(setup)),
        Box::new(old_view::OldView::of(setup)),
    ]
}

/// Where fleets of several clusters form a group: what must hold for all of them.
pub(crate) fn one_rotation(setup: &Setup, cluster: &'static str, group: &Arc<Group>) -> Box<dyn Invariant> {
    Box::new(one_rotation::OneRotation::of(setup, cluster, group))
}

/// What is kept for each cycle.
type ByCycle<T> = std::collections::BTreeMap<String, T>;

/// `Err` with this text unless it holds.
fn ensure(holds: bool, text: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text()) }
}
