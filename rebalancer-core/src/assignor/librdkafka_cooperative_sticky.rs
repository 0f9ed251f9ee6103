//! librdkafka's `cooperative-sticky`, which is not the Java clients' rule of that name (librdkafka 2.12).
//!
//! It is one algorithm for equal and unequal subscriptions: who holds a partition keeps it; the rest goes one by one to
//! the subscriber with the fewest; then single partitions move until nothing is gained; then whatever another member
//! still holds is left out, to be dealt in the next rebalance, after its owner has let go.
//!
//! # Where it differs from Java
//!
//! - With equal subscriptions librdkafka deals free partitions **descending** (only a first assignment ascending),
//!   always to whoever has the fewest, first by id, and takes from the most loaded one partition after another, from
//!   the front of what it holds. Java works with quotas, ascending. Counts agree; holders don't.
//! - Two members that claim a partition in the same generation both lose it, whichever other claims there are.
//! - Of several claims, that of the latest generation holds; but while balancing and while leaving out, the claim of
//!   the member that comes last in the group counts. The group's order is not known; here it is that of the ids.
//!
//! # Limits
//!
//! - Topics come in the order of the broker's metadata answer, here in order of name.
//! - With unequal subscriptions or contradicting claims, a move may undo an earlier one of the same rebalance. There
//!   librdkafka reads memory that it has freed: what it does is undefined, at times a crash. Here such a move is
//!   replaced by moving the other partition back, as it is meant.

mod balance;
mod claims;
mod ledger;
mod movements;
mod queue;
mod roster;

use super::{Assignment, Group};
use claims::Claims;
use ledger::Ledger;
use roster::Roster;

/// Partitions of each member after one rebalance; those that must first be given up by others are nobody's.
#[must_use]
pub fn assign(group: &Group) -> Assignment {
    let roster = Roster::of(group);
    let claims = Claims::of(&roster);
    let sorted = queue::sorted(&roster, &claims);
    let mut ledger = Ledger::kept(&roster, &claims);
    balance::balance(&roster, &claims, &mut ledger, sorted);
    roster.assignment(&ledger, &claims)
}
