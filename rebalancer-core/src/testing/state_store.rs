//! What a [`StateStore`] must do so that two rebalancers never act at once, and no reason to hold is forgotten.
//!
//! ```
//! use rebalancer_core::history::MemoryStore;
//! use rebalancer_core::testing::state_store::conforms;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! conforms(async || MemoryStore::default()).await?;
//! # Ok(())
//! # }
//! ```

mod rules;
#[cfg(test)]
mod tests;

use crate::history::StateStore;
use jiff::Timestamp;

/// A rule that a store breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {seen}")]
pub struct Broken {
    /// The rule, as a sentence.
    pub rule: &'static str,
    /// What was seen in its place.
    pub seen: String,
}

/// Checks every rule, each with a store that `make_store` makes, which must begin with nothing remembered and nobody
/// holding the lock. Times are given to the store as arguments, and lie in the year 2026.
///
/// What a store does when it can't read is checked by [`never_reads_as_empty`], since only its own tests can damage what
/// it keeps.
///
/// # Errors
/// The first rule that is broken.
pub async fn conforms<S: StateStore>(make_store: impl AsyncFn() -> S) -> Result<(), Broken> {
    macro_rules! check {
        ($($rule:ident: $sentence:literal;)*) => {
            $(
                let store = make_store().await;
                rules::$rule(&store).await.map_err(|seen| Broken { rule: $sentence, seen })?;
            )*
        };
    }
    check! {
        empty_at_first: "a new store remembers nothing, and nobody holds its lock";
        read_back: "what one run saves, the next one reads";
        one_holder: "while one run holds the lock, no other gets it, and it is told who holds it";
        free_once_released: "a lock that was released is free at once";
        free_once_expired: "a lock that was not released is free after its time, and not before or long after";
        late_holder: "whoever lost the lock writes no more";
        save_renews: "each save holds the lock for another ttl";
        only_over_what_was_read: "a write is made only over what its token was made for";
        released_token: "after the release, the token writes no more";
        failed_save: "a save that fails leaves the token as it was";
        peek_changes_nothing: "to peek changes nothing";
        two_at_once: "of two runs that begin at once, at most one gets the lock";
    }
    Ok(())
}

/// Checks a store that can't read what it keeps, because it is damaged, out of reach, or of a later version: it must say
/// so, since an empty record knows no reason to hold.
///
/// # Errors
/// What it did instead.
pub async fn never_reads_as_empty(store: &impl StateStore) -> Result<(), Broken> {
    let broken = |seen| Broken { rule: "what can't be read never reads as empty", seen };
    rules::unreadable(store).await.map_err(broken)
}

/// The time at which every rule begins.
const BEGIN: Timestamp = Timestamp::constant(1_767_225_600, 0);
