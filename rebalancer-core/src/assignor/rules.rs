//! Several rules at once: those that a group may follow.

use std::fmt;

use super::Assignor;

/// Some of the rules, each at most once.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(from = "Vec<Assignor>", into = "Vec<Assignor>")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "Vec<Assignor>"))]
pub struct Rules(u8);

impl Rules {
    /// None.
    pub const NONE: Self = Self(0);

    /// All that give members what they hold as far as counts allow.
    pub const STICKY: Self = Self::NONE
        .with(Assignor::Sticky)
        .with(Assignor::CooperativeSticky)
        .with(Assignor::LibrdkafkaCooperativeSticky)
        .and(Self::UNIFORM);

    /// The coordinator's `uniform`, of any release.
    pub const UNIFORM: Self = Self::NONE.with(Assignor::Uniform).with(Assignor::EarlyUniform);

    /// These and this one.
    #[must_use]
    pub const fn with(self, rule: Assignor) -> Self {
        Self(self.0 | bit(rule))
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These, without those.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether this one is among them.
    #[must_use]
    pub const fn contains(self, rule: Assignor) -> bool {
        self.0 & bit(rule) != 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many there are.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// In the order of [`Assignor::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Assignor> {
        Assignor::ALL.into_iter().filter(move |rule| self.contains(*rule))
    }

    /// Those that deal everything anew, so that the same sets change hands.
    #[must_use]
    pub const fn that_restore_sets(self) -> Self {
        self.without(Self::STICKY)
    }
}

const fn bit(rule: Assignor) -> u8 {
    match rule {
        Assignor::Range => 1,
        Assignor::RoundRobin => 2,
        Assignor::Sticky => 4,
        Assignor::CooperativeSticky => 8,
        Assignor::LibrdkafkaCooperativeSticky => 16,
        Assignor::Uniform => 32,
        Assignor::ServerRange => 64,
        Assignor::EarlyUniform => 128,
    }
}

impl FromIterator<Assignor> for Rules {
    fn from_iter<I: IntoIterator<Item = Assignor>>(rules: I) -> Self {
        rules.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<Assignor> for Rules {
    fn from(rule: Assignor) -> Self {
        Self::NONE.with(rule)
    }
}

impl From<Vec<Assignor>> for Rules {
    fn from(rules: Vec<Assignor>) -> Self {
        rules.into_iter().collect()
    }
}

impl From<Rules> for Vec<Assignor> {
    fn from(rules: Rules) -> Self {
        rules.iter().collect()
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// By name: `range, sticky or uniform`.
impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.len().saturating_sub(1);
        for (place, rule) in self.iter().enumerate() {
            match place {
                0 => {}
                place if place == last => f.write_str(" or ")?,
                _ => f.write_str(", ")?,
            }
            f.write_str(rule.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_listed_as_people_would() {
        let rules = |all: &[Assignor]| all.iter().copied().collect::<Rules>().to_string();
        assert_eq!(rules(&[]), "");
        assert_eq!(rules(&[Assignor::Uniform]), "uniform");
        assert_eq!(
            rules(&[Assignor::Uniform, Assignor::RoundRobin, Assignor::Sticky]),
            "roundrobin, sticky or uniform"
        );
    }

    #[test]
    fn all_rules_are_sticky_or_restore_sets() {
        let all: Rules = Assignor::ALL.into_iter().collect();
        assert_eq!(all.len(), Assignor::ALL.len());
        for rule in Assignor::ALL {
            assert_eq!(Rules::STICKY.contains(rule), rule.is_sticky(), "{rule}");
            assert_eq!(all.that_restore_sets().contains(rule), !rule.is_sticky(), "{rule}");
        }
        assert_eq!(Rules::STICKY.and(all.that_restore_sets()), all);
    }
}
