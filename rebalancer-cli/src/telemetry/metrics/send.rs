//! The ways out. Each is tried, and none changes what the run comes to.

use std::collections::BTreeMap;
use std::path::Path;

use prometheus::TextEncoder;
use prometheus::proto::MetricFamily;
use rebalancer_prom::Pusher;
use tracing::{Instrument as _, debug, info_span, warn};

use super::families::{self, Part, Run};
use super::textfile;
use crate::config::Export;
use crate::target::Target;

/// Sends the metrics of a run wherever they are wanted.
pub(crate) async fn send(to: &Export, run: &Run<'_>) {
    let Export { pusher, textfiles, .. } = to;
    if pusher.is_none() && textfiles.is_none() {
        return;
    }
    let parts = families::of(run);
    if let Some(folder) = textfiles {
        write(folder, run.target, &parts);
    }
    if let Some(pusher) = pusher {
        push(pusher, run.target, parts).await;
    }
}

async fn push(pusher: &Pusher, Target { cluster, workload }: &Target, parts: Vec<(Part, Vec<MetricFamily>)>) {
    let families: Vec<MetricFamily> = parts.into_iter().flat_map(|(_, families)| families).collect();
    let workload = [("namespace", workload.namespace.as_str()), ("workload", workload.name.as_str())];
    let cluster = cluster.as_deref().map(|cluster| ("cluster", cluster));
    let group: Vec<_> = cluster.into_iter().chain(workload).collect();
    let pushed = match text(&families) {
        Ok(text) => {
            let pushed = pusher.push(&group, &text).instrument(info_span!("push_metrics")).await;
            pushed.map_err(|error| error.to_string())
        }
        Err(error) => Err(error),
    };
    match pushed {
        Ok(()) => debug!(event = "metrics_pushed", metrics = families.len(), "metrics were pushed"),
        Err(error) => {
            warn!(
                event = "metrics_not_pushed",
                error, "the metrics may not have arrived; nothing else depends on it"
            );
        }
    }
}

fn write(folder: &Path, target: &Target, parts: &[(Part, Vec<MetricFamily>)]) {
    for (part, families) in parts {
        let name = textfile::name(target, part.name());
        let written = text(families)
            .and_then(|text| textfile::replace(folder, &name, &text).map_err(|error| error.to_string()));
        if let Err(error) = written {
            warn!(
                event = "metrics_not_written",
                file = name,
                error,
                "a file with metrics was not written; nothing else depends on it"
            );
        }
    }
}

/// The families of many workloads, each once with the series of all, as text for who scrapes it.
///
/// # Errors
/// When a family can't be written.
pub(crate) fn exposition(all: impl IntoIterator<Item = MetricFamily>) -> Result<String, String> {
    let mut merged: BTreeMap<String, MetricFamily> = BTreeMap::new();
    for mut family in all {
        match merged.get_mut(family.name()) {
            Some(known) => known.mut_metric().append(&mut family.take_metric()),
            None => {
                merged.insert(family.name().to_owned(), family);
            }
        }
    }
    text(&merged.into_values().collect::<Vec<_>>())
}

pub(super) fn text(families: &[MetricFamily]) -> Result<String, String> {
    TextEncoder::new().encode_to_string(families).map_err(|error| error.to_string())
}
