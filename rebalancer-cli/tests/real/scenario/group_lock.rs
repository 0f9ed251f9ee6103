//! The lock on a consumer group, installed by the chart where its Lease is in the same cluster: what the Role for it gives is
//! what a cycle takes, and no more.

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::rbac::v1::Role;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::harness::fixture;
use crate::harness::fleet::{Fleet, Pods};
use crate::harness::installed::RELEASE;
use crate::harness::kafka::broker::Broker;
use crate::harness::kafka::loads::Flow;
use crate::harness::kafka::observed::Observed;
use crate::harness::kafka::pods::{Launch, PodConsumers};
use crate::harness::kafka::protocol::Protocol;
use crate::harness::kafka::world::eager;
use crate::harness::rebalancer::Run;
use crate::harness::rights::{allow_by, client_of, rights, rights_in};
use crate::harness::wait;

const NOBODY: [usize; 0] = [];
const PODS: usize = 4;
/// So that some pod is rotated, whatever the group's first assignment is.
const WILLING: [(&str, &str); 9] = [
    ("METRICS_TIME_WINDOW", "20m"),
    ("INDICATORS", "production_rate"),
    ("PRODUCTION_RATE_VARIANCE_THRESHOLD", "0.1"),
    ("TOLERANCE_MULTIPLIER", "1.05"),
    ("MINIMUM_IMPROVEMENT_PERCENT", "0"),
    ("REBALANCE_STRATEGY", "rotate-outliers"),
    ("MINIMUM_PODS_REQUIRED", "1"),
    ("MAXIMUM_REMOVAL_SHARE", "1"),
    ("SETTLE_TIME", "2s"),
];

/// A group at rest, one of whose pods a cycle wants to rotate.
async fn group() -> (Fleet, PodConsumers, Pods) {
    for _ in 0..8 {
        let flows = [Flow::log_normal(&Broker::shared().await.name("orders"), 26, 1.0, 7).hot(3, 3)];
        let mut fleet = Fleet::named("orders").start().await;
        let launch = Launch::of(Protocol::CooperativeSticky);
        let consumers = PodConsumers::launch(&mut fleet, launch, &flows, PODS).await;
        let pods = fleet.settled().await;
        let names = consumers.names(&pods).collect();
        let _at_rest = Observed::at_rest(&consumers.clients, &consumers.source, &names).await;
        let dry = eager(&fleet, &consumers).envs(&WILLING).env("DRY_RUN", "true").run().await;
        if decision(&dry.expect_exit(0)) == "rotate" {
            return (fleet, consumers, pods);
        }
    }
    panic!("there was nothing to gain in eight groups");
}

fn values(fleet: &Fleet, consumers: &PodConsumers, locks: &str) -> Value {
    let mut config = json!({
        "KAFKA_BOOTSTRAP_SERVERS": consumers.broker.bootstrap(),
        "KAFKA_GROUP_ID": consumers.group,
        "DEPLOYMENT_NAME": fleet.name(),
        "GROUP_LOCK_NAMESPACE": locks,
        "MINIMUM_POD_AGE": "0s",
        "PERSISTENCE_WINDOWS": 1,
        "DRY_RUN": false,
    });
    for (name, value) in WILLING {
        config[name] = json!(value);
    }
    json!({"config": config, "admissionPolicy": {"enabled": true}})
}

fn decision(run: &Run) -> String {
    run.log_with(&["\"event\":\"decision\""])[0]["decision"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn the_charts_role_for_the_lock_is_what_a_cycle_takes_and_no_more() {
    let (fleet, consumers, before) = group().await;
    let locks = fleet.plane.namespace(&fleet.client, "locks").await;
    fleet.install(&values(&fleet, &consumers, &locks)).await;
    let name = format!("{RELEASE}-{}-group-lock", fleet.namespace);
    let role = Api::<Role>::namespaced(fleet.client.clone(), &locks).get(&name).await.unwrap();
    let (role, granted) = ((locks.as_str(), name.as_str()), rights(&role.rules.unwrap()));
    assert_eq!(granted.len(), 3, "{granted:#?}");

    // No more: what everybody may do aside, the account has these rights there, and no other.
    let (account, anybody) = (client_of(&fleet, RELEASE).await, client_of(&fleet, "default").await);
    wait::until("the installed Role", async || {
        let (own, everybodys) = (rights_in(&account, &locks).await, rights_in(&anybody, &locks).await);
        let more = own.difference(&everybodys).cloned().collect();
        if granted == more { Ok(()) } else { Err(format!("{more:#?}, not {granted:#?}")) }
    })
    .await;

    // Each is needed: without it nothing is rotated, and both the run and a check say which it is.
    let leases: Api<Lease> = Api::namespaced(fleet.client.clone(), &locks);
    let lease = format!("pod-rebalancer.group-{}", consumers.group);
    for missing in &granted {
        let _ = leases.delete(&lease, &DeleteParams::default()).await;
        if missing.verb == "update" {
            fixture::create::<Lease>(&fleet.client, &locks, json!({"metadata": {"name": lease}})).await;
        }
        allow_by(&fleet, role, &granted, Some(missing)).await;
        let run = fleet.job_of(RELEASE).await.run().await.expect_exit(0);
        assert_eq!(decision(&run), "group_lock_unread", "{missing}\n{}", run.stderr);
        assert!(run.stderr.contains(&format!("cannot {}", missing.verb)), "{missing}\n{}", run.stderr);
        assert_eq!(fleet.gone(&before).await, NOBODY, "{missing}");
        let check = fleet.job_of(RELEASE).await.args(&["check"]).run().await.expect_exit(1);
        let told = format!("not allowed to {} leases", missing.verb);
        let words = check.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&told) && words.contains(&format!("the Role in {locks}")), "{words}");
    }

    // They are enough, and the admission policy lets the Lease through.
    let _ = leases.delete(&lease, &DeleteParams::default()).await;
    allow_by(&fleet, role, &granted, None).await;
    let run = fleet.job_of(RELEASE).await.run().await.expect_exit(0);
    assert_eq!(decision(&run), "rotate", "{}", run.stderr);
    assert!(!fleet.gone(&before).await.is_empty(), "{}", run.stderr);
    let holder = leases.get(&lease).await.unwrap().spec.unwrap().holder_identity;
    assert!(holder.is_some_and(|holder| holder.contains("/orders, cycle ")), "it is left to expire");
    let check = fleet.job_of(RELEASE).await.args(&["check"]).run().await;
    assert!(!check.stdout.contains("not allowed to"), "{}", check.stdout);
}
