//! Brackets and quotes, which PromQL and MetricsQL share.

use std::ops::Range;

use super::SyntaxError;
use crate::template::Lexer;

/// Words before a bracket that holds labels, not expressions.
const LABEL_LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Every bracket and quote has its partner.
pub(super) fn balanced(text: &str) -> Result<(), SyntaxError> {
    let problem =
        |at, problem: &str| Err(SyntaxError::new(text, at, text.get(at..).unwrap_or_default(), problem));
    let mut lexer = Lexer::default();
    let mut quote = 0;
    let mut open = Vec::new();
    for (at, c) in text.char_indices() {
        let outside = lexer.in_code();
        lexer.step(c);
        if !lexer.in_text() {
            quote = at + c.len_utf8();
        }
        if !(outside && lexer.in_code()) {
            continue;
        }
        match (c, partner(c)) {
            ('(' | '[' | '{', _) => open.push((at, c)),
            (_, None) => {}
            (_, Some(partner)) => match open.pop() {
                Some((_, opened)) if opened == partner => {}
                Some((_, opened)) => return problem(at, &format!("'{c}' where '{opened}' is still open")),
                None => return problem(at, &format!("'{c}' without '{partner}' before it")),
            },
        }
    }
    match open.pop() {
        _ if lexer.in_text() => problem(quote, "the quote is not closed"),
        Some((at, opened)) => problem(at, &format!("'{opened}' is not closed")),
        None => Ok(()),
    }
}

/// What opens what this closes.
fn partner(c: char) -> Option<char> {
    match c {
        ')' => Some('('),
        ']' => Some('['),
        '}' => Some('{'),
        _ => None,
    }
}

/// The expressions between the outermost round brackets, in bytes. The text is balanced.
pub(super) fn arguments(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    // Where the expression began that is being read.
    let mut start = None;
    let mut lexer = Lexer::default();
    for (at, c) in text.char_indices() {
        let outside = lexer.in_code();
        lexer.step(c);
        if !(outside && lexer.in_code()) {
            continue;
        }
        match c {
            '(' | '[' | '{' => {
                if depth == 0 && c == '(' && !names_labels(text.get(..at).unwrap_or_default()) {
                    start = Some(at + 1);
                }
                depth += 1;
            }
            ',' if depth == 1 => {
                found.extend(start.replace(at + 1).map(|start| start..at));
            }
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    found.extend(start.take().map(|start| start..at));
                }
            }
            _ => {}
        }
    }
    found
}

fn names_labels(before: &str) -> bool {
    let before = before.trim_end();
    let word = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    LABEL_LISTS.iter().any(|list| list.eq_ignore_ascii_case(word))
}
