//! A notice as Slack's incoming webhooks take it: blocks, and a text for where blocks can't be shown.

use rebalancer_core::history::Notice;
use serde_json::json;

use super::words::{Message, message};
use super::{Body, Told};

/// Characters of a header's text, and of a section's: Slack refuses a message with a longer one.
const LONGEST_HEADER: usize = 150;
const LONGEST_SECTION: usize = 3_000;

pub(super) fn body(told: Told<'_>, notice: &Notice) -> Body {
    let Message { title, text, .. } = message(told, notice);
    let context = format!("cycle {} · {:.0}", told.cycle, told.at);
    let message = json!({
        "text": cut(&escaped(&title), LONGEST_SECTION),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": cut(&title, LONGEST_HEADER), "emoji": false}},
            {"type": "section", "text": {"type": "mrkdwn", "text": cut(&escaped(&text), LONGEST_SECTION), "verbatim": true}},
            {"type": "context", "elements": [{"type": "plain_text", "text": context, "emoji": false}]},
        ],
    });
    Body { content_type: "application/json; charset=utf-8", text: message.to_string() }
}

/// The three characters that mean something to Slack. Else a message could mention everybody.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// At most so many characters; what is cut off ends with a mark, and no escape is cut in two.
fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(longest - 1).collect();
    if let Some(open) = kept.rfind('&')
        && !kept.split_at(open).1.contains(';')
    {
        kept.truncate(open);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_is_cut_and_no_escape_in_two() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut(&escaped("ab<c"), 5), "ab…");
        assert_eq!(cut(&"ä".repeat(200), LONGEST_HEADER).chars().count(), LONGEST_HEADER);
    }

    #[test]
    fn nobody_is_mentioned_by_what_a_server_said() {
        assert_eq!(escaped("<!channel> & <@U1>"), "&lt;!channel&gt; &amp; &lt;@U1&gt;");
    }
}
