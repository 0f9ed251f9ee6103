//! `rebalancer plan`: observe and decide only, and explain every pod.

use rebalancer_core::port::Mode;
use tokio::time::Instant;

use super::memory::Remembering;
use super::observe::Eyes;
use super::{Exit, block_on};
use crate::config::{Settings, Task};
use crate::interrupt::Watch;
use crate::render;

pub(super) fn run(settings: Settings, json: bool) -> Exit {
    block_on(async {
        let eyes = match Eyes::open(settings.sight).await {
            Ok(eyes) => eyes,
            Err(exit) => return exit,
        };
        match explain(&eyes, &settings.task, json).await {
            Ok(()) => Exit::Finished,
            Err(error) => {
                tracing::error!(event = "plan_failed", error = format!("{error:#}"), "no plan could be made");
                Exit::Failed
            }
        }
    })
}

async fn explain(eyes: &Eyes, task: &Task, json: bool) -> anyhow::Result<()> {
    let watch = Watch::start(Instant::now() + task.timeout)?;
    let mut memory = remember(eyes, task).await;
    let mut observation = eyes.observe(&task.subject, &memory.limited(&task.policy), &watch).await?;
    memory.judge(&mut observation);
    let last = memory.last_rotation();
    if json { render::json::plan(&observation, last) } else { render::plan::show(&observation, last) }
}

/// What is remembered, only to be looked at. A plan is shown without it too, since it changes nothing.
async fn remember(eyes: &Eyes, task: &Task) -> Remembering {
    match Remembering::open(&eyes.connection, task, Mode::DryRun, "plan").await {
        Ok(memory) => memory,
        Err(error) => {
            tracing::warn!(
                event = "record_not_read",
                reason = error.name(),
                %error,
                "the plan is made without memory; a run would hold"
            );
            Remembering::nothing(&eyes.connection, task)
        }
    }
}
