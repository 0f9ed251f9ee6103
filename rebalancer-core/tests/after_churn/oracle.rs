//! About what could be reached, if it were known beforehand which ids replacements will get: any pods may go, up to four at
//! once, nothing is asked of a single rotation, and many ways are followed to the end.
//!
//! Partitions move by Java's sticky rules alone, in a group with one topic and equal counts, whose removed members have left
//! before their replacements join.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rebalancer_core::assignor::{self, Assignor, Group, TopicPartition};
use rebalancer_core::port::GroupSource as _;
use rebalancer_core::simulation::{Fleet, Shape};

/// States that are followed, of those with as many removals.
const WIDTH: usize = 10;

/// Batches of one size that are tried in each of them, and that are made larger by one pod.
const BEST: [usize; 2] = [8, 20];

/// Pods of one batch.
const AT_ONCE: usize = 4;

/// All that does not change.
#[derive(Debug)]
pub(super) struct Oracle {
    /// CPU that the messages of each partition take.
    costs: Vec<f64>,
    /// CPU of a pod without messages.
    idle: f64,
    mean: f64,
    /// Of the replacements, in the order in which they come.
    ids: Vec<u128>,
    start: State,
}

#[derive(Debug, Clone)]
struct Member {
    id: u128,
    /// Numbers of partitions, ascending.
    held: Vec<u32>,
    load: f64,
}

/// Members in the order of their ids.
#[derive(Debug, Clone)]
struct State {
    members: Vec<Member>,
    /// Sum of the squares of how far each load is from the mean.
    uneven: f64,
}

/// What a rotation does.
struct Moved {
    /// Who of those that stay gets which partition for which other one.
    exchanged: Vec<(usize, u32, u32)>,
    /// What replacements get, in the order of their ids.
    dealt: Vec<Vec<u32>>,
}

/// What removed pods held goes one each to the members with the lowest ids. These then have one too many and give their last
/// one up, and replacements take those in turn.
fn rotate(members: &[Member], batch: &[usize]) -> Moved {
    let mut orphans: Vec<u32> = batch.iter().flat_map(|&at| &members[at].held).copied().collect();
    orphans.sort_unstable();
    let staying = (0..members.len()).filter(|at| !batch.contains(at));
    let (mut exchanged, mut given) = (Vec::new(), Vec::with_capacity(orphans.len()));
    for (at, orphan) in staying.zip(orphans) {
        let last = *members[at].held.last().unwrap();
        if orphan < last {
            exchanged.push((at, orphan, last));
        }
        given.push(orphan.max(last));
    }
    given.sort_unstable();
    let turn = |first| given.iter().skip(first).step_by(batch.len()).copied().collect();
    Moved { exchanged, dealt: (0..batch.len()).map(turn).collect() }
}

impl Oracle {
    pub(super) async fn of(shape: &Shape) -> Self {
        let fleet = Fleet::new(shape).unwrap();
        let mut costs = vec![0.0; shape.partitions];
        for known in fleet.snapshot().unwrap().partitions.unwrap().iter() {
            costs[known.partition.parse::<usize>().unwrap()] = known.load.get() * 0.000_5;
        }
        let idle = shape.mean_cores * 0.03;
        let mean = idle + costs.iter().sum::<f64>() / shape.pods as f64;
        let mut random = ChaCha8Rng::seed_from_u64(shape.seed);
        let ids = std::iter::repeat_with(|| random.random()).take(4 * shape.pods).collect();
        let start = State { members: Vec::new(), uneven: 0.0 };
        let mut oracle = Self { costs, idle, mean, ids, start };
        let members = fleet.group().await.unwrap().members;
        let described = members.into_iter().map(|member| {
            let id = u128::from_str_radix(member.id.trim_start_matches("consumer-1-"), 16).unwrap();
            let held = member.assigned.unwrap_or_default().into_iter().map(|held| held.partition);
            oracle.member(id, held.collect())
        });
        let members = described.collect();
        oracle.start = oracle.state(members);
        oracle
    }

    /// The lowest CV with at most so many removals, for each number of them from 0 on.
    pub(super) fn lowest(&self, removals: usize) -> Vec<f64> {
        let mut found: Vec<Vec<State>> = vec![Vec::new(); removals + 1];
        found[0].push(self.start.clone());
        let mut lowest = vec![f64::INFINITY; removals + 1];
        for removed in 0..=removals {
            let mut states = std::mem::take(&mut found[removed]);
            states.sort_by(|a, b| a.uneven.total_cmp(&b.uneven));
            states.dedup_by(|a, b| (a.uneven - b.uneven).abs() < 1e-9);
            states.truncate(WIDTH);
            let before = removed.checked_sub(1).map_or(f64::INFINITY, |before| lowest[before]);
            lowest[removed] = states.first().map_or(before, |best| before.min(self.cv(best)));
            for state in &states {
                for batch in self.batches(state, AT_ONCE.min(removals - removed)) {
                    found[removed + batch.len()].push(self.after(state, &batch, removed));
                }
            }
        }
        lowest
    }

    /// The best ones of each size.
    fn batches(&self, state: &State, most: usize) -> Vec<Vec<usize>> {
        let pods = 0..state.members.len();
        let mut level: Vec<Vec<usize>> = pods.clone().map(|pod| vec![pod]).collect();
        let mut all = Vec::new();
        for size in 1..=most {
            let mut scored: Vec<(f64, Vec<usize>)> =
                level.into_iter().map(|batch| (self.change(state, &batch), batch)).collect();
            scored.sort_by(|a, b| a.0.total_cmp(&b.0));
            all.extend(scored.iter().take(BEST[0]).map(|(_, batch)| batch.clone()));
            // Of single pods all are made larger: each pair is tried.
            let bases = scored.iter().take(if size == 1 { scored.len() } else { BEST[1] });
            let with = |(_, base): &(f64, Vec<usize>)| {
                let others: Vec<usize> = pods.clone().filter(|pod| !base.contains(pod)).collect();
                let base = base.clone();
                others.into_iter().map(move |pod| {
                    let mut batch = base.clone();
                    batch.push(pod);
                    batch.sort_unstable();
                    batch
                })
            };
            level = bases.flat_map(with).collect();
            level.sort_unstable();
            level.dedup();
        }
        all
    }

    /// By how much a rotation makes loads less even.
    fn change(&self, state: &State, batch: &[usize]) -> f64 {
        let Moved { exchanged, dealt } = rotate(&state.members, batch);
        let off = |load: f64| (load - self.mean).powi(2);
        let gone: f64 = batch.iter().map(|&at| off(state.members[at].load)).sum();
        let come: f64 = dealt.iter().map(|held| off(self.load(held))).sum();
        let stayed = exchanged.iter().map(|&(at, gets, gives)| {
            let load = state.members[at].load;
            off(load + self.costs[gets as usize] - self.costs[gives as usize]) - off(load)
        });
        come - gone + stayed.sum::<f64>()
    }

    fn after(&self, state: &State, batch: &[usize], removed: usize) -> State {
        let Moved { exchanged, dealt } = rotate(&state.members, batch);
        let mut members = state.members.clone();
        for (at, gets, gives) in exchanged {
            let mut held = std::mem::take(&mut members[at].held);
            held.retain(|&one| one != gives);
            held.push(gets);
            members[at] = self.member(members[at].id, held);
        }
        let mut ids = self.ids[removed..removed + batch.len()].to_vec();
        ids.sort_unstable();
        for &gone in batch.iter().rev() {
            members.remove(gone);
        }
        members.extend(ids.into_iter().zip(dealt).map(|(id, held)| self.member(id, held)));
        self.state(members)
    }

    fn member(&self, id: u128, mut held: Vec<u32>) -> Member {
        held.sort_unstable();
        let load = self.load(&held);
        Member { id, held, load }
    }

    fn state(&self, mut members: Vec<Member>) -> State {
        members.sort_by_key(|member| member.id);
        let uneven = members.iter().map(|member| (member.load - self.mean).powi(2)).sum();
        State { members, uneven }
    }

    fn load(&self, held: &[u32]) -> f64 {
        self.idle + held.iter().map(|&partition| self.costs[partition as usize]).sum::<f64>()
    }

    fn cv(&self, state: &State) -> f64 {
        (state.uneven / state.members.len() as f64).sqrt() / self.mean
    }
}

/// What each member holds after a rotation by the rule itself.
fn by_the_rule(oracle: &Oracle, batch: &[usize]) -> Vec<(u128, Vec<u32>)> {
    let topic = assignor::Topic {
        name: "events".into(),
        partitions: u32::try_from(oracle.costs.len()).unwrap(),
        hash: None,
    };
    let member = |id: u128, held: &[u32]| assignor::Member {
        id: format!("{id:032x}"),
        instance: None,
        subscription: vec![0],
        owned: held.iter().map(|&partition| TopicPartition { topic: 0, partition }).collect(),
        generation: (!held.is_empty()).then_some(1),
        listed: 0,
    };
    let staying = (0..).zip(&oracle.start.members).filter(|(at, _)| !batch.contains(at));
    let members = staying.map(|(_, known)| member(known.id, &known.held)).collect();
    let mut group = Group { topics: vec![topic], members };
    let rebalance = |group: &mut Group| {
        let assignment = Assignor::CooperativeSticky.assign(group);
        for (member, owned) in group.members.iter_mut().zip(assignment) {
            (member.owned, member.generation) = (owned, Some(2));
        }
    };
    rebalance(&mut group);
    group.members.extend(oracle.ids.iter().take(batch.len()).map(|&id| member(id, &[])));
    rebalance(&mut group);
    let held = |member: &assignor::Member| member.owned.iter().map(|one| one.partition).collect();
    let id = |member: &assignor::Member| u128::from_str_radix(&member.id, 16).unwrap();
    let mut all: Vec<_> = group.members.iter().map(|member| (id(member), held(member))).collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn the_oracle_moves_partitions_as_the_rule_does() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for seed in 1..=20 {
        let oracle = Oracle::of(&Shape { partitions: 80, kafka: true, seed, ..Shape::default() }).await;
        for size in 1..=AT_ONCE {
            let mut batch: Vec<usize> = (0..size).map(|_| random.random_range(0..20)).collect();
            batch.sort_unstable();
            batch.dedup();
            let after = oracle.after(&oracle.start, &batch, 0);
            let changed = after.uneven - oracle.start.uneven;
            assert!((changed - oracle.change(&oracle.start, &batch)).abs() < 1e-9, "seed {seed}, {batch:?}");
            let held: Vec<_> = after.members.into_iter().map(|member| (member.id, member.held)).collect();
            assert_eq!(held, by_the_rule(&oracle, &batch), "seed {seed}, {batch:?}");
        }
    }
}
