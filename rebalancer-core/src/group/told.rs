//! The model as Kafka itself tells the group: its members by id, in pods of the fleet and elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::inferred::numbered;
use super::{Consumer, Cost, GroupModel, MemberPod, Unusable};
use crate::assignor::{Assignor, Rules, Topic, TopicPartition, uniform};
use crate::fleet::Uid;
use crate::fleet::consumer_group::{self, CoordinatorRelease, GroupMember, GroupProtocol};
use crate::snapshot::{ObservedGroup, Placement, Snapshot};

/// # Errors
/// Why what Kafka tells can't be used.
pub(super) fn model(snapshot: &Snapshot, observed: &ObservedGroup) -> Result<GroupModel, Unusable> {
    let told = told_assignor(observed)?;
    placed(snapshot, observed)?;
    let topics = topics(observed, told);
    let places: BTreeMap<&str, u32> = topics.iter().map(|topic| topic.name.as_str()).zip(0..).collect();
    let loads = loads(snapshot, observed, &topics)?;
    let mut pods: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut members = Vec::with_capacity(observed.placements.len());
    for (index, (member, placement)) in observed.placed().enumerate() {
        let pod = placement.pod().and_then(|uid| place_of(snapshot, uid));
        if let Some(pod) = pod {
            pods.entry(pod).or_default().push(index);
        }
        members.push(consumer(snapshot, observed, member, pod, &places)?);
    }
    for (place, (_, inside)) in pods.iter().enumerate() {
        for &index in inside {
            if let Some(member) = members.get_mut(index) {
                member.pod = Some(place);
            }
        }
    }
    all_held(&topics, &members)?;
    let pod = |(pod, members)| MemberPod { pod, members, factor: 1.0, replacement: 1.0 };
    let pods = pods.into_iter().map(pod).collect();
    let (cost, told, coordinator) = (Cost::default(), Some(told), observed.group.coordinator);
    Ok(GroupModel { topics, loads, members, pods, cost, told, coordinator, joined_together: false })
}

/// The rule behind the name that Kafka gives; all that it may be where that depends on a release that is not known. A rule
/// that is not known here is never guessed.
///
/// # Errors
/// When the group is not at rest, or its rule is not known.
pub(crate) fn told_assignor(observed: &ObservedGroup) -> Result<Rules, Unusable> {
    let state = || Unusable::NotStable { state: observed.group.state.to_string() };
    if !observed.group.state.is_stable() {
        return Err(state());
    }
    let name = observed.group.assignor.as_deref().ok_or_else(state)?;
    let classic = matches!(observed.group.protocol, GroupProtocol::Classic);
    let assignor = match (name, classic) {
        ("range", true) => Assignor::Range,
        ("roundrobin", true) => Assignor::RoundRobin,
        ("sticky", true) => Assignor::Sticky,
        ("cooperative-sticky", true) if of_librdkafka(observed)? => Assignor::LibrdkafkaCooperativeSticky,
        ("cooperative-sticky", true) => Assignor::CooperativeSticky,
        ("uniform", false) => return Ok(uniform_of(observed.group.coordinator)),
        ("range", false) => Assignor::ServerRange,
        (name, _) => return Err(Unusable::UnknownAssignor { name: name.to_owned() }),
    };
    let by_client = match assignor {
        Assignor::Range
        | Assignor::Sticky
        | Assignor::CooperativeSticky
        | Assignor::LibrdkafkaCooperativeSticky => true,
        Assignor::RoundRobin | Assignor::Uniform | Assignor::EarlyUniform | Assignor::ServerRange => false,
    };
    if by_client && looks_at_racks(observed) {
        Err(Unusable::RackAware { assignor })
    } else {
        Ok(assignor.into())
    }
}

/// `uniform` as the coordinator's release has it.
fn uniform_of(coordinator: Option<CoordinatorRelease>) -> Rules {
    match coordinator {
        None => Rules::UNIFORM,
        Some(CoordinatorRelease::Before4_0_1) => Assignor::EarlyUniform.into(),
        Some(CoordinatorRelease::Since4_0_1 | CoordinatorRelease::Since4_3) => Assignor::Uniform.into(),
    }
}

/// What the Java client's rule writes for itself: a generation, always (`CooperativeStickyAssignor.subscriptionUserData`).
/// librdkafka writes nothing, or what it holds and a generation.
const JAVA_USER_DATA: usize = 4;

/// Two clients have a rule of this name, and the leader's decides, which Kafka does not tell.
fn of_librdkafka(observed: &ObservedGroup) -> Result<bool, Unusable> {
    let is_java = |member: &&GroupMember| {
        member.joined_with.as_ref().is_some_and(|joined| joined.user_data == Some(JAVA_USER_DATA))
    };
    let all = observed.group.members.len();
    match observed.group.members.iter().filter(is_java).count() {
        0 => Ok(true),
        java if java == all => Ok(false),
        _ => Err(Unusable::SeveralClients),
    }
}

/// The clients' rules look at racks where members and partitions have common ones, and partitions differ in them.
fn looks_at_racks(observed: &ObservedGroup) -> bool {
    let of_members: BTreeSet<&String> =
        observed.group.members.iter().filter_map(|member| member.rack.as_ref()).collect();
    let partitions = || observed.topics.iter().flat_map(|topic| &topic.partitions);
    let of_partitions: BTreeSet<&String> = partitions().flat_map(|partition| &partition.racks).collect();
    let differ = partitions().any(|partition| partition.racks.len() != of_partitions.len());
    differ && !of_members.is_disjoint(&of_partitions)
}

/// It is known where all members are: each in one pod or elsewhere. A pod without a member beside a member without a pod
/// may be the two halves of one.
fn placed(snapshot: &Snapshot, observed: &ObservedGroup) -> Result<(), Unusable> {
    let contradictory = observed.placed().find(|(_, placement)| **placement == Placement::Contradictory);
    if let Some((member, _)) = contradictory {
        return Err(Unusable::ContradictoryMember {
            client_id: member.client_id.clone(),
            host: member.host.clone(),
        });
    }
    let elsewhere =
        observed.placements.iter().filter(|placement| **placement == Placement::Elsewhere).count();
    if elsewhere == observed.placements.len() {
        return Err(Unusable::NoMemberInPods { members: elsewhere });
    }
    let without = without_member(snapshot, observed);
    match without.first() {
        Some(pod) if elsewhere > 0 => Err(Unusable::MembersUnmatched {
            members: elsewhere,
            pods: without.len(),
            such_as: (*pod).to_owned(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// Names of the workload's serving pods that have no member.
pub(super) fn without_member<'a>(snapshot: &'a Snapshot, observed: &ObservedGroup) -> Vec<&'a str> {
    let with: BTreeSet<&Uid> = observed.placements.iter().filter_map(Placement::pod).collect();
    let serving = snapshot.pods.iter().filter(|pod| pod.own && pod.pod.is_serving());
    serving.filter(|pod| !with.contains(&pod.pod.uid)).map(|pod| pod.pod.name.as_str()).collect()
}

fn place_of(snapshot: &Snapshot, uid: &Uid) -> Option<usize> {
    snapshot.pods.iter().position(|pod| pod.pod.uid == *uid)
}

/// Topics with partitions: by name, or as the coordinator of a `uniform` group goes through them, which decides what goes
/// where.
fn topics(observed: &ObservedGroup, rules: Rules) -> Vec<Topic> {
    let count = |topic: &consumer_group::Topic| u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX);
    let mut known: Vec<&consumer_group::Topic> = observed.topics.iter().collect();
    known.retain(|topic| !topic.partitions.is_empty());
    known.sort_by(|a, b| a.name.cmp(&b.name));
    let with_id = |topic: &&consumer_group::Topic| topic.id.map(|id| (id.most, id.least));
    let ids: Option<Vec<_>> =
        known.iter().map(|topic| Some((topic.name.as_str(), with_id(topic)?, count(topic)))).collect();
    match ids {
        Some(ids) if rules.without(Rules::UNIFORM).is_empty() => uniform::topics(&ids),
        Some(_) | None => {
            let topic = |topic: &&consumer_group::Topic| Topic {
                name: topic.name.clone(),
                partitions: count(topic),
                hash: None,
            };
            known.iter().map(topic).collect()
        }
    }
}

/// The load of each partition of these topics. Who holds it must be what Kafka says, where the loads say that too.
fn loads(snapshot: &Snapshot, observed: &ObservedGroup, topics: &[Topic]) -> Result<Vec<Vec<f64>>, Unusable> {
    let known = match (&snapshot.partitions, &snapshot.partitions_error) {
        (Some(partitions), _) => numbered(partitions)?,
        (None, Some(_)) => return Err(Unusable::NotRead),
        (None, None) => return Err(Unusable::NotAsked),
    };
    let owners = owners(snapshot, observed);
    let load = |topic: &Topic, partition: u32| {
        let gap = || Unusable::Gap { topic: topic.name.clone(), partition };
        let known =
            known.get(topic.name.as_str()).and_then(|numbers| numbers.get(&partition)).ok_or_else(gap)?;
        let owner = owners.get(&(topic.name.as_str(), partition)).copied().flatten();
        match known.pod.as_deref() {
            Some(pod) if Some(pod) != owner => {
                Err(Unusable::OwnersContradict { topic: topic.name.clone(), partition, pod: pod.to_owned() })
            }
            Some(_) | None => Ok(known.load.get()),
        }
    };
    let of_topic = |topic: &Topic| (0..topic.partitions).map(|partition| load(topic, partition)).collect();
    topics.iter().map(of_topic).collect()
}

/// The pod, by name, that holds each partition by Kafka's words.
fn owners<'a>(
    snapshot: &'a Snapshot,
    observed: &'a ObservedGroup,
) -> BTreeMap<(&'a str, u32), Option<&'a str>> {
    let names: BTreeMap<&Uid, &str> =
        snapshot.pods.iter().map(|pod| (&pod.pod.uid, pod.pod.name.as_str())).collect();
    let held = observed.placed().flat_map(|(member, placement)| {
        let pod = placement.pod().and_then(|uid| names.get(uid).copied());
        member.assigned.iter().flatten().map(move |held| ((held.topic.as_str(), held.partition), pod))
    });
    held.collect()
}

fn consumer(
    snapshot: &Snapshot,
    observed: &ObservedGroup,
    member: &GroupMember,
    pod: Option<usize>,
    places: &BTreeMap<&str, u32>,
) -> Result<Consumer, Unusable> {
    let unsettled = || Unusable::NotStable { state: observed.group.state.to_string() };
    let index = |name: &str| places.get(name).copied();
    let assigned = member.assigned.as_ref().ok_or_else(unsettled)?;
    let place = |held: &consumer_group::TopicPartition| {
        Some(TopicPartition { topic: index(&held.topic)?, partition: held.partition })
    };
    let mut owned: Vec<TopicPartition> = assigned.iter().filter_map(place).collect();
    owned.sort_unstable();
    // A KIP-848 group at rest holds its target, and the order in which that is told matters to the coordinator.
    let target: Vec<TopicPartition> = member.target.iter().flatten().filter_map(place).collect();
    if target.len() == owned.len() && target.iter().all(|held| owned.binary_search(held).is_ok()) {
        owned = target;
    }
    Ok(Consumer {
        id: Some(member.id.clone()),
        listed: member.listed,
        client: client(
            observed,
            member,
            pod.and_then(|pod| snapshot.pods.get(pod)).map(|pod| &*pod.pod.name),
        ),
        instance: member.instance_id.clone(),
        subscription: subscription(observed, member, places)?,
        owned,
        pod: None,
    })
}

/// Topics of a member. Which ones a pattern matches is known only where all members have the same one.
fn subscription(
    observed: &ObservedGroup,
    member: &GroupMember,
    places: &BTreeMap<&str, u32>,
) -> Result<Vec<u32>, Unusable> {
    let state = || Unusable::NotStable { state: observed.group.state.to_string() };
    let own = member.subscription.as_ref().ok_or_else(state)?;
    if own.pattern.is_none() {
        let mut listed: Vec<u32> =
            own.topics.iter().filter_map(|name| places.get(name.as_str()).copied()).collect();
        listed.sort_unstable();
        listed.dedup();
        return Ok(listed);
    }
    if observed.group.members.iter().all(|other| other.subscription == member.subscription) {
        let mut all: Vec<u32> = places.values().copied().collect();
        all.sort_unstable();
        return Ok(all);
    }
    Err(Unusable::Patterns { client_id: member.client_id.clone() })
}

/// What the id of a replacement begins with: of a classic member, the client id and a dash. A client id that has the
/// pod's name in it goes on like another pod's from the last part of that name on.
fn client(observed: &ObservedGroup, member: &GroupMember, pod: Option<&str>) -> String {
    match observed.group.protocol {
        GroupProtocol::Consumer { .. } => String::new(),
        GroupProtocol::Classic => {
            let common = pod.and_then(|pod| {
                let until = member.client_id.find(pod)? + pod.rfind('-').map_or(0, |dash| dash + 1);
                member.client_id.get(..until)
            });
            common.map_or_else(|| format!("{}-", member.client_id), str::to_owned)
        }
    }
}

/// Each partition is held by one member.
fn all_held(topics: &[Topic], members: &[Consumer]) -> Result<(), Unusable> {
    let mut held = BTreeSet::new();
    for &TopicPartition { topic, partition } in members.iter().flat_map(|member| &member.owned) {
        if !held.insert((topic, partition)) {
            let name = topics.get(topic as usize).map_or_else(String::new, |topic| topic.name.clone());
            return Err(Unusable::TwoOwners { topic: name, partition });
        }
    }
    for (index, topic) in (0..).zip(topics) {
        if let Some(partition) = (0..topic.partitions).find(|&partition| !held.contains(&(index, partition)))
        {
            return Err(Unusable::NoOwner { topic: topic.name.clone(), partition, idle: false });
        }
    }
    Ok(())
}
