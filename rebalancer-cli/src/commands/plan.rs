//! `rebalancer plan`: observe and decide only, and explain every pod.

use tokio::time::Instant;

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
    let observation = eyes.observe(&task.subject, &task.policy, &watch).await?;
    if json { render::json::plan(&observation) } else { render::plan::show(&observation) }
}
