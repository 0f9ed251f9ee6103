//! A wrong value for each variable, and what a person is told.

mod fleet;
mod rest;
mod sources;

/// One wrong value for each variable, with the whole message.
pub(super) fn wrong() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    [sources::WRONG, fleet::WRONG, rest::WRONG].into_iter().flatten()
}
