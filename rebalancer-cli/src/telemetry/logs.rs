//! Logs on stderr: JSON, one object a line, with the cycle's id at the top of each; or text for people.

use std::io::{Stderr, stderr};

use anstream::{AutoStream, ColorChoice};
use json_subscriber::JsonLayer;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, LevelFilter, Targets, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use super::spans;
use super::text::layer as text;
use crate::config::Logs;
use crate::config::problem::Problem;

/// Writes lines of this level and above. Libraries below this project speak only when something is wrong.
pub(super) fn layer<S>(logs: Logs) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    let filter = filter(LevelFilter::from_level(logs.level));
    if logs.text {
        let colors = AutoStream::choice(&stderr()) != ColorChoice::Never;
        text(colors, stderr).with_filter(filter).boxed()
    } else {
        json().with_filter(filter).boxed()
    }
}

/// Lines by their level; the spans that say whose lines they are at every level, and no others: those of the adapters
/// are for traces.
fn filter(level: LevelFilter) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let own = ["rebalancer", "rebalancer_core", "rebalancer_prom", "rebalancer_kube"];
    let lines = Targets::new()
        .with_default(LevelFilter::WARN.min(level))
        // It calls every answer of 5xx an error, also those that are retried; our own events tell more.
        .with_target("kube_client", LevelFilter::OFF)
        .with_targets(own.map(|target| (target, level)));
    let filter = filter_fn(move |metadata| {
        if metadata.is_span() {
            spans::is_of_lines(metadata)
        } else {
            lines.would_enable(metadata.target(), metadata.level())
        }
    });
    filter.with_max_level_hint(LevelFilter::INFO.max(level))
}

fn json<S>() -> JsonLayer<S, fn() -> Stderr>
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    let mut layer = JsonLayer::new(stderr as fn() -> Stderr);
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
