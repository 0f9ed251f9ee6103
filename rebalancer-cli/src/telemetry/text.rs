//! Log lines for people, one an event:
//!
//! ```text
//! 2026-01-01T12:00:00.000Z INFO  streams/orders 1f2e3d4c: decided event=decision decision=hold reason="hold: ..."
//! ```
//!
//! The time, the level, whose line it is with the end of the cycle's id, what happened, and the fields. A value with blanks
//! or quotes is written as a JSON string, so that all of them can be read back.

use std::borrow::Cow;
use std::fmt;

use crate::letters::is_unseen;
use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

/// So much of a cycle's id tells it apart; a UUID of version 7 ends at random.
const END_OF_ID: usize = 8;

/// Writes events as lines.
pub(super) fn layer<S, W>(colors: bool, to: W) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer().fmt_fields(Whose).event_format(Line).with_ansi(colors).with_writer(to)
}

/// The fields of a span: whose lines its lines are.
struct Whose;

impl<'writer> FormatFields<'writer> for Whose {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut seen = Seen::default();
        fields.record(&mut seen);
        let name = |wanted: &str| {
            seen.fields.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str())
        };
        let path: Vec<&str> = ["cluster", "namespace", "workload"].into_iter().filter_map(name).collect();
        let id = name("cycle_id").map(|id| id.get(id.len().saturating_sub(END_OF_ID)..).unwrap_or(id));
        let parts: Vec<String> =
            [Some(path.join("/")), id.map(str::to_owned)].into_iter().flatten().collect();
        writer.write_str(&in_one_line(parts.join(" ").trim()))
    }
}

/// One event.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let colors = writer.has_ansi_escapes();
        let painted = |style: Style| if colors { style } else { Style::new() };
        let (faint, level) = (painted(Style::new().dimmed()), event.metadata().level());
        let level_style = painted(style(*level));
        write!(writer, "{faint}{:.3}{faint:#} {level_style}{level:<5}{level_style:#} ", Timestamp::now())?;
        // Spans stand in each other; the innermost that tells it says all of it.
        let spans = context.event_scope().into_iter().flatten();
        let whose = spans.filter_map(|span| {
            span.extensions().get::<FormattedFields<N>>().map(|fields| fields.fields.trim().to_owned())
        });
        if let Some(whose) = whose.into_iter().find(|whose| !whose.is_empty()) {
            write!(writer, "{whose}: ")?;
        }
        let mut seen = Seen::default();
        event.record(&mut seen);
        writer.write_str(&in_one_line(&seen.message))?;
        for (name, value) in &seen.fields {
            if !seen.is_said(value) {
                write!(writer, " {faint}{name}={faint:#}{}", quoted(value))?;
            }
        }
        writer.write_char('\n')
    }
}

fn style(level: Level) -> Style {
    let color = match level {
        Level::ERROR => AnsiColor::Red,
        Level::WARN => AnsiColor::Yellow,
        Level::INFO => AnsiColor::Green,
        Level::DEBUG => AnsiColor::Blue,
        Level::TRACE => AnsiColor::Magenta,
    };
    color.on_default()
}

/// What was recorded, as text.
#[derive(Default)]
struct Seen {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Seen {
    /// The message has all of these words already.
    fn is_said(&self, value: &str) -> bool {
        value.contains(' ') && self.message.contains(value)
    }

    fn put(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            name => self.fields.push((name, value)),
        }
    }
}

impl Visit for Seen {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    /// A measured number, without digits that say nothing.
    fn record_f64(&mut self, field: &Field, value: f64) {
        let text = match value.abs() {
            size if size >= 0.001 && value.fract() != 0.0 => format!("{value:.3}"),
            _ => value.to_string(),
        };
        self.put(field, text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

/// As it is, or as a JSON string where it could be misread: it is empty, or has blanks, quotes, `=` or what a terminal would obey.
fn quoted(value: &str) -> Cow<'_, str> {
    let misread = |c: char| c.is_whitespace() || is_unseen(c) || matches!(c, '"' | '=' | '\\');
    if !value.is_empty() && !value.contains(misread) {
        return value.into();
    }
    let json = serde_json::Value::from(value).to_string();
    // JSON leaves some of them as they are.
    let escaped = |c: char| match c {
        c if is_unseen(c) => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    json.chars().map(escaped).collect::<String>().into()
}

/// Without what a terminal would obey, and without lines of its own.
fn in_one_line(text: &str) -> Cow<'_, str> {
    if text.contains(is_unseen) {
        text.replace(['\n', '\t'], " ").replace(is_unseen, "\u{fffd}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    const DECISION: &str = "decision";
    const E: &str = "e";

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is written of it, each line without its time.
    fn written(colors: bool, say: impl FnOnce()) -> Vec<String> {
        let page = Page::default();
        let to = page.clone();
        let registry = tracing_subscriber::registry().with(layer(colors, move || to.clone()));
        tracing::subscriber::with_default(registry, say);
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.split_once("Z ").map_or(line, |(_, rest)| rest).to_owned()).collect()
    }

    /// The fields of a line, by the rule of logfmt.
    fn read_back(line: &str) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        let mut rest = line.split_once(" event=").map_or("", |(_, fields)| fields);
        let mut name = "event".to_owned();
        while !rest.is_empty() {
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let (value, end) = match (rest.starts_with('"'), values.next()) {
                (true, Some(Ok(value))) => (value, values.byte_offset()),
                _ => {
                    let end = rest.find(' ').unwrap_or(rest.len());
                    (rest[..end].to_owned(), end)
                }
            };
            fields.push((name, value));
            let next = rest[end..].trim_start();
            (name, rest) = next.split_once('=').map_or_else(Default::default, |(a, b)| (a.to_owned(), b));
        }
        fields
    }

    #[test]
    fn a_line_says_when_whose_what_and_its_fields() {
        let lines = written(false, || {
            let id = "019a-7c3e-1f2e3d4c";
            let cycle = tracing::info_span!(
                target: "one", "cycle",
                cluster = tracing::field::Empty,
                namespace = "streams",
                workload = "orders",
                cycle_id = tracing::field::Empty
            );
            cycle.record("cycle_id", id);
            let _in = cycle.enter();
            tracing::info!(event = DECISION, pods = 8, seconds = 0.123_456, cv = 2.0, tiny = 1e-7, why = %"it is", "decided");
        });
        assert_eq!(
            lines,
            [
                "INFO  streams/orders 1f2e3d4c: decided event=decision pods=8 seconds=0.123 cv=2 tiny=0.0000001 why=\"it is\""
            ]
        );
    }

    #[test]
    fn every_value_can_be_read_back() {
        let values = [
            "",
            "a b",
            "say \"no\"",
            "a=b",
            "C:\\x",
            "two\nlines",
            "\u{1b}[31m",
            "\u{9b}31m",
            "plain",
            "Zürich",
        ];
        for value in values {
            let lines = written(false, || tracing::warn!(event = E, value, after = 1, "said"));
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(!lines[0].contains(char::is_control), "{lines:?}");
            let fields = [("event", "e"), ("value", value), ("after", "1")];
            assert_eq!(read_back(&lines[0]), fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
    }

    #[test]
    fn what_the_message_says_is_not_said_again() {
        let expected = "the name of a workload";
        let lines = written(false, || tracing::error!(event = E, variable = "A", expected, "A: {expected}"));
        assert_eq!(lines, ["ERROR A: the name of a workload event=e variable=A"]);
    }

    #[test]
    fn colors_stand_only_around_words_that_are_there_without_them() {
        let say = || tracing::warn!(event = E, "said");
        let colored = written(true, say).join("");
        assert!(colored.contains('\u{1b}'), "{colored}");
        let plain = anstream::adapter::strip_str(&colored).to_string();
        assert!(plain.ends_with("WARN  said event=e"), "{plain}");
    }
}
