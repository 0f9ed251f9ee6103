//! Filling placeholders into a user-defined query, and the escaping that it needs.
//!
//! Braces come in pairs, `{{namespace}}`, because single ones are PromQL's. What a value must look like depends on
//! where it lands, so the filler follows quotes and comments the way PromQL's lexer does.

use crate::query::{Placeholders, PromQl, QueryError};
use crate::text::excerpt;

/// Fills `{{namespace}}`, `{{container}}`, `{{workload}}` and `{{window}}` into a query.
///
/// Names must stand between quotes; they are escaped for them, and for a regular expression after `=~` and `!~`. The
/// query must give a vector labeled `pod` (for partition loads `topic`, `partition` and `pod`), each pod once.
///
/// # Errors
/// When the template is empty, or has an unknown, unclosed or unquoted placeholder. The query itself is not parsed: see
/// [`check`](crate::query::check).
///
/// ```
/// use rebalancer_prom::query::{Matchers, Placeholders, Window, fill};
///
/// # fn main() -> Result<(), rebalancer_prom::query::QueryError> {
/// let names = Placeholders {
///     namespace: "shop".into(),
///     container: "worker".into(),
///     workload: "orders.eu".into(),
///     window: Window::new(std::time::Duration::from_secs(300))?,
///     matchers: Matchers::default(),
/// };
/// let query = fill(r#"sum by (pod) (rate(read_total{pod=~"{{workload}}-.*"}[{{window}}]))"#, &names)?;
/// assert_eq!(query.as_str(), r#"sum by (pod) (rate(read_total{pod=~"orders\\.eu-.*"}[5m]))"#);
/// # Ok(())
/// # }
/// ```
pub fn fill(template: &str, names: &Placeholders) -> Result<PromQl, QueryError> {
    if template.trim().is_empty() {
        return Err(QueryError::Empty);
    }
    let mut filled = String::with_capacity(template.len());
    let mut lexer = Lexer::default();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        lexer.read(before);
        let (name, tail) =
            after.split_once("}}").ok_or_else(|| QueryError::Unclosed { near: excerpt(after, 20) })?;
        filled.push_str(before);
        filled.push_str(&value(name.trim(), names, lexer.context)?);
        rest = tail;
    }
    filled.push_str(rest);
    Ok(PromQl::new(filled))
}

fn value(placeholder: &str, names: &Placeholders, context: Context) -> Result<String, QueryError> {
    let name = match placeholder {
        "namespace" => &names.namespace,
        "container" => &names.container,
        "workload" => &names.workload,
        "window" => return Ok(names.window.to_string()),
        other => return Err(QueryError::Unknown { placeholder: excerpt(other, 40) }),
    };
    escape(name, context).ok_or_else(|| QueryError::Unquoted { placeholder: placeholder.to_owned() })
}

/// The value as it must be written there; `None` where no way of writing it is safe.
fn escape(name: &str, context: Context) -> Option<String> {
    let (quote, pattern) = match context {
        Context::Code => return None,
        Context::Comment => ('"', false),
        Context::Text { quote, pattern } => (quote, pattern),
    };
    let plain = if pattern { escape_regex(name) } else { name.to_owned() };
    match quote {
        // Raw strings know no escapes.
        '`' => (!plain.contains('`')).then_some(plain),
        _ => Some(escape_text(&plain, quote)),
    }
}

/// The text as a PromQL string with its quotes.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", escape_text(text, '"'))
}

fn escape_text(text: &str, quote: char) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            c if c == quote || c == '\\' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The text as a regular expression (RE2) that matches just this text.
pub(crate) fn escape_regex(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Where in a query a placeholder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Context {
    #[default]
    Code,
    Comment,
    /// Between quotes; a pattern after `=~` and `!~`.
    Text {
        quote: char,
        pattern: bool,
    },
}

/// Follows quotes and comments.
#[derive(Debug, Default)]
pub(crate) struct Lexer {
    context: Context,
    /// The next character follows a backslash in a text.
    escaped: bool,
    /// The last character of code that is no white space.
    last: Option<char>,
}

impl Lexer {
    fn read(&mut self, text: &str) {
        for c in text.chars() {
            self.step(c);
        }
    }

    /// What was read last is neither text nor comment.
    pub(crate) fn in_code(&self) -> bool {
        self.context == Context::Code
    }

    /// A quote is open.
    pub(crate) fn in_text(&self) -> bool {
        matches!(self.context, Context::Text { .. })
    }

    pub(crate) fn step(&mut self, c: char) {
        match self.context {
            Context::Code => self.code(c),
            Context::Comment if c == '\n' => self.context = Context::Code,
            Context::Comment => {}
            Context::Text { quote, .. } => self.text(c, quote),
        }
    }

    fn code(&mut self, c: char) {
        match c {
            '#' => self.context = Context::Comment,
            // Only `=~` and `!~` have a tilde.
            '"' | '\'' | '`' => {
                self.context = Context::Text { quote: c, pattern: self.last == Some('~') };
            }
            c if c.is_whitespace() => {}
            c => self.last = Some(c),
        }
    }

    fn text(&mut self, c: char, quote: char) {
        if self.escaped {
            self.escaped = false;
        } else if c == '\\' && quote != '`' {
            self.escaped = true;
        } else if c == quote {
            self.context = Context::Code;
            self.last = Some(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::query::{Matchers, Window};

    fn names(namespace: &str) -> Placeholders {
        Placeholders {
            namespace: namespace.into(),
            container: "worker".into(),
            workload: "orders.eu".into(),
            window: Window::new(Duration::from_secs(60)).unwrap(),
            matchers: Matchers::default(),
        }
    }

    fn filled(template: &str, namespace: &str) -> Result<String, QueryError> {
        fill(template, &names(namespace)).map(|query| query.to_string())
    }

    fn unquoted(placeholder: &str) -> Result<String, QueryError> {
        Err(QueryError::Unquoted { placeholder: placeholder.into() })
    }

    #[test]
    fn a_value_is_escaped_for_the_place_where_it_lands() {
        for (template, namespace, expected) in [
            (r#"a{n="{{namespace}}"}[{{window}}]"#, "shop", r#"a{n="shop"}[1m]"#),
            (r#"a{n="{{ namespace }}"}"#, "a\"b\\c\nd'e", r#"a{n="a\"b\\c\nd'e"}"#),
            (r"a{n='{{namespace}}'}", "a'b\"c", r#"a{n='a\'b"c'}"#),
            (r#"a{n=~"{{namespace}}-.*"}"#, "a.b", r#"a{n=~"a\\.b-.*"}"#),
            (r#"a{n !~ "x{{namespace}}"}"#, "a|b", r#"a{n !~ "xa\\|b"}"#),
            (r"a{n=~`{{namespace}}-\d`}", "a.b", r"a{n=~`a\.b-\d`}"),
            (r#"a{m=~"x", n="{{namespace}}"}"#, "a.b", r#"a{m=~"x", n="a.b"}"#),
            (r#"a{m="\"", n="{{namespace}}"}"#, "b", r#"a{m="\"", n="b"}"#),
            ("# it's {{namespace}}\na{n=\"{{namespace}}\"}", "b\n", "# it's b\\n\na{n=\"b\\n\"}"),
            ("up", "b", "up"),
        ] {
            assert_eq!(filled(template, namespace).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn a_value_never_lands_where_it_would_be_read_as_promql() {
        assert_eq!(filled("a{n={{namespace}}}", "b"), unquoted("namespace"));
        assert_eq!(filled(r#"a{n="\\"} + {{workload}}"#, "b"), unquoted("workload"));
        assert_eq!(filled("a{n=`{{namespace}}`}", "b`"), unquoted("namespace"));
    }

    #[test]
    fn mistakes_are_named() {
        let message = |template| filled(template, "b").unwrap_err().to_string();
        assert_eq!(message(" "), "the query is empty");
        assert_eq!(
            message("a{n=\"{{deployment}}\"}"),
            "{{deployment}} is no placeholder; there are {{namespace}}, {{container}}, {{workload}} and {{window}}"
        );
        assert_eq!(message("a{n=\"{{namespace\"}"), "'{{' without '}}' near 'namespace\"}'");
        assert_eq!(
            message("a{n={{namespace}}}"),
            "{{namespace}} must stand between double quotes, as in \"{{namespace}}\""
        );
    }

    proptest! {
        #[test]
        fn what_is_quoted_stays_within_its_quotes(text in any::<String>()) {
            let mut lexer = Lexer::default();
            let whole = quoted(&text);
            lexer.read(&whole[..whole.len() - 1]);
            prop_assert_eq!(lexer.context, Context::Text { quote: '"', pattern: false });
            lexer.read("\"");
            prop_assert_eq!(lexer.context, Context::Code);
            prop_assert!(!whole.contains('\n'));
        }
    }
}
