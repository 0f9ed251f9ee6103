//! What one look after the other says of a group.

use super::*;
use crate::fleet::consumer_group::{GroupProtocol, GroupState};

fn group(state: GroupState, members: &[&str]) -> ConsumerGroup {
    let member = |id: &&str| GroupMember { assigned: Some(Vec::new()), ..GroupMember::new((*id).to_owned()) };
    ConsumerGroup {
        id: "g".to_owned(),
        state,
        protocol: GroupProtocol::Classic,
        assignor: None,
        members: members.iter().map(member).collect(),
        coordinator: None,
    }
}

/// Of the members a to f, each in a pod of its own, the pods of e and f were removed.
fn looks(seen: &[(GroupState, &[&str])]) -> (Rebalance, Option<Timing>) {
    let mut looks = after_removing(&["e", "f"]);
    for (state, members) in seen {
        looks.at(group(state.clone(), members));
    }
    (looks.rebalance(SignedDuration::from_secs(7)), looks.timing())
}

fn after_removing(pods: &[&str]) -> Looks {
    let pods: Vec<Uid> = pods.iter().map(|uid| Uid::new(*uid)).collect();
    let seats: Seats = ALL.iter().map(|id| ((*id).to_owned(), Some(Uid::new(*id)))).collect();
    Looks::after(&seats, &pods.iter().collect::<Vec<_>>())
}

const AFTER: Rebalance = Rebalance::Settled { after: SignedDuration::from_secs(7) };
const ALL: &[&str] = &["a", "b", "c", "d", "e", "f"];
const LEFT: &[&str] = &["a", "b", "c", "d"];
const NEW: &[&str] = &["a", "b", "c", "d", "x", "y"];

#[test]
fn a_group_that_settles_without_replacements_and_then_with_them_shows_leave_then_join() {
    let seen = looks(&[
        (GroupState::Stable, ALL),
        (GroupState::PreparingRebalance, LEFT),
        (GroupState::Stable, LEFT),
        (GroupState::PreparingRebalance, NEW),
        (GroupState::Stable, NEW),
    ]);
    assert_eq!(seen, (AFTER, Some(Timing::LeaveThenJoin)));
}

#[test]
fn one_rebalance_for_both_shows_all_at_once() {
    let seen = looks(&[(GroupState::PreparingRebalance, LEFT), (GroupState::Stable, NEW)]);
    assert_eq!(seen, (AFTER, Some(Timing::AllAtOnce)));
}

#[test]
fn joining_before_the_others_have_left_has_no_name() {
    let met = &["a", "b", "c", "d", "e", "f", "x", "y"];
    assert_eq!(looks(&[(GroupState::Stable, met), (GroupState::Stable, NEW)]), (AFTER, None));
}

#[test]
fn a_group_at_rest_with_some_of_the_replacements_or_without_some_of_the_removed_goes_one_by_one() {
    let one = &["a", "b", "c", "d", "x"];
    assert_eq!(
        looks(&[(GroupState::Stable, LEFT), (GroupState::Stable, one), (GroupState::Stable, NEW)]),
        (AFTER, Some(Timing::OneByOne))
    );
    let left = &["a", "b", "c", "d", "f"];
    assert_eq!(
        looks(&[(GroupState::Stable, left), (GroupState::Stable, NEW)]),
        (AFTER, Some(Timing::OneByOne))
    );
}

#[test]
fn a_group_that_has_not_noticed_yet_or_still_waits_for_replacements_is_not_settled() {
    let not_yet = |state: &str, members, staying| Rebalance::NotYet {
        state: state.to_owned(),
        members,
        expected: 6,
        staying,
    };
    assert_eq!(looks(&[(GroupState::Stable, ALL)]), (not_yet("Stable", 6, 2), None));
    assert_eq!(looks(&[(GroupState::Stable, LEFT)]), (not_yet("Stable", 4, 0), None));
    assert_eq!(looks(&[(GroupState::PreparingRebalance, NEW)]), (not_yet("PreparingRebalance", 6, 0), None));
}

#[test]
fn a_group_that_could_not_be_read_at_last_is_unread() {
    assert_eq!(looks(&[]).0, Rebalance::Unread { error: "it was not asked".to_owned() });
}

#[test]
fn pods_without_a_member_show_nothing_of_when_replacements_join() {
    let mut looks = after_removing(&["without a member"]);
    looks.at(group(GroupState::Stable, ALL));
    assert_eq!((looks.rebalance(SignedDuration::from_secs(7)), looks.timing()), (AFTER, None));
}

#[test]
fn a_group_that_was_not_seen_for_a_while_may_have_come_to_rest_meanwhile() {
    let timing = |unseen: &[i64]| {
        let mut looks = after_removing(&["e", "f"]);
        looks.take(Ok(group(GroupState::PreparingRebalance, LEFT)), SignedDuration::from_secs(1));
        for &second in unseen {
            let error = GroupError::Unavailable { message: "no broker".to_owned() };
            looks.take(Err(error), SignedDuration::from_secs(second));
        }
        let last = 2 + i64::try_from(unseen.len()).unwrap();
        looks.take(Ok(group(GroupState::Stable, NEW)), SignedDuration::from_secs(last));
        assert_eq!(looks.rebalance(SignedDuration::from_secs(7)), AFTER);
        looks.timing()
    };
    assert_eq!(timing(&[]), Some(Timing::AllAtOnce));
    assert_eq!(timing(&[2, 3]), None);
}
