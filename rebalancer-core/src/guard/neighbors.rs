//! What others do with the fleet now, as they tell it themselves, and as nodes and pods show it.

use std::collections::BTreeSet;

use super::{NotNow, stays};
use crate::fleet::{Disturbance, ExecutorState, Leaving, LeavingNode, Pod, Text};
use crate::port::ExecutorUnread;
use crate::snapshot::Snapshot;

/// One node of so many that is drained is too many.
const ONE_OF: usize = 10;

/// The first reason among the neighbors.
pub(super) fn not_now(snapshot: &Snapshot) -> Option<NotNow> {
    let around = &snapshot.surroundings;
    let at_work = around.at_work.first().cloned().map(NotNow::AtWork);
    let unread = || around.unread_neighbors.first().cloned();
    at_work
        .or_else(|| draining(snapshot))
        .or_else(|| resizing(snapshot))
        .or_else(|| evicted(snapshot))
        .or_else(|| around.cruise_control.as_ref().and_then(executing))
        .or_else(|| unread().map(|it| NotNow::NeighborUnread { neighbor: it.neighbor, error: it.error }))
}

fn own(snapshot: &Snapshot) -> impl Iterator<Item = &Pod> {
    snapshot.pods.iter().filter(|observed| observed.own).map(|observed| &observed.pod)
}

/// A tenth of the nodes that the fleet runs on are being drained. What was cordoned is drained as soon as a pod of the fleet
/// is on its way out there: a drain begins with a cordon, and has no other mark.
fn draining(snapshot: &Snapshot) -> Option<NotNow> {
    let leaving = &snapshot.surroundings.leaving_nodes;
    if leaving.is_empty() {
        return None;
    }
    let on = |pod: &Pod| pod.node.clone();
    let nodes: BTreeSet<Text> =
        own(snapshot).filter(|pod| stays(pod) || pod.terminating).filter_map(on).collect();
    let left: BTreeSet<Text> = own(snapshot).filter(|pod| pod.terminating).filter_map(on).collect();
    let is_drained = |node: &&LeavingNode| match node.stage {
        Leaving::Draining => nodes.contains(&node.name),
        Leaving::Cordoned => left.contains(&node.name),
        Leaving::Candidate => false,
    };
    let mut drained = leaving.iter().filter(is_drained);
    let first = drained.next()?;
    let (draining, nodes) = (1 + drained.count(), nodes.len());
    let (such_as, by) = (first.name.to_string(), first.by.clone());
    (draining * ONE_OF >= nodes).then_some(NotNow::NodesDraining { draining, nodes, such_as, by })
}

/// Pods that show this, and one of them.
fn disturbed(snapshot: &Snapshot, by: Disturbance) -> Option<(usize, String)> {
    let mut pods = own(snapshot).filter(|pod| pod.extras.disturbance == Some(by));
    let such_as = pods.next()?.name.clone();
    Some((1 + pods.count(), such_as))
}

fn resizing(snapshot: &Snapshot) -> Option<NotNow> {
    let (pods, such_as) = disturbed(snapshot, Disturbance::Resize)?;
    Some(NotNow::PodsResizing { pods, such_as })
}

/// Anybody may have evicted them; where an autoscaler restarts pods to give them other requests, it goes on.
fn evicted(snapshot: &Snapshot) -> Option<NotNow> {
    let vpa = snapshot.surroundings.vertical.as_ref().filter(|vpa| vpa.restarts_pods)?;
    let (pods, such_as) = disturbed(snapshot, Disturbance::Eviction)?;
    Some(NotNow::PodsEvicted { vpa: vpa.to_string(), pods, such_as })
}

/// Kafka itself tells only of replicas that move between brokers; this also of leaders, of disks, and of what is about to be.
pub(crate) fn executing(told: &Result<ExecutorState, ExecutorUnread>) -> Option<NotNow> {
    match told {
        Ok(state) => (!state.is_idle()).then_some(NotNow::CruiseControlExecuting { state: *state }),
        Err(why) => Some(NotNow::CruiseControlUnread { error: why.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{controller, owned_by, owner, policy, snapshot, violations};
    use crate::fleet::{
        Activity, AtWork, Controller, Neighbor, Owner, Ownership, UnreadNeighbor, VerticalScaler,
    };
    use crate::guard;
    use crate::report::Decision;
    use crate::snapshot::Surroundings;

    /// Twenty pods on as many nodes, two of them hot, of which nothing is known to go on.
    fn fleet() -> Snapshot {
        let loads: Vec<f64> = (0..20).map(|pod| if pod < 2 { 1.5 } else { 0.3 }).collect();
        let mut fleet = snapshot(&loads, Some(70.0));
        for (place, pod) in fleet.pods.iter_mut().enumerate() {
            pod.pod.node = Some(format!("node-{place}").into());
        }
        fleet
    }

    fn node(name: &str, stage: Leaving) -> LeavingNode {
        LeavingNode { name: name.into(), stage, by: "karpenter.sh/disrupted".to_owned() }
    }

    /// By the guard and by the audit, which shares no rule with it.
    fn check(fleet: &Snapshot, expected: Option<&str>, audited: Option<&'static str>) {
        let found = guard::not_now(fleet, &policy());
        assert_eq!(found.as_ref().map(NotNow::name), expected, "{found:?}");
        let mut quiet = fleet.clone();
        quiet.surroundings = Surroundings::default();
        for pod in &mut quiet.pods {
            pod.pod.extras.disturbance = None;
        }
        let Decision::Rotate(plan) = crate::fixture::plan(&quiet, &policy()).decision else {
            panic!("no plan")
        };
        let of_the_fleet = violations(&plan, fleet, &policy());
        let told = of_the_fleet.iter().any(|it| audited.is_some_and(|what| it.to_string().ends_with(what)));
        assert_eq!(told, audited.is_some(), "{of_the_fleet:?}");
        assert!(audited.is_some() || of_the_fleet.is_empty(), "{of_the_fleet:?}");
    }

    #[test]
    fn a_drain_holds_when_it_is_of_a_tenth_of_the_fleet_s_nodes() {
        const DRAINED: &str = "a tenth of the nodes are drained";
        let mut fleet = fleet();
        fleet.surroundings.leaving_nodes =
            vec![node("node-5", Leaving::Draining), node("elsewhere", Leaving::Draining)];
        check(&fleet, None, None);
        fleet.surroundings.leaving_nodes.push(node("node-6", Leaving::Draining));
        check(&fleet, Some("nodes_draining"), Some(DRAINED));
        let told = guard::not_now(&fleet, &policy()).unwrap().to_string();
        let expected = "2 of the 20 nodes that the fleet runs on are being drained, such as node-5 (karpenter.sh/disrupted)";
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_only_cordoned_or_a_candidate_is_no_drain_until_a_pod_is_on_its_way_out_there() {
        let mut fleet = fleet();
        fleet.surroundings.leaving_nodes =
            (5..12).map(|place| node(&format!("node-{place}"), Leaving::Cordoned)).collect();
        fleet.surroundings.leaving_nodes.push(node("node-13", Leaving::Candidate));
        check(&fleet, None, None);
        fleet.pods[5].pod.terminating = true;
        check(&fleet, None, None);
        fleet.pods[6].pod.terminating = true;
        check(&fleet, Some("nodes_draining"), Some("a tenth of the nodes are drained"));
    }

    #[test]
    fn what_a_neighbor_does_holds_and_so_does_one_that_does_not_tell() {
        let mut fleet = fleet();
        let of = "ScaledObject consumer".to_owned();
        fleet.surroundings.at_work = vec![Activity { of, what: AtWork::ScalingFallback }];
        check(&fleet, Some("scaling_fallback"), Some("another controller is at work"));
        fleet.surroundings.at_work.clear();
        let error = "forbidden".to_owned();
        fleet.surroundings.unread_neighbors = vec![UnreadNeighbor { neighbor: Neighbor::Keda, error }];
        check(&fleet, Some("neighbor_unread"), Some("a neighbor did not tell what it does"));
    }

    #[test]
    fn cruise_control_holds_in_every_state_but_the_idle_one_and_so_does_its_silence() {
        let mut fleet = fleet();
        for state in ExecutorState::ALL {
            fleet.surroundings.cruise_control = Some(Ok(state));
            match state {
                ExecutorState::NoTaskInProgress => check(&fleet, None, None),
                ExecutorState::StartingExecution
                | ExecutorState::InterBrokerReplicaMovementTaskInProgress
                | ExecutorState::IntraBrokerReplicaMovementTaskInProgress
                | ExecutorState::LeaderMovementTaskInProgress
                | ExecutorState::StoppingExecution
                | ExecutorState::InitializingProposalExecution
                | ExecutorState::GeneratingProposalsForExecution => {
                    check(&fleet, Some("cruise_control_executing"), Some("Cruise Control executes"));
                }
            }
        }
        let message = "HTTP 503 Service Unavailable".to_owned();
        fleet.surroundings.cruise_control = Some(Err(ExecutorUnread { message }));
        check(&fleet, Some("cruise_control_unread"), Some("Cruise Control did not tell what it does"));
    }

    #[test]
    fn a_resize_in_place_holds_and_an_eviction_where_a_vertical_autoscaler_restarts_pods() {
        let mut fleet = fleet();
        fleet.pods[9].pod.extras.disturbance = Some(Disturbance::Resize);
        check(&fleet, Some("pods_resizing"), Some("pods are being resized"));
        fleet.pods[9].pod.extras.disturbance = Some(Disturbance::Eviction);
        check(&fleet, None, None);
        let vpa = |restarts_pods| VerticalScaler { name: "consumer".to_owned(), restarts_pods, bounds: None };
        fleet.surroundings.vertical = Some(vpa(false));
        check(&fleet, None, None);
        fleet.surroundings.vertical = Some(vpa(true));
        check(&fleet, Some("pods_evicted"), Some("pods are being evicted"));
    }

    #[test]
    fn an_owner_that_says_that_it_is_at_work_holds_wherever_it_stands_above_the_pods() {
        const AT_WORK: &str = "an owner's controller is at work";
        let paused = |of: Controller| Controller { at_work: Some(AtWork::Paused), ..of };
        let mut fleet = fleet();
        fleet.surround(owned_by(paused(controller("Deployment", "consumer", 20))));
        check(&fleet, Some("rollout_paused"), Some(AT_WORK));
        let above = Owner::of_apps("KafkaConnect", "platform", "uid-above");
        let top = Controller { owner: Some(above.clone()), ..controller("Deployment", "consumer", 20) };
        let mut around = owned_by(top);
        let platform = Controller { uid: above.uid.clone(), ..controller("KafkaConnect", "platform", 20) };
        around.ownership.objects.push(paused(platform));
        fleet.surround(around);
        check(&fleet, Some("rollout_paused"), Some(AT_WORK));
        let mut strangers = owned_by(controller("Deployment", "consumer", 20));
        strangers.ownership.objects.push(paused(controller("Deployment", "other", 3)));
        fleet.surround(strangers);
        check(&fleet, None, None);
        let by_name = Ownership {
            objects: vec![Controller {
                owner: Some(owner("Deployment", "x")),
                ..controller("ReplicaSet", "y", 0)
            }],
            ..Ownership::default()
        };
        fleet.surround(Surroundings {
            controller: Some(paused(controller("Deployment", "consumer", 20))),
            ownership: by_name,
            ..Surroundings::default()
        });
        check(&fleet, Some("rollout_paused"), Some(AT_WORK));
    }

    #[test]
    fn a_pod_that_is_about_to_move_is_preferred_as_hot_and_never_taken_as_cold() {
        let mut fleet = snapshot(&[1.5, 1.4, 1.3, 0.6, 0.6, 0.3, 0.2], Some(70.0));
        for (place, pod) in fleet.pods.iter_mut().enumerate() {
            pod.pod.node = Some(format!("node-{place}").into());
        }
        let chosen = |fleet: &Snapshot| {
            let report = crate::fixture::plan(fleet, &policy());
            let Decision::Rotate(plan) = report.decision else { panic!("{}", report.decision) };
            assert_eq!(violations(&plan, fleet, &policy()), []);
            let mut names: Vec<String> = plan.removals.into_iter().map(|removal| removal.pod.name).collect();
            names.sort();
            names
        };
        assert_eq!(chosen(&fleet), ["p000", "p001", "p005", "p006"]);
        fleet.surroundings.leaving_nodes =
            vec![node("node-2", Leaving::Cordoned), node("node-6", Leaving::Cordoned)];
        assert_eq!(chosen(&fleet), ["p000", "p002", "p003", "p005"]);
    }

    #[test]
    fn a_plan_that_takes_a_pod_of_a_leaving_node_as_cold_is_caught() {
        let mut fleet = fleet();
        let Decision::Rotate(plan) = crate::fixture::plan(&fleet, &policy()).decision else {
            panic!("no plan")
        };
        let cold = plan.removals.iter().find(|removal| !removal.choice.is_hot()).unwrap();
        let on = cold.node.clone().unwrap();
        fleet.surroundings.leaving_nodes = vec![node(&on, Leaving::Candidate)];
        let expected = crate::audit::Violation::OnLeavingNode { pod: cold.pod.name.clone() };
        assert_eq!(violations(&plan, &fleet, &policy()), [expected]);
    }
}
