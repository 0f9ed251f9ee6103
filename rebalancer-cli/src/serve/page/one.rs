//! One workload: what the report of a plan shows, over time, with what came of it.

use std::fmt::Write as _;

use jiff::Timestamp;
use rebalancer_core::history::{Effect, Imbalance, RemovalFate, RotatedPod, Rotation};
use rebalancer_core::unit::{Load, Ratio};

use super::fleet::{balance, breaker, budget, capital, decision, next, state};
use super::{api, dated, role};
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
        title: place.workload.to_string(),
        subtitle: format!("{}. As of {}.", capital(&role(&view.replica)), dated(view.at)),
        summary: vec![capital(&decision(&entry)), capital(&state(&entry, view.at))],
        glance: glance(place, &entry, view.at),
        courses: courses(place, &entry),
        tables: [rotations(place), pods(place), trail(place)].into_iter().flatten().collect(),
        sources: sources(place),
    };
    let mut out = String::new();
    writeln!(out, "<nav aria-label=\"Where\"><a href=\"/\">All workloads</a></nav>")?;
    out.push_str(&drawn(&report)?);
    let api = escaped(&api(&place.workload));
    writeln!(out, "<p class=\"quiet\">The same as JSON: <a href=\"{api}\">{api}</a></p>")?;
    Ok(out)
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
        figure(format!("{used} of {}", seen.allowed), &budget(seen));
    }
    if let Some(seen) = &entry.breaker {
        figure(seen.state.replace('_', " "), &breaker(seen));
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
            title: format!(
                "{} of each pod over the last hours, the hottest first (UTC)",
                capital(indicator.name())
            ),
            times: place.loads.times().map(time).collect(),
            shows: Shows::Heat { rows: hottest_first(place) },
        });
    }
    courses
}

/// By the mean of what is known of each.
fn hottest_first(place: &Place) -> Vec<(String, Vec<Option<f64>>)> {
    let row = |(name, loads): (std::sync::Arc<str>, Vec<Option<f32>>)| {
        let (sum, count) = loads
            .iter()
            .flatten()
            .fold((0.0, 0.0), |(sum, count), load| (sum + f64::from(*load), count + 1.0));
        let mean = if count > 0.0 { sum / count } else { -1.0 };
        (mean, (name.to_string(), loads.into_iter().map(|load| load.map(f64::from)).collect()))
    };
    let mut rows: Vec<(f64, (String, Vec<Option<f64>>))> = place.loads.rows().into_iter().map(row).collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    rows.into_iter().map(|(_, row)| row).collect()
}

fn rotations(place: &Place) -> Option<Table> {
    let record = place.record.as_ref()?;
    let mut table = Table::new(
        "Last rotations",
        &["Began", "Pods", "By", "CV before", "Predicted", "Measured", "Max/mean", "Effect"],
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
    let cv = |seen: Option<Ratio>| seen.map_or_else(|| "–".to_owned(), |cv| format!("{:.3}", cv.get()));
    let both = |loads: Option<Ratio>, carried: Option<Option<Imbalance>>| match carried {
        None => cv(loads),
        Some(carried) => format!("{} · {} carried", cv(loads), cv(carried.map(|seen| seen.cv))),
    };
    let measured = effect.measured();
    let ratio = |seen: Option<Imbalance>| {
        seen.map_or_else(|| "–".to_owned(), |seen| format!("{:.2}", seen.max_to_mean.get()))
    };
    vec![
        dated(*at),
        pods_in_words(pods),
        indicator.name().to_owned(),
        both(Some(before.cv), group.map(|group| Some(group.before))),
        both(*predicted_cv, group.map(|group| group.predicted)),
        both(measured.map(|seen| seen.cv), group.map(|group| group.measured)),
        format!("{} → {}", ratio(Some(*before)), ratio(measured)),
        effect_in_words(*effect),
    ]
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
        Effect::Helped { at, .. } => format!("helped, measured {}", dated(at)),
        Effect::DidNotHelp { at, .. } => format!("did not help, measured {}", dated(at)),
        Effect::NeverSeen { at } => format!("never measured, given up {}", dated(at)),
    }
}

/// Those that are chosen first, then by load.
fn pods(place: &Place) -> Option<Table> {
    let shown = shown(place)?;
    let ranked = shown.report.indicators.first().map(|seen| seen.indicator);
    let mut pods: Vec<_> = shown.report.pods.iter().collect();
    pods.sort_by(|a, b| {
        let chosen = |pod: &rebalancer_core::report::PodReport<'_>| {
            matches!(pod.verdict, rebalancer_core::report::Verdict::Chosen(_))
        };
        let load = |pod: &rebalancer_core::report::PodReport<'_>| {
            ranked.and_then(|ranked| pod.loads.get(ranked)).map_or(-1.0, Load::get)
        };
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
        &["Time", "Cycle", "Pod", "Role", "Load", "What", "Why"],
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
        dated(*timestamp),
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
