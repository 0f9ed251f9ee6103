//! Logs on stderr: JSON, one object a line, with the cycle's id at the top of each; or text for people.

use std::io::IsTerminal as _;

use json_subscriber::JsonLayer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Logs;
use crate::config::problem::Problem;

/// Starts logging. Libraries below this project speak only when something is wrong.
pub(crate) fn start(logs: Logs) {
    let level = LevelFilter::from_level(logs.level);
    let own = ["rebalancer", "rebalancer_core", "rebalancer_prom", "rebalancer_kube"];
    let filter = Targets::new()
        .with_default(LevelFilter::WARN.min(level))
        // It calls every answer of 5xx an error, also those that are retried; our own events tell more.
        .with_target("kube_client", LevelFilter::OFF)
        .with_targets(own.map(|target| (target, level)));
    let registry = tracing_subscriber::registry().with(filter);
    // Only one subscriber can be the first; a second start changes nothing.
    let _ = if logs.text {
        let ansi = std::io::stderr().is_terminal();
        registry
            .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(ansi))
            .try_init()
    } else {
        registry.with(json()).try_init()
    };
}

fn json<S>() -> JsonLayer<S, fn() -> std::io::Stderr>
where
    S: tracing::Subscriber + for<'lookup> tracing_subscriber::registry::LookupSpan<'lookup>,
{
    let mut layer = JsonLayer::new(std::io::stderr as fn() -> std::io::Stderr);
    layer.with_timer("timestamp", tracing_subscriber::fmt::time::SystemTime);
    layer.with_level("level");
    layer.with_target("target");
    layer.with_flattened_event();
    layer.with_top_level_flattened_span_list();
    layer
}

/// Says what is wrong with the configuration, each problem on its own.
pub(crate) fn report(problems: &[Problem]) {
    for problem in problems {
        tracing::error!(
            event = "configuration_error",
            entry = problem.entry,
            variable = problem.variable,
            given = problem.given.shown(),
            expected = problem.expected,
            "{problem}"
        );
    }
}
