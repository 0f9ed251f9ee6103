//! One workload: what the report of a plan shows, over time, with what came of it.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::history::{Effect, Imbalance, RemovalFate, RotatedPod, Rotation};
use rebalancer_core::report::{PodReport, Verdict};
use rebalancer_core::unit::{Load, Ratio};

use super::fleet::{balance, breaker, capital, decision, ended, next};
use super::{api, dated, role, words};
use crate::journal::{TrailEntry, TrailEvent};
use crate::render::report::plan::pods_of;
use crate::render::report::{Course, Report, Shows, Table, content as drawn, escaped};
use crate::serve::api::{View, WorkloadEntry, shown};
use crate::serve::board::Place;

/// So many pods are listed; the API has all of them.
const MOST_PODS: usize = 300;
/// So many lines of the audit trail are listed.
const MOST_LINES: usize = 60;

/// What stands in the page.
///
/// # Errors
/// When a chart can't be drawn.
pub(super) fn content(view: &View, place: &Place) -> anyhow::Result<String> {
    let entry = WorkloadEntry::of(place, view.at);
    let report = Report {
        title: place.target().to_string(),
        subtitle: format!("{}. As of {}.", capital(&role(&view.replica)), dated(view.at)),
        summary: summary(&entry, view.at),
        glance: glance(place, &entry, view.at),
        courses: courses(place, &entry),
        tables: [rotations(place), pods(place), trail(place)].into_iter().flatten().collect(),
        sources: sources(place),
    };
    let mut out = String::new();
    writeln!(out, "<nav aria-label=\"Where\"><a href=\"/\">All workloads</a></nav>")?;
    out.push_str(&drawn(&report)?);
    let api = escaped(&api(&place.target()));
    writeln!(out, "<p class=\"quiet\">The same as JSON: <a href=\"{api}\">{api}</a></p>")?;
    Ok(out)
}

fn summary(entry: &WorkloadEntry<'_>, now: Timestamp) -> Vec<String> {
    let opened = entry.breaker.as_ref().filter(|seen| seen.state != "closed").map(breaker);
    let lines = [Some(decision(entry)), ended(entry, now), opened];
    lines.into_iter().flatten().map(|line| capital(&line)).collect()
}

fn glance(place: &Place, entry: &WorkloadEntry<'_>, now: Timestamp) -> Vec<(String, String)> {
    let report = place.last.as_ref().and_then(|last| last.report.as_ref());
    let mut glance = Vec::new();
    let mut figure = |figure: String, what: &str| glance.push((figure, what.to_owned()));
    if let Some(seen) = &entry.balance {
        figure(
            format!("{:.3} · {:.2}", seen.cv, seen.max_to_mean),
            &format!("CV · max/mean of {}", seen.indicator),
        );
    } else {
        figure("–".to_owned(), &balance(entry));
    }
    if let Some(report) = report {
        figure(report.serving.to_string(), "pods serve");
        figure(report.eligible.to_string(), "may be removed");
    }
    if let Some(seen) = &entry.budget {
        let used = seen.used.map_or_else(|| "–".to_owned(), |used| used.to_string());
        let window = words(SignedDuration::from_secs(seen.window_seconds));
        figure(format!("{used} of {}", seen.allowed), &format!("pods removed of the budget for {window}"));
    }
    if let Some(seen) = &entry.breaker {
        figure(seen.state.replace('_', " "), "circuit breaker");
    }
    if entry.dry_run {
        figure("dry run".to_owned(), "nothing is changed");
    }
    if let Some(next) = next(entry, now) {
        figure(entry.next_cycle.map_or_else(|| "now".to_owned(), super::clock), &next);
    }
    glance
}

fn courses(place: &Place, entry: &WorkloadEntry<'_>) -> Vec<Course> {
    let time = |at: Timestamp| at.strftime("%H:%M").to_string();
    let mut courses = Vec::new();
    if entry.past.len() > 1 {
        let cv = entry.past.iter().map(|past| past.cv.filter(|cv| cv.is_finite())).collect();
        let rotated = |status: &str| matches!(status, "rebalanced" | "partial");
        let marks = entry.past.iter().enumerate().filter(|(_, past)| rotated(past.status));
        courses.push(Course {
            title: "Coefficient of variation of the last cycles (UTC)".to_owned(),
            times: entry.past.iter().map(|past| time(past.ended_at)).collect(),
            shows: Shows::Lines {
                lines: vec![("at each cycle".to_owned(), cv)],
                marks: marks.map(|(place, _)| place).collect(),
            },
        });
    }
    if let Some(indicator) = place.loads.indicator() {
        courses.push(Course {
            title: format!("Load of each pod over the last hours ({indicator}; UTC)"),
            times: place.loads.times().map(time).collect(),
            shows: Shows::Heat { rows: hottest_first(place) },
        });
    }
    courses
}

/// Those that are there before those that are gone, by the mean of what is known of each.
fn hottest_first(place: &Place) -> Vec<(String, Vec<Option<f64>>)> {
    let row = |(name, loads): (Arc<str>, Vec<Option<f32>>)| {
        let known = loads.iter().flatten().map(|load| f64::from(*load));
        let (sum, count) = known.fold((0.0, 0.0), |(sum, count), load| (sum + load, count + 1.0));
        let mean = if count > 0.0 { sum / count } else { -1.0 };
        let is_there = loads.last().is_some_and(Option::is_some);
        (is_there, mean, name.to_string(), loads.into_iter().map(|load| load.map(f64::from)).collect())
    };
    let mut rows: Vec<(bool, f64, String, Vec<Option<f64>>)> =
        place.loads.rows().into_iter().map(row).collect();
    rows.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| b.1.total_cmp(&a.1)));
    rows.into_iter().map(|(_, _, name, loads)| (name, loads)).collect()
}

fn rotations(place: &Place) -> Option<Table> {
    let record = place.record.as_ref()?;
    let mut table = Table::new(
        "Last rotations: before → predicted → measured",
        &["Began (UTC)", "Pods", "By", "CV", "CV of what pods carry", "Max/mean", "Effect"],
    );
    table.rows = record.rotations().iter().rev().map(rotation).collect();
    if table.rows.is_empty() {
        table.rows.push(vec!["none is remembered".to_owned()]);
    }
    Some(table)
}

/// What Kafka tells of the group is closer to what was predicted than loads are, so it stands beside them.
fn rotation(rotation: &Rotation) -> Vec<String> {
    let Rotation { at, indicator, pods, before, predicted_cv, effect, group, .. } = rotation;
    let number = |seen: Option<Ratio>, digits: usize| {
        seen.map_or_else(|| "–".to_owned(), |seen| format!("{:.digits$}", seen.get()))
    };
    let course = |before: Imbalance, predicted: Option<Ratio>, measured: Option<Imbalance>| {
        [Some(before.cv), predicted, measured.map(|seen| seen.cv)].map(|cv| number(cv, 3)).join(" → ")
    };
    let carried =
        group.map(|group| course(group.before, group.predicted.map(|seen| seen.cv), group.measured));
    let ratios = [Some(before.max_to_mean), effect.measured().map(|seen| seen.max_to_mean)];
    vec![
        day(*at),
        pods_in_words(pods),
        indicator.name().to_owned(),
        course(*before, *predicted_cv, effect.measured()),
        carried.unwrap_or_else(|| "Kafka is not asked".to_owned()),
        ratios.map(|ratio| number(ratio, 2)).join(" → "),
        effect_in_words(*effect),
    ]
}

/// In a column that says it is UTC.
fn day(at: Timestamp) -> String {
    at.strftime("%m-%d %H:%M:%S").to_string()
}

fn pods_in_words(pods: &[RotatedPod]) -> String {
    let pod = |pod: &RotatedPod| format!("{} ({}, {})", pod.name, pod.role, fate(pod.fate));
    let words = pods.iter().map(pod).collect::<Vec<_>>().join(", ");
    if words.is_empty() { "no longer remembered".to_owned() } else { words }
}

const fn fate(fate: RemovalFate) -> &'static str {
    match fate {
        RemovalFate::Intended => "intended",
        RemovalFate::Removed => "removed",
        RemovalFate::Refused => "refused by a disruption budget",
        RemovalFate::Failed => "failed",
        RemovalFate::Unknown => "may have been removed",
        RemovalFate::Spared => "left alone",
    }
}

fn effect_in_words(effect: Effect) -> String {
    match effect {
        Effect::NotMade => "not made: no pod was removed".to_owned(),
        Effect::NotYetKnown => "not yet known".to_owned(),
        Effect::Helped { at, .. } => format!("helped, measured {}", day(at)),
        Effect::DidNotHelp { at, .. } => format!("did not help, measured {}", day(at)),
        Effect::NeverSeen { at } => format!("never measured, given up {}", day(at)),
    }
}

/// Those that are chosen first, then by load.
fn pods(place: &Place) -> Option<Table> {
    let shown = shown(place)?;
    let ranked = shown.report.indicators.first().map(|seen| seen.indicator);
    let mut pods: Vec<_> = shown.report.pods.iter().collect();
    pods.sort_by(|a, b| {
        let chosen = |pod: &PodReport<'_>| matches!(pod.verdict, Verdict::Chosen(_));
        let load =
            |pod: &PodReport<'_>| ranked.and_then(|ranked| pod.loads.get(ranked)).map_or(-1.0, Load::get);
        chosen(b).cmp(&chosen(a)).then_with(|| load(b).total_cmp(&load(a)))
    });
    let mut table = pods_of(&shown, pods.iter().take(MOST_PODS));
    if pods.len() > MOST_PODS {
        table.caption = format!("Pods: the first {MOST_PODS} of {}", pods.len());
    }
    Some(table)
}

fn trail(place: &Place) -> Option<Table> {
    if place.trail.is_empty() {
        return None;
    }
    let mut table = Table::new(
        "Audit trail of this process, the newest first",
        &["Time (UTC)", "Cycle", "Pod", "Role", "Load", "What", "Why"],
    );
    table.rows = place.trail.iter().rev().take(MOST_LINES).map(line).collect();
    Some(table)
}

fn line(entry: &TrailEntry) -> Vec<String> {
    let TrailEntry {
        timestamp, cycle_id, pod, role, indicator, load, reason, dry_run, outcome, detail, ..
    } = entry;
    let what = match (entry.event, outcome) {
        (TrailEvent::RemovalIntended, _) => "intended".to_owned(),
        (TrailEvent::RemovalFinished, outcome) => outcome.unwrap_or("finished").replace('_', " "),
    };
    let dry = if *dry_run { " (dry run)" } else { "" };
    vec![
        day(*timestamp),
        cycle_id.clone(),
        pod.clone(),
        role.name().to_owned(),
        Load::new(*load).map_or_else(|_| "–".to_owned(), |load| indicator.with_unit(load)),
        format!("{what}{dry}"),
        detail.as_ref().unwrap_or(reason).clone(),
    ]
}

fn sources(place: &Place) -> Vec<String> {
    let mut sources =
        shown(place).map_or_else(Vec::new, |shown| crate::render::report::plan::sources(&shown));
    sources.push("Rotations and their effects: the record; the log keeps the whole audit trail.".to_owned());
    sources
}
