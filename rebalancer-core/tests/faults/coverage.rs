//! What a run must have seen to prove anything: it must not pass by doing nothing, and every fault must have happened.

use crate::fault::{Fault, Hitch};
use crate::ports::CALLS;
use crate::tally::Tally;

/// What went wrong too seldom, with the least that is asked for; for a run of this many cycles.
pub(crate) fn missing(tally: &Tally) -> Vec<String> {
    let cycles = tally.get("cycles");
    let mut asked: Vec<(String, u64)> = vec![
        ("removals".to_owned(), cycles / 20),
        ("removals while nothing goes wrong".to_owned(), cycles / 200),
        ("lock: taken over".to_owned(), cycles / 100),
        ("lock: held".to_owned(), cycles / 500),
        ("group's lock: taken".to_owned(), cycles / 500),
        ("group's lock: held".to_owned(), cycles / 1_000),
        ("group's lock: given back".to_owned(), cycles / 5_000),
        ("story: removed".to_owned(), cycles / 1_000),
        ("story: replaced".to_owned(), cycles / 2_000),
        ("story: still there".to_owned(), cycles / 1_000),
        ("judged: helped".to_owned(), cycles / 200),
        ("judged: did_not_help".to_owned(), cycles / 200),
        ("end: dry_run".to_owned(), cycles / 1_000),
        ("end: proposed".to_owned(), cycles / 500),
        ("end: rejected".to_owned(), cycles / 5_000),
        ("approved: by command".to_owned(), cycles / 2_000),
        ("approved: by annotation".to_owned(), cycles / 2_000),
        ("removals that were approved".to_owned(), cycles / 2_000),
        ("removal: blocked".to_owned(), cycles / 10_000),
        ("pod: spared".to_owned(), cycles / 10_000),
    ];
    for hold in ["breaker_open", "settling", "removal_budget_spent", "quiet_hours", "workload_opted_out"] {
        asked.push((format!("decision: {hold}"), cycles / 1_000));
    }
    asked.extend(Fault::ALL.map(|fault| (format!("fault: {fault:?}"), cycles / 5_000)));
    asked.extend(Hitch::ALL.map(|hitch| (format!("hitch: {hitch:?}"), cycles / 1_000)));
    for call in CALLS {
        // Only Deployments are asked for other revisions, and once a batch. One group in five spans clusters.
        let every = match call {
            "looking for other revisions" => 25_000,
            call if call.contains("group's lock") => 50_000,
            _ => 10_000,
        };
        asked.extend(["before", "after"].map(|half| (format!("crash: {half} {call}"), cycles / every)));
    }
    let short = asked.into_iter().filter(|(what, least)| tally.get(what) < (*least).max(1));
    short.map(|(what, least)| format!("{what}: {}, not {least}", tally.get(&what))).collect()
}
