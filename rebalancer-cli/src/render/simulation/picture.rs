//! A picture of a course: the load of each pod over time, and how uneven that is.
//!
//! Each pod is one thin line for as long as it lives, level between two cycles. Where pods were removed there is a
//! vertical mark, and the last load of each of them is a dot. The lower part shows the CV on the same time axis.

use std::collections::BTreeMap;

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use rebalancer_core::fleet::Samples;
use rebalancer_core::policy::Strategy;
use rebalancer_core::report::{Decision, Removal};
use rebalancer_core::simulation::Shape;
use rebalancer_core::simulation::course::{Balance, Course, Cycle};
use rebalancer_core::unit::Load;

use super::{rule, spread, strategy_name};

/// Width of the picture and height of one course, in pixels.
const SIZE: (u32, u32) = (1_000, 650);
/// Height of the title of a course, and of its loads; the rest shows the CV.
const TITLE: u32 = 56;
const LOADS: u32 = 390;

/// A pod that was there at the start.
const FIRST: RGBColor = RGBColor(128, 134, 139);
/// A pod that replaced another.
const LATER: RGBColor = RGBColor(0, 131, 112);
const HOT: RGBColor = RGBColor(197, 34, 31);
const COLD: RGBColor = RGBColor(26, 115, 232);
const MARK: RGBColor = RGBColor(232, 164, 0);
const ROLLOUT: RGBColor = RGBColor(84, 110, 122);
const VARIATION: RGBColor = RGBColor(103, 58, 183);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws courses of one fleet, one above the other, as SVG.
///
/// # Errors
/// When the drawing library refuses; it has no reason to.
pub(crate) fn svg(shape: &Shape, courses: &[(Strategy, &Course)]) -> anyhow::Result<String> {
    let mut svg = String::new();
    let height = SIZE.1 * u32::try_from(courses.len()).unwrap_or(1).max(1);
    {
        let root = SVGBackend::with_string(&mut svg, (SIZE.0, height)).into_drawing_area();
        root.fill(&WHITE).map_err(refused)?;
        let scale = Scale::of(courses);
        for (area, (strategy, course)) in root.split_evenly((courses.len(), 1)).iter().zip(courses) {
            let drawn = Drawn { shape, strategy: *strategy, course, states: states(course), scale };
            drawn.draw(area)?;
        }
        root.present().map_err(refused)?;
    }
    Ok(svg)
}

/// The library's error, which borrows and is not `Sync`, as text.
fn refused(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the picture can't be drawn: {error}")
}

/// Loads at each decision, and after the last cycle. The first stands from 0 to 1, where the first cycle decides.
fn states(course: &Course) -> Vec<&Samples> {
    course.cycles.iter().map(|cycle| &cycle.before).chain([course.end()]).collect()
}

/// The ends of the axes, the same for all courses of a picture, so that they can be compared.
#[derive(Debug, Clone, Copy)]
struct Scale {
    cycles: f64,
    /// So many labels of cycles that each of them is a whole number.
    labels: usize,
    load: f64,
    cv: f64,
}

impl Scale {
    fn of(courses: &[(Strategy, &Course)]) -> Self {
        let all = || courses.iter().flat_map(|(_, course)| states(course));
        let cycles = courses.iter().map(|(_, course)| course.cycles.len()).max().unwrap_or(0) + 1;
        let load = all().flat_map(|state| state.values().map(|load| load.get())).fold(0.0, f64::max);
        let cv = all().map(|state| Balance::of(state).cv).fold(0.0, f64::max);
        // Room above for the legend; an axis without length can't be drawn.
        Self {
            cycles: cycles as f64,
            labels: (cycles + 1).min(11),
            load: if load > 0.0 { load * 1.25 } else { 1.0 },
            cv: if cv > 0.0 { cv * 1.15 } else { 1.0 },
        }
    }
}

struct Drawn<'a> {
    shape: &'a Shape,
    strategy: Strategy,
    course: &'a Course,
    states: Vec<&'a Samples>,
    scale: Scale,
}

impl Drawn<'_> {
    fn draw(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let (title, rest) = area.split_vertically(TITLE);
        let (upper, lower) = rest.split_vertically(LOADS);
        self.draw_title(&title)?;
        self.draw_loads(&upper)?;
        self.draw_variation(&lower)
    }

    fn draw_title(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let counted = self.course.summary();
        let title = format!(
            "{}: CV {:.3} to {:.3} with {} removals in {} cycles",
            strategy_name(self.strategy),
            counted.before.cv,
            counted.after.cv,
            counted.removals,
            counted.cycles
        );
        let shape = self.shape;
        let fleet = format!(
            "{} pods, {} partitions, {}, seed {}; {}",
            shape.pods,
            shape.partitions,
            spread(shape.spread),
            shape.seed,
            rule(shape)
        );
        let style = |size| ("sans-serif", size).into_text_style(area);
        area.draw(&Text::new(title, (84, 18), style(19))).map_err(refused)?;
        area.draw(&Text::new(fleet, (84, 41), style(13).color(&BLACK.mix(0.65)))).map_err(refused)
    }

    fn draw_loads(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let mut chart = self.chart(area, "CPU of each pod, in cores", self.scale.load, 30)?;
        self.draw_marks(&mut chart, self.scale.load)?;
        self.draw_limit(&mut chart)?;
        self.draw_pods(&mut chart)?;
        self.draw_removed(&mut chart)?;
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.25))
            .label_font(("sans-serif", 13))
            .draw()
            .map_err(refused)
    }

    fn draw_variation(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let mut chart = self.chart(area, "CV", self.scale.cv, 42)?;
        self.draw_marks(&mut chart, self.scale.cv)?;
        let levels = self.spans().map(|(state, from, to)| (Balance::of(state).cv, from, to));
        let points = levels.flat_map(|(cv, from, to)| [(from, cv), (to, cv)]);
        chart.draw_series(LineSeries::new(points, VARIATION.stroke_width(2))).map_err(refused)?;
        Ok(())
    }

    /// Axes. Time is counted in cycles; only the lower chart, which has the larger label area, names it.
    fn chart<'a, 'b>(
        &self,
        area: &'a Area<'b>,
        name: &str,
        top: f64,
        below: u32,
    ) -> anyhow::Result<Chart<'a, 'b>> {
        let mut chart = ChartBuilder::on(area)
            .margin_left(14)
            .margin_right(20)
            .margin_top(6)
            .x_label_area_size(below)
            .y_label_area_size(70)
            .build_cartesian_2d(0.0..self.scale.cycles, 0.0..top)
            .map_err(refused)?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .label_style(("sans-serif", 13))
            .axis_desc_style(("sans-serif", 14))
            .x_label_formatter(&|cycle| format!("{cycle:.0}"))
            .y_label_formatter(&|value| format!("{value:.2}"))
            .x_labels(self.scale.labels)
            .y_labels(6)
            .y_desc(name);
        if below > 30 {
            mesh.x_desc("cycles");
        }
        mesh.draw().map_err(refused)?;
        drop(mesh);
        Ok(chart)
    }

    /// A vertical line at each cycle that removed pods, and at each that a rollout followed.
    fn draw_marks(&self, chart: &mut Chart<'_, '_>, top: f64) -> anyhow::Result<()> {
        let rotations = self.when(|cycle| cycle.removed > 0).map(|(at, _)| at).collect();
        let rollouts = self.when(|cycle| cycle.rolled_out).map(|(at, _)| at).collect();
        let marks: [(Vec<f64>, _, _); 2] = [(rotations, MARK, "rotation"), (rollouts, ROLLOUT, "rollout")];
        for (times, color, label) in marks.into_iter().filter(|(times, _, _)| !times.is_empty()) {
            let lines =
                times.into_iter().map(|at| PathElement::new(vec![(at, 0.0), (at, top)], color.mix(0.55)));
            chart.draw_series(lines).map_err(refused)?.label(label).legend(sample(color));
        }
        Ok(())
    }

    /// The load above which a pod is hot, as long as the first cycle's limit stands for all.
    fn draw_limit(&self, chart: &mut Chart<'_, '_>) -> anyhow::Result<()> {
        let limit = |cycle: &Cycle| cycle.report.indicators.first().map(|seen| seen.limit.hot_above().get());
        let Some(limit) = self.course.cycles.first().and_then(limit).filter(|limit| *limit < self.scale.load)
        else {
            return Ok(());
        };
        let line = [(0.0, limit), (self.scale.cycles, limit)];
        chart
            .draw_series(DashedLineSeries::new(line, 6, 5, HOT.mix(0.8).stroke_width(1)))
            .map_err(refused)?
            .label("hot above")
            .legend(sample(HOT));
        Ok(())
    }

    fn draw_pods(&self, chart: &mut Chart<'_, '_>) -> anyhow::Result<()> {
        for (later, color, label) in [(false, FIRST, "pod"), (true, LATER, "replacement")] {
            let lives = self.lives().into_iter().filter(|life| (life.since > 0.0) == later);
            let lines = lives.map(|life| PathElement::new(life.points, color.mix(0.75)));
            chart.draw_series(lines).map_err(refused)?.label(label).legend(sample(color));
        }
        Ok(())
    }

    /// Dots where removed pods were last.
    fn draw_removed(&self, chart: &mut Chart<'_, '_>) -> anyhow::Result<()> {
        for (hot, color, label) in [(true, HOT, "removed as hot"), (false, COLD, "removed as cold")] {
            let ends = self.when(|cycle| cycle.removed > 0).flat_map(|(at, cycle)| {
                let removed = removals(cycle).iter().filter(move |removal| removal.choice.is_hot() == hot);
                removed.filter_map(move |removal| Some((at, cycle.before.get(&removal.pod.name)?.get())))
            });
            let dots = ends.map(|end| Circle::new(end, 3, color.filled()));
            chart
                .draw_series(dots)
                .map_err(refused)?
                .label(label)
                .legend(move |(x, y)| Circle::new((x + 10, y), 3, color.filled()));
        }
        Ok(())
    }

    /// Cycles of a kind, and when they were.
    fn when(&self, kind: impl Fn(&Cycle) -> bool) -> impl Iterator<Item = (f64, &Cycle)> {
        let counted = (1_u32..).zip(&self.course.cycles).map(|(index, cycle)| (f64::from(index), cycle));
        counted.filter(move |(_, cycle)| kind(cycle))
    }

    /// Each state, and from when to when it stands. The last one stands to the end: a course that ends early is quiet.
    fn spans(&self) -> impl Iterator<Item = (&Samples, f64, f64)> {
        let last = self.states.len().saturating_sub(1);
        (0_u32..).zip(0_usize..).zip(&self.states).map(move |((from, index), state)| {
            let from = f64::from(from);
            (*state, from, if index == last { self.scale.cycles } else { from + 1.0 })
        })
    }

    /// Every pod that there ever was.
    fn lives(&self) -> Vec<Life> {
        let mut lives: BTreeMap<&str, Life> = BTreeMap::new();
        for (state, from, to) in self.spans() {
            for (name, load) in state {
                lives.entry(name).or_insert_with(|| Life::from(from)).add(from, to, *load);
            }
        }
        lives.into_values().collect()
    }
}

/// One pod's line.
struct Life {
    since: f64,
    points: Vec<(f64, f64)>,
}

impl Life {
    const fn from(since: f64) -> Self {
        Self { since, points: Vec::new() }
    }

    fn add(&mut self, from: f64, to: f64, load: Load) {
        self.points.extend([(from, load.get()), (to, load.get())]);
    }
}

fn removals(cycle: &Cycle) -> &[Removal] {
    match &cycle.report.decision {
        Decision::Rotate(plan) => &plan.removals,
        Decision::Balanced | Decision::Hold(_) => &[],
    }
}

/// A short line for the legend.
fn sample(color: RGBColor) -> impl Fn((i32, i32)) -> PathElement<(i32, i32)> {
    move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], color.stroke_width(2))
}
