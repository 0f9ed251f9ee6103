//! What the catalog says of an event.

/// One event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    /// The value of `event`.
    pub(super) name: &'static str,
    pub(super) levels: &'static [&'static str],
    /// Its own fields, beside those that every line has.
    pub(super) fields: &'static [&'static str],
    /// When it is written.
    pub(super) when: &'static str,
}

pub(super) const fn event(
    name: &'static str,
    levels: &'static [&'static str],
    fields: &'static [&'static str],
    when: &'static str,
) -> Event {
    Event { name, levels, fields, when }
}

pub(super) const ERROR: &[&str] = &["error"];
pub(super) const WARN: &[&str] = &["warn"];
pub(super) const INFO: &[&str] = &["info"];
pub(super) const DEBUG: &[&str] = &["debug"];
