//! What replacements of slow pods brought.

use std::collections::BTreeMap;

use super::*;

const NODE: Option<&str> = Some("worker-7");

fn ratio(value: f64) -> Ratio {
    Ratio::new(value).unwrap()
}

/// A pod that was created at this minute, on this node.
fn created(name: &str, minute: i64, node: &str) -> Pod {
    Pod { created_at: Some(at(minute)), node: Some(node.into()), ..listed(name, &format!("new-{name}")) }
}

/// A rotation of a pod of node worker-7, on which the work costs twice as much, and of a usual one.
fn begun(record: &mut Record, minute: i64) {
    let cycle = format!("cycle-{minute}");
    let slow = BTreeMap::from([(pod_ref("hot").uid, SlowPod::new(NODE, ratio(2.0)))]);
    record.begin(rotation(&cycle, minute).with_slow(&slow));
    record.finish(&cycle, &removed(), at(minute));
}

/// It settles, and these pods are new.
fn settled(record: &mut Record, minute: i64, new: &[(Pod, f64)], cv: f64) {
    let seen: Vec<PodFactor<'_>> =
        new.iter().map(|(pod, factor)| PodFactor { pod, factor: ratio(*factor) }).collect();
    record.replaced(&seen, at(minute + 15), &HistoryPolicy::default());
    record.measure(at(minute + 15), &HistoryPolicy::default(), |_| Some(imbalance(cv)));
}

fn replacement(record: &Record) -> Option<Replacement> {
    record.rotations().last().unwrap().pods[0].slow.as_ref().unwrap().replacement
}

/// A record in which pods of that node were replaced by ones of these factors, on the same node.
fn replaced_by(factors: &[f64]) -> Record {
    let mut record = Record::default();
    for (turn, factor) in (0..).zip(factors) {
        let minute = turn * 20;
        begun(&mut record, minute);
        settled(&mut record, minute, &[(created("new", minute + 1, "worker-7"), *factor)], 0.5);
    }
    record
}

#[test]
fn the_replacement_has_the_same_name_or_the_same_node_and_else_the_slowest_new_pod_is_taken_for_it() {
    let found = |new: &[(Pod, f64)]| {
        let mut record = Record::default();
        begun(&mut record, 0);
        settled(&mut record, 0, new, 0.3);
        replacement(&record)
    };
    let is = |factor, landed| Some(Replacement { factor: ratio(factor), landed });
    let elsewhere = || (created("b", 1, "worker-2"), 3.0);
    let same_name = (created("hot", 1, "worker-3"), 1.5);
    assert_eq!(found(&[elsewhere(), same_name]), is(1.5, Landed::OtherNode));
    let same_node = (created("a", 1, "worker-7"), 2.0);
    assert_eq!(found(&[elsewhere(), same_node]), is(2.0, Landed::SameNode));
    let usual = (created("a", 1, "worker-3"), 1.0);
    assert_eq!(found(&[usual, elsewhere()]), is(3.0, Landed::OtherNode));
    let old = (created("a", -60, "worker-7"), 2.0);
    assert_eq!(found(&[old]), None, "a pod of before replaces none");
    assert_eq!(found(&[]), None);
}

#[test]
fn nothing_is_measured_while_replacements_may_be_on_their_way_or_when_the_pod_stayed() {
    let seen = created("new", 1, "worker-7");
    let seen = [PodFactor { pod: &seen, factor: ratio(2.0) }];
    let mut record = Record::default();
    begun(&mut record, 0);
    record.replaced(&seen, at(14), &HistoryPolicy::default());
    assert_eq!(replacement(&record), None);
    record.replaced(&seen, at(15), &HistoryPolicy::default());
    assert!(replacement(&record).is_some());
    let mut spared = Record::default();
    let slow = BTreeMap::from([(pod_ref("hot").uid, SlowPod::new(NODE, ratio(2.0)))]);
    spared.begin(rotation("a", 0).with_slow(&slow));
    spared.finish("a", &both(Ends::Spared, Ends::Removed), at(0));
    spared.replaced(&seen, at(15), &HistoryPolicy::default());
    assert_eq!(replacement(&spared), None);
}

#[test]
fn what_is_expected_of_a_replacement_is_what_was_measured_and_one_usual_pod_in_hope() {
    let expected = |factors: &[f64], node| replaced_by(factors).replacements(at(100)).expected(node, 2.0);
    assert!((expected(&[], NODE) - 1.0).abs() < 1e-9, "nothing was measured: hope");
    assert!((expected(&[2.0], NODE) - 1.5).abs() < 1e-9);
    assert!(
        (expected(&[2.0], Some("worker-1")) - 1.5).abs() < 1e-9,
        "of other nodes, too, if there is nothing else"
    );
    assert!((expected(&[1.0], NODE) - 1.0).abs() < 1e-9);
    assert!((expected(&[2.0, 2.2], NODE) - 2.0).abs() < 1e-9, "no hope is left: as slow as the pod itself");
    assert!((expected(&[2.0, 2.2], Some("worker-1")) - 5.2 / 3.0).abs() < 1e-9);
}

#[test]
fn after_two_replacements_on_one_node_that_did_not_help_it_is_hopeless_until_one_does_or_a_day_has_passed() {
    let known = |factors: &[f64]| replaced_by(factors).replacements(at(100));
    assert!(!known(&[2.0]).is_hopeless(NODE));
    assert!(known(&[2.0, 2.0]).is_hopeless(NODE));
    assert_eq!(known(&[1.0, 2.0, 2.0, 1.8]).in_vain(NODE), 3);
    assert!(!known(&[2.0, 2.0, 1.0]).is_hopeless(NODE), "the last one helped");
    assert!(!known(&[2.0, 2.0]).is_hopeless(Some("worker-1")));
    assert!(!known(&[2.0, 2.0]).is_hopeless(None), "a node that is not known is none");
    let record = replaced_by(&[2.0, 2.0]);
    assert!(!record.replacements(at(60 * 24)).is_hopeless(NODE), "the first one was a day ago");
    let mut forgiven = replaced_by(&[2.0, 2.0]);
    forgiven.forgive();
    assert_eq!(forgiven.replacements(at(100)), Replacements::default());
}

#[test]
fn a_replacement_on_another_node_says_nothing_of_this_one_and_one_that_could_not_be_measured_is_judged_by_the_effect()
 {
    let with = |new: &[(Pod, f64)], cv| {
        let mut record = Record::default();
        begun(&mut record, 0);
        settled(&mut record, 0, new, cv);
        record.replacements(at(100)).in_vain(NODE)
    };
    assert_eq!(with(&[(created("new", 1, "worker-3"), 2.0)], 0.5), 0);
    assert_eq!(with(&[], 0.5), 1, "the CV is what it was");
    assert_eq!(with(&[], 0.3), 0);
}
