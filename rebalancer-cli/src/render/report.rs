//! A report as one HTML file: no network, no script; charts are SVG by plotters. Light and dark, on a phone and on paper.
//! `rebalancer serve` shows the same drawing in its pages.

pub(crate) mod backtest;
mod chart;
mod page;
pub(crate) mod plan;
pub(crate) mod simulation;
#[cfg(test)]
mod tests;

pub(crate) use chart::spark;
pub(crate) use page::{STYLE, content, escaped, glance};

use std::path::Path;

use anyhow::Context as _;

use crate::atomic_file;

/// What a report shows, from top to bottom.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) title: String,
    /// What it is about, in a line.
    pub(crate) subtitle: String,
    /// What it comes to, a sentence each.
    pub(crate) summary: Vec<String>,
    /// The fleet at a glance: a figure, and what it is.
    pub(crate) glance: Vec<(String, String)>,
    pub(crate) courses: Vec<Course>,
    pub(crate) tables: Vec<Table>,
    /// Where each number comes from, and what is not known.
    pub(crate) sources: Vec<String>,
}

/// Something over time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Course {
    pub(crate) title: String,
    /// What each column of it is, such as a time.
    pub(crate) times: Vec<String>,
    pub(crate) shows: Shows,
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shows {
    /// Lines, each with its name; a value that is not known leaves a gap. Marks are columns.
    Lines { lines: Vec<(String, Vec<Option<f64>>)>, marks: Vec<usize> },
    /// A heat map: rows with their names, each load divided by the mean of all.
    Heat { rows: Vec<(String, Vec<Option<f64>>)> },
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    pub(crate) caption: String,
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(caption: &str, header: &[&str]) -> Self {
        let header = header.iter().map(|&text| text.to_owned()).collect();
        Self { caption: caption.to_owned(), header, rows: Vec::new() }
    }
}

/// The page of a report.
///
/// # Errors
/// When it can't be drawn.
#[cfg(test)]
pub(crate) fn html(report: &Report) -> anyhow::Result<String> {
    page::html(std::slice::from_ref(report))
}

/// Writes reports to one file, one after the other: whole or not at all.
///
/// # Errors
/// When one can't be drawn, or the file not be written.
pub(crate) fn write(reports: &[Report], file: &Path) -> anyhow::Result<()> {
    let html = page::html(reports)?;
    atomic_file::replace(file, &html, 0o644)
        .with_context(|| format!("the report can't be written to {}", file.display()))
}

/// Loads of the same places over time, as rows of a heat map.
fn rows<'a>(columns: impl Iterator<Item = Vec<(&'a str, f64)>> + Clone) -> Vec<(String, Vec<Option<f64>>)> {
    let count = columns.clone().count();
    let mut rows: std::collections::BTreeMap<String, Vec<Option<f64>>> = std::collections::BTreeMap::new();
    for (place, column) in columns.enumerate() {
        for (name, load) in column {
            let row = rows.entry(name.to_owned()).or_insert_with(|| vec![None; count]);
            if let Some(slot) = row.get_mut(place) {
                *slot = Some(load);
            }
        }
    }
    rows.into_iter().collect()
}
