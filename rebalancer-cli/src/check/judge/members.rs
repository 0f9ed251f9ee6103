//! Members of the consumer group and the pods of the fleet: who runs where, and what offsets tell of their loads.

use std::collections::BTreeSet;

use rebalancer_core::cycle::Observation;
use rebalancer_core::fleet::Uid;
use rebalancer_core::fleet::consumer_group::GroupMember;
use rebalancer_core::snapshot::{MatchedBy, ObserveError, ObservedGroup, Placement, Snapshot};

use super::super::facts::{Facts, Kafka};
use super::super::finding::{Code, Finding, some};

pub(super) fn judge(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(kafka) = &facts.kafka else { return Vec::new() };
    match &facts.observation {
        None => Vec::new(),
        Some(Err(error)) => nothing_read(kafka, error).into_iter().collect(),
        Some(Ok(Observation { snapshot, .. })) => {
            let members = snapshot.group.iter().flat_map(|group| of_members(group, snapshot));
            members.chain(of_offsets(kafka, snapshot)).collect()
        }
    }
}

fn of_members(group: &ObservedGroup, snapshot: &Snapshot) -> Vec<Finding> {
    let all = group.group.members.len();
    let (mut elsewhere, mut contradictory) = (Vec::new(), Vec::new());
    let (mut pods, mut ways) = (BTreeSet::new(), BTreeSet::new());
    for (member, placement) in group.placed() {
        match placement {
            Placement::Pod { uid, by } => {
                pods.insert(uid);
                ways.insert(by.name());
            }
            Placement::Elsewhere => elsewhere.push(shown(member)),
            Placement::Contradictory => contradictory.push(shown(member)),
        }
    }
    if all == 0 {
        // The group is empty, and that has its own finding.
        return Vec::new();
    }
    let mut findings = Vec::new();
    if pods.is_empty() && contradictory.is_empty() {
        return vec![none_matched(all, &elsewhere)];
    }
    if elsewhere.is_empty() && contradictory.is_empty() {
        let (pods, ways) = (pods.len(), some(&ways));
        findings.push(Finding::ok(
            Code::KafkaMembers,
            format!("all {all} members run in {pods} pods, told by {ways}"),
        ));
    }
    if !elsewhere.is_empty() {
        findings.push(Finding::warning(
            Code::KafkaMembersElsewhere,
            format!("{} of {all} members run in no pod of the fleet: {}", elsewhere.len(), some(&elsewhere)),
            "nothing, if they are of another workload: they stay where they are, and take part in the assignment; if another \
             rebalancer rotates them, set GROUP_LOCK_NAMESPACE for both; if they are of this one, put the pod's name into \
             client.id or group.instance.id",
        ));
    }
    if !contradictory.is_empty() {
        let ways = some([MatchedBy::Host, MatchedBy::InstanceId, MatchedBy::ClientId].map(MatchedBy::name));
        findings.push(Finding::error(
            Code::KafkaMembersContradictory,
            format!(
                "{} of {all} members are in one pod by one way and in another by another: {}",
                contradictory.len(),
                some(&contradictory)
            ),
            format!("set KAFKA_POD_MATCHING to the way that is right: {ways}"),
        ));
    }
    findings.extend(idle(snapshot, &pods));
    findings
}

fn none_matched(all: usize, members: &[String]) -> Finding {
    Finding::error(
        Code::KafkaMembersUnmatched,
        format!("none of {all} members runs in a pod of the fleet: {}", some(members)),
        "check KAFKA_GROUP_ID and KUBE_LABEL_SELECTOR; where a service mesh or NAT hides addresses, put the pod's name into \
         client.id or group.instance.id (by the downward API)",
    )
}

/// Pods that should consume, and hold no member.
fn idle(snapshot: &Snapshot, busy: &BTreeSet<&Uid>) -> Option<Finding> {
    let of_fleet = snapshot.pods.iter().filter(|pod| pod.own && pod.pod.ready && !pod.pod.terminating);
    let idle: Vec<&str> =
        of_fleet.filter(|pod| !busy.contains(&pod.pod.uid)).map(|pod| pod.pod.name.as_str()).collect();
    (!idle.is_empty()).then(|| {
        Finding::warning(
            Code::KafkaPodsWithoutMember,
            format!("Ready pods without a member of the group: {}", some(idle)),
            "look at the consumers in these pods, which have left the group or never joined it",
        )
    })
}

/// No load at all could be read, and it was to come from offsets.
fn nothing_read(kafka: &Kafka<'_>, error: &ObserveError) -> Option<Finding> {
    match error {
        ObserveError::Metrics { indicator, error }
            if kafka.settings.question.indicators.contains(indicator) =>
        {
            let message = format!("{indicator}: {error}; no other load is read, so a cycle fails");
            Some(Finding::error(Code::KafkaOffsetsUnusable, message, ELSEWHERE))
        }
        ObserveError::Metrics { .. }
        | ObserveError::Pods(_)
        | ObserveError::Controller(_)
        | ObserveError::Budgets(_)
        | ObserveError::NoIndicator
        | ObserveError::Target { .. } => None,
    }
}

const ELSEWHERE: &str = "take this load from a metric server: docs/kafka.md says when offsets are no measure";

/// Loads that were to come from offsets, and do not.
fn of_offsets(kafka: &Kafka<'_>, snapshot: &Snapshot) -> Vec<Finding> {
    let question = &kafka.settings.question;
    let degraded = snapshot.degraded.iter().filter(|one| question.indicators.contains(&one.indicator));
    let loads = degraded.map(|one| format!("{}: {}", one.indicator, one.error));
    let partitions = snapshot.partitions_error.as_ref().filter(|_| question.partitions);
    let partitions = partitions.map(|error| format!("partition loads: {error}"));
    let finding = |message| Finding::warning(Code::KafkaOffsetsUnusable, message, ELSEWHERE);
    loads.chain(partitions).map(finding).collect()
}

/// Any client may have made up its names.
fn shown(GroupMember { client_id, host, .. }: &GroupMember) -> String {
    format!("{client_id:?} at {host:?}")
}
