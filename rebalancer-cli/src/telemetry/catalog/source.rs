//! The events and spans that the source of all crates writes, read from the text of their macros.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A call of a macro: its name, and the names of its fields.
pub(super) struct Call {
    /// Such as `debug`; that of a macro's own parameter begins with `$`.
    pub(super) macro_name: String,
    pub(super) fields: BTreeSet<String>,
}

/// The calls that write each event.
pub(super) fn events() -> BTreeMap<String, Vec<Call>> {
    found("event = \"", |text, at| text[..at].rfind("!(").unwrap())
}

/// The calls that make each span.
pub(super) fn spans() -> BTreeMap<String, Vec<Call>> {
    let squeezed = |text: &str, at: usize| text[..at].trim_end().len() - 2;
    let mut calls = BTreeMap::new();
    for marker in ["info_span!(\"", "info_span!(\n            \""] {
        for (name, mut found) in found(marker, |text, at| squeezed(text, at + marker.len() - 1)) {
            calls.entry(name).or_insert_with(Vec::new).append(&mut found);
        }
    }
    calls
}

/// By the name that follows the marker. `start` gives the place of the macro's `!(`.
fn found(marker: &str, start: impl Fn(&str, usize) -> usize) -> BTreeMap<String, Vec<Call>> {
    let mut calls: BTreeMap<String, Vec<Call>> = BTreeMap::new();
    for file in files() {
        let text = fs::read_to_string(file).unwrap();
        for (at, _) in text.match_indices(marker) {
            let name = text[at + marker.len()..].split('"').next().unwrap();
            let start = start(&text, at);
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
            let macro_name = text[..start].rsplit(|c| !word(c)).next().unwrap().to_owned();
            let fields = arguments(&text[start + 2..]).iter().filter_map(|text| field(text)).collect();
            calls.entry(name.to_owned()).or_default().push(Call { macro_name, fields });
        }
    }
    calls
}

fn files() -> Vec<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders: Vec<PathBuf> = ["cli", "core", "kafka", "kube", "prom"]
        .map(|name| workspace.join(format!("rebalancer-{name}/src")))
        .into();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("telemetry/catalog") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// The arguments up to the parenthesis that closes the call.
fn arguments(text: &str) -> Vec<String> {
    let (mut arguments, mut depth, mut quoted, mut escaped) = (vec![String::new()], 0, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        arguments.last_mut().unwrap().push(c);
    }
    arguments
}

/// The field's name; `None` for the message, for `event` itself, and for a macro's own parameters.
fn field(argument: &str) -> Option<String> {
    let argument = argument.trim().trim_start_matches(['%', '?']);
    let name = argument.split('=').next().unwrap_or_default().trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    (!name.is_empty() && name != "event" && name.chars().all(plain)).then(|| name.to_owned())
}
