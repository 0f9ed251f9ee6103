//! Patterns in who holds what: those that a rule makes when it deals everything anew.
//!
//! A rule that deals puts partitions into *classes*, and each member gets one: contiguous blocks, or each n-th partition.
//! Pods with several consumers hold several classes each.

use std::collections::BTreeSet;

use super::GroupModel;
use crate::assignor::TopicPartition;

/// At most so many consumers in each pod are looked for.
const MOST_IN_A_POD: usize = 8;

/// A group of at most so many members is small.
const SMALL: usize = 8;

/// What is less likely is no luck.
const UNLIKELY: f64 = 1e-6;

/// Which class a partition is in.
trait Deal {
    fn class(&self, model: &GroupModel, held: &TopicPartition, members: usize) -> usize;
}

/// All partitions, in order, are dealt in turn: round robin, and what Java's and librdkafka's sticky rules begin with.
struct Turns {
    starts: Vec<usize>,
}

impl Turns {
    fn new(model: &GroupModel) -> Self {
        let sizes = model.topics.iter().map(|topic| topic.partitions as usize);
        Self { starts: sizes.scan(0, |next, size| Some(std::mem::replace(next, *next + size))).collect() }
    }

    /// The place of a partition in the order of topics and numbers.
    fn place(&self, held: &TopicPartition) -> usize {
        self.starts.get(held.topic as usize).copied().unwrap_or(0) + held.partition as usize
    }
}

impl Deal for Turns {
    fn class(&self, _: &GroupModel, held: &TopicPartition, members: usize) -> usize {
        self.place(held) % members
    }
}

/// Which of the contiguous blocks of a topic are one larger.
#[derive(Clone, Copy)]
enum Blocks {
    /// The first ones: range.
    LargerFirst,
    /// The last ones: what `uniform` begins with.
    LargerLast,
}

impl Deal for Blocks {
    fn class(&self, model: &GroupModel, held: &TopicPartition, members: usize) -> usize {
        let all = model.topics.get(held.topic as usize).map_or(0, |topic| topic.partitions as usize);
        let (least, larger) = (all / members, all % members);
        let first = match self {
            Self::LargerFirst => larger,
            Self::LargerLast => members - larger,
        };
        let (first_size, rest_size) = match self {
            Self::LargerFirst => (least + 1, least),
            Self::LargerLast => (least, least + 1),
        };
        let number = held.partition as usize;
        match number.checked_sub(first * first_size) {
            None => number / first_size.max(1),
            Some(beyond) => first + beyond / rest_size.max(1),
        }
    }
}

/// The members in the order in which partitions were dealt to them in turn, one consumer in each pod.
pub(super) fn order_in_turn(model: &GroupModel) -> Option<Vec<usize>> {
    places(model, &Turns::new(model), 1).map(in_order)
}

/// The members in the order of their blocks of the only topic, the last ones one larger.
pub(super) fn order_of_blocks(model: &GroupModel) -> Option<Vec<usize>> {
    blocks_of_one(model, Blocks::LargerLast)
}

/// The same, the first ones one larger.
pub(super) fn order_of_first_blocks(model: &GroupModel) -> Option<Vec<usize>> {
    blocks_of_one(model, Blocks::LargerFirst)
}

fn blocks_of_one(model: &GroupModel, blocks: Blocks) -> Option<Vec<usize>> {
    let is_one = model.topics.len() == 1;
    is_one.then(|| places(model, &blocks, 1)).flatten().map(in_order)
}

fn in_order(places: Vec<usize>) -> Vec<usize> {
    let mut members: Vec<usize> = (0..places.len()).collect();
    members.sort_by_key(|&member| places.get(member).copied());
    members
}

/// More partitions that were neighbors in a deal in turn are still together than by chance: the group was formed by a rule
/// that deals so, and some of that is left. Large blocks have such pairs too, and even more of others.
pub(super) fn was_dealt_in_turn(model: &GroupModel) -> bool {
    let (members, all) = (model.members.len(), model.partitions());
    let owners = owners(model);
    let pairs = |apart: usize| {
        let next = owners.iter().skip(apart);
        owners.iter().zip(next).filter(|(one, other)| one.is_some() && one == other).count() as f64
    };
    let of_one = model.members.iter().map(|member| member.owned.len() as f64);
    let alike: f64 = of_one.map(|held| held * (held - 1.0)).sum();
    let by_chance = all.saturating_sub(members) as f64 * alike / (all as f64 * (all as f64 - 1.0)).max(1.0);
    let kept = pairs(members);
    kept > 3.0 * by_chance + 5.0 && kept > pairs(1)
}

/// Who holds each partition, in the order of topics and numbers.
fn owners(model: &GroupModel) -> Vec<Option<usize>> {
    let turns = Turns::new(model);
    let mut owners = vec![None; model.partitions()];
    for (index, member) in model.members.iter().enumerate() {
        for held in &member.owned {
            if let Some(slot) = owners.get_mut(turns.place(held)) {
                *slot = Some(index);
            }
        }
    }
    owners
}

/// Partitions are dealt in turn, with one consumer in each pod or several.
pub(super) fn is_in_turn(model: &GroupModel) -> bool {
    is_dealt_to_any(model, &Turns::new(model))
}

/// For each topic contiguous blocks in one order of the members, the first ones one larger.
pub(super) fn is_range(model: &GroupModel) -> bool {
    is_dealt_to_any(model, &Blocks::LargerFirst)
}

/// Contiguous blocks of the only topic, the last ones one larger.
pub(super) fn is_fresh_uniform(model: &GroupModel) -> bool {
    order_of_blocks(model).is_some()
}

/// Counts differ by at most one.
pub(super) fn is_even(model: &GroupModel) -> bool {
    let counts = || model.members.iter().map(|member| member.owned.len());
    counts().max().unwrap_or(0) - counts().min().unwrap_or(0) <= 1
}

/// A rule that hands on what is held would come to a pattern of this group by luck only. Of two members it may well: the
/// second one gets one half from the first.
pub(super) fn is_no_luck(model: &GroupModel) -> bool {
    model.members.len() > 2 && luck(model, 1) < UNLIKELY
}

/// The same of blocks. In a small group they come about in other ways, too: what one member leaves goes in two pieces to
/// its neighbors.
pub(super) fn are_blocks_no_luck(model: &GroupModel) -> bool {
    model.members.len() > SMALL && is_no_luck(model)
}

fn is_dealt_to_any(model: &GroupModel, deal: &impl Deal) -> bool {
    let enough =
        |each: usize| model.partitions() >= 2 * each * model.members.len() && luck(model, each) < UNLIKELY;
    // Kafka tells each consumer by itself.
    let most = if model.told.is_some() { 1 } else { MOST_IN_A_POD };
    let mut possible = (1..=most).filter(|&each| each == 1 || enough(each));
    possible.any(|each| places(model, deal, each).is_some())
}

/// The class of each member, where each class is with one member, and each member has so many of them. Members that hold
/// nothing come last.
fn places(model: &GroupModel, deal: &impl Deal, each: usize) -> Option<Vec<usize>> {
    let all = model.members.len().checked_mul(each)?;
    let mut seen = vec![false; all];
    let mut first = Vec::with_capacity(model.members.len());
    for member in &model.members {
        let classes: BTreeSet<usize> = member.owned.iter().map(|held| deal.class(model, held, all)).collect();
        if classes.len() > each || (each > 1 && classes.len() < each) {
            return None;
        }
        for &class in &classes {
            if std::mem::replace(seen.get_mut(class)?, true) {
                return None;
            }
        }
        first.push(classes.first().copied().unwrap_or(all));
    }
    Some(first)
}

/// How likely it is that an assignment with these counts shows a pattern of so many classes a member, if any assignment is
/// as likely as the others; 1 at most.
fn luck(model: &GroupModel, each: usize) -> f64 {
    let counts = model.members.iter().map(|member| ln_factorial(member.owned.len()));
    let assignments = ln_factorial(model.partitions()) - counts.sum::<f64>();
    let members = model.members.len();
    let patterns = ln_factorial(members * each) - ln_factorial(each) * members as f64;
    (patterns - assignments).min(0.0).exp()
}

fn ln_factorial(of: usize) -> f64 {
    (2..=of).map(|factor| (factor as f64).ln()).sum()
}
