//! Every variant of what a report can say.

use super::*;

#[test]
fn every_decision_comes_back_as_it_was() {
    let at = at();
    let until = at + HOUR;
    let of = || "Deployment consumer".to_owned();
    let guards = [
        NotNow::OptedOut { annotation: Annotation::OptOut },
        NotNow::QuietHours { window: "Mon-Fri 08:00-18:00".to_owned(), until },
        NotNow::WatchStale { heard_at: Some(at), longest: HOUR, error: Some(name()) },
        NotNow::RolloutInProgress { of: of(), updated: 2, current: 6 },
        NotNow::SeveralOwners { owners: vec![of()] },
        NotNow::OwnerGone { of: of() },
        NotNow::CountsDisagree { of: of(), says: 6, listed: 7, ending: 1 },
        NotNow::ScalingInProgress { by: of(), current: 6, desired: 8 },
        NotNow::ScaleInPending { current: 6, minimum: 3 },
        NotNow::JustScaled { at, until },
        NotNow::Unsettled { young: 1, not_ready: 2, such_as: name(), pods: 12, minimum_age: HOUR },
        NotNow::GroupUnread { error: "no broker".to_owned() },
        NotNow::GroupNotStable { group: of(), state: "Empty".to_owned() },
        NotNow::PartitionsMoving { partitions: 3, such_as: "orders-7".to_owned() },
        NotNow::CruiseControlExecuting { state: ExecutorState::LeaderMovementTaskInProgress },
        NotNow::CruiseControlUnread { error: "no answer".to_owned() },
        NotNow::GroupChanged { group: of() },
        NotNow::AtWork(Activity { of: of(), what: AtWork::Paused }),
        NotNow::AtWork(Activity { of: of(), what: AtWork::Degraded { message: "aborted".to_owned() } }),
        NotNow::AtWork(Activity { of: of(), what: AtWork::Canary { stage: "step 1 of 3".to_owned() } }),
        NotNow::AtWork(Activity { of: of(), what: AtWork::Partitioned { updated: 2, current: 6 } }),
        NotNow::AtWork(Activity { of: of(), what: AtWork::ScalingPaused { replicas: Some(4) } }),
        NotNow::AtWork(Activity { of: of(), what: AtWork::ScalingFallback }),
        NotNow::AtWork(Activity { of: of(), what: AtWork::ScalingToZero }),
        NotNow::NeighborUnread { neighbor: Neighbor::Keda, error: "no answer".to_owned() },
        NotNow::NodesDraining { draining: 1, nodes: 4, such_as: name(), by: "cordoned".to_owned() },
        NotNow::PodsResizing { pods: 1, such_as: name() },
        NotNow::PodsEvicted { vpa: of(), pods: 1, such_as: name() },
    ];
    let pauses = [
        Pause::Settling { since: at, until },
        Pause::BreakerOpen { until, why: Trip::CyclesFailed { in_a_row: 3 }, times: 1 },
        Pause::BreakerOpen {
            until,
            why: Trip::UnreliablePrediction { rotations: 4, kept_percent: 12 },
            times: 1,
        },
        Pause::TrialPending { since: at, until },
        Pause::BudgetSpent { removed: 12, budget: 12, window: HOUR, until },
        Pause::GroupLocked { by: name(), until: Some(until) },
        Pause::GroupLockUnread { error: "no answer".to_owned() },
    ];
    for pause in &pauses {
        comes_back(&Constraints::default().with_pause(Some(pause.clone())).with_most_removals(3));
    }
    let (indicator, share) = (Indicator::ConsumptionRate, Share::new(0.8).unwrap());
    let minimum = Percent::new(10.0).unwrap();
    let improvement =
        Improvement { average_hot: 2.0, average_set: 1.0 / 3.0, percent: PercentChange::new(83.333).ok() };
    let holds = [
        Hold::NoPods,
        Hold::NoEligiblePods { pods: 3, vetoes: BTreeMap::from([("not_ready".to_owned(), 3)]) },
        Hold::MetricsIncomplete { indicator, sampled: 3, eligible: 6, required: share },
        Hold::AmbiguousSeries {
            query: "cpu".to_owned(),
            error: MetricsError::Malformed { message: "two".to_owned() },
        },
        Hold::AmbiguousTarget { hpas: vec![name()] },
        Hold::RequestsUnknown { missing: 1, eligible: 6 },
        Hold::UnusableTarget { hpa: name() },
        Hold::NoHotPod { indicator, max: load(1.0), limit: load(2.0) },
        Hold::TooFewPods { serving: 4, minimum: 3 },
        Hold::GroupUnsettled { why: Unusable::StrangeOwner { pod: name() } },
        Hold::GroupUnclear { why: Unusable::UnknownAssignor { name: name() } },
        Hold::StaticMembers,
        Hold::TooFewPartitions { partitions: 3, members: 6 },
        Hold::AssignorRestoresSets { assignor: Inference::Certain { assignor: Assignor::Range } },
        Hold::AssignorUnclear {
            fits: Rules::STICKY.with(Assignor::RoundRobin),
            helps: Rules::STICKY,
            prediction: Box::new(prediction()),
        },
        Hold::HotPartition { topic: "orders".to_owned(), partition: 7, load: load(3.0), limit: load(1.0) },
        Hold::SlowNode { node: name(), pod: name(), factor: Ratio::new(2.0).unwrap(), replacements: 2 },
        Hold::SmallGain { prediction: Box::new(prediction()), minimum },
        Hold::ShareTooSmall { serving: 3, share },
        Hold::BudgetsTooTight { budget: name(), allowed: 1, status_is_current: true },
        Hold::NotPersistent { indicator, seen_in: 1, windows: 3, required: 2, younger: 1 },
        Hold::PastUnknown { indicator, error: Some(MetricsError::Unavailable { message: "no".to_owned() }) },
        Hold::PastUnknown { indicator, error: None },
        Hold::SmallImprovement { improvement, minimum },
        Hold::WillPass {
            indicator,
            horizon: SignedDuration::from_hours(4),
            cv: 0.4,
            expected_cv: 0.1,
            max: load(3.0),
            expected_max: load(0.9),
            limit: load(1.0),
        },
    ];
    let holds: Vec<Hold> =
        holds.into_iter().chain(guards.map(Hold::NotNow)).chain(pauses.map(Hold::Paused)).collect();
    let names: BTreeSet<&str> = holds.iter().map(Hold::name).collect();
    assert_eq!(names, Hold::NAMES.into(), "each hold is here");
    holds.into_iter().map(Decision::Hold).for_each(|decision| comes_back(&decision));
    comes_back(&Decision::Balanced);
}

#[test]
fn every_verdict_comes_back_as_it_was() {
    let ready_for = Some(SignedDuration::from_millis(1_500));
    let vetoes = [
        Veto::Terminating,
        Veto::NotRunning { phase: Phase::Unknown },
        Veto::NotReady,
        Veto::TooYoung { ready_for, minimum: HOUR },
        Veto::NoController,
        Veto::Controller { kind: "Job".to_owned() },
        Veto::Mirror,
        Veto::SystemNamespace,
        Veto::Critical { priority_class: "system-node-critical".to_owned() },
        Veto::AnotherWorkload { owner: Owner::of_apps("ReplicaSet", name(), "uid") },
        Veto::OptedOut { annotation: Annotation::SafeToEvict },
        Veto::NotOptedIn { annotation: Annotation::OptIn },
        Veto::Priority { priority: -5, limit: i32::MAX },
        Veto::SeveralBudgets { budgets: 2 },
        Veto::NoSuchContainer,
    ];
    let names: BTreeSet<&str> = vetoes.iter().map(Veto::name).collect();
    assert_eq!(names, Veto::NAMES.into(), "each veto is here");
    vetoes.into_iter().map(Verdict::Vetoed).for_each(|verdict| comes_back(&verdict));

    let hot = Choice::Hot { rank: 1, above: Load::MAX, score: Ratio::new(1.25).ok() };
    let cold = Choice::Cold { rank: 2, score: None };
    let (indicator, limit) = (Indicator::Memory, load(5e-324));
    for spared in [
        Spared::NoSample,
        Spared::NothingToDo,
        Spared::Between,
        Spared::NotInTheBest,
        Spared::SlowNode { replacements: 2 },
        Spared::NotHot { limit },
        Spared::HotBy { indicator, limit },
        Spared::MaybeHotBy { indicator },
        Spared::LeavingNode,
        Spared::NotPersistent { hot_in: 1, windows: 3, required: 2 },
        Spared::WillPass { expected: load(0.9), limit },
        Spared::Trimmed(hot),
        Spared::Held(cold),
    ] {
        comes_back(&Verdict::Spared(spared));
    }
    comes_back(&Verdict::Chosen(hot));
}

#[test]
fn every_fact_comes_back_as_it_was() {
    let (topic, partition) = ("orders".to_owned(), 3);
    for unusable in [
        Unusable::NotAsked,
        Unusable::NotRead,
        Unusable::Empty,
        Unusable::NoNumber { topic: topic.clone(), partition: "x".to_owned() },
        Unusable::Gap { topic: topic.clone(), partition },
        Unusable::TwoOwners { topic, partition },
        Unusable::StrangeOwner { pod: name() },
        Unusable::Unexplained { indicator: Indicator::ProductionRate, error: 0.1 + 0.2 },
        Unusable::NoKnownRule,
        Unusable::NotStable { state: name() },
        Unusable::UnknownAssignor { name: name() },
        Unusable::NotItsRule { assignor: Assignor::Range },
        Unusable::AssignorsContradict { configured: Assignor::Range, told: Assignor::Sticky },
        Unusable::RackAware { assignor: Assignor::Range },
        Unusable::SeveralClients,
        Unusable::ContradictoryMember { client_id: name(), host: name() },
        Unusable::NoMemberInPods { members: 3 },
        Unusable::MembersUnmatched { members: 1, pods: 2, such_as: name() },
        Unusable::Patterns { client_id: name() },
        Unusable::OwnersContradict { topic: name(), partition, pod: name() },
    ] {
        comes_back(&Method::RotateOutliers { because: Some(unusable) });
    }
    for assignor in Assignor::ALL {
        let fits = Inference::Fits { rules: Rules::STICKY.with(assignor) };
        let named = Inference::Named { rules: Rules::UNIFORM };
        let inferences = [Inference::Configured { assignor }, fits, named];
        for assignor in inferences.into_iter().chain([Inference::Certain { assignor }]) {
            let pod_side = vec![(name(), 1.5)];
            let timing = AssumedTiming::only(Timing::AllAtOnce, TimingBasis::Seen { rotations: 2 });
            comes_back(&Method::Predict { assignor, members: 6, partitions: 12, timing, pod_side });
        }
    }
    let target = CpuTarget::AverageValue(Cores::new(0.7).unwrap());
    for target in [
        Target::Known { hpa: name(), target },
        Target::NotByCpu { hpa: name() },
        Target::None,
        Target::Ambiguous { hpas: vec![name(), String::new()] },
    ] {
        comes_back(&target);
    }
    let container = || "worker".to_owned();
    for measured in [
        Measured::Resource { name: name() },
        Measured::ContainerResource { name: name(), container: container() },
        Measured::Pods { name: name() },
        Measured::Object { name: name(), described: "Ingress/main".to_owned() },
        Measured::External { name: name() },
        Measured::Other { kind: "Dream".to_owned() },
    ] {
        let (target, current) = (Level::Utilization(Amount::new(70.0).unwrap()), None);
        comes_back(&ScalingMetric { measured, target: Some(target), current });
    }
    comes_back(&MetricsError::Incomplete { message: "isPartial".to_owned() });
}
