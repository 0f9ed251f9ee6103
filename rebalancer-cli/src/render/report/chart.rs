//! Charts as SVG. Colors are names of the page's style, so that one drawing is light and dark: plotters draws with colors that
//! stand for them, which are replaced in its text.

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::prelude::*;

use super::{Course, Shows};

/// Colors that nothing else has, and the style's names for them.
const INK: RGBColor = RGBColor(1, 0, 0);
const LINE: RGBColor = RGBColor(2, 0, 0);
const MARK: RGBColor = RGBColor(3, 0, 0);
const SERIES: [RGBColor; 2] = [RGBColor(4, 0, 0), RGBColor(5, 0, 0)];
const HEAT: [RGBColor; 6] = [
    RGBColor(16, 0, 0),
    RGBColor(17, 0, 0),
    RGBColor(18, 0, 0),
    RGBColor(19, 0, 0),
    RGBColor(20, 0, 0),
    RGBColor(21, 0, 0),
];
const NAMES: [(RGBColor, &str); 11] = [
    (INK, "ink"),
    (LINE, "line"),
    (MARK, "mark"),
    (SERIES[0], "was"),
    (SERIES[1], "would"),
    (HEAT[0], "h0"),
    (HEAT[1], "h1"),
    (HEAT[2], "h2"),
    (HEAT[3], "h3"),
    (HEAT[4], "h4"),
    (HEAT[5], "h5"),
];

/// Upper ends of the classes of a heat map, as shares of the mean; the last one has none.
pub(super) const CLASSES: [f64; 5] = [0.5, 0.8, 1.2, 1.5, 2.0];

/// For whom a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// A screen, or paper.
    Wide,
    /// A phone.
    Narrow,
}

impl Width {
    const fn pixels(self) -> u32 {
        match self {
            Self::Wide => 820,
            Self::Narrow => 360,
        }
    }

    /// So many columns are drawn; more are put together.
    const fn columns(self) -> usize {
        match self {
            Self::Wide => 180,
            Self::Narrow => 48,
        }
    }

    const fn labels(self) -> usize {
        match self {
            Self::Wide => 5,
            Self::Narrow => 2,
        }
    }

    const fn margin(self) -> u32 {
        match self {
            Self::Wide => 170,
            Self::Narrow => 92,
        }
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// So many rows are drawn of a heat map.
pub(super) const MOST_ROWS: usize = 60;
const ROW: u32 = 16;
const AXIS: u32 = 30;
const FONT: u32 = 13;

/// Draws a course.
///
/// # Errors
/// When the drawing library refuses; it has no reason to.
pub(super) fn svg(course: &Course, width: Width) -> anyhow::Result<String> {
    let height = match &course.shows {
        Shows::Lines { .. } => 260,
        Shows::Heat { rows } => u32::try_from(rows.len().min(MOST_ROWS))? * ROW + AXIS + 10,
    };
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (width.pixels(), height)).into_drawing_area();
        match &course.shows {
            Shows::Lines { lines, marks } => draw_lines(&area, course, lines, marks, width)?,
            Shows::Heat { rows } => draw_heat(&area, course, rows, width)?,
        }
        area.present().map_err(refused)?;
    }
    Ok(styled(&svg, course, width))
}

/// A line without axes, for a line of text: its title is what it tells to those who can't see it.
///
/// # Errors
/// When the drawing library refuses; it has no reason to.
pub(crate) fn spark(title: &str, values: &[Option<f64>]) -> anyhow::Result<String> {
    const SIZE: (u32, u32) = (220, 44);
    let top = values.iter().flatten().copied().fold(0.0, f64::max) * 1.1;
    let (end, top) = (values.len().max(2) as f64 - 1.0, if top > 0.0 { top } else { 1.0 });
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart =
            ChartBuilder::on(&area).margin(3).build_cartesian_2d(0.0..end, 0.0..top).map_err(refused)?;
        let base = PathElement::new(vec![(0.0, 0.0), (end, 0.0)], LINE.stroke_width(1));
        chart.draw_series([base]).map_err(refused)?;
        for part in known(values) {
            let alone = part.first().filter(|_| part.len() == 1).copied();
            chart.draw_series(LineSeries::new(part, SERIES[1].stroke_width(2))).map_err(refused)?;
            let dot = alone.map(|at| Circle::new(at, 2, SERIES[1].filled()));
            chart.draw_series(dot).map_err(refused)?;
        }
        area.present().map_err(refused)?;
    }
    Ok(named(&svg, "spark", title))
}

/// The library's error, which borrows and is not `Sync`, as text.
fn refused(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the chart can't be drawn: {error}")
}

/// With the style's names, a width that follows the page's, and a title for those who can't see it.
fn styled(svg: &str, course: &Course, width: Width) -> String {
    let class = match width {
        Width::Wide => "wide",
        Width::Narrow => "narrow",
    };
    named(svg, class, &course.title)
}

fn named(svg: &str, class: &str, title: &str) -> String {
    let mut svg = svg.to_owned();
    for (RGBColor(red, green, blue), name) in NAMES {
        svg = svg.replace(&format!("\"#{red:02X}{green:02X}{blue:02X}\""), &format!("\"var(--{name})\""));
    }
    let label = super::page::escaped(title);
    svg.replacen("<svg ", &format!("<svg class=\"{class}\" role=\"img\" aria-label=\"{label}\" "), 1)
}

fn draw_lines(
    area: &Area<'_>,
    course: &Course,
    lines: &[(String, Vec<Option<f64>>)],
    marks: &[usize],
    width: Width,
) -> anyhow::Result<()> {
    let top =
        lines.iter().flat_map(|(_, values)| values.iter().flatten()).copied().fold(0.0, f64::max) * 1.15;
    let (end, top) = (course.times.len().max(2) as f64 - 1.0, if top > 0.0 { top } else { 1.0 });
    let mut chart = ChartBuilder::on(area)
        .margin_right(44)
        .margin_top(8)
        .x_label_area_size(AXIS)
        .y_label_area_size(48)
        .build_cartesian_2d(0.0..end, 0.0..top)
        .map_err(refused)?;
    let label = |place: &f64| label(course, *place);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(LINE)
        .axis_style(LINE)
        .label_style(("sans-serif", FONT).into_font().color(&INK))
        .x_label_formatter(&label)
        .y_label_formatter(&|value| format!("{value:.2}"))
        .x_labels(width.labels())
        .y_labels(5)
        .draw()
        .map_err(refused)?;
    let mark =
        |at: &usize| PathElement::new(vec![(*at as f64, 0.0), (*at as f64, top)], MARK.stroke_width(1));
    chart.draw_series(marks.iter().map(mark)).map_err(refused)?;
    for ((_, values), color) in lines.iter().zip(SERIES.iter().cycle()) {
        for part in known(values) {
            chart.draw_series(LineSeries::new(part, color.stroke_width(2))).map_err(refused)?;
        }
    }
    Ok(())
}

/// Nothing between two columns.
fn label(course: &Course, place: f64) -> String {
    let at = (0_u32..).zip(&course.times).find(|(index, _)| (f64::from(*index) - place).abs() < 1e-6);
    at.map_or_else(String::new, |(_, time)| time.clone())
}

/// Runs of values that are known, each with its column.
fn known(values: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
    let counted: Vec<(f64, Option<f64>)> = (0_u32..).map(f64::from).zip(values.iter().copied()).collect();
    let runs = counted.chunk_by(|a, b| a.1.is_some() == b.1.is_some());
    let points = |run: &[(f64, Option<f64>)]| -> Vec<(f64, f64)> {
        run.iter().filter_map(|(at, value)| Some((*at, (*value)?))).collect()
    };
    runs.map(points).filter(|run| !run.is_empty()).collect()
}

fn draw_heat(
    area: &Area<'_>,
    course: &Course,
    rows: &[(String, Vec<Option<f64>>)],
    width: Width,
) -> anyhow::Result<()> {
    let (sum, count) = rows
        .iter()
        .flat_map(|(_, values)| values.iter().flatten())
        .fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    let mean = if sum > 0.0 { sum / count } else { 1.0 };
    let total = course.times.len().max(1);
    let columns = total.min(width.columns());
    let (left, right) = (i32::try_from(width.margin())?, i32::try_from(width.pixels())? - 14);
    let x = |column: usize| {
        left + (right - left) * i32::try_from(column).unwrap_or(0) / i32::try_from(columns).unwrap_or(1)
    };
    let style = ("sans-serif", FONT - 1).into_font().color(&INK);
    for (place, (name, values)) in (0_i32..).zip(rows.iter().take(MOST_ROWS)) {
        let y = 6 + place * i32::try_from(ROW)?;
        area.draw(&Text::new(shortened(name, width), (0, y + 2), style.clone())).map_err(refused)?;
        let class = |column: usize| {
            let of = column * total / columns..((column + 1) * total / columns);
            let value = together(values.get(of).unwrap_or_default())?;
            Some(CLASSES.iter().position(|end| value / mean < *end).unwrap_or(CLASSES.len()))
        };
        let cells: Vec<(usize, Option<usize>)> = (0..columns).map(|column| (column, class(column))).collect();
        // Cells of one color are one rectangle: a day of a quiet fleet is small.
        for run in cells.chunk_by(|a, b| a.1 == b.1) {
            let (Some((first, Some(class))), Some((last, _))) = (run.first(), run.last()) else { continue };
            let color = HEAT.get(*class).copied().unwrap_or(INK);
            let cell = [(x(*first), y), (x(*last + 1), y + i32::try_from(ROW)? - 2)];
            area.draw(&Rectangle::new(cell, color.filled())).map_err(refused)?;
        }
    }
    let bottom = 12 + i32::try_from(rows.len().min(MOST_ROWS))? * i32::try_from(ROW)?;
    let last = course.times.len().saturating_sub(1);
    let ends = [(left, course.times.first()), (right - 90, course.times.get(last))];
    for (at, time) in ends.into_iter().filter_map(|(at, time)| Some((at, time?))) {
        area.draw(&Text::new(time.clone(), (at, bottom), style.clone())).map_err(refused)?;
    }
    Ok(())
}

/// The mean of what is known.
fn together(values: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// The end of a long name tells pods apart.
fn shortened(name: &str, width: Width) -> String {
    let most = match width {
        Width::Wide => 24,
        Width::Narrow => 12,
    };
    // XML has no control characters, and the library writes what it is given.
    let name: Vec<char> =
        name.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect();
    match name.len().checked_sub(most) {
        Some(over) if over > 0 => format!("…{}", name.iter().skip(over + 1).collect::<String>()),
        Some(_) | None => name.iter().collect(),
    }
}
