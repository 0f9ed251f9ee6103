//! What the program reports about itself, as tables: docs/observability.md has them word for word, and the source of
//! all crates reports exactly that.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a panic is how a test fails"
)]

mod audit_trail;
mod commands;
mod event;
mod events;
mod serving;
mod source;
mod spans;

use std::collections::BTreeSet;

use super::metrics::catalog::{METRICS, ON_EVERY_SERIES};
use commands::COMMANDS;
use event::Event;
use events::EVENTS;
use serving::SERVING;
use spans::SPANS;

const DOCUMENT: &str = include_str!("../../../docs/observability.md");

/// Every event.
fn events() -> impl Iterator<Item = &'static Event> + Clone {
    EVENTS.iter().chain(COMMANDS).chain(SERVING)
}

/// The rows of the table below this heading.
fn documented(heading: &str) -> Vec<&'static str> {
    let below = DOCUMENT.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_default();
    let section = below.split("\n## ").next().unwrap_or_default();
    let table = section.lines().skip_while(|line| !line.starts_with("|---"));
    table.skip(1).take_while(|line| line.starts_with('|')).collect()
}

/// Names in code spans.
fn named<'a>(names: impl IntoIterator<Item = &'a &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The table as it must stand there.
fn assert_documented(heading: &str, rows: &[String]) {
    assert_eq!(
        documented(heading),
        rows,
        "the table below '## {heading}' in docs/observability.md must be:\n{}\n",
        rows.join("\n")
    );
}

#[test]
fn the_document_has_every_metric_with_its_kind_labels_and_meaning() {
    let rows = METRICS.iter().map(|metric| {
        let labels = metric.labels.iter().map(|label| format!("`{}`: {}", label.name, label.values));
        let labels = labels.collect::<Vec<_>>().join("; ");
        format!("| `{}` | {} | {labels} | {} |", metric.name, metric.kind.name(), metric.help)
    });
    assert_documented("Metrics", &rows.collect::<Vec<_>>());
    for label in ON_EVERY_SERIES {
        assert!(DOCUMENT.contains(&format!("`{}`", label.name)), "{}", label.name);
    }
}

#[test]
fn the_document_has_every_event_of_the_log_with_its_levels_fields_and_meaning() {
    let rows = events().map(|event| {
        let (levels, fields) = (event.levels.join(", "), named(event.fields));
        format!("| `{}` | {levels} | {fields} | {} |", event.name, event.when)
    });
    assert_documented("Log events", &rows.collect::<Vec<_>>());
}

#[test]
fn the_document_has_every_span_with_its_attributes_and_meaning() {
    let rows = SPANS
        .iter()
        .map(|span| format!("| `{}` | {} | {} |", span.name, named(span.attributes), span.covers));
    assert_documented("Spans", &rows.collect::<Vec<_>>());
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(ToOwned::to_owned).collect()
}

#[test]
fn the_source_writes_exactly_these_events() {
    let calls = source::events();
    assert_eq!(calls.len(), events().count(), "each event stands once");
    assert_eq!(set(calls.keys().map(String::as_str)), set(events().map(|event| event.name)));
    for event in events() {
        let calls = &calls[event.name];
        for call in calls.iter().filter(|call| !call.macro_name.starts_with(['$', 'r'])) {
            assert!(
                event.levels.contains(&call.macro_name.as_str()),
                "{} at {}",
                event.name,
                call.macro_name
            );
        }
        // The fields of the audit trail stand in a macro; a test on real servers compares them with docs/audit.md.
        if !event.name.starts_with("removal_") {
            let written: BTreeSet<String> = calls.iter().flat_map(|call| call.fields.clone()).collect();
            assert_eq!(written, set(event.fields.iter().copied()), "fields of {}", event.name);
        }
    }
}

#[test]
fn the_source_makes_exactly_these_spans() {
    let calls = source::spans();
    assert_eq!(calls.len(), SPANS.len(), "each span stands once");
    assert_eq!(set(calls.keys().map(String::as_str)), set(SPANS.iter().map(|span| span.name)));
    for span in SPANS {
        let made = calls[span.name].iter().flat_map(|call| call.fields.clone());
        let made: BTreeSet<String> = made.filter(|field| !field.starts_with("otel.")).collect();
        // How a cycle ended is set at its end.
        let described = span.attributes.iter().filter(|attribute| **attribute != "status").copied();
        assert_eq!(made, set(described), "attributes of {}", span.name);
    }
}
