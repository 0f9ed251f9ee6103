//! What a check found: the configuration, then a line for each finding, with its fix below.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style};
use rebalancer_core::fleet::Workload;
use serde::Serialize;

use crate::check::finding::{Finding, Severity};
use crate::config::effective::Effective;
use crate::config::problem::Given;

/// The shape of `rebalancer check --output json`. Fields are only ever added.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CheckDocument<'a> {
    /// The version of this shape.
    version: u32,
    /// Whose fleet.
    workload: &'a Workload,
    /// The worst of all findings.
    worst: Severity,
    /// Every variable, as it counts.
    configuration: Vec<Setting<'a>>,
    /// What was found.
    findings: &'a [Finding],
}

/// The version of the shape of `rebalancer check --output json`.
pub(crate) const VERSION: u32 = 1;

/// One variable.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Setting<'a> {
    /// Its name.
    variable: &'a str,
    /// `null` when it is not set, or hidden.
    value: Option<&'a str>,
    /// It is set, and not shown.
    hidden: bool,
    /// Where its value comes from; `null` when it is not set.
    source: Option<&'static str>,
}

impl<'a> Setting<'a> {
    fn of(effective: &'a Effective) -> Self {
        Self {
            variable: effective.variable,
            value: effective.value.shown(),
            hidden: effective.value == Given::Hidden,
            source: effective.source.map(|source| source.name()),
        }
    }
}

/// As JSON, in one line or over many.
///
/// # Errors
/// When a part of it is no JSON.
pub(super) fn json(
    workload: &Workload,
    effective: &[Effective],
    findings: &[Finding],
    pretty: bool,
) -> serde_json::Result<String> {
    let configuration = effective.iter().map(Setting::of).collect();
    let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok);
    let check = CheckDocument { version: VERSION, workload, worst, configuration, findings };
    if pretty { serde_json::to_string_pretty(&check) } else { serde_json::to_string(&check) }
}

/// For people. What is not set is left away.
pub(super) fn text(
    workload: &Workload,
    effective: &[Effective],
    findings: &[Finding],
) -> Result<String, std::fmt::Error> {
    let paint = Paint::for_stdout();
    let mut out = String::new();
    writeln!(out, "workload {workload}\n")?;
    writeln!(out, "{}\n", settings(effective))?;
    for finding in findings {
        let name = paint.severity(finding.severity);
        writeln!(out, "{name} {}: {}", finding.code.name(), finding.message)?;
        if let Some(fix) = &finding.fix {
            writeln!(out, "        fix: {fix}")?;
        }
    }
    writeln!(out, "\n{}", counts(findings))?;
    Ok(out)
}

fn settings(effective: &[Effective]) -> comfy_table::Table {
    let mut table = super::table(&["VARIABLE", "VALUE", "FROM"]);
    for Effective { variable, value, source } in effective {
        let shown = match value {
            Given::Nothing => continue,
            Given::Hidden => "(hidden)",
            Given::Value(value) => value,
        };
        table.add_row([*variable, shown, source.map_or("", |source| source.name())]);
    }
    table
}

fn counts(findings: &[Finding]) -> String {
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let [errors, warnings, notes, ok] =
        [Severity::Error, Severity::Warning, Severity::Note, Severity::Ok].map(of);
    format!("errors: {errors}, warnings: {warnings}, notes: {notes}, ok: {ok}")
}

/// Colors, on a terminal of somebody who did not ask for none.
struct Paint(bool);

impl Paint {
    fn for_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self(std::io::stdout().is_terminal() && !unwanted)
    }

    fn severity(&self, severity: Severity) -> String {
        let name = format!("{:<7}", severity.name());
        if !self.0 {
            return name;
        }
        let style = Style::new().fg_color(Some(
            match severity {
                Severity::Ok => AnsiColor::Green,
                Severity::Note => AnsiColor::Cyan,
                Severity::Warning => AnsiColor::Yellow,
                Severity::Error => AnsiColor::Red,
            }
            .into(),
        ));
        format!("{style}{name}{style:#}")
    }
}
