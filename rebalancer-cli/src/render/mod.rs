//! Results on stdout: tables for people, JSON for machines. Lines are drawn only on a terminal.

pub(crate) mod advise;
pub(crate) mod backtest;
mod check;
pub(crate) mod discovery;
#[cfg(test)]
pub(crate) mod golden;
mod json;
mod plan;
pub(crate) mod report;
pub(crate) mod simulation;
#[cfg(test)]
mod tests;

pub(crate) use json::PlanDocument;
#[cfg(test)]
pub(crate) use {
    check::{CheckDocument, VERSION as CHECK_VERSION},
    json::VERSION as PLAN_VERSION,
};

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use rebalancer_core::fleet::Workload;
use rebalancer_core::history::Rotation;
use rebalancer_core::report::Report;
use rebalancer_prom::Usage;

use crate::advice;
use crate::check::finding::Finding;
use crate::config::Names;
use crate::config::effective::Effective;
use crate::saved::Comparison;

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
    /// How it compares with the saved decision that was made again.
    pub(crate) replayed: Option<&'a Comparison>,
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
pub(crate) fn plan(form: Form, shown: &Shown<'_>) -> anyhow::Result<()> {
    match form {
        Form::Table => plan::show(shown),
        Form::Tables => plan::show(shown).and_then(|()| print("")),
        Form::Json => print(&json::pretty(shown)?),
        Form::JsonLine => print(&json::line(shown)?),
    }
}

/// Prints what a check found, and the configuration as it counts.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn check(
    form: Form,
    workload: &Workload,
    effective: &[Effective],
    findings: &[Finding],
) -> anyhow::Result<()> {
    match form {
        Form::Table => print(&check::text(workload, effective, findings)?),
        Form::Tables => {
            print(&format!("{}\n", check::text(workload, effective, findings)?)).and_then(|()| print(""))
        }
        Form::Json => print(&check::json(workload, effective, findings, true)?),
        Form::JsonLine => print(&check::json(workload, effective, findings, false)?),
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
