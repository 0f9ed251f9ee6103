//! Settings of what forbids a rotation, whatever the loads.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use rebalancer_core::fleet::Neighbor;
use rebalancer_core::policy::{Evictor, Persistence, Policy, QuietHours};

use super::metrics;
use super::parse::{self, Expected, Reader};
use super::problem::Given;

/// Puts the guards into a policy. Every one is read before any is given up on, so that all problems are found.
pub(super) fn guarded(reader: &mut Reader<'_>, policy: Option<Policy>) -> Option<Policy> {
    let most_share = reader.required("MAXIMUM_REMOVAL_SHARE", parse::quantity);
    let most_young = reader.required("MAXIMUM_YOUNG_SHARE", parse::quantity);
    let highest_priority = reader.required("MAXIMUM_POD_PRIORITY", parse::priority);
    let opt_in = reader.required("REQUIRE_OPT_IN", parse::truth);
    let honored = reader.required("HONORED_ANNOTATIONS", honored);
    let neighbors = reader.required("NEIGHBORS", neighbors);
    let wait_for_scale_in = reader.required("WAIT_FOR_SCALE_IN", parse::truth);
    let quiet_hours = quiet_hours(reader);
    let persistence = persistence(reader);
    Some(
        policy?
            .with_most_share(most_share?)
            .with_most_young(most_young?)
            .with_highest_priority(highest_priority?)
            .with_opt_in(opt_in?)
            .with_honored(honored?)
            .with_neighbors(neighbors?)
            .with_wait_for_scale_in(wait_for_scale_in?)
            .with_quiet_hours(quiet_hours?)
            .with_persistence(persistence?),
    )
}

/// Whose marks count besides our own.
fn honored(text: &str) -> Result<BTreeSet<Evictor>, Expected> {
    let named = |name: &str| Evictor::ALL.into_iter().find(|evictor| evictor.name() == name);
    parse::some_of(text, named, &Evictor::ALL.map(Evictor::name))
}

/// Who is asked what it does.
fn neighbors(text: &str) -> Result<BTreeSet<Neighbor>, Expected> {
    let named = |name: &str| Neighbor::ALL.into_iter().find(|neighbor| neighbor.name() == name);
    parse::some_of(text, named, &Neighbor::ALL.map(Neighbor::name))
}

fn quiet_hours(reader: &mut Reader<'_>) -> Option<Option<QuietHours>> {
    let zone = reader.required("TIME_ZONE", time_zone);
    match reader.text("QUIET_HOURS") {
        None => zone.map(|_| None),
        Some(_) => {
            // A zone that is not known has its own problem; the windows are checked all the same.
            let by = zone.clone().unwrap_or(TimeZone::UTC);
            let hours = reader.optional("QUIET_HOURS", |text| windows(text, by));
            zone.and(hours).map(Some)
        }
    }
}

fn windows(text: &str, zone: TimeZone) -> Result<QuietHours, Expected> {
    let expected = |error| format!("windows separated by ';', but {error}");
    QuietHours::parse(&parse::text(text)?, zone).map_err(expected)
}

/// The default needs none of the machine's zone files, of which there are hundreds.
fn time_zone(text: &str) -> Result<TimeZone, Expected> {
    if text == "UTC" {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(&parse::text(text)?)
        .map_err(|_| "an IANA time zone, such as Europe/Berlin or UTC".to_owned())
}

/// Readings are as far from each other as the window of the rates is long, so that no two share a sample.
fn persistence(reader: &mut Reader<'_>) -> Option<Persistence> {
    let windows = reader.required("PERSISTENCE_WINDOWS", parse::positive);
    let windows = windows.and_then(|windows| few(reader, windows));
    let required = match reader.text("PERSISTENCE_REQUIRED") {
        Some(_) => reader.optional("PERSISTENCE_REQUIRED", parse::positive),
        None => windows.map(more_than_half),
    };
    let step = SignedDuration::try_from(metrics::window(reader)?).ok();
    let (windows, required) = (windows?, required?);
    Persistence::new(required, windows, step?)
        .map_err(|_| {
            let expected = format!("at most PERSISTENCE_WINDOWS={windows}");
            reader.problem("PERSISTENCE_REQUIRED", Given::Value(required.to_string()), expected);
        })
        .ok()
}

fn more_than_half(windows: NonZeroUsize) -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(windows.get() / 2)
}

/// More would ask the metric server for a day or more.
const MOST_WINDOWS: usize = 24;

fn few(reader: &mut Reader<'_>, windows: NonZeroUsize) -> Option<NonZeroUsize> {
    if windows.get() <= MOST_WINDOWS {
        return Some(windows);
    }
    let expected = format!("a whole number from 1 to {MOST_WINDOWS}");
    reader.problem("PERSISTENCE_WINDOWS", Given::Value(windows.to_string()), expected);
    None
}
