//! Results on stdout: texts for people, which fit the screen, and JSON for machines.

pub(crate) mod advise;
pub(crate) mod backtest;
mod check;
pub(crate) mod discovery;
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
use std::io::{IsTerminal as _, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use rebalancer_core::history::{Proposal, Rotation};
use rebalancer_core::jiff::Timestamp;
use rebalancer_core::report::Report;
use rebalancer_prom::Usage;

use crate::advice;
use crate::config::Names;
use crate::saved::Comparison;
use screen::Screen;

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
    let sheet = || plan::sheet(shown, Screen::of_stdout(), pods);
    match form {
        Form::Table => screen::print(&sheet()),
        Form::Tables => screen::print(&sheet()).and_then(|()| print("")),
        Form::Json => print(&json::pretty(shown)?),
        Form::JsonLine => print(&json::line(shown)?),
    }
}

/// Prints what a check found; for people, with the configuration as it counts where that is wanted.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn check(form: Form, shown: &Checked<'_>) -> anyhow::Result<()> {
    let sheet = || check::sheet(shown, Screen::of_stdout());
    match form {
        Form::Table => screen::print(&sheet()),
        Form::Tables => screen::print(&sheet()).and_then(|()| print("")),
        Form::Json => print(&check::json(shown, true)?),
        Form::JsonLine => print(&check::json(shown, false)?),
    }
}

/// A table that is drawn on a terminal, and plain columns elsewhere.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    let preset =
        if std::io::stdout().is_terminal() { presets::UTF8_FULL_CONDENSED } else { presets::NOTHING };
    table.load_style(preset).set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    table
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
