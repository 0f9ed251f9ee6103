//! Which assignors a group may follow, read off who holds what.
//!
//! A rule that looks at nothing before has a pattern that nothing can hide: where it is missing, the rule is another one.
//! One that hands on what is held begins with a pattern, too, and may come to any assignment with even counts.
//!
//! | who holds what | rules that fit |
//! |---|---|
//! | partitions in turn | round robin, and all sticky rules: a group that was just formed |
//! | in a group of more than eight members: contiguous blocks of each topic, the first ones larger | range, the coordinator's range; with one topic, and pods that joined together, `uniform` of Kafka 4.0.0, and of all releases where it is shared out evenly |
//! | in such a group: contiguous blocks of the only topic, the last ones larger | `uniform` |
//! | even counts without such a pattern | all sticky rules; with traces of a deal in turn, not `uniform` |
//! | anything else | none that is known |

use std::fmt;

use super::{GroupModel, Unusable, pattern};
use crate::assignor::{Assignor, Rules};

/// The assignor of a group and how it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case", tag = "source")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Inference {
    /// Kafka tells it.
    Told {
        /// The assignor.
        assignor: Assignor,
    },
    /// Kafka tells its name, under which releases have different rules, and not its release.
    Named {
        /// The assignors of that name.
        rules: Rules,
    },
    /// From the configuration; what is seen agrees.
    Configured {
        /// The assignor.
        assignor: Assignor,
    },
    /// Who holds what can come from this rule, and from no other that does anything else.
    Certain {
        /// The assignor.
        assignor: Assignor,
    },
    /// Who holds what can come from each of these rules, and nothing tells which it is.
    Fits {
        /// The assignors.
        rules: Rules,
    },
}

impl Inference {
    /// The assignor; of several that fit, the one under which rotations do least.
    #[must_use]
    pub fn assignor(&self) -> Assignor {
        match self {
            Self::Told { assignor } | Self::Configured { assignor } | Self::Certain { assignor } => *assignor,
            Self::Named { rules } | Self::Fits { rules } => {
                let least = rules.that_restore_sets().iter().next();
                let usual = Some(Assignor::CooperativeSticky).filter(|rule| rules.contains(*rule));
                least.or(usual).or_else(|| rules.iter().next()).unwrap_or(Assignor::Range)
            }
        }
    }

    /// All that it may be.
    #[must_use]
    pub fn rules(&self) -> Rules {
        match self {
            Self::Told { assignor } | Self::Configured { assignor } | Self::Certain { assignor } => {
                (*assignor).into()
            }
            Self::Named { rules } | Self::Fits { rules } => *rules,
        }
    }
}

impl fmt::Display for Inference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told { assignor } => write!(f, "{assignor} (told by Kafka)"),
            Self::Named { rules } => write!(f, "{rules} (told by Kafka, whose release is not known)"),
            Self::Configured { assignor } => write!(f, "{assignor} (configured)"),
            Self::Certain { assignor } => write!(f, "{assignor} (inferred from who holds what)"),
            Self::Fits { rules } if rules.len() == 1 => write!(f, "{rules} (one that fits who holds what)"),
            Self::Fits { rules } => write!(f, "{rules} (who holds what fits each of them)"),
        }
    }
}

/// Finds the assignor, or those that it may be.
///
/// # Errors
/// When who holds what follows no rule, or not the configured one; when Kafka tells another one than is configured.
pub(crate) fn infer(model: &GroupModel, configured: Option<Assignor>) -> Result<Inference, Unusable> {
    match (model.told, configured) {
        (Some(told), configured) => named(model, told, configured),
        (None, Some(assignor)) if possible(model).contains(assignor) => {
            Ok(Inference::Configured { assignor })
        }
        (None, Some(_)) => Err(Unusable::NoKnownRule),
        (None, None) => inferred(likely(model)).ok_or(Unusable::NoKnownRule),
    }
}

/// Kafka has told these. A configured `uniform` may be a name, or the rule of later releases.
fn named(model: &GroupModel, told: Rules, configured: Option<Assignor>) -> Result<Inference, Unusable> {
    let mut all = told.iter();
    let Some(assignor) = all.next() else { return Err(Unusable::NoKnownRule) };
    let is_name = configured == Some(Assignor::Uniform) && assignor.is_uniform();
    match configured {
        Some(configured) if !told.contains(configured) && !is_name => {
            Err(Unusable::AssignorsContradict { configured, told: assignor })
        }
        Some(_) | None if !follows(model, assignor) => Err(Unusable::NotItsRule { assignor }),
        Some(_) | None if told.len() == 1 => Ok(Inference::Told { assignor }),
        Some(assignor) => Ok(Inference::Configured { assignor }),
        None => Ok(Inference::Named { rules: told }),
    }
}

/// Who holds what now may come from this rule. A name tells no more than that: client libraries have rules of their own by
/// the names of Java's. Only rules that look at nothing before can be recognized, and only where all members are alike.
fn follows(model: &GroupModel, told: Assignor) -> bool {
    let mut members = model.members.iter();
    let first = members.next().map(|member| &member.subscription);
    let alike = members.all(|member| Some(&member.subscription) == first);
    let is_static = model.members.iter().any(|member| member.instance.is_some());
    match told {
        Assignor::Range => !alike || is_static || pattern::is_range(model),
        Assignor::RoundRobin => !alike || is_static || pattern::is_in_turn(model),
        Assignor::Sticky
        | Assignor::CooperativeSticky
        | Assignor::LibrdkafkaCooperativeSticky
        | Assignor::Uniform
        | Assignor::EarlyUniform
        | Assignor::ServerRange => true,
    }
}

/// The client's range and the coordinator's do the same.
fn inferred(rules: Rules) -> Option<Inference> {
    let of_range: Rules = [Assignor::Range, Assignor::ServerRange].into_iter().collect();
    let mut all = rules.iter();
    match (all.next(), all.next()) {
        (None, _) => None,
        (Some(assignor), None) => Some(Inference::Certain { assignor }),
        (Some(assignor), Some(_)) if rules == of_range => Some(Inference::Certain { assignor }),
        (Some(_), Some(_)) => Some(Inference::Fits { rules }),
    }
}

/// All rules that who holds what can come from. One that hands on what is held may have got it from any other.
fn possible(model: &GroupModel) -> Rules {
    let sticky = if pattern::is_even(model) { Rules::STICKY } else { Rules::NONE };
    sticky.and(dealt(model))
}

/// The same without those that would have come to it by luck. To blocks only a rule comes that deals them. And a rule that
/// does not deal in turn leaves no traces of that.
fn likely(model: &GroupModel) -> Rules {
    let blocks = pattern::is_range(model) || pattern::is_fresh_uniform(model);
    if blocks && pattern::are_blocks_no_luck(model) {
        dealt(model)
    } else if pattern::was_dealt_in_turn(model) {
        possible(model).without(Rules::UNIFORM)
    } else {
        possible(model)
    }
}

/// The members in the order in which this rule went through them, where it is seen how it dealt everything: the order of
/// their ids, or of their places in the coordinator's table. `None` where some may have joined later.
pub(crate) fn dealing_order(model: &GroupModel, rule: Assignor) -> Option<Vec<usize>> {
    let order = match rule {
        Assignor::Sticky | Assignor::CooperativeSticky | Assignor::LibrdkafkaCooperativeSticky => {
            pattern::order_in_turn(model)
        }
        Assignor::Uniform => pattern::order_of_blocks(model),
        Assignor::EarlyUniform => pattern::order_of_first_blocks(model),
        // What they do depends on no order.
        Assignor::Range | Assignor::RoundRobin | Assignor::ServerRange => None,
    };
    order.filter(|_| model.joined_together && pattern::is_no_luck(model))
}

/// Rules that make what is held when they deal everything anew.
fn dealt(model: &GroupModel) -> Rules {
    let mut rules = Rules::NONE;
    if pattern::is_in_turn(model) {
        rules = rules.with(Assignor::RoundRobin).and(Rules::STICKY);
    }
    if pattern::is_range(model) {
        rules = rules.with(Assignor::Range).with(Assignor::ServerRange);
    }
    // Its first blocks don't outlive a replacement: the coordinator assigns when a member has left, and again.
    if pattern::is_fresh_uniform(model) && model.joined_together {
        rules = rules.with(Assignor::Uniform);
    }
    if pattern::order_of_first_blocks(model).is_some() && model.joined_together {
        rules = rules.with(Assignor::EarlyUniform);
    }
    rules
}
