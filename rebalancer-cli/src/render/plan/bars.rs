//! The fleet as bars: the load of each pod by the indicator that counts, with the target and the limit drawn in.

use std::collections::{BTreeMap, BTreeSet};

use rebalancer_core::fleet::Indicator;
use rebalancer_core::history::Role;
use rebalancer_core::report::{Decision, IndicatorReport, Limit, PodReport, Report, Spared, Verdict};
use rebalancer_core::unit::Load;

use super::Pods;
use crate::advice;
use crate::render::bar::block;
use crate::render::screen::{Sheet, Tone, shortened};

/// Fleets up to this size are drawn pod by pod.
const DRAWN: usize = 24;
/// Of larger ones, so many of the hottest, and half as many of the coldest and of those without a sample.
const HOTTEST: usize = 10;
/// Shorter bars tell nothing.
const SHORTEST_BAR: usize = 12;
/// So that the scale of a narrow fleet does not fill a wide terminal.
const LONGEST_BAR: usize = 60;
/// Draws the pods; nothing where no indicator could be read.
pub(super) fn draw(sheet: &mut Sheet, report: &Report, pods: Pods) {
    let Some(indicator) = shown_by(report) else { return };
    let seen = report.indicators.iter().find(|seen| seen.indicator == indicator);
    let bars: Vec<Bar<'_>> = sorted(report, indicator).map(|pod| Bar::of(pod, indicator, seen)).collect();
    let shown = select(&bars, pods);
    let frame = Frame::around(sheet, report, &bars, &shown);
    legend(sheet, indicator, seen);
    frame.head(sheet, indicator);
    let mut left_out: Vec<&Bar<'_>> = Vec::new();
    for (place, bar) in bars.iter().enumerate() {
        if shown.contains(&place) {
            frame.left_out(sheet, indicator, &std::mem::take(&mut left_out));
            frame.row(sheet, bar);
            if pods == Pods::Every {
                frame.reason(sheet, report, bar, indicator);
            }
        } else {
            left_out.push(bar);
        }
    }
    frame.left_out(sheet, indicator, &left_out);
    sheet.blank();
}

/// The indicator that ranked the pods, or the first that is out of balance, or the first that could be read.
fn shown_by(report: &Report) -> Option<Indicator> {
    let ranked_by = match &report.decision {
        Decision::Rotate(plan) => Some(plan.indicator),
        Decision::Balanced | Decision::Hold(_) => None,
    };
    let raised = || report.indicators.iter().find(|seen| seen.out_of_balance);
    let usable = || raised().or_else(|| report.indicators.first()).map(|seen| seen.indicator);
    ranked_by.or_else(usable).or_else(|| report.readable.first().copied())
}

/// Those with most load first, those without a sample last.
fn sorted(report: &Report, indicator: Indicator) -> impl Iterator<Item = PodReport<'_>> {
    let mut rows: Vec<PodReport<'_>> = report.pods.iter().collect();
    let load = |pod: &PodReport<'_>| pod.loads.get(indicator).map_or(-1.0, Load::get);
    rows.sort_by(|a, b| load(b).total_cmp(&load(a)).then_with(|| a.pod.name.cmp(&b.pod.name)));
    rows.into_iter()
}

/// One pod as it is drawn.
struct Bar<'a> {
    pod: PodReport<'a>,
    load: Option<Load>,
    /// What it is worth to be told: the number as people write it.
    value: String,
    /// The target, or the mean where there is none.
    mark: Option<f64>,
    limit: Option<Load>,
}

impl<'a> Bar<'a> {
    fn of(pod: PodReport<'a>, indicator: Indicator, seen: Option<&IndicatorReport>) -> Self {
        let load = pod.loads.get(indicator);
        let limit = seen.map(|seen| seen.limit.for_request(pod.cpu_request));
        let mark = seen.map(|seen| match &seen.limit {
            Limit::Target { target, hot_above, .. } => {
                // In proportion to its request, as the limit is.
                let tolerance = hot_above.get() / target.get();
                limit.map_or(target.get(), Load::get) / tolerance
            }
            Limit::Variance { .. } => seen.distribution.mean,
        });
        let value = load.map_or_else(|| "-".to_owned(), |load| indicator.shown(load));
        Self { pod, load, value, mark, limit }
    }

    fn is_hot(&self) -> bool {
        self.load.zip(self.limit).is_some_and(|(load, limit)| load > limit)
    }

    fn is_chosen(&self) -> bool {
        matches!(self.pod.verdict, Verdict::Chosen(_))
    }

    /// It is in the plan, or would be.
    fn is_notable(&self) -> bool {
        matches!(self.pod.verdict, Verdict::Chosen(_) | Verdict::Spared(Spared::Held(_) | Spared::Trimmed(_)))
    }

    /// What is done with it, in a word.
    const fn word(&self) -> &'static str {
        match self.pod.verdict {
            Verdict::Chosen(choice) => match choice.role() {
                Role::Hot => "hot",
                Role::Cold => "cold",
                Role::Partner => "partner",
            },
            Verdict::Spared(Spared::Held(_)) => "held",
            Verdict::Spared(Spared::Trimmed(_)) => "trimmed",
            Verdict::Spared(_) => "",
            Verdict::Vetoed(_) => "vetoed",
        }
    }

    fn tone(&self) -> Tone {
        let is_cold = matches!(self.pod.verdict, Verdict::Chosen(choice) if choice.role() == Role::Cold);
        match (self.is_hot(), is_cold, self.pod.verdict) {
            (true, _, _) => Tone::Hot,
            (false, true, _) => Tone::Cold,
            (false, false, Verdict::Vetoed(_)) => Tone::Faint,
            (false, false, Verdict::Chosen(_) | Verdict::Spared(_)) => Tone::Plain,
        }
    }
}

/// The places of those that are drawn.
fn select(bars: &[Bar<'_>], pods: Pods) -> BTreeSet<usize> {
    let all = 0..bars.len();
    if pods == Pods::Every || bars.len() <= DRAWN {
        return all.collect();
    }
    let loaded = bars.iter().filter(|bar| bar.load.is_some()).count();
    let coldest = loaded.saturating_sub(HOTTEST / 2)..loaded;
    let unknown = loaded..loaded.saturating_add(HOTTEST / 2);
    let stands_out = |&place: &usize| {
        place < HOTTEST.min(loaded)
            || coldest.contains(&place)
            || unknown.contains(&place)
            || bars.get(place).is_some_and(Bar::is_notable)
    };
    let shown: BTreeSet<usize> = all.clone().filter(stands_out).collect();
    // One that is left out between two that are shown takes as much room as the words that say so.
    let alone = |place: &usize| {
        let is_shown = |place: Option<usize>| place.is_none_or(|place| shown.contains(&place));
        is_shown(place.checked_sub(1)) && (place + 1 == bars.len() || is_shown(Some(place + 1)))
    };
    shown.iter().copied().chain(all.filter(alone)).collect()
}

/// The columns of what is drawn.
struct Frame {
    names: BTreeMap<String, String>,
    /// Names that can't be told apart when they are short have a line of their own.
    stacked: bool,
    name: usize,
    bar: usize,
    value: usize,
    partitions: bool,
    scores: bool,
    /// The load of a whole bar.
    scale: f64,
    unicode: bool,
}

impl Frame {
    fn around(sheet: &Sheet, report: &Report, bars: &[Bar<'_>], shown: &BTreeSet<usize>) -> Self {
        let screen = sheet.screen();
        let drawn = || bars.iter().enumerate().filter(|(place, _)| shown.contains(place)).map(|(_, bar)| bar);
        let width = |text: &str| textwrap::core::display_width(text);
        let value = drawn().map(|bar| width(&bar.value)).max().unwrap_or(0).clamp(4, 20);
        let partitions = report.pods.iter().any(|pod| pod.partitions.is_some());
        let scores = report.has_scores();
        let others = 2 + 1 + 1 + value + if scores { 7 } else { 0 } + if partitions { 11 } else { 0 } + 8;
        let room = screen.width.saturating_sub(others);
        let longest = drawn().map(|bar| width(&bar.pod.pod.name)).max().unwrap_or(0).max(3);
        let name = longest.min(room.saturating_sub(SHORTEST_BAR));
        let names: BTreeMap<String, String> = drawn()
            .map(|bar| bar.pod.pod.name.clone())
            .map(|full| (full.clone(), shortened(&full, name, screen)))
            .collect();
        let stacked = names.values().collect::<BTreeSet<_>>().len() < names.len();
        let high = bars.iter().flat_map(|bar| {
            [bar.load.map(Load::get), bar.limit.map(Load::get), bar.mark].into_iter().flatten()
        });
        let scale = high.filter(|load| load.is_finite()).fold(0.0, f64::max);
        let bar = room.saturating_sub(name).min(LONGEST_BAR);
        Self { names, stacked, name, bar, value, partitions, scores, scale, unicode: screen.unicode }
    }

    fn head(&self, sheet: &mut Sheet, indicator: Indicator) {
        let name = indicator.name().replace('_', " ").to_uppercase();
        let mut head = format!("  {:<1$} ", "POD", self.name);
        // The name of an indicator may be longer than its values.
        let columns = self.bar + 1 + self.value;
        head.push_str(&format!("{name:>columns$}"));
        if self.scores {
            head.push_str("  SCORE");
        }
        if self.partitions {
            head.push_str(" PARTITIONS");
        }
        sheet.line(&[(Tone::Faint, head.trim_end())]);
    }

    fn row(&self, sheet: &mut Sheet, bar: &Bar<'_>) {
        let full = &bar.pod.pod.name;
        let mark = if bar.is_chosen() { "> " } else { "  " };
        let accent = if bar.is_chosen() { Tone::Strong } else { Tone::Plain };
        let short = if self.stacked {
            sheet.labelled((accent, mark, 2), full);
            String::new()
        } else {
            self.names.get(full).cloned().unwrap_or_default()
        };
        let fill = self.name.saturating_sub(textwrap::core::display_width(&short));
        let mark = if self.stacked { "  " } else { mark };
        let name = format!("{mark}{short}{} ", " ".repeat(fill));
        let value = format!(" {:>1$}", bar.value, self.value);
        let mut rest = String::new();
        if self.scores {
            rest.push_str(&format!("{:>7}", super::known(bar.pod.score)));
        }
        if self.partitions {
            rest.push_str(&format!("{:>11}", super::known(bar.pod.partitions)));
        }
        let word = if bar.word().is_empty() { String::new() } else { format!(" {}", bar.word()) };
        let drawn = self.drawn(bar);
        sheet.line(&[
            (accent, &name),
            (bar.tone(), &drawn),
            (Tone::Plain, &value),
            (Tone::Plain, &rest),
            (accent, &word),
        ]);
    }

    /// The bar itself, as wide as every other one.
    fn drawn(&self, bar: &Bar<'_>) -> String {
        let place = |load: f64| self.cell(load / self.scale);
        let (limit, mark) = (bar.limit.map(|limit| place(limit.get())), bar.mark.map(place));
        let [limit_sign, mark_sign] = signs(self.unicode);
        let filled = bar.load.map_or(0.0, |load| load.get() / self.scale * self.bar as f64);
        let cell = |cell: usize| {
            if limit == Some(cell) {
                limit_sign
            } else if mark == Some(cell) {
                mark_sign
            } else {
                block(filled - cell as f64, self.unicode)
            }
        };
        (0..self.bar).map(cell).collect()
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a few columns; a cast takes what is no number for 0"
    )]
    fn cell(&self, share: f64) -> usize {
        ((share * self.bar as f64) as usize).min(self.bar.saturating_sub(1))
    }

    /// Why this pod goes or stays, where it runs, and what else it carries; with its name where the row does not have all of it.
    fn reason(&self, sheet: &mut Sheet, report: &Report, bar: &Bar<'_>, drawn: Indicator) {
        let PodReport { pod, loads, .. } = bar.pod;
        let is_cut = !self.stacked && self.names.get(&pod.name).is_some_and(|short| *short != pod.name);
        let name = is_cut.then(|| pod.name.clone());
        let other = report.readable.iter().filter(|&&indicator| indicator != drawn);
        let other = other.map(|&indicator| match loads.get(indicator) {
            Some(load) => format!("{indicator} {}", indicator.with_unit(load)),
            None => format!("{indicator} not known"),
        });
        let node = pod.node.as_deref().map(|node| format!("on {node}"));
        let verdict = advice::verdict(report, bar.pod.verdict);
        let words: Vec<String> =
            name.into_iter().chain(std::iter::once(verdict)).chain(other).chain(node).collect();
        sheet.labelled((Tone::Plain, "", 4), &words.join("; "));
    }

    /// Those between two that are drawn, in one line.
    fn left_out(&self, sheet: &mut Sheet, indicator: Indicator, bars: &[&Bar<'_>]) {
        let (Some(first), Some(last)) = (bars.first(), bars.last()) else { return };
        let range = match (first.load, last.load) {
            (Some(high), Some(low)) => format!("{} to {}", indicator.shown(low), indicator.shown(high)),
            (_, None) | (None, Some(_)) => "without a sample".to_owned(),
        };
        let line = format!("  {} {} more pods: {range}", if self.unicode { "…" } else { "..." }, bars.len());
        sheet.line(&[(Tone::Faint, &line)]);
    }
}

/// Those of the limit, and of the target or mean.
const fn signs(unicode: bool) -> [&'static str; 2] {
    if unicode { ["│", "┊"] } else { ["|", ":"] }
}

/// What the lines across the bars mean.
fn legend(sheet: &mut Sheet, indicator: Indicator, seen: Option<&IndicatorReport>) {
    let unit = match indicator {
        Indicator::Memory => String::new(),
        Indicator::Cpu | Indicator::Lag | Indicator::ConsumptionRate | Indicator::ProductionRate => {
            format!(" {}", indicator.unit())
        }
    };
    let Some(seen) = seen else {
        let name = indicator.name();
        return sheet.paragraph(Tone::Faint, &format!("{name} in{unit}, with too few samples to judge it"));
    };
    let [limit, mark] = signs(sheet.screen().unicode);
    let hot_above = indicator.shown(seen.limit.hot_above());
    let words = match &seen.limit {
        Limit::Variance { .. } => {
            let mean = super::in_words(seen.distribution.mean, |load| indicator.shown(load));
            format!("{mark} mean {mean}   {limit} hot above {hot_above}{unit}")
        }
        Limit::Target { by_request: Some(by), .. } if by.lowest_target < by.highest_target => {
            format!("{mark} target and {limit} hot above, each by its CPU request; in{unit}")
        }
        Limit::Target { target, .. } => {
            format!("{mark} target {:.3}   {limit} hot above {hot_above}{unit}", target.get())
        }
    };
    sheet.paragraph(Tone::Faint, &words);
}
