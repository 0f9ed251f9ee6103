//! Kafka's `sticky` assignor (Java clients): even counts first, then as few moves as possible.
//!
//! Two algorithms share the name. Where all members have the same subscription (`constrained`) each keeps what
//! it holds up to its quota and the rest is dealt to those below theirs. Otherwise (`general`) partitions go one at
//! a time to the subscriber with the fewest, and single moves follow until none makes the counts more even.
//!
//! # What the result depends on besides the rules
//!
//! The Java code walks through hash tables, and that order shows in three places; all three are modeled:
//!
//! - Where more members hold more than the smaller quota than may keep the larger one, the first ones in
//!   the order of a `HashMap` of member ids keep it. Ids in the same bucket come in the order in which the coordinator
//!   lists them to the leader, mostly that of their joining, which nothing outside can see: **here they come by id**.
//!   The number of buckets follows from the number of members.
//! - Claims of several members to the same partition are settled in that same order. It matters from three claims on.
//! - With unequal subscriptions a move may be swapped for the reverse of an earlier one; which one, among several,
//!   is the order of a `HashSet` of partitions.
//!
//! Buckets of nine or more entries, which Java makes into trees, are not modeled.
//!
//! # Limits
//!
//! - The leader is taken to know no generation higher than those that the members report: its own instance remembers
//!   the highest it ever saw.
//! - A member's generation is the one in which it got what it claims. An eager client that lost its membership
//!   reports its old claims and no generation beside them; Kafka then looks at one or the other depending on the
//!   order. Such a member is taken at its old generation.
//! - Owned partitions that no longer exist are ignored; Kafka keeps them, and deals wrongly.
//! - Where the Java code fails with an exception (a former owner that can't take part in the balancing), the claim
//!   of that owner is ignored here.

mod balance;
mod claims;
mod constrained;
mod general;
mod java_hash;
mod movements;
mod roster;

use super::{Assignment, Group};
pub(super) use java_hash::{bucket, buckets, of_text};
use roster::Roster;

/// Partitions of each member under Kafka's Java `StickyAssignor`.
#[must_use]
pub fn assign(group: &Group) -> Assignment {
    let roster = Roster::of(group);
    let owners = deal(&roster).owners;
    roster.assignment(&owners)
}

/// The same without the partitions that their owners must give up first.
pub(super) fn assign_without_moving(group: &Group) -> Assignment {
    let roster = Roster::of(group);
    let dealt = deal(&roster);
    let settled = |(owner, moving): (Option<usize>, bool)| owner.filter(|_| !moving);
    let owners: Vec<_> = dealt.owners.into_iter().zip(dealt.moving).map(settled).collect();
    roster.assignment(&owners)
}

/// Who gets each partition of the roster.
#[derive(Debug)]
struct Dealt {
    /// Rank of the member.
    owners: Vec<Option<usize>>,
    /// Whether a live member must give it up before the new owner may have it.
    moving: Vec<bool>,
}

fn deal(roster: &Roster<'_>) -> Dealt {
    let claims = claims::settle(roster);
    if roster.subscriptions_equal() {
        constrained::deal(roster, &claims)
    } else {
        general::deal(roster, &claims)
    }
}
