//! Advice: for people as ranked levers with a conclusion in words, and for machines.

#[cfg(test)]
mod tests;
mod words;

use rebalancer_core::advice::{
    Advice, Basis, Bound, BoundKind, Effect, Known, Lever, LeverReport, Outcome, Outlook, RuleSpread,
    Uncertainty,
};
use rebalancer_core::unit::Elapsed;
use rebalancer_prom::Usage;
use serde::Serialize;

use super::Form;
use super::columns::{Columns, Side};
use super::screen::{Screen, Sheet, Tone};

/// The version of the shape of `rebalancer advise --output json`. Within a version, fields are only ever added.
pub(crate) const VERSION: u32 = 1;

/// What there is to be shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// The advice.
    pub(crate) advice: &'a Advice,
    /// What the metric server was asked for it; `None` when it comes from a file.
    pub(crate) usage: Option<Usage>,
    /// What Kafka was asked for it; `None` when it is not asked.
    pub(crate) kafka: Option<rebalancer_kafka::Usage>,
}

/// What `rebalancer advise --output json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AdviceDocument<'a> {
    /// The version of this shape.
    version: u32,
    /// The conclusion in words.
    summary: String,
    #[serde(flatten)]
    advice: &'a Advice,
    /// What the metric server was asked for it; `null` when it comes from a file.
    metrics_usage: Option<Usage>,
    /// What Kafka was asked for it; `null` when it is not asked.
    kafka_usage: Option<rebalancer_kafka::Usage>,
}

impl<'a> AdviceDocument<'a> {
    fn of(shown: &Shown<'a>) -> Self {
        Self {
            version: VERSION,
            summary: words::conclusion(shown.advice),
            advice: shown.advice,
            metrics_usage: shown.usage,
            kafka_usage: shown.kafka,
        }
    }
}

/// Prints an advice.
///
/// # Errors
/// When stdout can't be written.
pub(crate) fn show(form: Form, shown: &Shown<'_>) -> anyhow::Result<()> {
    super::show(
        form,
        |screen| sheet(shown, screen),
        |pretty| super::as_json(&AdviceDocument::of(shown), pretty),
    )
}

/// What follows, one sentence a line.
pub(super) fn conclusion(advice: &Advice) -> String {
    words::conclusion(advice)
}

pub(super) fn sheet(shown: &Shown<'_>, screen: Screen) -> Sheet {
    let (advice, mut sheet) = (shown.advice, Sheet::new(screen));
    sheet.paragraph(Tone::Strong, &advice.workload.to_string());
    let (seen, loads) = (&advice.measured, &advice.measured.distribution);
    let state = if seen.out_of_balance { "out of balance" } else { "in balance" };
    let measured = format!(
        "{}: {state}: CV {:.3}, max/mean {:.2} over {} pods as measured; {}",
        seen.indicator,
        loads.cv,
        loads.max_to_mean,
        loads.count,
        seen.limit.by(seen.indicator)
    );
    sheet.entry("now", &measured);
    match &advice.outlook {
        Outlook::Known(known) => outlook(&mut sheet, advice, known),
        Outlook::Unknown { .. } => {}
    }
    sheet.blank();
    for sentence in words::conclusion(advice).lines() {
        sheet.paragraph(Tone::Plain, sentence);
    }
    sheet.blank();
    if let Some(usage) = shown.usage {
        sheet.paragraph(Tone::Faint, &format!("metric server: {usage}"));
    }
    if let Some(kafka) = shown.kafka {
        sheet.paragraph(Tone::Faint, &format!("Kafka: {kafka}"));
    }
    sheet
}

fn outlook(sheet: &mut Sheet, advice: &Advice, known: &Known) {
    let Known { partitions, members, pods, assignor, timing, hottest, .. } = known;
    let group =
        format!("{partitions} partitions on {members} members in {pods} pods, assignor {assignor}; {timing}");
    sheet.entry("group", &group);
    sheet.entry("loads", &basis(&advice.basis));
    let of_mean = hottest.of_mean_pod;
    let hottest = format!("{}-{}", hottest.topic, hottest.partition);
    sheet.entry("hottest", &format!("{hottest} carries {of_mean:.2} times what a pod carries on average"));
    for slow in known.pod_side.iter().take(MOST_NAMED) {
        let costs = format!("the same work costs {:.2} times as much on {}", slow.factor, slow.pod);
        sheet.entry("pod side", &costs);
    }
    if let Some(more) = known.pod_side.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
        sheet.entry("", &format!("and on {more} more pods it costs more or less than usual"));
    }
    sheet.blank();
    levers(known).draw(sheet);
    sheet.blank();
    for (label, text) in origins(known) {
        sheet.entry(label, &text);
    }
}

/// Less than this is not seen in three decimals.
const SHOWN: f64 = 0.000_5;

/// How many pods are named of what may be many.
const MOST_NAMED: usize = 5;

fn basis(basis: &Basis) -> String {
    match basis {
        Basis::Present => "as they are now".to_owned(),
        Basis::Mean { window, readings: 1, asked: 1 } => format!("mean of {} by offsets", Elapsed(*window)),
        Basis::Mean { window, readings, asked } => {
            format!("mean of {}: {readings} of {asked} readings have samples", Elapsed(*window))
        }
    }
}

/// What each lever would bring, and below it what it costs.
fn levers(known: &Known) -> Columns<4> {
    let head = [
        ("CV", Side::Right),
        ("5 TO 95 %", Side::Left),
        ("MAX/MEAN", Side::Right),
        ("PODS ABOVE", Side::Right),
    ];
    let mut columns = Columns::new("LEVER", head);
    for report in &known.levers {
        let costs: Vec<String> = report.costs.iter().map(ToString::to_string).collect();
        columns.noted(lever_name(&report.lever, known), figures(&report.effect), costs.join(", "));
    }
    columns
}

fn figures(effect: &Effect) -> [String; 4] {
    let none = |why: &str| ["-", why, "-", "-"].map(str::to_owned);
    match effect {
        Effect::Expected(outcome) => [
            format!("{:.3}", outcome.cv.expected),
            range(outcome),
            format!("{:.2}", outcome.max_to_mean.expected),
            format!("{:.1}", outcome.above.expected),
        ],
        Effect::NotFound => none("none is found"),
        Effect::NotNeeded => none("not needed"),
    }
}

/// The lever; an assignor that fits the group may be its own.
pub(super) fn lever_name(lever: &Lever, known: &Known) -> String {
    match lever {
        Lever::Assignor { assignor } if known.assignor.rules().contains(*assignor) => {
            format!("{lever} (may be the present one)")
        }
        Lever::Assignor { .. }
        | Lever::Nothing
        | Lever::Rotation { .. }
        | Lever::DoublePartitions
        | Lever::Replicas { .. }
        | Lever::HottestKey { .. } => lever.to_string(),
    }
}

pub(super) fn range(outcome: &Outcome) -> String {
    let cv = &outcome.cv;
    let mark = match outcome.uncertainty {
        Uncertainty::None => return String::new(),
        Uncertainty::Draws { .. } => "",
        Uncertainty::Keys { .. } => " [1]",
        Uncertainty::OneKey => " [2]",
    };
    if cv.high - cv.low < SHOWN {
        return String::new();
    }
    let spread = if outcome.rules.is_some() { " [3]" } else { "" };
    format!("{:.3} to {:.3}{mark}{spread}", cv.low, cv.high)
}

/// What nothing can beat, and where the ranges come from: a line each.
pub(super) fn notes(known: &Known) -> Vec<String> {
    let lines = origins(known).into_iter();
    lines.map(|(label, text)| format!("{label} {text}").trim().to_owned()).collect()
}

/// What nothing can beat, and where the ranges come from: each with its label, or going on with the one before.
fn origins(known: &Known) -> Vec<(&'static str, String)> {
    let bounds = known.bounds.iter().map(|bound| ("bound", bounded(bound)));
    let ranges = ranges(known).into_iter().enumerate();
    bounds.chain(ranges.map(|(place, text)| (if place == 0 { "ranges" } else { "" }, text))).collect()
}

/// Where the ranges come from.
fn ranges(known: &Known) -> Vec<String> {
    let of = |is: fn(&Uncertainty) -> bool| {
        let outcomes = known.levers.iter().filter_map(LeverReport::outcome);
        outcomes.map(|outcome| outcome.uncertainty).any(|from| is(&from))
    };
    let mut lines = vec![
        "over draws of member ids and of which pod restarts when, as the loads are; they do not foresee the loads",
    ];
    if of(|from| matches!(from, Uncertainty::Keys { .. })) {
        lines.push(
            "[1] expected if the keys of each partition share its load evenly; at worst one key is all of it",
        );
    }
    if of(|from| matches!(from, Uncertainty::OneKey)) {
        lines.push(
            "[2] at best: if all that it carries above the others is one key, which is spread over the topic",
        );
    }
    lines.into_iter().map(str::to_owned).chain(rule_spread(known)).collect()
}

/// What is expected under the best and the worst of the rules that fit, of each lever to which it matters.
fn rule_spread(known: &Known) -> Vec<String> {
    let of = |report: &LeverReport| {
        let RuleSpread { best, best_cv, worst, worst_cv } = report.outcome()?.rules?;
        (worst_cv - best_cv >= SHOWN)
            .then(|| format!("{}: CV {best_cv:.3} under {best}, {worst_cv:.3} under {worst}", report.lever))
    };
    let spreads: Vec<String> = known.levers.iter().filter_map(of).collect();
    if known.assignor.rules().len() < 2 {
        return Vec::new();
    }
    let head = format!(
        "[3] the group may follow each of {}: the worst of them is expected, the range is over all (KAFKA_ASSIGNOR, \
         KAFKA_BOOTSTRAP_SERVERS)",
        known.assignor.rules()
    );
    std::iter::once(head).chain(spreads).collect()
}

fn bounded(bound: &Bound) -> String {
    let kind = match bound.kind {
        BoundKind::AnyAssignment => "any assignment of these partitions",
        BoundKind::EqualCounts => "any with equal counts",
    };
    let found = &bound.found;
    match bound.floor {
        Some(floor) => format!(
            "{kind}: CV {:.3} or more, max/mean {:.2} or more; one that looks at loads has {:.3} and {:.2}",
            floor.cv, floor.max_to_mean, found.cv, found.max_to_mean
        ),
        None => format!(
            "{kind}: no floor is known, since pods do not cost the same; one that looks at loads has CV {:.3} and \
             max/mean {:.2}",
            found.cv, found.max_to_mean
        ),
    }
}
