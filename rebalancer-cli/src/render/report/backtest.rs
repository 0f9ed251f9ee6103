//! The report of a backtest.

use jiff::Timestamp;
use rebalancer_core::advice::Advice;
use rebalancer_core::backtest::{Came, PastCycle};
use rebalancer_core::fleet::Samples;

use super::plan::{advised, levers, notes};
use super::{Course, Report, Shows, Table, rows};
use crate::render::backtest::{
    Offsets, Run, Shown, best, from_offsets, lag_hours, named, not_known, of_offsets, words,
};

/// The report: the course under the best settings, or under the only ones.
pub(crate) fn report(shown: &Shown<'_>, given: Option<&Advice>) -> Report {
    let Some(run) = best(shown.runs).and_then(|index| shown.runs.get(index)).or_else(|| shown.runs.first())
    else {
        return Report::default();
    };
    let settings =
        if run.settings.is_empty() { String::new() } else { format!("; {}", named(&run.settings)) };
    let last = given.map_or_else(String::new, |given| format!("At {}", given.taken_at));
    Report {
        title: format!("Backtest of {}", shown.workload),
        subtitle: format!("{} to {}, {} cycles{settings}", shown.from, shown.to, run.summary.cycles),
        summary: words(shown).lines().map(ToOwned::to_owned).chain(advised(given, &last)).collect(),
        glance: glance(run),
        courses: courses(run),
        tables: [Some(ends(run)), (shown.runs.len() > 1).then(|| sweep(shown.runs)), given.and_then(levers)]
            .into_iter()
            .flatten()
            .collect(),
        sources: sources(shown, run).into_iter().chain(notes(given)).collect(),
    }
}

fn glance(run: &Run) -> Vec<(String, String)> {
    let summary = &run.summary;
    let last = run.backtest.cycles.iter().rev().find_map(|cycle| cycle.was);
    let pods = last.map(|seen| (seen.pods.to_string(), "pods at the end".to_owned()));
    let mut glance: Vec<(String, String)> = pods.into_iter().collect();
    glance.extend([
        (summary.rotations.to_string(), "rotations".to_owned()),
        (summary.removals.to_string(), "pods removed".to_owned()),
    ]);
    if let Some(compared) = &summary.compared {
        let pair = |was: f64, would: f64, digits: usize| format!("{was:.digits$} → {would:.digits$}");
        glance.extend([
            (pair(compared.cv_was, compared.cv_would, 3), "mean CV".to_owned()),
            (pair(compared.max_to_mean_was, compared.max_to_mean_would, 2), "mean max/mean".to_owned()),
            (
                pair(compared.pod_hours_above_was, compared.pod_hours_above_would, 1),
                "pod-hours above the limit".to_owned(),
            ),
        ]);
    }
    if let Some(lag) = &summary.lag {
        glance
            .push((lag_hours(summary).replace("->", "→"), format!("pod-hours with lag above {}", lag.above)));
    }
    glance
}

fn courses(run: &Run) -> Vec<Course> {
    let cycles = &run.backtest.cycles;
    let times: Vec<String> = cycles.iter().map(|cycle| shown(cycle.at)).collect();
    let cv = |of: fn(&PastCycle) -> Option<f64>| cycles.iter().map(of).collect::<Vec<_>>();
    let was = cv(|cycle| cycle.was.map(|seen| seen.cv));
    let would = cv(|cycle| cycle.would.map(|seen| seen.cv));
    let rotated =
        |(place, cycle): (usize, &PastCycle)| matches!(cycle.came, Came::Rotated { .. }).then_some(place);
    let lines = vec![("as it was".to_owned(), was), ("with rotations".to_owned(), would)];
    let marks = cycles.iter().enumerate().filter_map(rotated).collect();
    let heat = |title: &str, of: fn(&PastCycle) -> &Samples| {
        let columns = cycles.iter().map(move |cycle| column(of(cycle)));
        Course { title: title.to_owned(), times: times.clone(), shows: Shows::Heat { rows: rows(columns) } }
    };
    vec![
        Course {
            title: "Coefficient of variation".to_owned(),
            times: times.clone(),
            shows: Shows::Lines { lines, marks },
        },
        heat("Load of each pod, as it was", |cycle| &cycle.loads_were),
        heat("Load of each pod, with rotations", |cycle| &cycle.loads_would),
    ]
}

/// A replacement stands in the row of the pod in whose place it is.
fn column(loads: &Samples) -> Vec<(&str, f64)> {
    let place = |name: &'_ str| name.split_once('~').map_or(name.len(), |(source, _)| source.len());
    loads.iter().map(|(name, load)| (name.get(..place(name)).unwrap_or(name), load.get())).collect()
}

fn shown(at: Timestamp) -> String {
    at.strftime("%m-%d %H:%M").to_string()
}

fn ends(run: &Run) -> Table {
    let mut table = Table::new("What the cycles came to", &["Cycles", "Result"]);
    let summary = &run.summary;
    let mut row = |cycles: usize, what: String| {
        if cycles > 0 {
            table.rows.push(vec![cycles.to_string(), what]);
        }
    };
    row(summary.balanced, "balanced".to_owned());
    row(summary.rotations, "rotated".to_owned());
    row(summary.wanted, "would have rotated, not carried out".to_owned());
    for held in &summary.holds {
        row(held.cycles, format!("held: {}", held.hold));
    }
    row(summary.failed, "failed".to_owned());
    row(summary.gaps, "nothing known".to_owned());
    table
}

fn sweep(runs: &[Run]) -> Table {
    let with_lag = runs.iter().any(|run| run.summary.lag.is_some());
    let mut header = vec!["Settings", "Rotations", "Removals", "Mean CV", "Pod-hours above"];
    header.extend(with_lag.then_some("Pod-hours of lag"));
    header.push("Removals per 0.01 CV");
    let mut table = Table::new("Settings", &header);
    for run in runs {
        let summary = &run.summary;
        let compared = summary.compared.as_ref();
        let known = |value: Option<String>| value.unwrap_or_else(|| "not known".to_owned());
        let mut row = vec![
            named(&run.settings),
            summary.rotations.to_string(),
            summary.removals.to_string(),
            known(compared.map(|compared| format!("{:.3}", compared.cv_would))),
            known(compared.map(|compared| format!("{:.1}", compared.pod_hours_above_would))),
        ];
        row.extend(with_lag.then(|| lag_hours(summary).replace("->", "→")));
        let per = summary.removals_per_hundredth;
        row.push(per.map_or_else(|| "no improvement".to_owned(), |per| format!("{per:.2}")));
        table.rows.push(row);
    }
    table
}

fn sources(shown: &Shown<'_>, run: &Run) -> Vec<String> {
    let mut sources = vec![
        format!(
            "Loads and pods: the metric server, by range queries with a step of {} s: {} values; {}; {} answers \
             kept from an earlier run.",
            shown.step.as_secs(),
            shown.points,
            shown.usage,
            shown.kept
        ),
        "With rotations: partitions held as the assignor's rule gives them, under their real loads."
            .to_owned(),
    ];
    match (shown.offsets, shown.kafka) {
        (Offsets::Told { .. }, Some(usage)) => {
            sources.push(format!("Partition loads: Kafka; {usage}{}.", of_offsets(shown.offsets)));
            sources.extend(from_offsets(shown.offsets).iter().map(|told| format!("By offsets, {told}.")));
        }
        (Offsets::NotRead(why), _) => sources.push(format!("Not read: Kafka's offsets: {why}.")),
        (Offsets::Told { .. }, None) | (Offsets::NotAsked, _) => {}
    }
    sources.extend(run.backtest.unknown.iter().map(|unknown| format!("Not known: {}.", not_known(*unknown))));
    for gap in &run.backtest.gaps {
        sources
            .push(format!("Gap: {} to {}, {} readings without any sample.", gap.from, gap.to, gap.moments));
    }
    sources
}
