//! Rows of figures in columns, never wider than the screen. A figure is never cut and never broken: where there is less
//! room, the words of the head stand below each other, then what a row is about goes on in the next line or stands above
//! its figures, and at last each figure has its name beside it.

use textwrap::core::display_width;

use super::screen::{Sheet, Tone, lines};

/// Between two columns.
const GAP: usize = 2;
/// What a row is about is not broken into less.
const LEAST: usize = 24;
/// What belongs to a row stands so far from the edge.
const INDENT: usize = 4;

/// Which end of a column its figures stand at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// The rows, and what stands above them.
#[derive(Debug)]
pub(super) struct Columns<const N: usize> {
    subject: &'static str,
    head: [(&'static str, Side); N],
    rows: Vec<Row<N>>,
}

#[derive(Debug)]
enum Row<const N: usize> {
    Heading(String),
    Figures { subject: String, figures: [String; N], note: String },
}

impl<const N: usize> Columns<N> {
    /// What the rows are about, and the name of each figure.
    pub(super) const fn new(subject: &'static str, head: [(&'static str, Side); N]) -> Self {
        Self { subject, head, rows: Vec::new() }
    }

    /// What the next rows have in common.
    pub(super) fn heading(&mut self, heading: String) {
        self.rows.push(Row::Heading(heading));
    }

    pub(super) fn row(&mut self, subject: String, figures: [String; N]) {
        self.noted(subject, figures, String::new());
    }

    /// A row, and below it what else there is to say of it.
    pub(super) fn noted(&mut self, subject: String, figures: [String; N], note: String) {
        self.rows.push(Row::Figures { subject, figures, note });
    }

    pub(super) fn draw(&self, sheet: &mut Sheet) {
        let layout = self.layout(sheet);
        layout.head(sheet, self);
        for row in &self.rows {
            match row {
                Row::Heading(heading) => sheet.paragraph(Tone::Strong, heading),
                Row::Figures { subject, figures, note } => {
                    layout.row(sheet, &self.head, subject, figures);
                    if !note.is_empty() {
                        sheet.labelled((Tone::Plain, "", INDENT), note);
                    }
                }
            }
        }
    }

    /// The first that fits.
    fn layout(&self, sheet: &Sheet) -> Layout<N> {
        let (mut figures, mut subject) = ([0; N], display_width(self.subject));
        for row in &self.rows {
            let Row::Figures { subject: about, figures: row, .. } = row else { continue };
            subject = subject.max(display_width(&sheet.letters(about)));
            for (widest, figure) in figures.iter_mut().zip(row) {
                *widest = (*widest).max(display_width(&sheet.letters(figure)));
            }
        }
        let under = |of: fn(&str) -> usize| {
            let mut columns = figures;
            for (column, (name, _)) in columns.iter_mut().zip(&self.head) {
                *column = (*column).max(of(name));
            }
            columns
        };
        let whole = under(display_width);
        let broken = under(|name| name.split(' ').map(display_width).max().unwrap_or(0));
        let width = sheet.screen().width;
        let room = |columns: &[usize; N]| width.checked_sub(columns.iter().map(|column| column + GAP).sum());
        for columns in [whole, broken] {
            if room(&columns).is_some_and(|room| room >= subject) {
                return Layout::Beside { subject, columns };
            }
        }
        match room(&broken) {
            Some(room) if room >= LEAST => Layout::Beside { subject: room, columns: broken },
            Some(_) => Layout::Below { columns: broken },
            None => Layout::Named,
        }
    }
}

/// Where figures stand.
#[derive(Debug, PartialEq, Eq)]
enum Layout<const N: usize> {
    /// In the line of what they are about, which has so many columns.
    Beside { subject: usize, columns: [usize; N] },
    /// In the next line.
    Below { columns: [usize; N] },
    /// In a text, each after its name.
    Named,
}

impl<const N: usize> Layout<N> {
    fn head(&self, sheet: &mut Sheet, of: &Columns<N>) {
        let (subject, columns) = match self {
            Self::Beside { subject, columns } => (*subject, columns),
            Self::Below { columns } => (0, columns),
            Self::Named => return,
        };
        if subject == 0 && !of.subject.is_empty() {
            sheet.line(&[(Tone::Faint, of.subject)]);
        }
        let about = if subject == 0 { "" } else { of.subject };
        let mut names: Vec<Vec<String>> =
            of.head.iter().zip(columns).map(|((name, _), column)| lines(name, *column, "")).collect();
        let height = names.iter().map(Vec::len).max().unwrap_or(1).max(1);
        // They stand on the figures.
        for name in &mut names {
            name.splice(0..0, std::iter::repeat_n(String::new(), height - name.len()));
        }
        for line in 0..height {
            let about = if line + 1 == height { about } else { "" };
            let mut text = padded(about, subject, Side::Left);
            for ((name, (_, side)), column) in names.iter().zip(&of.head).zip(columns) {
                let name = name.get(line).map_or("", String::as_str);
                text.push_str(&format!("{:GAP$}{}", "", padded(name, *column, *side)));
            }
            sheet.line(&[(Tone::Faint, text.trim_end())]);
        }
    }

    fn row(&self, sheet: &mut Sheet, head: &[(&'static str, Side); N], subject: &str, figures: &[String; N]) {
        let (about, columns) = match self {
            Self::Beside { subject, columns } => (*subject, columns),
            Self::Below { columns } => {
                sheet.paragraph(Tone::Plain, subject);
                (0, columns)
            }
            Self::Named => {
                sheet.paragraph(Tone::Plain, subject);
                let known = head.iter().zip(figures).filter(|(_, figure)| !figure.is_empty());
                let named: Vec<String> =
                    known.map(|((name, _), figure)| format!("{name} {figure}")).collect();
                return sheet.labelled((Tone::Plain, "", INDENT), &named.join("; "));
            }
        };
        let subject =
            if about == 0 { vec![String::new()] } else { lines(&sheet.letters(subject), about, "  ") };
        for (number, part) in subject.iter().enumerate() {
            let mut text = padded(part, about, Side::Left);
            if number == 0 {
                for ((figure, (_, side)), column) in figures.iter().zip(head).zip(columns) {
                    let figure = padded(&sheet.letters(figure), *column, *side);
                    text.push_str(&format!("{:GAP$}{figure}", ""));
                }
            }
            sheet.line(&[(Tone::Plain, text.trim_end())]);
        }
    }
}

/// The text with spaces at its other side.
fn padded(text: &str, columns: usize, side: Side) -> String {
    let spaces = " ".repeat(columns.saturating_sub(display_width(text)));
    match side {
        Side::Left => format!("{text}{spaces}"),
        Side::Right => format!("{spaces}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::screen::Screen;

    fn drawn(width: usize) -> String {
        let mut columns =
            Columns::new("LEVER", [("CV", Side::Right), ("RANGE", Side::Left), ("PODS ABOVE", Side::Right)]);
        columns.heading("assignors".to_owned());
        let row = |range: &str| ["0.216".to_owned(), range.to_owned(), "12.0".to_owned()];
        columns.noted(
            "twice the partitions of the topic".to_owned(),
            row("0.137 to 0.588 [1]"),
            "a rebalance".to_owned(),
        );
        columns.row("5 pods".to_owned(), row(""));
        let mut sheet = Sheet::new(Screen { width, unicode: true });
        columns.draw(&mut sheet);
        sheet.plain().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn with_room_for_all_each_row_is_a_line() {
        let expected = "\
LEVER                                 CV  RANGE               PODS ABOVE
assignors
twice the partitions of the topic  0.216  0.137 to 0.588 [1]        12.0
    a rebalance
5 pods                             0.216                            12.0";
        assert_eq!(drawn(80), expected);
    }

    #[test]
    fn with_less_room_names_stand_below_each_other_and_what_a_row_is_about_goes_on_below() {
        let expected = [
            "                                                      PODS",
            "LEVER                        CV  RANGE               ABOVE",
            "assignors",
            "twice the partitions of   0.216  0.137 to 0.588 [1]   12.0",
            "  the topic",
            "    a rebalance",
            "5 pods                    0.216                       12.0",
        ];
        assert_eq!(drawn(58).lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn then_figures_stand_below_what_they_are_about_and_at_last_beside_their_names() {
        let below = "\
LEVER
                              PODS
     CV  RANGE               ABOVE
assignors
twice the partitions of the topic
  0.216  0.137 to 0.588 [1]   12.0
    a rebalance
5 pods
  0.216                       12.0";
        assert_eq!(drawn(36), below);
        let named = "\
assignors
twice the partitions of the
topic
    CV 0.216; RANGE 0.137 to
    0.588 [1]; PODS ABOVE 12.0
    a rebalance
5 pods
    CV 0.216; PODS ABOVE 12.0";
        assert_eq!(drawn(32), named);
    }
}
