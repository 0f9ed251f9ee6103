//! Text from elsewhere, made fit for a log line or a terminal.

/// How much of it is shown, in characters.
const LONGEST: usize = 600;

/// The beginning of a text in one line. Control characters could forge log lines or drive a terminal.
pub(crate) fn excerpt(text: &str) -> String {
    let text = text.trim();
    let mut shown: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt(" a\nb\u{1b}[31mc "), "a b [31mc");
        assert_eq!(excerpt(&"ä".repeat(601)), format!("{}…", "ä".repeat(600)));
    }
}
