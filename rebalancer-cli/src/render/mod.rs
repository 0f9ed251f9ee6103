//! Results on stdout: tables for people, JSON for machines. Lines are drawn only on a terminal.

pub(crate) mod json;
pub(crate) mod plan;
pub(crate) mod simulation;

use std::io::{IsTerminal as _, Write as _};

use comfy_table::{ContentArrangement, Table, presets};

/// A table that is drawn on a terminal, and plain columns elsewhere.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    let preset =
        if std::io::stdout().is_terminal() { presets::UTF8_FULL_CONDENSED } else { presets::NOTHING };
    table.load_style(preset).set_content_arrangement(ContentArrangement::Disabled).set_header(header);
    table
}

/// Writes to stdout. That the reader has gone away is no error: `rebalancer plan | head` is fine.
///
/// # Errors
/// When stdout can't be written for another reason.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout().lock(), "{}", text.trim_end()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
