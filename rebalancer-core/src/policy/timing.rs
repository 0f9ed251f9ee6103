//! When replacements join, and how removals follow each other.

/// When replacements join the group, relative to when the removed pods leave. It decides what a sticky assignor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Timing {
    /// The removed pods leave, the group settles, then the replacements join together: start-up takes longer
    /// than shutting down.
    LeaveThenJoin,
    /// The removed pods leave and the replacements join in one rebalance.
    AllAtOnce,
    /// Each removed pod leaves in a rebalance of its own, and then each replacement joins in one: pods take unlike times to
    /// shut down and to start.
    OneByOne,
}

impl Timing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::LeaveThenJoin, Self::AllAtOnce, Self::OneByOne];

    /// Its name in settings, logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LeaveThenJoin => "leave-then-join",
            Self::AllAtOnce => "all-at-once",
            Self::OneByOne => "one-by-one",
        }
    }
}

/// How the removals of a rotation follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Pace {
    /// One right after the other.
    #[default]
    Together,
    /// Each waits until the replacement of the one before is a member, and the group is at rest.
    EachAwaited,
}

impl Pace {
    /// Its name in logs and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::EachAwaited => "each-awaited",
        }
    }
}

/// Something for each [`Timing`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ByTiming<T> {
    /// For [`Timing::LeaveThenJoin`].
    pub leave_then_join: T,
    /// For [`Timing::AllAtOnce`].
    pub all_at_once: T,
    /// For [`Timing::OneByOne`].
    pub one_by_one: T,
}

impl<T> ByTiming<T> {
    /// Works out each.
    pub fn each(mut of: impl FnMut(Timing) -> T) -> Self {
        Self {
            leave_then_join: of(Timing::LeaveThenJoin),
            all_at_once: of(Timing::AllAtOnce),
            one_by_one: of(Timing::OneByOne),
        }
    }

    /// The one of this timing.
    pub const fn of(&self, timing: Timing) -> &T {
        match timing {
            Timing::LeaveThenJoin => &self.leave_then_join,
            Timing::AllAtOnce => &self.all_at_once,
            Timing::OneByOne => &self.one_by_one,
        }
    }
}
