//! What a backtest comes to, and what is not known of it, in words.

use jiff::Timestamp;
use rebalancer_core::backtest::{Compared, LagCompared, LagHours, NotKnown, Summary};

use super::{Offsets, Shown, best, named};

/// How far offsets tell what was produced, and who held it; or why they don't.
pub(in crate::render) fn from_offsets(offsets: &Offsets) -> Vec<String> {
    let since = |from: Option<Timestamp>, before: Option<&String>| {
        let from = from.map_or_else(|| "at no time".to_owned(), |from| format!("from {from}"));
        before.map_or_else(|| from.clone(), |why| format!("{from}; not before: {why}"))
    };
    match offsets {
        Offsets::NotAsked => Vec::new(),
        Offsets::NotRead(why) => {
            vec![format!("not read, so this is without partition loads of Kafka: {why}")]
        }
        Offsets::Told { told, .. } => vec![
            format!("what was produced is known {}", since(told.rates_from, told.rates_before.as_ref())),
            format!("who held what is known {}", since(told.held_from, told.held_before.as_ref())),
        ],
    }
}

/// How many of them there are.
pub(in crate::render) fn of_offsets(offsets: &Offsets) -> String {
    let Offsets::Told { told, kept } = offsets else { return String::new() };
    let kept = if *kept > 0 { format!(", {kept} of them kept from an earlier run") } else { String::new() };
    format!("; offsets of {} partitions at {} times{kept}", told.partitions, told.times)
}

/// What is not known, and what was done about that.
pub(in crate::render) const fn not_known(unknown: NotKnown) -> &'static str {
    match unknown {
        NotKnown::Pods => {
            "pods: kube-state-metrics shows none, so pods with a sample are taken to serve since their first one, with \
             owners by their names"
        }
        NotKnown::ReadySince => "since when pods are Ready: taken for the first reading that shows it",
        NotKnown::Marks => {
            "disruption budgets, annotations, priorities and quiet workloads of then: none is assumed"
        }
        NotKnown::Scaling => "what the autoscaler was doing: only its target is known",
        NotKnown::Partitions => {
            "partition loads: rotations are named and not carried out (PARTITION_LOAD_QUERY, \
             KAFKA_METRICS_PRESET, KAFKA_BOOTSTRAP_SERVERS)"
        }
        NotKnown::MemberIds => {
            "member ids: they were drawn, so under a sticky assignor this is one of many possible courses"
        }
        NotKnown::Assignor => {
            "the assignor: several fitted who held what, and one of them was followed (KAFKA_ASSIGNOR)"
        }
        NotKnown::Holders => {
            "who held what: Kafka tells it of now, and it is taken to have been so while the pods were those of now"
        }
        NotKnown::Consumed => "what was consumed, and lag by Kafka: it keeps neither",
        NotKnown::Pauses => {
            "how much lag the rebalances of rotations would have made: their pauses are not in it"
        }
        NotKnown::Topics => {
            "what would have been after topics came or went: nothing is compared from then on"
        }
    }
}

/// Hours of lag as they were and would have been.
pub(in crate::render) fn lag_hours(summary: &Summary) -> String {
    match &summary.lag {
        None => "-".to_owned(),
        Some(LagHours { compared: Some(compared), .. }) => {
            format!("{:.1} -> {:.1}", compared.pod_hours_was, compared.pod_hours_would)
        }
        Some(LagHours { compared: None, pod_hours_was, .. }) => format!("{pod_hours_was:.1} -> not known"),
    }
}

/// Hours of lag in words; nothing where no lag is known.
fn lag_words(lag: &LagHours) -> String {
    let LagHours { above, pod_hours_was, pod_hours_removed, compared, .. } = lag;
    match compared {
        Some(LagCompared { pod_hours_was: was, pod_hours_would: would, .. }) => format!(
            " Of {was:.1} pod-hours with lag above {above}, {would:.1} would have been left, by a queue for each pod and \
             without the pauses of rebalances."
        ),
        None => format!(
            " Pods had lag above {above} for {pod_hours_was:.1} pod-hours, {pod_hours_removed:.1} of them on pods that would \
             have been removed by then; what lag would have been is not known."
        ),
    }
}

/// What it comes to.
pub(in crate::render) fn words(shown: &Shown<'_>) -> String {
    if let [only] = shown.runs {
        return one(&only.summary);
    }
    match best(shown.runs).and_then(|index| shown.runs.get(index)) {
        Some(run) => format!(
            "The fewest removals for each unit of improvement: {}, with {:.2} pods for each 0.01 of CV.\n{}",
            named(&run.settings),
            run.summary.removals_per_hundredth.unwrap_or_default(),
            one(&run.summary)
        ),
        None => "None of these settings would have made the fleet more even.".to_owned(),
    }
}

fn one(summary: &Summary) -> String {
    let Summary { cycles, rotations, removals, wanted, wanted_removals, compared, lag, .. } = summary;
    if *wanted > 0 && *rotations == 0 {
        return format!(
            "{wanted} of {cycles} cycles would have removed {wanted_removals} pods, each as if none had before it. What had \
             come of it is not known, and is not predicted."
        );
    }
    let Some(compared) = compared else {
        return "Nothing is known of this time.".to_owned();
    };
    let Compared { cv_was, cv_would, pod_hours_above_was, pod_hours_above_would, .. } = compared;
    if *rotations == 0 {
        return format!("No pod would have been removed in {cycles} cycles; mean CV {cv_was:.3}.");
    }
    let (rotations, removals) = (counted(*rotations, "rotation"), counted(*removals, "pod"));
    format!(
        "{rotations} would have removed {removals} in {cycles} cycles. Mean CV {cv_was:.3} would have been \
         {cv_would:.3}, and {:.1} pod-hours above the limit would have been avoided.",
        pod_hours_above_was - pod_hours_above_would
    ) + &lag.as_ref().map(lag_words).unwrap_or_default()
}

/// `1 pod`, `2 pods`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
