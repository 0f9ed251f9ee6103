//! Every workload at a glance.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::{clock, dated, path, role, words};
use crate::render::report::{escaped, glance, spark};
use crate::serve::api::{BreakerEntry, BudgetEntry, CycleEntry, PastEntry, View, WorkloadEntry};

/// How a workload is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    /// Nothing has to be done.
    Even,
    /// It was rotated, or would be.
    Acts,
    /// It is out of balance and held, or nothing is known yet.
    Waits,
    /// Something went wrong.
    Bad,
}

impl Tone {
    fn of(entry: &WorkloadEntry<'_>) -> Self {
        let Some(last) = &entry.last_cycle else { return Self::Waits };
        match last.decision {
            _ if last.problem.is_some() || last.is_failure() => Self::Bad,
            Some("balanced") => Self::Even,
            Some("rotate") => Self::Acts,
            Some(_) | None => Self::Waits,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Acts => "acts",
            Self::Waits => "waits",
            Self::Bad => "bad",
        }
    }
}

/// What stands in the page.
///
/// # Errors
/// When a chart can't be drawn.
pub(super) fn content(view: &View) -> anyhow::Result<String> {
    let entries = view.entries();
    let mut out = String::new();
    writeln!(
        out,
        "<h1>Rebalancer</h1>\n<p class=\"quiet\">{}. As of {}.</p>",
        escaped(&capital(&role(&view.replica))),
        dated(view.at)
    )?;
    glance(&mut out, &figures(&entries))?;
    problems(&mut out, view, &entries)?;
    writeln!(out, "<ul class=\"fleet\">")?;
    for entry in &entries {
        out.push_str(&workload(entry, view.at)?);
    }
    writeln!(out, "</ul>")?;
    if entries.is_empty() {
        writeln!(out, "<p class=\"summary\">There is no workload.</p>")?;
    }
    writeln!(
        out,
        "<p class=\"quiet\">The same as JSON: <a href=\"/api/v1/workloads\">/api/v1/workloads</a></p>"
    )?;
    Ok(out)
}

fn figures(entries: &[WorkloadEntry<'_>]) -> Vec<(String, String)> {
    let count = |tone: Tone| entries.iter().filter(|entry| Tone::of(entry) == tone).count();
    let open =
        |entry: &&WorkloadEntry<'_>| entry.breaker.as_ref().is_some_and(|breaker| breaker.state != "closed");
    let figure = |count: usize, what: &str| (count.to_string(), what.to_owned());
    vec![
        figure(entries.len(), "workloads"),
        figure(count(Tone::Even), "in balance"),
        figure(count(Tone::Acts), "to be rotated, or just rotated"),
        figure(count(Tone::Waits), "held, or not known yet"),
        figure(count(Tone::Bad), "failed"),
        figure(entries.iter().filter(open).count(), "breakers not closed"),
    ]
}

fn problems(out: &mut String, view: &View, entries: &[WorkloadEntry<'_>]) -> std::fmt::Result {
    let mut lines: Vec<String> =
        view.not_ready.iter().map(|why| format!("Not ready: {}", escaped(why))).collect();
    lines.extend(view.rejected.iter().map(|problem| {
        let problem = escaped(problem);
        format!(
            "The newest version of the file of workloads is rejected, and the one before counts: {problem}"
        )
    }));
    lines.extend(entries.iter().filter(|entry| Tone::of(entry) == Tone::Bad).map(|entry| {
        let why = entry.last_cycle.as_ref().map_or("", |last| last.summary.as_str());
        format!("{}: {}", link(entry), escaped(why))
    }));
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section class=\"problems\">\n<h2>Problems</h2>\n<ul>")?;
    for line in lines {
        writeln!(out, "<li>{line}</li>")?;
    }
    writeln!(out, "</ul>\n</section>")
}

fn workload(entry: &WorkloadEntry<'_>, now: Timestamp) -> anyhow::Result<String> {
    let mut out = String::new();
    writeln!(
        out,
        "<li class=\"{}\">\n<div>\n<h2>{}</h2>\n<p class=\"figures\">{}</p>\n<p>{}</p>\n</div>",
        Tone::of(entry).class(),
        link(entry),
        escaped(&balance(entry)),
        badges(entry)
    )?;
    writeln!(out, "<div>{}</div>", course(&entry.past)?)?;
    writeln!(out, "<div>\n<p>{}</p>", escaped(&capital(&decision(entry))))?;
    writeln!(out, "<p class=\"quiet\">{}</p>\n</div>\n</li>", escaped(&state(entry, now)))?;
    Ok(out)
}

fn link(entry: &WorkloadEntry<'_>) -> String {
    format!("<a href=\"{}\">{}</a>", path(&entry.target()), escaped(&entry.target().to_string()))
}

/// How even it is, in words.
pub(super) fn balance(entry: &WorkloadEntry<'_>) -> String {
    entry.balance.as_ref().map_or_else(
        || "balance not known".to_owned(),
        |seen| format!("CV {:.3} · max/mean {:.2} · {}", seen.cv, seen.max_to_mean, seen.indicator),
    )
}

fn badges(entry: &WorkloadEntry<'_>) -> String {
    let mut badges = Vec::new();
    let mut badge = |class: &str, text: &str| {
        badges.push(format!("<span class=\"badge{class}\">{}</span>", escaped(text)))
    };
    if let Some(last) = &entry.last_cycle {
        let class = if Tone::of(entry) == Tone::Bad { " problem" } else { "" };
        badge(class, &last.status.replace('_', " "));
    }
    if let Some(breaker) = entry.breaker.as_ref().filter(|breaker| breaker.state != "closed") {
        badge(" problem", &format!("breaker {}", breaker.state.replace('_', " ")));
    }
    // The status of one that removed nothing says so already.
    if entry.dry_run && entry.last_cycle.as_ref().is_none_or(|last| last.status != "dry_run") {
        badge("", "dry run");
    }
    if entry.running {
        badge("", "cycle under way");
    }
    badges.concat()
}

/// The CV of the last cycles.
fn course(past: &[PastEntry]) -> anyhow::Result<String> {
    let values: Vec<Option<f64>> = past.iter().map(|past| past.cv.filter(|cv| cv.is_finite())).collect();
    let mut known = values.iter().flatten();
    let (Some(first), Some(began), Some(ended)) = (known.next(), past.first(), past.last()) else {
        return Ok("<p class=\"quiet\">no course yet</p>".to_owned());
    };
    let last = known.next_back().unwrap_or(first);
    let over = words(ended.ended_at.duration_since(began.ended_at));
    let title = format!("CV of the last {} cycles, from {first:.3} to {last:.3}", past.len());
    let svg = spark(&title, &values)?;
    Ok(format!("{svg}\n<p class=\"quiet\">CV, {} cycles in {over}</p>", past.len()))
}

/// The last decision, in words.
pub(super) fn decision(entry: &WorkloadEntry<'_>) -> String {
    let Some(last) = &entry.last_cycle else { return "no cycle has ended here yet".to_owned() };
    last.summary.replace("->", "→")
}

/// Everything else, in a line.
fn state(entry: &WorkloadEntry<'_>, now: Timestamp) -> String {
    let mut parts: Vec<String> = ended(entry, now).into_iter().chain(next(entry, now)).collect();
    parts.extend(entry.budget.as_ref().map(budget));
    parts.extend(entry.breaker.as_ref().map(breaker));
    parts.join(" · ")
}

/// When the last cycle ended, in words.
pub(super) fn ended(entry: &WorkloadEntry<'_>, now: Timestamp) -> Option<String> {
    let last = entry.last_cycle.as_ref()?;
    let ago = words(now.duration_since(last.ended_at).max(SignedDuration::ZERO));
    Some(format!("last cycle {} UTC ({ago} ago), took {:.1} s", clock(last.ended_at), last.seconds))
}

/// When the next cycle begins, in words.
pub(super) fn next(entry: &WorkloadEntry<'_>, now: Timestamp) -> Option<String> {
    if entry.running {
        return Some("a cycle is under way".to_owned());
    }
    let next = entry.next_cycle?;
    let left = next.duration_since(now);
    Some(if left.is_positive() {
        format!("next in {}, unless something changes before", words(left))
    } else {
        "the next one is due".to_owned()
    })
}

fn budget(budget: &BudgetEntry) -> String {
    let used = budget.used.map_or_else(|| "not known".to_owned(), |used| used.to_string());
    let window = words(SignedDuration::from_secs(budget.window_seconds));
    format!("budget {used} of {} pods in {window}", budget.allowed)
}

pub(super) fn breaker(breaker: &BreakerEntry) -> String {
    let state = breaker.state.replace('_', " ");
    let until = breaker.until.map_or_else(String::new, |until| format!(" until {}", dated(until)));
    let why = breaker.why.as_ref().map_or_else(String::new, |why| format!(", since {why}"));
    format!("breaker {state}{until}{why}")
}

/// As the beginning of a sentence.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

impl CycleEntry {
    /// What was wanted could not be done.
    fn is_failure(&self) -> bool {
        matches!(self.status, "failed" | "refused")
    }
}
