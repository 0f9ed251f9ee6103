//! The record as JSON.

use std::collections::BTreeMap;

use super::*;
use crate::policy::Pace;
use crate::unit::{Percent, PercentChange};

fn json(record: &Record) -> String {
    serde_json::to_string(record).unwrap()
}

#[test]
fn a_record_reads_like_this() {
    let mut record = Record::default();
    record.begin(rotation("a", 0));
    record.finish("a", &both(Ends::Removed, unknown()), at(0));
    let expected = concat!(
        r#"{"version":1,"rotations":[{"cycle":"a","at":"2026-01-01T00:00:00Z","indicator":"cpu","pods":["#,
        r#"{"name":"hot","uid":"uid-of-hot","role":"hot","fate":"removed"},"#,
        r#"{"name":"cold","uid":"uid-of-cold","role":"cold","fate":"unknown"}],"#,
        r#""before":{"cv":0.5,"max_to_mean":2.0},"predicted_cv":null,"effect":{"verdict":"not-yet-known"}}],"#,
        r#""removals":[{"at":"2026-01-01T00:00:00Z","pods":1}],"unhelpful_in_a_row":0,"failures_in_a_row":0,"#,
        r#""breaker":{"state":"closed"},"counters":{"cycles":{},"removed":{"hot":1},"refused":{},"#,
        r#""failed":{"unknown":1},"rotations":{},"breaker":{},"degraded":{},"holds":{},"errors":{},"retries":{},"#,
        r#""analysis":{"counts":[0,0,0,0,0,0,0,0,0,0,0],"millis":0},"#,
        r#""cycle":{"counts":[0,0,0,0,0,0,0,0,0,0,0],"millis":0}}}"#,
    );
    assert_eq!(json(&record), expected);
}

#[test]
fn fields_that_are_not_known_are_skipped_and_fields_that_miss_are_not_made_up() {
    let text = json(&after(&[(0, 0.5)]));
    let more = text.replacen('{', r#"{"from_the_future":[1,2],"#, 1);
    assert_eq!(serde_json::from_str::<Record>(&more).unwrap(), after(&[(0, 0.5)]));
    for text in ["{}", r#"{"version":1}"#, "null", "[]", ""] {
        assert!(serde_json::from_str::<Record>(text).is_err(), "{text}");
    }
}

#[test]
fn a_record_that_counted_less_is_read_and_begins_at_none() {
    let record = after(&[(0, 0.5)]);
    let text = json(&record);
    let old = text.split(r#","degraded":"#).next().unwrap().to_owned() + "}}";
    assert_ne!(old, text);
    assert_eq!(serde_json::from_str::<Record>(&old).unwrap(), record);
}

#[test]
fn a_record_from_before_slow_pods_were_remembered_is_read_and_one_with_them_comes_back_as_it_was() {
    let old = after(&[(0, 0.5)]);
    assert!(!json(&old).contains("slow"));
    let slow = SlowPod::new(Some("worker-7"), Ratio::new(2.0).unwrap());
    let mut record = Record::default();
    record.begin(rotation("a", 0).with_slow(&BTreeMap::from([(pod_ref("hot").uid, slow)])));
    let text = json(&record);
    assert!(text.contains(r#""slow":{"node":"worker-7","factor":2.0}}"#), "{text}");
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    let broken = text.replacen("worker-7", "worker\\n7", 1);
    assert!(serde_json::from_str::<Record>(&broken).is_err());
}

#[test]
fn another_version_is_not_read_and_its_number_can_be_told() {
    let text = json(&Record::default()).replacen("\"version\":1", "\"version\":2", 1);
    assert!(serde_json::from_str::<Record>(&text).is_err());
    assert!(serde_json::from_str::<Header>(&text).unwrap().is_newer());
}

#[test]
fn values_that_are_none_are_not_read() {
    let text = json(&after(&[(0, 0.5)]));
    for (good, bad) in [
        ("\"cv\":0.5", "\"cv\":-0.5"),
        ("\"indicator\":\"cpu\"", "\"indicator\":\"moon\""),
        ("\"name\":\"hot\"", "\"name\":\"h\\nt\""),
        ("2026-01-01T00:00:00Z", "yesterday"),
        ("\"fate\":\"removed\"", "\"fate\":\"eaten\""),
    ] {
        let broken = text.replacen(good, bad, 1);
        assert_ne!(broken, text);
        assert!(serde_json::from_str::<Record>(&broken).is_err(), "{bad}");
    }
}

#[test]
fn a_number_that_is_longer_than_any_that_is_written_comes_back_as_it_was_read() {
    let text = json(&after(&[(0, 0.5)]));
    for number in ["1.7973465674311578e308", "0.12345678901234567", "1e-308"] {
        let longer = text.replacen("\"predicted_cv\":null", &format!("\"predicted_cv\":{number}"), 1);
        let read: Record = serde_json::from_str(&longer).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&json(&read)).unwrap(), read, "{number}");
    }
}

#[test]
fn a_tally_with_more_names_than_are_counted_apart_comes_back_as_it_was() {
    let mut record = Record::default();
    for name in 0..20 {
        record.cycle_ended(
            &format!("status_{name:02}"),
            CycleHealth::Sound,
            at(0),
            &HistoryPolicy::default(),
        );
    }
    assert_eq!(record.counters().cycles.get("other"), 4);
    assert_eq!(serde_json::from_str::<Record>(&json(&record)).unwrap(), record);
}

/// Each tally with more names than it keeps, and no number is longer.
fn full_counters() -> Counters {
    let tallies = ["cycles", "removed", "refused", "failed", "rotations", "breaker", "degraded"];
    let tally = |tally: &str| {
        let counts = (0..60).map(|name| format!(r#""{name:032}":{}"#, u64::MAX)).collect::<Vec<_>>();
        format!(r#""{tally}":{{{}}},"#, counts.join(","))
    };
    let tallies: String = tallies.into_iter().chain(["holds", "errors", "retries"]).map(tally).collect();
    let durations = format!(r#"{{"counts":{:?},"millis":{}}}"#, [u64::MAX; 11], u64::MAX);
    serde_json::from_str(&format!(r#"{{{tallies}"analysis":{durations},"cycle":{durations}}}"#)).unwrap()
}

/// The largest open proposal, and as many others as are remembered.
fn fill_proposals(record: &mut Record) {
    let change = PercentChange::new(-123_456.123_456).unwrap();
    let pod = |n: usize| ProposedPod {
        name: "x".repeat(253),
        uid: Uid::new(format!("{n:064}")),
        role: Role::Partner,
    };
    let plan = |pods| ProposedPlan {
        workload: Some(Uid::new("u".repeat(64))),
        indicator: Indicator::ProductionRate,
        pods: (0..pods).map(pod).collect(),
        pace: Pace::EachAwaited,
        expected: Gain::new(Basis::EvenMixing, Some(change), change),
    };
    let limits = ApprovalLimits::new(SignedDuration::from_hours(1), Percent::new(5.0).unwrap()).unwrap();
    let by = || Answered::new(Some(&"b".repeat(500)), AnswerWay::Annotation, at(0));
    for count in 0..40_usize {
        let pods = if count == 39 { 40 } else { 5 };
        let proposal = Proposal::new(&format!("{count:064}"), at(0), plan(pods), &limits).unwrap();
        let id = proposal.id.clone();
        record.propose(proposal);
        let answer = if count == 39 { Answer::Approve } else { Answer::Reject };
        record.answer(&id, answer, by(), at(0)).unwrap();
    }
}

#[test]
fn the_largest_record_there_is_stays_within_its_bounds() {
    let longest = "x".repeat(253);
    let uid = || Uid::new("u".repeat(64));
    let pods = |count: usize| {
        let pod = || PodRef { namespace: "shop".into(), name: longest.clone(), uid: uid() };
        (0..count).map(move |_| (pod(), Role::Cold))
    };
    let odd = Ratio::new(123_456.123_456_7).unwrap();
    let (spread, time) = (Imbalance::new(odd, odd), Timestamp::MAX);
    let rotation = |count, cycle: usize| {
        let cycle = format!("{cycle:064}");
        let slow = BTreeMap::from([(uid(), SlowPod::new(Some(&longest), odd))]);
        let pods = pods(count);
        let rotation =
            Rotation::intended(&cycle, time, Indicator::ProductionRate, pods, spread, Some(odd)).unwrap();
        let mut rotation = rotation.with_slow(&slow);
        for slow in rotation.pods.iter_mut().filter_map(|pod| pod.slow.as_mut()) {
            slow.replacement = Some(Replacement { factor: odd, landed: Landed::OtherNode });
        }
        rotation
    };
    let mut record = Record::default();
    for cycle in 0..200 {
        record.begin(rotation(if cycle == 199 { 40 } else { 2 }, cycle));
        record.measure(Timestamp::MAX, &HistoryPolicy::default(), |_| Some(spread));
        for name in 0..40 {
            let (status, end) = (format!("{name:032}"), CycleHealth::Failed);
            (0..3).for_each(|_| record.cycle_ended(&status, end, time, &HistoryPolicy::default()));
        }
    }
    record.counters = full_counters();
    fill_proposals(&mut record);
    let length = json(&record).len();
    assert!(length < MOST_BYTES, "{length}");
    assert_eq!(serde_json::from_str::<Record>(&json(&record)).unwrap().proposal(), record.proposal());
}
