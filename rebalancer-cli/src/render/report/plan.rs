//! The report of a plan, with the advice on the same fleet.

use std::borrow::Borrow;

use rebalancer_core::advice::{Advice, LeverReport, Outlook};
use rebalancer_core::report::{IndicatorReport, PodReport};

use super::{Report, Table};
use crate::advice;
use crate::render::{Shown, advise};

/// The report of a plan; with what would help, where that is known.
pub(crate) fn report(shown: &Shown<'_>, given: Option<&Advice>) -> Report {
    let report = shown.report;
    let mut summary: Vec<String> = shown.summary().lines().map(ToOwned::to_owned).collect();
    summary.extend(given.map(advise::conclusion).iter().flat_map(|text| text.lines()).map(ToOwned::to_owned));
    let mut glance = vec![
        (report.serving.to_string(), "pods serve".to_owned()),
        (report.eligible.to_string(), "may be removed".to_owned()),
    ];
    glance.extend(report.indicators.iter().map(|seen| {
        let loads = &seen.distribution;
        (
            format!("{:.3} · {:.2}", loads.cv, loads.max_to_mean),
            format!("CV · max/mean of {}", seen.indicator),
        )
    }));
    Report {
        title: format!("Plan for {}", report.workload),
        subtitle: format!("taken at {}", report.taken_at),
        summary,
        glance,
        courses: Vec::new(),
        tables: [given.and_then(levers), Some(pods(shown))].into_iter().flatten().collect(),
        sources: sources(shown).into_iter().chain(notes(given)).collect(),
    }
}

/// Of an advice: of when it is, what nothing can beat, and where its ranges come from.
pub(super) fn notes(given: Option<&Advice>) -> Vec<String> {
    let Some(Advice { outlook: Outlook::Known(known), taken_at, .. }) = given else { return Vec::new() };
    let of = format!("What would help: the loads and the group of {taken_at}, by Kafka's rules.");
    std::iter::once(of).chain(advise::notes(known)).collect()
}

/// What follows from an advice, in one paragraph.
pub(super) fn advised(given: Option<&Advice>, when: &str) -> Option<String> {
    let conclusion = advise::conclusion(given?);
    Some(format!("{when}: {}", conclusion.lines().collect::<Vec<_>>().join(" ")))
}

/// What each lever would bring, where that is known.
pub(super) fn levers(given: &Advice) -> Option<Table> {
    let Outlook::Known(known) = &given.outlook else { return None };
    let mut table =
        Table::new("What would help", &["Lever", "CV", "Range of CV", "Max/mean", "Pods above", "Costs"]);
    for lever in &known.levers {
        let LeverReport { lever: name, costs, .. } = lever;
        let figure = |of: Option<String>| of.unwrap_or_else(|| "not known".to_owned());
        let outcome = lever.outcome();
        let costs: Vec<String> = costs.iter().map(ToString::to_string).collect();
        table.rows.push(vec![
            advise::lever_name(name, known),
            figure(outcome.map(|outcome| format!("{:.3}", outcome.cv.expected))),
            outcome.map_or_else(String::new, advise::range),
            figure(outcome.map(|outcome| format!("{:.2}", outcome.max_to_mean.expected))),
            figure(outcome.map(|outcome| format!("{:.1}", outcome.above.expected))),
            costs.join(", "),
        ]);
    }
    Some(table)
}

fn pods(shown: &Shown<'_>) -> Table {
    pods_of(shown, shown.report.pods.iter())
}

/// These pods, each with its loads and its verdict.
pub(crate) fn pods_of<'a>(shown: &Shown<'_>, pods: impl IntoIterator<Item: Borrow<PodReport<'a>>>) -> Table {
    let seen = &shown.report.indicators;
    let mut header = vec!["Pod"];
    header.extend(seen.iter().map(|seen| seen.indicator.name()));
    header.push("Verdict");
    let mut table = Table::new("Pods", &header);
    for pod in pods {
        table.rows.push(row(shown, seen, pod.borrow()));
    }
    table
}

fn row(shown: &Shown<'_>, seen: &[IndicatorReport], pod: &PodReport<'_>) -> Vec<String> {
    let load = |seen: &IndicatorReport| {
        let load = pod.loads.get(seen.indicator);
        load.map_or_else(|| "no sample".to_owned(), |load| seen.indicator.with_unit(load))
    };
    let mut row = vec![pod.pod.name.clone()];
    row.extend(seen.iter().map(load));
    row.push(advice::verdict(shown.report, pod.verdict));
    row
}

/// Where its numbers come from.
pub(crate) fn sources(shown: &Shown<'_>) -> Vec<String> {
    let mut sources = vec![format!("Loads: the metric server; {}.", shown.usage)];
    sources.extend(shown.kafka.map(|usage| format!("The consumer group: Kafka; {usage}.")));
    sources.push("Pods, autoscalers and disruption budgets: the Kubernetes API.".to_owned());
    for degraded in &shown.report.degraded {
        sources.push(format!("Not read: {}: {}", degraded.indicator, degraded.error));
    }
    sources
}
