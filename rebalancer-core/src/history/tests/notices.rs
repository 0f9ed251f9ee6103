//! Who is told what, and how often.

use super::*;

fn policy() -> NoticePolicy {
    NoticePolicy {
        kinds: NoticeKind::ALL.to_vec(),
        hold_after: SignedDuration::from_hours(1),
        repeat: SignedDuration::from_hours(24),
    }
}

fn kinds(notices: &[Notice]) -> Vec<&'static str> {
    notices.iter().map(|notice| notice.kind().name()).collect()
}

fn held(hold: &'static str) -> Happened {
    Happened { hold: Some((hold, "words".to_owned())), ..Happened::default() }
}

fn failed() -> Happened {
    Happened { failed: Some("no answer".to_owned()), ..Happened::default() }
}

/// Minutes at which anything was told, where this happens in each cycle.
fn told(happened: &Happened, minutes: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut record = Record::default();
    minutes.filter(|minute| !record.tell(happened, &policy(), at(*minute)).is_empty()).collect()
}

#[test]
fn a_hold_is_told_when_it_lasts_and_again_after_a_day_and_never_with_each_cycle() {
    let every_five_minutes = (0..3 * 24 * 12).map(|cycle| cycle * 5);
    let day = 24 * 60;
    assert_eq!(told(&held("no_pods"), every_five_minutes), [60, 60 + day, 60 + 2 * day]);
}

#[test]
fn holds_that_are_meant_to_last_are_not_told() {
    for hold in ["settling", "quiet_hours", "breaker_open", "workload_opted_out"] {
        assert_eq!(told(&held(hold), (0..100).map(|cycle| cycle * 30)), Vec::<i64>::new(), "{hold}");
    }
}

#[test]
fn another_hold_begins_anew() {
    let mut record = Record::default();
    for minute in (0..600).step_by(5) {
        let hold = if minute % 50 == 0 { "no_eligible_pods" } else { "no_pods" };
        assert_eq!(record.tell(&held(hold), &policy(), at(minute)), [], "{minute}");
    }
}

#[test]
fn a_failure_is_told_at_once_and_then_once_a_day() {
    assert_eq!(told(&failed(), (0..600).map(|cycle| cycle * 5)), [0, 24 * 60, 2 * 24 * 60]);
}

#[test]
fn a_breaker_is_told_when_it_opens_and_when_it_closes() {
    let mut record = Record::default();
    let tell = |record: &mut Record, minute| {
        kinds(&record.tell(&Happened::default(), &policy(), at(minute))).join(" ")
    };
    assert_eq!(tell(&mut record, 0), "");
    (0..3).for_each(|_| record.cycle_ended("failed", CycleHealth::Failed, at(1), &HistoryPolicy::default()));
    assert_eq!(tell(&mut record, 1), "breaker");
    assert_eq!(tell(&mut record, 6), "");
    record.advance(at(90), &HistoryPolicy::default());
    assert_eq!(tell(&mut record, 90), "", "half open is neither");
    record.cycle_ended("balanced", CycleHealth::Sound, at(90), &HistoryPolicy::default());
    assert_eq!(tell(&mut record, 91), "breaker");
    assert_eq!(tell(&mut record, 96), "");
}

#[test]
fn a_rotation_is_told_by_its_own_cycle_and_its_effect_when_it_is_measured() {
    let mut record = Record::default();
    record.begin(rotation("cycle", 0));
    let of = |cycle: &str| Happened { cycle: cycle.to_owned(), ..Happened::default() };
    assert_eq!(kinds(&record.tell(&of("cycle"), &policy(), at(0))), ["rotation"]);
    assert_eq!(record.tell(&of("next"), &policy(), at(5)), []);
    let judged = Happened { judged: record.rotations().last().cloned(), ..of("later") };
    assert_eq!(kinds(&record.tell(&judged, &policy(), at(20))), ["effect"]);
}

#[test]
fn a_kind_that_is_not_wanted_is_not_told_and_takes_no_room() {
    let mut record = Record::default();
    let none = NoticePolicy { kinds: vec![NoticeKind::Hold], ..policy() };
    for minute in 0..100 {
        assert_eq!(record.tell(&failed(), &none, at(minute)), []);
    }
    assert_eq!(kinds(&record.tell(&failed(), &policy(), at(100))), ["failure"]);
}

#[test]
fn an_hour_has_room_for_so_many_and_no_more() {
    let mut record = Record::default();
    let mut count = 0;
    for minute in 0..60 {
        let cycle = format!("cycle-{minute}");
        record.begin(rotation(&cycle, minute));
        count += record.tell(&Happened { cycle, ..Happened::default() }, &policy(), at(minute)).len();
    }
    assert_eq!(count, MOST_AN_HOUR);
    assert_eq!(
        kinds(&record.tell(&failed(), &policy(), at(60))),
        ["failure"],
        "the first ones are an hour ago"
    );
}

#[test]
fn each_proposal_is_told_once_and_not_more_often_than_somebody_can_answer() {
    use crate::policy::Pace;
    use crate::unit::{Percent, PercentChange};
    let limits = ApprovalLimits::new(SignedDuration::from_hours(1), Percent::new(5.0).unwrap()).unwrap();
    let plan = ProposedPlan {
        workload: None,
        indicator: Indicator::Cpu,
        pods: Vec::new(),
        pace: Pace::Together,
        expected: Gain::new(Basis::EvenMixing, None, PercentChange::NONE),
    };
    let mut record = Record::default();
    let mut told = Vec::new();
    for minute in 0..40 {
        record.propose(Proposal::new(&format!("cycle-{minute}"), at(minute), plan.clone(), &limits).unwrap());
        told.extend(record.tell(&Happened::default(), &policy(), at(minute)).iter().map(|_| minute));
        assert_eq!(record.tell(&Happened::default(), &policy(), at(minute)), [], "once");
    }
    assert_eq!(told, [0, 15, 30]);
}

#[cfg(feature = "serde")]
#[test]
fn what_was_told_is_part_of_the_record() {
    let mut record = Record::default();
    let _ = record.tell(&failed(), &policy(), at(0));
    let mut next: Record = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    assert_eq!(next, record);
    assert_eq!(next.tell(&failed(), &policy(), at(5)), [], "another process tells it no more");
}
