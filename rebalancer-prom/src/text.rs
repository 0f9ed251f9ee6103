//! Text from elsewhere, made fit for a log line or a terminal.

use std::error::Error;

/// How much of a server's own words is shown, in characters.
pub(crate) const WORDS: usize = 300;
/// How much of an answer that can't be read is shown, in characters.
pub(crate) const GLIMPSE: usize = 100;

/// How much is shown of a message of ours that holds a server's words, in characters.
pub(crate) const MESSAGE: usize = 600;
/// How much of the labels of a series is shown, in characters.
pub(crate) const LABELS: usize = 150;
/// How much of the value of a label is shown, in characters.
pub(crate) const VALUE: usize = 60;
/// How much of a query is shown, in characters.
pub(crate) const QUERY: usize = 200;

/// The beginning of a text in one line. Control characters could forge log lines or drive a terminal.
pub(crate) fn excerpt(text: &str, limit: usize) -> String {
    let mut shown: String =
        text.trim().chars().take(limit).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().chars().nth(limit).is_some() {
        shown.push('…');
    }
    shown
}

/// The beginning of an answer that may be no text at all.
pub(crate) fn glimpse(body: &[u8]) -> String {
    // A character has at most four bytes, so this is enough for the limit, whatever the size of the body.
    let start = body.get(..GLIMPSE * 4 + 4).unwrap_or(body);
    match excerpt(&String::from_utf8_lossy(start), GLIMPSE) {
        nothing if nothing.is_empty() => "(an empty body)".to_owned(),
        shown => shown,
    }
}

/// An error with everything below it: reqwest keeps the part that matters ("connection refused") at the bottom.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        let more = cause.to_string();
        // Some layers repeat what is below them.
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        below = cause.source();
    }
    excerpt(&words, WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt("  a\nb\x1b[31mc ", 10), "a b [31mc");
        assert_eq!(excerpt("äöüß", 2), "äö…");
    }

    #[test]
    fn a_glimpse_survives_bytes_that_are_no_text() {
        assert_eq!(glimpse(&[0xff, b'a']), "\u{fffd}a");
        assert_eq!(glimpse(b" "), "(an empty body)");
        assert_eq!(glimpse(&[b'x'; 1000]).chars().count(), GLIMPSE + 1);
    }
}
