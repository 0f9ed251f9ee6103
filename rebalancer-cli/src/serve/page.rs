//! The pages: the report's drawing, with links between them. Rendered here, so that they work without scripts.

mod fleet;
mod one;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::api::{ReplicaEntry, View};
use crate::render::report::{STYLE, escaped};
use crate::target::Target;

/// The style of the pages, that of the report first.
pub(super) fn style() -> String {
    format!("{STYLE}{}", include_str!("page/page.css"))
}

/// Fetches the page again and again, and shows what is new.
pub(super) const LIVE: &str = include_str!("page/live.js");

/// The page of all workloads.
///
/// # Errors
/// When a chart can't be drawn.
pub(super) fn fleet(view: &View) -> anyhow::Result<String> {
    Ok(page("Rebalancer", &fleet::content(view)?))
}

/// The page of one workload; `None` when it is not known.
///
/// # Errors
/// When a chart can't be drawn.
pub(super) fn workload(view: &View) -> anyhow::Result<Option<String>> {
    let Some(place) = view.places.first() else { return Ok(None) };
    Ok(Some(page(&place.target().to_string(), &one::content(view, place)?)))
}

/// A page that says what went wrong.
pub(super) fn problem(title: &str, sentence: &str) -> String {
    let content = format!(
        "<h1>{}</h1>\n<p class=\"summary\">{}</p>\n<p><a href=\"/\">All workloads</a></p>\n",
        escaped(title),
        escaped(sentence)
    );
    page(title, &content)
}

fn page(title: &str, content: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n\
         <script src=\"/live.js\" defer></script>\n</head>\n<body>\n<main>\n{content}</main>\n\
         <footer><p class=\"quiet\" id=\"live\" role=\"status\">Reload the page to see what is new.</p>\n\
         <p class=\"quiet\">rebalancer {}</p></footer>\n</body>\n</html>\n",
        escaped(title),
        escaped(&crate::args::version())
    )
}

/// Where the page of a workload is.
fn path(Target { cluster, workload }: &Target) -> String {
    let cluster = cluster.iter().map(|cluster| format!("/clusters/{}", segment(cluster))).collect::<String>();
    format!("{cluster}/workloads/{}/{}", segment(&workload.namespace), segment(&workload.name))
}

/// Where the same is as JSON.
fn api(target: &Target) -> String {
    format!("/api/v1{}", path(target))
}

/// A part of a path: names are plain, but nobody has checked these.
fn segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _written = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A time of day, in UTC.
fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// A time with its day, in UTC.
fn dated(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// As people write it, to the second: 1h 5m 2s.
fn words(duration: SignedDuration) -> String {
    format!("{:#}", SignedDuration::from_secs(duration.as_secs()))
}

/// What this replica does, in words.
fn role(replica: &ReplicaEntry) -> String {
    match (replica.acts, replica.elected, &replica.holder) {
        (true, false, _) => "this process acts; no other is elected".to_owned(),
        (true, true, Some(holder)) => format!("this replica leads and acts ({holder})"),
        (true, true, None) => "this replica leads and acts".to_owned(),
        (false, _, Some(holder)) => {
            format!("this replica stands by; {holder} leads, and its page has what is known now")
        }
        (false, _, None) => "this replica stands by; no replica leads".to_owned(),
    }
}
