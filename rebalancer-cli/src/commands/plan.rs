//! `rebalancer plan`: observe and decide only, and explain every pod.

use tokio::time::Instant;

use rebalancer_prom::PrometheusSource;

use super::observe::Eyes;
use super::{Exit, block_on};
use crate::config::Settings;
use crate::interrupt::Watch;
use crate::render;

pub(super) fn run(settings: Settings, json: bool) -> Exit {
    block_on(async {
        match explain(settings, json).await {
            Ok(()) => Exit::Finished,
            Err(error) => {
                tracing::error!(event = "plan_failed", error = format!("{error:#}"), "no plan could be made");
                Exit::Failed
            }
        }
    })
}

async fn explain(settings: Settings, json: bool) -> anyhow::Result<()> {
    let watch = Watch::start(Instant::now() + settings.timeout)?;
    let connection = rebalancer_kube::connect(&settings.kubernetes).await?;
    let metrics = PrometheusSource::new(settings.metrics, settings.queries);
    let eyes = Eyes::new(metrics, &connection, settings.inventory);
    let observation = eyes.observe(&settings.subject, &settings.policy, &watch).await?;
    if json { render::json::plan(&observation) } else { render::plan::show(&observation) }
}
