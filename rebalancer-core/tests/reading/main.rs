//! What is written down as JSON is read back as it was; what is broken is refused, with the place, and nothing panics.

#![cfg(feature = "serde")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the failure"
)]

mod variants;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::assignor::{Assignor, Rules};
use rebalancer_core::eligibility::{Annotation, Veto};
use rebalancer_core::fleet::{
    Activity, AtWork, Bounds, Controller, CpuTarget, DisruptionBudget, ExecutorState, Hpa, Leaving,
    LeavingNode, Level, Measured, Neighbor, NotRead, Owner, Ownership, PartitionLoad, Phase, Progress,
    Requirement, Samples, Scaling, ScalingMetric, Selector, Target, Uid, Unread, UnreadNeighbor,
    VerticalScaler, Watched,
};
use rebalancer_core::group::{AssumedTiming, Inference, TimingBasis, Unusable};
use rebalancer_core::guard::NotNow;
use rebalancer_core::history::{Pause, Trip};
use rebalancer_core::policy::{Persistence, QuietHours, Timing, Weights};
use rebalancer_core::port::MetricsError;
use rebalancer_core::report::{Choice, Improvement, Method, Spared};
use rebalancer_core::snapshot::Surroundings;
use rebalancer_core::unit::{Amount, Cores, Load, Percent, PercentChange, Ratio, Share, Weight};
use rebalancer_core::{
    Constraints, Decision, Hold, Indicator, Pod, Policy, Prediction, Report, Snapshot, Verdict, plan, predict,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn at() -> Timestamp {
    "2026-01-01T10:00:00.123456789Z".parse().unwrap()
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn load(load: f64) -> Load {
    Load::new(load).unwrap()
}

fn name() -> String {
    "consumer-1".to_owned()
}

#[track_caller]
fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    match serde_json::from_str::<T>(&text) {
        Ok(again) => assert_eq!(&again, value, "{text}"),
        Err(error) => panic!("{text}: {error}"),
    }
}

#[track_caller]
fn refused<T: DeserializeOwned + Debug>(text: &str, because: &str) {
    let error = serde_json::from_str::<T>(text).unwrap_err().to_string();
    assert!(error.contains(because) && error.contains("line 1 column"), "{text}: {error}");
}

/// A fleet of which everything is known, by every indicator.
fn snapshot() -> Snapshot {
    let amount = |amount| Some(Level::AverageValue(Amount::new(amount).unwrap()));
    let external = Measured::External { name: "lag".to_owned() };
    let hpa = Hpa {
        name: "consumer".to_owned(),
        scales: Some("consumer".to_owned()),
        scales_kind: Some("Deployment".to_owned()),
        of_container: true,
        cpu: Some(CpuTarget::Utilization(70.0)),
        scaling: Some(Scaling {
            active: true,
            current: 6,
            desired: 6,
            minimum: 3,
            last_scaled_at: Some(at() - HOUR),
            wants_fewer: false,
            disabled: false,
        }),
        scales_by: vec![ScalingMetric { measured: external, target: amount(100.0), current: amount(-0.1) }],
    };
    let key = || "app".to_owned();
    let values = || vec!["consumer".to_owned()];
    let selector = Selector::All(vec![
        Requirement::In { key: key(), values: values() },
        Requirement::NotIn { key: "tier".to_owned(), values: values() },
        Requirement::Exists { key: key() },
        Requirement::DoesNotExist { key: "canary".to_owned() },
    ]);
    let budget = |selector| DisruptionBudget {
        name: "consumer".to_owned(),
        selector,
        allowed: 3,
        status_is_current: true,
    };
    let controller = Controller {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        name: "consumer".to_owned(),
        uid: Uid::new("uid-consumer"),
        annotations: BTreeMap::from([(Annotation::OptIn.to_string(), "true".to_owned())]),
        marks: Vec::new(),
        owner: Some(Owner::of_apps("Rollout", "above", "uid-above")),
        progress: Some(Progress { status_is_current: true, desired: 6, current: 6, updated: 6 }),
        at_work: Some(AtWork::Canary { stage: "step 1 of 3".to_owned() }),
    };
    let unread = [NotRead::NotAllowed, NotRead::Gone, NotRead::Replaced, NotRead::Unreadable]
        .map(|why| Unread { owner: Owner::of_apps("Rollout", "above", "uid-above"), why });
    let ownership = Ownership {
        objects: vec![controller.clone()],
        unread: unread.into(),
        by_name: Some(controller.clone()),
    };
    let mut fleet = Snapshot::builder("streams", "consumer", at()).hpa(hpa).surroundings(Surroundings {
        controller: Some(controller),
        ownership,
        scaling: None,
        scales_by: Vec::new(),
        budgets: vec![budget(selector), budget(Selector::Nothing)],
        watched: Some(Watched { heard_at: Some(at()), error: Some("503".to_owned()) }),
        leaving_nodes: vec![LeavingNode {
            name: "node-9".into(),
            stage: Leaving::Draining,
            by: "deleted".to_owned(),
        }],
        at_work: vec![Activity { of: "ScaledObject consumer".to_owned(), what: AtWork::ScalingFallback }],
        vertical: Some(VerticalScaler {
            name: "consumer".to_owned(),
            restarts_pods: true,
            bounds: Some(Bounds {
                cpu: Some((Cores::new(0.5).unwrap(), Cores::new(2.0).unwrap())),
                memory: None,
            }),
        }),
        unread_neighbors: vec![UnreadNeighbor { neighbor: Neighbor::Flagger, error: "no answer".to_owned() }],
        cruise_control: Some(Ok(ExecutorState::StoppingExecution)),
    });
    let mut partitions = Vec::new();
    // 0.1 + 0.2 is a number that a careless parser gives back as its neighbour.
    for (number, cpu) in [1.9, 0.1 + 0.2, 1.0 / 3.0, 0.5, 0.4, 0.3].into_iter().enumerate() {
        let pod = Pod::new(format!("consumer-{number}"), format!("uid-{number}"))
            .with_owner(Owner::of_apps("ReplicaSet", "consumer-7d4b9c", "uid-of-the-set"))
            .with_ready_since(at() - HOUR)
            .with_cpu_request(Cores::new(1.0).unwrap())
            .with_node("node-1")
            .with_label("app", "consumer");
        for share in 0..2 {
            let partition = (number * 2 + share).to_string();
            let pod = pod.name.clone();
            partitions.push(PartitionLoad {
                topic: "orders".to_owned(),
                partition,
                pod: Some(pod),
                load: load(cpu),
            });
        }
        let loads = Indicator::ALL.map(|indicator| (indicator, load(cpu * 1e3)));
        fleet = fleet.pod(pod, loads.into_iter().chain([(Indicator::Cpu, load(cpu))]));
    }
    let past = Samples::from([("consumer-0".to_owned(), load(1.8))]);
    fleet.partitions(partitions).past(Indicator::Cpu, vec![past]).build().unwrap()
}

/// A policy in which nothing is as by default.
fn policy() -> Policy {
    let two = std::num::NonZeroUsize::MIN.saturating_add(1);
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    Policy::default()
        .with_variance_thresholds(BTreeMap::from([(Indicator::Lag, Ratio::new(0.4).unwrap())]))
        .with_weights(Weights::new(BTreeMap::from([(Indicator::Memory, Weight::new(0.5).unwrap())])).unwrap())
        .with_persistence(
            Persistence::new(two, two.saturating_add(1), SignedDuration::from_secs(90)).unwrap(),
        )
        .with_quiet_hours(Some(QuietHours::parse("Mon-Fri 08:00-18:00; Sat,Sun 00:00-24:00", zone).unwrap()))
        .with_assignor(Some(Assignor::LibrdkafkaCooperativeSticky))
        .with_minimum_age(SignedDuration::from_secs(61))
        .with_opt_in(true)
}

fn prediction() -> Prediction {
    predict(&snapshot(), Indicator::Cpu, &Policy::default().group, &["consumer-0"]).unwrap()
}

#[test]
fn a_snapshot_a_policy_and_a_report_come_back_as_they_were() {
    comes_back(&snapshot());
    comes_back(&policy());
    comes_back(&Policy::default().with_quiet_hours(Some(QuietHours::parse("", TimeZone::UTC).unwrap())));
    for policy in [policy(), Policy::default()] {
        comes_back(&plan(&snapshot(), &policy, &Constraints::default()));
    }
    let mut unread = snapshot();
    unread.partitions_error = Some(MetricsError::Refused { message: "400 \"x\"".to_owned() });
    unread.past.as_mut().unwrap().windows = Err(MetricsError::Malformed { message: String::new() });
    comes_back(&unread);
}

#[test]
fn what_can_not_be_built_can_not_be_read() {
    refused::<Vec<Load>>("[-1]", "-1 is not a load of 0 or more");
    refused::<Vec<Share>>("[1.5]", "1.5 is not a share between 0 and 1");
    refused::<Vec<Cores>>("[null]", "invalid type: null");
    refused::<Policy>(r#"{"balance":{"tolerance":0.5}}"#, "0.5 is not a multiplier of 1 or more");
    refused::<Policy>(r#"{"limits":{"minimun_pods":3}}"#, "unknown field `minimun_pods`");
    refused::<Policy>(r#"{"selection":{"top_k":0}}"#, "nonzero");
    let none =
        r#"{"selection":{"weights":{"cpu":0,"memory":0,"lag":0,"consumption_rate":0,"production_rate":0}}}"#;
    refused::<Policy>(none, "at least one indicator needs a weight above zero");
    let persistence = r#"{"balance":{"persistence":{"required":3,"windows":2,"step":"PT5M"}}}"#;
    refused::<Policy>(persistence, "3 of 2 windows can't be required");
    let hours = r#"{"guards":{"quiet_hours":{"windows":"Mon 8-18","zone":"UTC"}}}"#;
    refused::<Policy>(hours, "\"Mon 8-18\" is no window");
    let hours = r#"{"guards":{"quiet_hours":{"windows":"08:00-18:00","zone":"Atlantis/Poseidonis"}}}"#;
    refused::<Policy>(hours, "Atlantis");
    refused::<Veto>(r#"{"opted_out":{"annotation":"my/own"}}"#, "unknown variant `my/own`");
    refused::<Vec<Indicator>>("[\"heat\"]", "unknown variant `heat`");
    refused::<Vec<Hold>>(r#"[{"reason":"not_now","guard":"moon"}]"#, "unknown variant `moon`");
}

#[test]
fn what_a_file_leaves_out_of_a_policy_is_as_by_default() {
    let policy: Policy = serde_json::from_str(r#"{"limits":{"minimum_pods":7}}"#).unwrap();
    assert_eq!(policy, Policy::default().with_minimum_pods(7));
}

/// The order of the pods decides between equals, and lists are walked side by side.
#[test]
fn a_snapshot_out_of_order_is_refused() {
    let refused_if = |change: fn(&mut Snapshot), because| {
        let mut fleet = snapshot();
        change(&mut fleet);
        refused::<Snapshot>(&serde_json::to_string(&fleet).unwrap(), because);
    };
    refused_if(|fleet| fleet.pods.swap(0, 1), "pods are not ordered");
    refused_if(|fleet| fleet.pods[1] = fleet.pods[0].clone(), "pods are not ordered");
    refused_if(|fleet| fleet.readable.reverse(), "indicators are not in their order");
    refused_if(|fleet| fleet.partitions.as_mut().unwrap().reverse(), "partitions are not ordered");
}

#[test]
fn a_file_that_is_cut_or_damaged_is_an_error_or_another_value_and_never_a_panic() {
    let report = plan(&snapshot(), &Policy::default(), &Constraints::default());
    let texts = [
        serde_json::to_string(&snapshot()).unwrap(),
        serde_json::to_string(&policy()).unwrap(),
        serde_json::to_string(&report).unwrap(),
    ];
    for text in texts {
        for place in (0..text.len()).step_by(7) {
            let cut = text.get(..place).unwrap();
            assert!(serde_json::from_str::<Snapshot>(cut).is_err());
            assert!(serde_json::from_str::<Policy>(cut).is_err());
            assert!(serde_json::from_str::<Report>(cut).is_err());
            let damaged = format!("{cut}9{}", text.get(place + 1..).unwrap());
            let _ = serde_json::from_str::<Policy>(&damaged);
            let _ = serde_json::from_str::<Report>(&damaged).map(drop);
            if let Ok(fleet) = serde_json::from_str::<Snapshot>(&damaged) {
                let _ = plan(&fleet, &Policy::default(), &Constraints::default());
            }
        }
    }
}
