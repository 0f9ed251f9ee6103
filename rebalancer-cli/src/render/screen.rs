//! What people see: lines that fit the screen. Colors say nothing that the words don't say, and are taken away where nobody
//! wants them.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

use crate::letters::is_unseen;

/// Where no terminal says how wide it is.
const WIDTH: usize = 80;
/// Narrower, words fall apart; wider, lines are hard to read.
const NARROWEST: usize = 60;
const WIDEST: usize = 120;
/// The columns of a label, with the space behind it.
const LABEL: usize = 11;

/// What can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(super) width: usize,
    /// Blocks and lines can be drawn, and not ASCII alone.
    pub(super) unicode: bool,
}

impl Screen {
    /// That of stdout.
    pub(crate) fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        let told = stdout.is_terminal().then(|| terminal_size::terminal_size_of(&stdout)).flatten();
        let width = told.map_or(WIDTH, |(columns, _)| usize::from(columns.0).clamp(NARROWEST, WIDEST));
        Self { width, unicode: draws(|name| std::env::var_os(name)) }
    }
}

/// The first of these variables that is set is the locale of letters, as in POSIX.
fn draws(environment: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name| environment(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
    let locale = locale.to_string_lossy().to_ascii_lowercase();
    let utf8 = locale.contains("utf-8") || locale.contains("utf8");
    utf8 && set("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// What a text is beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
    /// Above a limit, or an error.
    Hot,
    Cold,
    /// As it should be.
    Good,
    Warning,
    Note,
}

impl Tone {
    const fn style(self) -> Style {
        let color = match self {
            Self::Plain => return Style::new(),
            Self::Strong => return Style::new().bold(),
            Self::Faint => return Style::new().dimmed(),
            Self::Hot => AnsiColor::Red,
            Self::Cold => AnsiColor::Blue,
            Self::Good => AnsiColor::Green,
            Self::Warning => AnsiColor::Yellow,
            Self::Note => AnsiColor::Cyan,
        };
        color.on_default()
    }
}

/// Lines that are written one below the other.
#[derive(Debug)]
pub(crate) struct Sheet {
    screen: Screen,
    text: String,
}

impl Sheet {
    pub(super) const fn new(screen: Screen) -> Self {
        Self { screen, text: String::new() }
    }

    /// All of it, with its colors.
    pub(super) fn text(&self) -> &str {
        self.text.trim_end()
    }

    pub(super) const fn screen(&self) -> Screen {
        self.screen
    }

    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// One line; what does not fit is cut off.
    pub(super) fn line(&mut self, parts: &[(Tone, &str)]) {
        let mut room = self.screen.width;
        for (tone, part) in parts {
            let part = self.letters(part);
            let part = cut(&part, room);
            room -= display_width(&part);
            self.put(*tone, &part);
        }
        self.text.push('\n');
    }

    /// As many lines as the text needs.
    pub(super) fn paragraph(&mut self, tone: Tone, text: &str) {
        self.wrapped((Tone::Plain, "", 0), tone, text);
    }

    /// A text with what it is about before it. Without a label it goes on with what stands above.
    pub(super) fn entry(&mut self, label: &str, text: &str) {
        self.wrapped((Tone::Strong, label, LABEL), Tone::Plain, text);
    }

    /// The same with a tone for the label, and its columns.
    pub(super) fn labelled(&mut self, label: (Tone, &str, usize), text: &str) {
        self.wrapped(label, Tone::Plain, text);
    }

    fn wrapped(&mut self, (accent, label, indent): (Tone, &str, usize), tone: Tone, text: &str) {
        let (label, text) = (cut(&self.letters(label), indent).into_owned(), self.letters(text).into_owned());
        for (number, line) in lines(&text, self.screen.width.saturating_sub(indent), "").iter().enumerate() {
            let label = if number == 0 { label.as_str() } else { "" };
            self.put(accent, label);
            self.text.push_str(&" ".repeat(indent.saturating_sub(display_width(label))));
            self.put(tone, line);
            self.text.push('\n');
        }
    }

    /// A command after its label. What does not fit goes on in the next line as a shell reads it, so that it can be pasted.
    pub(super) fn command(&mut self, label: &str, command: &str) {
        let sign = " \\";
        let room = self.screen.width.saturating_sub(LABEL + sign.len());
        let mut lines: Vec<String> = Vec::new();
        for word in command.split(' ') {
            match lines.last_mut() {
                Some(line) if display_width(line) + 1 + display_width(word) <= room => {
                    line.push(' ');
                    line.push_str(word);
                }
                Some(_) | None => lines.push(word.to_owned()),
            }
        }
        let last = lines.len().saturating_sub(1);
        for (number, line) in lines.iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            self.entry(label, &format!("{line}{}", if number < last { sign } else { "" }));
        }
    }

    fn put(&mut self, tone: Tone, text: &str) {
        if text.is_empty() {
            return;
        }
        let style = tone.style();
        self.text.push_str(&format!("{style}{text}{style:#}"));
    }

    /// The text without what a terminal would obey, and without lines of its own: names come from clusters and from files
    /// of others. In ASCII where nothing else can be shown.
    pub(super) fn letters<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if text.chars().all(|c| !is_unseen(c) && (self.screen.unicode || c.is_ascii())) {
            return text.into();
        }
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\n' | '\t' => shown.push(' '),
                c if is_unseen(c) => shown.push_str(if self.screen.unicode { "\u{fffd}" } else { "?" }),
                c if self.screen.unicode || c.is_ascii() => shown.push(c),
                '±' => shown.push_str("+/-"),
                '…' => shown.push_str("..."),
                _ => shown.push('?'),
            }
        }
        shown.into()
    }
}

/// The text in lines of so many columns; all but the first are indented. Names are never broken at a hyphen, so that they
/// can be searched for and copied.
pub(super) fn lines(text: &str, columns: usize, indent: &str) -> Vec<String> {
    let options = Options::new(columns)
        .subsequent_indent(indent)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

/// Not more than so many columns of it.
fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if display_width(text) <= columns {
        return text.into();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if display_width(&kept) > columns {
            kept.pop();
            break;
        }
    }
    kept.into()
}

/// Not more than so many columns of it, from the end.
fn cut_from_end(text: &str, columns: usize) -> String {
    let mut left = text;
    while display_width(left) > columns {
        let mut rest = left.chars();
        rest.next();
        left = rest.as_str();
    }
    left.to_owned()
}

/// A name in so many columns: what is in its middle is left out, and more of its end is kept, since that tells pods of a
/// workload apart.
pub(super) fn shortened(name: &str, columns: usize, screen: Screen) -> String {
    let gap = if screen.unicode { "…" } else { "..." };
    let room = columns.saturating_sub(display_width(gap));
    if display_width(name) <= columns || room == 0 {
        return name.to_owned();
    }
    format!("{}{gap}{}", cut(name, room / 3), cut_from_end(name, room - room / 3))
}

/// Writes a sheet to stdout, with colors where they are wanted. That the reader has gone away is no error.
///
/// # Errors
/// When stdout can't be written for another reason.
pub(super) fn print(sheet: &Sheet) -> anyhow::Result<()> {
    match writeln!(anstream::stdout().lock(), "{}", sheet.text()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

#[cfg(test)]
impl Sheet {
    /// As it is where nobody wants colors.
    pub(super) fn plain(&self) -> String {
        anstream::adapter::strip_str(self.text()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Screen = Screen { width: 80, unicode: true };
    const ASCII: Screen = Screen { width: 80, unicode: false };

    #[test]
    fn blocks_are_drawn_where_the_locale_has_them_and_the_terminal_is_not_dumb() {
        let with = |set: &[(&str, &str)]| {
            draws(|name| set.iter().find(|(given, _)| *given == name).map(|(_, value)| OsString::from(value)))
        };
        assert!(with(&[("LANG", "en_US.UTF-8")]) && with(&[("LC_ALL", "C.utf8"), ("TERM", "xterm")]));
        assert!(!with(&[]) && !with(&[("LANG", "C")]));
        assert!(!with(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]), "LC_ALL wins");
        assert!(!with(&[("LANG", "en_US.UTF-8"), ("TERM", "dumb")]));
    }

    #[test]
    fn a_name_gives_the_terminal_no_orders_and_makes_no_line_of_its_own() {
        let mut sheet = Sheet::new(WIDE);
        sheet.paragraph(Tone::Plain, "a\u{1b}]0;title\u{7}b\nc");
        sheet.line(&[(Tone::Plain, "\u{1b}[31m"), (Tone::Plain, "±")]);
        assert_eq!(sheet.text(), "a\u{fffd}]0;title\u{fffd}b c\n\u{fffd}[31m±");
    }

    #[test]
    fn ascii_says_the_same_in_other_letters() {
        let mut sheet = Sheet::new(ASCII);
        sheet.entry("now", "0.3 ± 0.1, Zürich\r");
        assert_eq!(sheet.plain(), "now        0.3 +/- 0.1, Z?rich?");
    }

    #[test]
    fn a_long_name_keeps_both_ends_and_mostly_the_last() {
        let name = "ingestion-consumer-7c9d8f6b5-x2x4z";
        assert_eq!(shortened(name, 34, WIDE), name);
        assert_eq!(shortened(name, 24, WIDE), "ingesti…-7c9d8f6b5-x2x4z");
        assert_eq!(shortened(name, 24, ASCII), "ingesti...c9d8f6b5-x2x4z");
    }
}
