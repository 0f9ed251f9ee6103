//! Reads the metric server, and looks up what a query that gives nothing could have meant.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rebalancer_core::cycle::Observation;
use rebalancer_core::port::{MetricsSource as _, Readings};
use rebalancer_prom::{Client, UnusableServer, selectors};

use super::super::facts::{Lookup, Metrics};
use super::ahead;
use super::lookup::Look;
use crate::adapters::Loads;
use crate::config::{AdapterSettings, MetricServer};

/// A query reads few metrics.
const MOST_SELECTORS: usize = 4;

pub(super) async fn of(client: &Client, source: &Loads, now: Timestamp) -> Metrics {
    let answers = client.probe().await;
    let answered_at = Timestamp::now();
    let clock = answers.as_ref().ok().and_then(|answers| answers.clock);
    let elsewhere = match &answers {
        Err(
            UnusableServer::Status { code: 300..=399 | 400 | 404 | 405, .. } | UnusableServer::Foreign { .. },
        ) => client.elsewhere().await,
        Ok(_) | Err(_) => None,
    };
    let readings = match &answers {
        Ok(_) => Some(Readings { cpu_requests: source.cpu_requests(now).await, ..source.read(now).await }),
        Err(_) => None,
    };
    let ahead = clock.map(|clock| ahead(answered_at, clock));
    Metrics { base: client.base(), answers, elsewhere, ahead, readings, lookups: Vec::new() }
}

/// Looks at what each query reads that lacks samples: of all of the fleet's pods, or, for a load, of
/// some of them.
pub(super) async fn lookups(
    (adapters, server): (&AdapterSettings, &MetricServer),
    metrics: &Metrics,
    fleet: Option<&Observation>,
    now: Timestamp,
) -> Vec<Lookup> {
    let mut found = Vec::new();
    for (name, query) in server.queries.of_loads() {
        let Some(lacking) = lacking(metrics, fleet, name) else { continue };
        let look = Look {
            client: &server.client,
            namespace: &adapters.inventory.namespace,
            matchers: &server.matchers,
            lacking: &lacking,
            now,
        };
        for selector in selectors(query).iter().take(MOST_SELECTORS) {
            found.push(look.at(name, selector).await);
        }
    }
    found
}

/// Pods of the fleet that a query gives nothing of; empty when the fleet is not known. `None` when it lacks nothing.
fn lacking<'a>(metrics: &Metrics, fleet: Option<&'a Observation>, name: &str) -> Option<Vec<&'a str>> {
    let readings = metrics.readings.as_ref()?;
    let load = readings.loads.iter().find(|(indicator, _)| indicator.name() == name);
    let (seen, is_load): (BTreeSet<&str>, bool) = match (load, &readings.partitions) {
        (Some((_, Ok(samples))), _) => (samples.keys().map(String::as_str).collect(), true),
        (None, Some(Ok(partitions))) => {
            (partitions.iter().filter_map(|load| load.pod.as_deref()).collect(), false)
        }
        (Some((_, Err(_))), _) | (None, Some(Err(_)) | None) => return None,
    };
    let listed = fleet.map(|fleet| fleet.snapshot.pods.as_slice()).unwrap_or_default();
    let own = listed.iter().map(|pod| pod.pod.name.as_str());
    let pods: Vec<&str> = own.filter(|pod| !seen.contains(pod)).collect();
    let all = if listed.is_empty() { seen.is_empty() } else { pods.len() == listed.len() };
    // Some pod may well hold no partition.
    (all || (is_load && !pods.is_empty())).then_some(pods)
}
