//! What is refused, and what is compared, without a server.

use std::collections::BTreeMap;

use rebalancer_core::fleet::consumer_group::{
    ConsumerGroup, GroupMember, GroupProtocol, GroupState, Subscription, TopicPartition,
};
use rebalancer_core::fleet::{DisruptionBudget, Owner};
use rebalancer_core::jiff::{SignedDuration, Timestamp};
use rebalancer_core::port::{AclResource, MissingAcl};
use rebalancer_core::report::Report;
use rebalancer_core::snapshot::{MatchedBy, ObservedGroup, ObservedPod, Placement, Surroundings};
use rebalancer_core::unit::{Cores, Load};
use rebalancer_core::{Indicator, Pod, plan};
use rebalancer_prom::Usage;
use serde_json::{Value, json};

use super::read::NotReadable;
use super::*;
use crate::render::Approval;

fn snapshot() -> Snapshot {
    let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    let selector = Selector::All(vec![Requirement::Exists { key: "app".to_owned() }]);
    let budget = DisruptionBudget { name: "b".to_owned(), selector, allowed: 9, status_is_current: true };
    let surroundings = Surroundings { budgets: vec![budget], ..Surroundings::default() };
    let mut fleet = Snapshot::builder("streams", "consumer", now).surroundings(surroundings);
    for (number, cores) in [1.9, 1.7, 0.8, 0.6, 0.4, 0.1 + 0.2, 0.3, 0.2].into_iter().enumerate() {
        let pod = Pod::new(format!("consumer-{number}"), format!("uid-{number}"))
            .with_owner(Owner::of_apps("ReplicaSet", "consumer-7d4b9c", "uid-of-the-set"))
            .with_ready_since(now - SignedDuration::from_hours(1))
            .with_cpu_request(Cores::new(1.0).unwrap())
            .with_label("app", "consumer")
            .with_label("team", "canary-0123456789");
        fleet = fleet.pod(pod, [(Indicator::Cpu, Load::new(cores).unwrap())]);
    }
    fleet.build().unwrap()
}

/// The same fleet, and the group that Kafka tells: two partitions at each pod, and nothing to be read of moves.
fn snapshot_with_group() -> Snapshot {
    let mut snapshot = snapshot();
    let member = |(number, pod): (u32, &ObservedPod)| GroupMember {
        listed: number,
        id: format!("{}-id", pod.pod.name),
        client_id: pod.pod.name.clone(),
        host: "/10.0.0.1".to_owned(),
        instance_id: None,
        rack: None,
        protocol: None,
        epoch: None,
        subscription: Some(Subscription { topics: vec!["a.b".to_owned()], pattern: None }),
        assigned: Some(vec![
            TopicPartition::new("a.b", 2 * number),
            TopicPartition::new("a.b", 2 * number + 1),
        ]),
        target: None,
        joined_with: None,
    };
    let group = ConsumerGroup {
        id: "it's orders".to_owned(),
        state: GroupState::Stable,
        protocol: GroupProtocol::Classic,
        assignor: Some("range".to_owned()),
        members: (0..).zip(&snapshot.pods).map(member).collect(),
        coordinator: None,
    };
    let place = |pod: &ObservedPod| Placement::Pod { uid: pod.pod.uid.clone(), by: MatchedBy::ClientId };
    let placements = snapshot.pods.iter().map(place).collect();
    let mut observed = ObservedGroup::new(group, placements);
    observed.moving = Err(MissingAcl::describe(AclResource::Cluster));
    snapshot.group = Some(observed);
    snapshot
}

fn report(snapshot: &Snapshot) -> Report {
    plan(snapshot, &Policy::default(), &Constraints::default())
}

fn saved() -> Value {
    saved_of(&snapshot())
}

fn saved_of(snapshot: &Snapshot) -> Value {
    let report = report(snapshot);
    let shown = Shown {
        cluster: None,
        report: &report,
        names: None,
        last: None,
        usage: Usage::default(),
        kafka: Some(rebalancer_kafka::Usage { requests: 7, ..Default::default() }),
        approval: Approval::default(),
        replayed: None,
    };
    let line = line(snapshot, &Policy::default(), &Constraints::default(), &shown).unwrap();
    serde_json::from_str(&line).unwrap()
}

fn parsed(text: &str) -> Result<Vec<Saved>, NotReadable> {
    read::parse(text.as_bytes())
}

#[test]
fn what_is_saved_decides_the_same_again() {
    let text = format!("{}\n{:#}\n", saved(), saved());
    let plans = parsed(&text).unwrap();
    assert_eq!(plans.len(), 2, "one a line, or over many lines");
    for plan in plans {
        let again = report(&plan.snapshot);
        assert_eq!(again, report(&snapshot()));
        assert_eq!(again.decision.name(), "rotate");
        let compared = Comparison::of(&plan, &again).unwrap();
        assert!(compared.same && compared.other_pods.is_empty(), "{compared:?}");
    }
}

#[test]
fn every_fact_of_a_report_stands_in_the_plan() {
    for snapshot in [snapshot(), snapshot_with_group()] {
        let report = serde_json::to_value(report(&snapshot)).unwrap();
        let saved = saved_of(&snapshot);
        for (name, value) in report.as_object().unwrap() {
            assert!(saved["plan"].get(name).is_some_and(|plan| has_all(plan, value)), "{name}");
        }
    }
}

#[test]
fn a_group_that_was_seen_decides_the_same_again() {
    let snapshot = snapshot_with_group();
    let plan = parsed(&saved_of(&snapshot).to_string()).unwrap().remove(0);
    assert_eq!(plan.snapshot.group, snapshot.group);
    assert_eq!(plan.plan.kafka_usage.unwrap().requests, 7);
    let again = report(&plan.snapshot);
    assert_eq!(again, report(&snapshot));
    assert!(Comparison::of(&plan, &again).unwrap().same);
}

/// The plan adds a reason to each pod.
fn has_all(plan: &Value, report: &Value) -> bool {
    match (plan, report) {
        (Value::Array(plan), Value::Array(report)) => {
            plan.len() == report.len() && plan.iter().zip(report).all(|(plan, report)| has_all(plan, report))
        }
        (Value::Object(plan), Value::Object(report)) => {
            report.iter().all(|(name, value)| plan.get(name) == Some(value))
        }
        _ => plan == report,
    }
}

#[test]
fn only_labels_that_a_budget_selects_by_are_saved() {
    let saved = saved();
    assert_eq!(saved["snapshot"]["pods"][0]["labels"], json!({"app": "consumer"}));
    assert!(!saved.to_string().contains("canary-0123456789"));
}

#[test]
fn another_decision_is_named_with_the_pods_that_it_changes() {
    let mut changed = saved();
    changed["plan"]["pods"][2]["verdict"] = json!({"vetoed": "mirror"});
    changed["plan"]["pods"].as_array_mut().unwrap().push(json!({"name": "x", "uid": "y", "verdict": "z"}));
    let saved = parsed(&changed.to_string()).unwrap().remove(0);
    let compared = Comparison::of(&saved, &report(&saved.snapshot)).unwrap();
    assert!(!compared.same);
    assert_eq!(compared.other_pods, ["consumer-2", "x"]);

    changed["plan"]["decision"] = json!("balanced");
    changed["plan"]["pods"] = self::saved()["plan"]["pods"].clone();
    let saved = parsed(&changed.to_string()).unwrap().remove(0);
    let compared = Comparison::of(&saved, &report(&saved.snapshot)).unwrap();
    assert!(!compared.same && compared.other_pods.is_empty());
}

#[test]
fn a_field_that_a_later_version_added_is_no_difference() {
    let mut older = saved();
    let removal = &mut older["plan"]["decision"]["rotate"]["removals"][0];
    assert!(removal.as_object_mut().unwrap().remove("node").is_some());
    let saved = parsed(&older.to_string()).unwrap().remove(0);
    assert!(Comparison::of(&saved, &report(&saved.snapshot)).unwrap().same);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let told = |change: &dyn Fn(&mut Value)| {
        let mut changed = saved();
        change(&mut changed);
        parsed(&changed.to_string()).unwrap_err().to_string()
    };
    let wrong = told(&|saved| saved["snapshot"]["pods"][2]["loads"]["cpu"] = json!(-1));
    assert!(
        wrong.starts_with("at snapshot.pods[2].loads.cpu: -1 is not a load of 0 or more at line 1 column "),
        "{wrong}"
    );
    let wrong = told(&|saved| saved["policy"]["balance"]["tolerance"] = json!(0.5));
    assert!(
        wrong.starts_with("at policy.balance.tolerance: 0.5 is not a multiplier of 1 or more"),
        "{wrong}"
    );
    let newer = told(&|saved| saved["version"] = json!(2));
    assert!(newer.contains("of format 2, and this program reads format 1"), "{newer}");
    let unknown = told(&|saved| saved["constraints"]["new_pause"] = json!(1));
    assert!(unknown.contains("new_pause"), "a reason to hold that this version does not know: {unknown}");
    let missing = told(&|saved| saved["constraints"] = json!({}));
    assert!(missing.contains("missing field"), "{missing}");
}

#[test]
fn what_is_no_file_of_plans_is_refused_and_not_quoted() {
    const CANARY: &str = "canary-0123456789";
    for text in [
        CANARY.to_owned(),
        format!("\"{CANARY}\""),
        format!("{{\"version\":\"{CANARY}\",\"program\":\"x\"}}"),
        format!("{{\"{CANARY}\":\"{CANARY}\"}}"),
        format!("{{\"version\":1,\"program\":\"{CANARY}"),
    ] {
        let error = parsed(&text).unwrap_err().to_string();
        assert!(error.contains("line 1 column") && !error.contains(CANARY), "{text}: {error}");
    }
    assert_eq!(parsed(" \n").unwrap_err().to_string(), "it is empty");
}

#[test]
fn no_bytes_make_reading_panic() {
    let text = saved().to_string();
    for place in (0..text.len()).step_by(11) {
        let cut = text.get(..place).unwrap();
        assert!(parsed(cut).is_err());
        let _ = parsed(&format!("{cut}7{}", text.get(place + 1..).unwrap()));
    }
    let empty: BTreeMap<String, String> = BTreeMap::new();
    assert!(parsed(&serde_json::to_string(&empty).unwrap()).is_err());
}
