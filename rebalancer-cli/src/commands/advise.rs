//! `rebalancer advise`: what would help this group, and how much. Changes nothing.

use std::path::Path;

use anyhow::{anyhow, bail};
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::advice::{Advice, LoadBasis, advise};
use rebalancer_core::history::Constraints;
use rebalancer_core::policy::Policy;
use rebalancer_core::port::Interrupt as _;
use rebalancer_core::snapshot::Snapshot;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::Exit;
use super::each::{Begun, each_workload, worst};
use super::plan::remember;
use super::replay;
use crate::adapters::{Adapters, Group, mean_of};
use crate::config::{RunSettings, Several};
use crate::render::Form;
use crate::render::advise as render;
use crate::{advice, telemetry};

pub(super) async fn run(several: Several, form: Form, window: Option<SignedDuration>) -> Exit {
    let work = async |adapters: &Adapters, settings: RunSettings, begun: &Begun<'_>| {
        let span = telemetry::plan(&settings.target());
        exit(one(adapters, &settings, begun, form, window).instrument(span).await)
    };
    worst(each_workload(several, work).await)
}

/// What a plan was made on, from its file.
pub(super) fn saved(file: &Path, json: bool) -> Exit {
    replay::each(file, json, |saved, form| {
        let advice = work_out(&saved.snapshot, &saved.policy, &saved.constraints, &LoadBasis::Present);
        exit(advice.and_then(|advice| {
            render::show(form, &render::Shown { advice: &advice, usage: None, kafka: None })
        }))
    })
}

fn exit(shown: anyhow::Result<()>) -> Exit {
    match shown {
        Ok(()) => Exit::Finished,
        Err(error) => {
            tracing::error!(
                event = "advice_failed",
                error = format!("{error:#}"),
                "no advice could be given"
            );
            Exit::Failed
        }
    }
}

async fn one(
    adapters: &Adapters,
    settings: &RunSettings,
    begun: &Begun<'_>,
    form: Form,
    window: Option<SignedDuration>,
) -> anyhow::Result<()> {
    let watch = begun.signals.until(Instant::now() + settings.timeout);
    let mut memory = remember(adapters, settings).await;
    let observation = adapters.observe(&settings.subject, &settings.policy, memory.as_mut(), &watch).await?;
    let basis = match window {
        None => LoadBasis::Present,
        Some(window) => tokio::select! {
            basis = mean_of(adapters, window, Timestamp::now()) => basis?,
            why = watch.stopped() => bail!("stopped before the loads of the window were read: {why}"),
        },
    };
    let advice = work_out(&observation.snapshot, &settings.policy, &observation.constraints, &basis)?;
    let shown = render::Shown {
        advice: &advice,
        usage: Some(adapters.metrics.usage()),
        kafka: adapters.group.as_ref().map(Group::usage),
    };
    begun.in_turn().await;
    render::show(form, &shown)
}

fn work_out(
    snapshot: &Snapshot,
    policy: &Policy,
    constraints: &Constraints,
    basis: &LoadBasis,
) -> anyhow::Result<Advice> {
    let advice = advise(snapshot, policy, constraints, basis);
    advice.map_err(|hold| anyhow!("there is nothing to advise on: {}", advice::hold(&hold)))
}
