//! Letters of texts that others wrote, before they are shown.

/// Control characters, and those that turn the direction of a text or have no width.
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
