//! What a check found: an entry for each finding, with its fix below, and where that is wanted the configuration.

use rebalancer_core::fleet::Workload;
use serde::Serialize;

use super::screen::{Screen, Sheet, Tone};
use crate::check::finding::{Finding, Severity};
use crate::config::effective::Effective;
use crate::config::problem::Given;

/// The columns of a severity.
const LABEL: usize = 8;
/// The columns of a variable's name; the longest is a little shorter.
const VARIABLE: usize = 42;

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

/// What there is to be shown of a check.
pub(crate) struct Checked<'a> {
    /// Whose fleet.
    pub(crate) workload: &'a Workload,
    /// Every variable, as it counts.
    pub(crate) effective: &'a [Effective],
    /// People want to see the variables too.
    pub(crate) settings: bool,
    /// What was found.
    pub(crate) findings: &'a [Finding],
}

/// As JSON, in one line or over many.
///
/// # Errors
/// When a part of it is no JSON.
pub(super) fn json(
    &Checked { workload, effective, findings, .. }: &Checked<'_>,
    pretty: bool,
) -> serde_json::Result<String> {
    let configuration = effective.iter().map(Setting::of).collect();
    let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok);
    let check = CheckDocument { version: VERSION, workload, worst, configuration, findings };
    super::as_json(&check, pretty)
}

/// For people: the worst findings first.
pub(super) fn sheet(checked: &Checked<'_>, screen: Screen) -> Sheet {
    let mut sheet = Sheet::new(screen);
    sheet.paragraph(Tone::Strong, &checked.workload.to_string());
    sheet.blank();
    let mut findings: Vec<&Finding> = checked.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for Finding { severity, code, message, fix, .. } in findings {
        sheet.labelled((tone(*severity), severity.name(), LABEL), &format!("{}: {message}", code.name()));
        if let Some(fix) = fix {
            sheet.labelled((Tone::Plain, "", LABEL), &format!("fix: {fix}"));
        }
    }
    sheet.blank();
    if checked.settings {
        settings(&mut sheet, checked.effective);
        sheet.blank();
    }
    sheet.paragraph(Tone::Plain, &counts(checked));
    sheet
}

/// Each variable, what it is, and where that comes from. What is not set is left away.
fn settings(sheet: &mut Sheet, effective: &[Effective]) {
    for Effective { variable, value, source } in effective {
        let shown = match value {
            Given::Nothing => continue,
            Given::Hidden => "(hidden)",
            Given::Value(value) => value,
        };
        let from = source.map_or("", |source| source.name());
        sheet.labelled((Tone::Plain, variable, VARIABLE), &format!("{shown}  {from}"));
    }
}

fn counts(checked: &Checked<'_>) -> String {
    let of = |severity| checked.findings.iter().filter(|finding| finding.severity == severity).count();
    let [errors, warnings, notes, ok] =
        [Severity::Error, Severity::Warning, Severity::Note, Severity::Ok].map(of);
    let counts = format!("errors: {errors}, warnings: {warnings}, notes: {notes}, ok: {ok}");
    if checked.settings { counts } else { format!("{counts}; --settings shows the configuration") }
}

const fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Ok => Tone::Good,
        Severity::Note => Tone::Note,
        Severity::Warning => Tone::Warning,
        Severity::Error => Tone::Hot,
    }
}
