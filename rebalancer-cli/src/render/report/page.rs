//! The page: HTML with its style, and nothing that is loaded or run. Its parts are also those of what `rebalancer serve` shows.

use std::fmt::Write as _;

use super::chart::{CLASSES, MOST_ROWS, Width, svg};
use super::{Course, Report, Shows, Table};

pub(crate) const STYLE: &str = include_str!("style.css");

/// The whole file. Of several reports each one begins anew, and on paper on a page of its own.
///
/// # Errors
/// When a chart can't be drawn.
pub(super) fn html(reports: &[Report]) -> anyhow::Result<String> {
    let mut out = String::new();
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        escaped(&title(reports))
    )?;
    for report in reports {
        writeln!(out, "<article>\n{}</article>", content(report)?)?;
    }
    writeln!(out, "<p class=\"quiet\">rebalancer {}</p>", escaped(&crate::args::version()))?;
    out.push_str("</main>\n</body>\n</html>\n");
    Ok(out)
}

fn title(reports: &[Report]) -> String {
    match reports {
        [] => String::new(),
        [only] => only.title.clone(),
        [first, rest @ ..] => format!("{} and {} more", first.title, rest.len()),
    }
}

/// What stands in the page, from its heading on.
///
/// # Errors
/// When a chart can't be drawn.
pub(crate) fn content(report: &Report) -> anyhow::Result<String> {
    let mut out = String::new();
    writeln!(
        out,
        "<h1>{}</h1>\n<p class=\"quiet\">{}</p>",
        escaped(&report.title),
        escaped(&report.subtitle)
    )?;
    for sentence in &report.summary {
        writeln!(out, "<p class=\"summary\">{}</p>", escaped(sentence))?;
    }
    glance(&mut out, &report.glance)?;
    for course in &report.courses {
        section(&mut out, course)?;
    }
    for table in &report.tables {
        tabled(&mut out, table)?;
    }
    writeln!(out, "<section>\n<h2>Where the numbers come from</h2>\n<ul>")?;
    for source in &report.sources {
        writeln!(out, "<li>{}</li>", escaped(source))?;
    }
    writeln!(out, "</ul>\n</section>")?;
    Ok(out)
}

/// Text that is nothing but text: names come from clusters and from files of others.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            char if char.is_control() && char != '\n' => out.push('\u{fffd}'),
            char => out.push(char),
        }
    }
    out
}

/// Figures, each with what it is.
pub(crate) fn glance(out: &mut String, figures: &[(String, String)]) -> std::fmt::Result {
    if figures.is_empty() {
        return Ok(());
    }
    writeln!(out, "<dl class=\"glance\">")?;
    for (figure, what) in figures {
        writeln!(out, "<div><dd>{}</dd><dt>{}</dt></div>", escaped(figure), escaped(what))?;
    }
    writeln!(out, "</dl>")
}

/// Each chart is drawn twice: for screens and paper, and for phones. The page shows one of them.
fn section(out: &mut String, course: &Course) -> anyhow::Result<()> {
    writeln!(out, "<section class=\"chart\">\n<h2>{}</h2>", escaped(&course.title))?;
    writeln!(out, "<p class=\"legend\">{}</p>", legend(&course.shows))?;
    writeln!(out, "{}\n{}\n</section>", svg(course, Width::Wide)?, svg(course, Width::Narrow)?)?;
    Ok(())
}

fn legend(shows: &Shows) -> String {
    let key = |color: &str, text: &str| {
        format!("<span class=\"key\"><i class=\"{color}\"></i>{}</span>", escaped(text))
    };
    match shows {
        Shows::Lines { lines, marks } => {
            let colors = ["was", "would"].into_iter().cycle();
            let mut keys: Vec<String> =
                lines.iter().zip(colors).map(|((name, _), color)| key(color, name)).collect();
            if !marks.is_empty() {
                keys.push(key("mark", "a rotation"));
            }
            keys.join(" ")
        }
        Shows::Heat { rows } => {
            let mut keys = vec![key("h0", &format!("below {} of the mean", CLASSES.first().unwrap_or(&0.0)))];
            for ((place, from), to) in (1..).zip(CLASSES).zip(CLASSES.iter().skip(1)) {
                keys.push(key(&format!("h{place}"), &format!("{from} to {to}")));
            }
            keys.push(key("h5", &format!("{} or more", CLASSES.last().unwrap_or(&0.0))));
            let more = rows.len().saturating_sub(MOST_ROWS);
            if more > 0 {
                keys.push(format!("<span class=\"key\">{more} more pods are not drawn</span>"));
            }
            keys.join(" ")
        }
    }
}

fn tabled(out: &mut String, table: &Table) -> std::fmt::Result {
    let caption = escaped(&table.caption);
    writeln!(
        out,
        "<section>\n<h2>{caption}</h2>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table>\n<thead><tr>"
    )?;
    for name in &table.header {
        write!(out, "<th scope=\"col\">{}</th>", escaped(name))?;
    }
    writeln!(out, "</tr></thead>\n<tbody>")?;
    for row in &table.rows {
        let cells: String = row.iter().map(|text| cell(text)).collect();
        writeln!(out, "<tr>{cells}</tr>")?;
    }
    writeln!(out, "</tbody>\n</table></div>\n</section>")
}

/// Words stay whole, or end at a hyphen. One that would be too wide for paper may be broken there.
fn cell(text: &str) -> String {
    let ends = |char: char| char.is_whitespace() || char == '-';
    let long = text.split(ends).any(|word| word.chars().count() > LONGEST);
    format!("<td{}>{}</td>", if long { " class=\"long\"" } else { "" }, escaped(text))
}

const LONGEST: usize = 24;
