//! Results on stdout: texts for people, which fit the screen, and JSON for machines.

pub(crate) mod advise;
pub(crate) mod backtest;
mod bar;
mod check;
mod columns;
pub(crate) mod discovery;
#[cfg(test)]
mod fits;
#[cfg(test)]
pub(crate) mod golden;
mod json;
mod plan;
pub(crate) mod report;
mod screen;
pub(crate) mod simulation;
#[cfg(test)]
mod tests;

pub(crate) use check::Checked;
pub(crate) use json::PlanDocument;
pub(crate) use plan::Pods;
#[cfg(test)]
pub(crate) use {
    check::{CheckDocument, VERSION as CHECK_VERSION},
    json::VERSION as PLAN_VERSION,
};

use std::borrow::Cow;
use std::io::Write as _;

use rebalancer_core::history::{Proposal, Rotation};
use rebalancer_core::jiff::Timestamp;
use rebalancer_core::report::Report;
use rebalancer_prom::Usage;
use serde::Serialize;

use crate::advice;
use crate::config::Names;
use crate::saved::Comparison;
use screen::{Screen, Sheet};

/// How a plan is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Table,
    /// For people, as one of several: an empty line follows.
    Tables,
    /// One JSON object over many lines.
    Json,
    /// One JSON object in one line, as one of several.
    JsonLine,
}

/// What there is to be shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// What the cluster is called; `None`: nothing, or it comes from a file.
    pub(crate) cluster: Option<&'a str>,
    /// What was seen, and what follows.
    pub(crate) report: &'a Report,
    /// The names by which the fleet was found; `None` when it comes from a file.
    pub(crate) names: Option<&'a Names>,
    /// The last rotation, when it is remembered.
    pub(crate) last: Option<&'a Rotation>,
    /// What the metric server was asked for it.
    pub(crate) usage: Usage,
    /// What Kafka was asked for it; `None` when it is not asked.
    pub(crate) kafka: Option<rebalancer_kafka::Usage>,
    /// Whether somebody has to approve, and what is asked.
    pub(crate) approval: Approval<'a>,
    /// How it compares with the saved decision that was made again.
    pub(crate) replayed: Option<&'a Comparison>,
}

/// Whether somebody has to approve, and what is asked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Approval<'a> {
    /// `APPROVAL=required`.
    pub(crate) required: bool,
    /// The last proposal, if it was neither carried out nor rejected. Its time may be over.
    pub(crate) proposal: Option<&'a Proposal>,
}

impl<'a> Approval<'a> {
    /// The proposal that counts at this time.
    fn open(self, now: Timestamp) -> Option<&'a Proposal> {
        self.proposal.filter(|open| !open.is_over(now))
    }
}

impl Shown<'_> {
    /// The decision in words, with what to do about it.
    fn summary(&self) -> String {
        self.names.map_or_else(
            || advice::decision(&self.report.decision),
            |names| advice::report(self.report, names),
        )
    }
}

/// Prints a plan.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn plan(form: Form, pods: Pods, shown: &Shown<'_>) -> anyhow::Result<()> {
    show(form, |screen| plan::sheet(shown, screen, pods), |pretty| as_json(&PlanDocument::of(shown), pretty))
}

/// Prints what a check found; for people, with the configuration as it counts where that is wanted.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn check(form: Form, shown: &Checked<'_>) -> anyhow::Result<()> {
    show(form, |screen| check::sheet(shown, screen), |pretty| check::json(shown, pretty))
}

/// Prints a result for people or for machines, whose JSON stands in one line or is pretty.
///
/// # Errors
/// When stdout can't be written, or a part of it is no JSON.
fn show(
    form: Form,
    sheet: impl FnOnce(Screen) -> Sheet,
    json: impl FnOnce(bool) -> serde_json::Result<String>,
) -> anyhow::Result<()> {
    match form {
        Form::Table => screen::print(&sheet(Screen::of_stdout())),
        Form::Tables => screen::print(&sheet(Screen::of_stdout())).and_then(|()| print("")),
        Form::Json => print(&json(true)?),
        Form::JsonLine => print(&json(false)?),
    }
}

/// As JSON, in one line or over many.
///
/// # Errors
/// When a part of it is no JSON.
fn as_json(document: &impl Serialize, pretty: bool) -> serde_json::Result<String> {
    if pretty { serde_json::to_string_pretty(document) } else { serde_json::to_string(document) }
}

/// The text without what a terminal would obey: names come from clusters and from files of others.
fn plain(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.contains(obeyed) { text.replace(obeyed, "\u{fffd}").into() } else { text.into() }
}

/// Writes to stdout. That the reader has gone away is no error: `rebalancer plan | head` is fine.
///
/// # Errors
/// When stdout can't be written for another reason.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout().lock(), "{}", plain(text.trim_end())) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
