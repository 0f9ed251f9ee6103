//! Proposals, answers, and what consent follows from them.

use proptest::prelude::*;

use super::*;
use crate::policy::Pace;
use crate::unit::{Percent, PercentChange};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn limits() -> ApprovalLimits {
    ApprovalLimits::new(HOUR, Percent::new(5.0).unwrap()).unwrap()
}

fn pod(name: &str, role: Role) -> ProposedPod {
    ProposedPod { name: name.to_owned(), uid: pod_ref(name).uid, role }
}

fn gain(basis: Basis, improvement: f64, relief: f64) -> Gain {
    let change = |value| PercentChange::new(value).unwrap();
    Gain::new(basis, Some(change(improvement)), change(relief))
}

fn plan() -> ProposedPlan {
    ProposedPlan {
        workload: Some(Uid::new("workload")),
        indicator: Indicator::Cpu,
        pods: vec![pod("hot", Role::Hot), pod("warm", Role::Hot), pod("cold", Role::Cold)],
        pace: Pace::Together,
        expected: gain(Basis::Predicted, 40.0, 30.0),
    }
}

/// A record with one proposal, made at minute 0.
fn asked() -> (Record, String) {
    let mut record = Record::default();
    let proposal = Proposal::new("cycle", at(0), plan(), &limits()).unwrap();
    let id = proposal.id.clone();
    record.propose(proposal);
    (record, id)
}

fn by(name: &str) -> Answered {
    Answered::new(Some(name), AnswerWay::Command, at(1))
}

fn approved() -> (Record, String) {
    let (mut record, id) = asked();
    record.answer(&id, Answer::Approve, by("ann"), at(1)).unwrap();
    (record, id)
}

fn is_granted(record: &Record, plan: &ProposedPlan, minute: i64) -> bool {
    matches!(record.consent(plan, at(minute), &limits()), Consent::Granted(_))
}

#[test]
fn nothing_is_granted_before_somebody_approves() {
    assert_eq!(
        Record::default().consent(&plan(), at(0), &limits()),
        Consent::Unasked(AskedBecause::NothingOpen)
    );
    let (record, id) = asked();
    assert!(matches!(record.consent(&plan(), at(1), &limits()), Consent::Waiting(open) if open.id == id));
    let (record, id) = approved();
    let granted = Consent::Granted(Approved { proposal: id, by: by("ann") });
    assert_eq!(record.consent(&plan(), at(2), &limits()), granted);
}

#[test]
fn an_approval_counts_until_its_time_is_over() {
    let (mut record, id) = approved();
    assert!(is_granted(&record, &plan(), 59));
    assert!(!is_granted(&record, &plan(), 60));
    record.advance(at(60), &HistoryPolicy::default());
    assert_eq!(record.proposal(), None);
    let late = record.answer(&id, Answer::Approve, by("bob"), at(61)).unwrap_err();
    assert!(late.to_string().contains("expired"), "{late}");
    assert_eq!(record.counters().proposals.get("expired"), 1);
}

#[test]
fn an_approval_is_used_once() {
    let (mut record, id) = approved();
    record.begin_approved(rotation("next", 5));
    assert!(!is_granted(&record, &plan(), 6));
    let again = record.answer(&id, Answer::Approve, by("ann"), at(6)).unwrap_err();
    assert!(again.to_string().starts_with("a cycle acted by proposal"), "{again}");
}

#[test]
fn what_differs_from_the_approved_plan_is_asked_again() {
    let (record, id) = approved();
    let differs = |change: &dyn Fn(&mut ProposedPlan)| {
        let mut plan = plan();
        change(&mut plan);
        let consent = record.consent(&plan, at(2), &limits());
        let Consent::Unasked(AskedBecause::Differs { from, approved: true, difference }) = consent else {
            panic!("{consent:?}");
        };
        assert_eq!(from, id);
        difference
    };
    assert_eq!(differs(&|plan| plan.workload = Some(Uid::new("another"))), Difference::Workload);
    assert_eq!(differs(&|plan| plan.workload = None), Difference::Workload);
    assert_eq!(differs(&|plan| plan.indicator = Indicator::Lag), Difference::Indicator);
    assert_eq!(differs(&|plan| plan.pods.push(pod("new", Role::Cold))), Difference::Pods { others: 1 });
    assert_eq!(
        differs(&|plan| plan.pods[0].uid = Uid::new("another of the name")),
        Difference::Pods { others: 1 }
    );
    assert_eq!(differs(&|plan| plan.pods[0].role = Role::Cold), Difference::Pods { others: 1 });
    assert_eq!(differs(&|plan| plan.pods.clear()), Difference::Pods { others: 0 });
    assert_eq!(differs(&|plan| plan.pace = Pace::EachAwaited), Difference::Pace);
    assert_eq!(differs(&|plan| plan.expected.basis = Basis::EvenMixing), Difference::Basis);
    assert_eq!(differs(&|plan| plan.expected.improvement = None), Difference::GainUnknown);
    let less = |plan: &mut ProposedPlan| plan.expected = gain(Basis::Predicted, 34.9, 30.0);
    assert!(matches!(differs(&less), Difference::LessGain { .. }));
    let cooler = |plan: &mut ProposedPlan| plan.expected = gain(Basis::Predicted, 40.0, 24.9);
    assert!(matches!(differs(&cooler), Difference::LessGain { .. }));
}

#[test]
fn the_same_within_the_limits_and_fewer_pods_for_as_much_are_granted() {
    let (record, _) = approved();
    let granted = |change: &dyn Fn(&mut ProposedPlan)| {
        let mut plan = plan();
        change(&mut plan);
        is_granted(&record, &plan, 2)
    };
    assert!(granted(&|plan| plan.expected = gain(Basis::Predicted, 35.0, 25.0)));
    assert!(granted(&|plan| plan.expected = gain(Basis::Predicted, 80.0, 90.0)));
    assert!(granted(&|plan| drop(plan.pods.remove(1))));
    assert!(granted(&|plan| plan.pods.reverse()));
}

#[test]
fn a_rejected_plan_is_not_proposed_again_as_long_as_it_would_have_been_valid() {
    let (mut record, id) = asked();
    record.answer(&id, Answer::Reject, by("ann"), at(30)).unwrap();
    let refused = |plan: &ProposedPlan, minute| {
        matches!(record.consent(plan, at(minute), &limits()), Consent::Refused(_))
    };
    assert!(refused(&plan(), 31) && refused(&plan(), 89) && !refused(&plan(), 90));
    let mut part = plan();
    part.pods.truncate(1);
    assert!(refused(&part, 31), "a part of what must not be done must not be done either");
    let mut more = plan();
    more.pods.push(pod("new", Role::Cold));
    assert!(!refused(&more, 31), "it is another plan");
}

#[test]
fn an_approval_may_be_taken_back_until_it_is_used() {
    let (mut record, id) = approved();
    record.answer(&id, Answer::Reject, by("bob"), at(3)).unwrap();
    assert!(
        matches!(record.consent(&plan(), at(4), &limits()), Consent::Refused(rejected) if rejected.by == by("bob"))
    );
    let late = record.answer(&id, Answer::Approve, by("ann"), at(5)).unwrap_err();
    assert!(late.to_string().contains("was rejected"), "{late}");
}

#[test]
fn an_answer_says_why_it_can_not_be_taken() {
    let (mut record, id) = approved();
    let told = |record: &mut Record, id: &str| {
        record.answer(id, Answer::Approve, by("bob"), at(2)).unwrap_err().to_string()
    };
    assert_eq!(told(&mut record, "0123"), format!("there is no proposal 0123; open is {id}"));
    assert_eq!(
        told(&mut record, &id),
        format!("proposal {id} was already approved at 2026-01-01T00:01:00Z by ann")
    );
    let mut changed = plan();
    changed.pods.truncate(2);
    record.propose(Proposal::new("later", at(3), changed, &limits()).unwrap());
    assert!(told(&mut record, &id).contains("was replaced"));
    assert_eq!(told(&mut Record::default(), "0123"), "there is no proposal 0123; none is open");
}

#[test]
fn two_cycles_never_give_the_same_id() {
    let ids: std::collections::BTreeSet<String> = (0..1000)
        .map(|cycle| Proposal::new(&format!("cycle-{cycle}"), at(0), plan(), &limits()).unwrap().id)
        .collect();
    assert_eq!(ids.len(), 1000);
    assert!(ids.iter().all(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit())));
}

#[test]
fn a_proposal_of_a_clock_that_was_ahead_is_valid_for_no_longer_than_one_of_now() {
    let mut record = Record::default();
    record.propose(Proposal::new("cycle", at(500), plan(), &limits()).unwrap());
    record.advance(at(0), &HistoryPolicy::default());
    assert_eq!(record.proposal().unwrap().until, at(60));
}

fn any_plan() -> impl Strategy<Value = ProposedPlan> {
    let pods = proptest::collection::vec((0_u8..5, any::<bool>()), 0..5);
    let percent = prop_oneof![Just(None), (0_i32..60).prop_map(Some)];
    (0_u8..2, any::<bool>(), pods, any::<bool>(), any::<bool>(), percent, 0_i32..60).prop_map(
        |(workload, cpu, pods, together, mixed, percent, relief)| {
            let change = |value: i32| PercentChange::new(f64::from(value)).unwrap();
            let basis = if mixed { Basis::EvenMixing } else { Basis::Predicted };
            let role = |hot| if hot { Role::Hot } else { Role::Cold };
            ProposedPlan {
                workload: (workload > 0).then(|| Uid::new("workload")),
                indicator: if cpu { Indicator::Cpu } else { Indicator::Lag },
                pods: pods.into_iter().map(|(n, hot)| pod(&format!("pod-{n}"), role(hot))).collect(),
                pace: if together { Pace::Together } else { Pace::EachAwaited },
                expected: Gain::new(basis, percent.map(change), change(relief)),
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_granted_removes_only_proposed_pods_and_brings_about_as_much(proposed in any_plan(), now in any_plan()) {
        let mut record = Record::default();
        let proposal = Proposal::new("cycle", at(0), proposed.clone(), &limits()).unwrap();
        let id = proposal.id.clone();
        record.propose(proposal);
        record.answer(&id, Answer::Approve, by("ann"), at(1)).unwrap();
        if is_granted(&record, &now, 2) {
            prop_assert!(!now.pods.is_empty());
            prop_assert!(now.pods.iter().all(|pod| proposed.pods.contains(pod)));
            prop_assert_eq!(&now.workload, &proposed.workload);
            prop_assert_eq!(now.expected.basis, proposed.expected.basis);
            let (then, improvement) = (proposed.expected.improvement.unwrap(), now.expected.improvement.unwrap());
            prop_assert!(improvement.get() >= then.get() - 5.0);
        }
    }

    #[test]
    fn the_same_plan_is_always_granted_where_its_effect_is_known(proposed in any_plan()) {
        let known = proposed.expected.improvement.is_some() && !proposed.pods.is_empty();
        prop_assert_eq!(difference(&proposed, &proposed, &limits()).is_none(), known);
    }

    #[test]
    fn without_an_approval_nothing_is_granted_whatever_was_proposed_and_rejected(
        story in proptest::collection::vec((any_plan(), any::<bool>(), 0_i64..90), 0..12), now in any_plan(),
    ) {
        let mut record = Record::default();
        for (count, (plan, rejects, minute)) in story.into_iter().enumerate() {
            let proposal = Proposal::new(&format!("cycle-{count}"), at(minute), plan, &limits()).unwrap();
            let id = proposal.id.clone();
            record.propose(proposal);
            if rejects {
                let _ = record.answer(&id, Answer::Reject, by("ann"), at(minute));
            }
            prop_assert!(!is_granted(&record, &now, minute));
        }
    }
}
