//! A workload as the argument of a command, through a real kubectl, with what it tells of itself; and the workloads of a
//! namespace where none is named.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::harness::example::{FOUR_MAY_GO, WORKED_EXAMPLE};
use crate::harness::fixture::{self, Rule, Target, Workload};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::{History, MetricServer, Server};
use crate::harness::rebalancer::Rebalancer;
use crate::harness::{assets, kubelet, wait};

/// What it takes to look for workloads, and to plan for them.
const LOOKING: [Rule<'static>; 5] = [
    ("", &["pods"], &["get", "list"]),
    ("autoscaling", &["horizontalpodautoscalers"], &["list"]),
    ("apps", &["deployments", "statefulsets"], &["get", "list"]),
    ("apps", &["replicasets"], &["get"]),
    ("policy", &["poddisruptionbudgets"], &["list"]),
];

/// A workload whose label, container and environment nobody could guess from its name.
fn object(name: &str, replicas: usize, env: &Value) -> Value {
    let labels = json!({"team": name});
    let container = json!({"name": "app", "image": "registry.invalid/consumer:1", "env": env,
        "resources": {"requests": {"cpu": "1"}}});
    json!({"metadata": {"name": name}, "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}}})
}

fn telling(group: &str) -> Value {
    json!([{"name": "GROUP_ID", "value": group}, {"name": "KAFKA_BROKERS", "value": "kafka.invalid:9092"},
        {"name": "PASSWORD", "value": "hush"}])
}

/// A namespace with the Deployment `orders`, scaled by `keda-hpa-orders`, and the loads of its pods.
async fn orders(name: &str) -> (Fleet, MetricServer) {
    let fleet = Fleet::named(name).start().await;
    let (client, namespace) = (&fleet.client, &fleet.namespace);
    let size = WORKED_EXAMPLE.len();
    fixture::create::<Deployment>(client, namespace, object("orders", size, &telling("orders-v2"))).await;
    let workload = (Workload::Deployment, "orders");
    fixture::hpa(client, namespace, "keda-hpa-orders", workload, Target::Utilization(70)).await;
    let pods = wait::until("the pods of orders", async || {
        let params = ListParams::default().labels("team=orders");
        let mut pods = fleet.api::<Pod>().list(&params).await.unwrap().items;
        pods.retain(kubelet::is_ready);
        pods.sort_by_key(ResourceExt::name_any);
        if pods.len() == size { Ok(pods) } else { Err(format!("{} of {size}", pods.len())) }
    })
    .await;
    let history =
        pods.iter().zip(WORKED_EXAMPLE).fold(History::new(namespace, "app"), |history, (pod, cores)| {
            history.cpu(&pod.name_any(), cores).cpu_request(&pod.name_any(), 1.0)
        });
    let metrics = history.serve(Server::Prometheus).await;
    (fleet, metrics)
}

/// What scenarios need besides what says whose fleet it is.
fn person(metrics: &MetricServer) -> Rebalancer {
    Rebalancer::new()
        .env("PROMETHEUS_ENDPOINT", metrics.as_ref())
        .env("MINIMUM_POD_AGE", "0s")
        .env("PERSISTENCE_WINDOWS", "1")
        .env("MAXIMUM_REMOVAL_SHARE", "1")
        .env("RECORD_STORE", "none")
        .envs(&FOUR_MAY_GO)
}

/// A folder in which kubectl finds the plugin by its name.
fn plugins(fleet: &Fleet) -> PathBuf {
    let folder = fleet.dir.path().join("plugins");
    std::fs::create_dir(&folder).unwrap();
    symlink(env!("CARGO_BIN_EXE_rebalancer"), folder.join("kubectl-rebalancer")).unwrap();
    folder
}

fn kubectl(person: Rebalancer, plugins: &std::path::Path) -> Rebalancer {
    let kubectl = assets::find("kubectl").display().to_string();
    person.binary(&kubectl).env("PATH", plugins.display().to_string()).args(&["rebalancer"])
}

/// Who was chosen, and why the others were not.
fn decided(stdout: &str) -> Value {
    let plan: Value = serde_json::from_str(stdout).unwrap();
    // Rates of one moment and of the next differ in their last digits.
    let removals = plan["decision"]["rotate"]["removals"].as_array().cloned().unwrap_or_default();
    let removals: Vec<_> =
        removals.iter().map(|removal| json!([removal["pod"]["uid"], removal["choice"]["role"]])).collect();
    json!([plan["workload"], plan["would_act"], removals, plan["target"]])
}

#[tokio::test]
#[ignore]
async fn kubectl_rebalancer_plan_needs_only_a_namespace_and_a_name() {
    let (fleet, metrics) = orders("address-plan").await;
    let (namespace, plugins) = (fleet.namespace.as_str(), plugins(&fleet));
    // As the Role of deploy/ has it for this workload: to read from it takes no right that a run has not.
    let (account, rules) = ("person", fixture::granted("orders"));
    fixture::service_account(&fleet.client, namespace, account, &rules).await;
    let token = fleet.plane.token(&fleet.client, namespace, account).await;
    let kubeconfig = fleet.plane.kubeconfig(&fleet.dir.path().join(account), &fleet.plane.url, &token);
    let kubeconfig = kubeconfig.display().to_string();
    let plan = ["plan", "-n", namespace, "--kubeconfig", &kubeconfig];

    let run = kubectl(person(&metrics), &plugins).args(&plan).args(&["orders"]).run().await.expect_exit(0);
    for text in [
        "read from Deployment orders",
        "KUBE_LABEL_SELECTOR=team=orders",
        "CONTAINER_NAME=app",
        &format!("{namespace}/orders"),
    ] {
        assert!(run.stdout.contains(text), "{text} is not in\n{}", run.stdout);
    }
    assert!(!run.stdout.contains("kafka.invalid"), "the metric server tells loads:\n{}", run.stdout);
    assert!(!format!("{}{}", run.stdout, run.stderr).contains("hush"));

    // The same as with everything set.
    let json = [plan.as_slice(), &["--output", "json"]].concat();
    let named =
        kubectl(person(&metrics), &plugins).args(&json).args(&["deploy/orders"]).run().await.expect_exit(0);
    let said: Vec<_> =
        named.log_with(&["\"setting_read\""]).iter().map(|line| line["variable"].clone()).collect();
    assert_eq!(said, ["KUBE_LABEL_SELECTOR", "CONTAINER_NAME"]);
    let set =
        [("DEPLOYMENT_NAME", "orders"), ("KUBE_LABEL_SELECTOR", "team=orders"), ("CONTAINER_NAME", "app")];
    let by_settings = person(&metrics).envs(&set).args(&json).run().await.expect_exit(0);
    assert_eq!(decided(&named.stdout), decided(&by_settings.stdout));
    assert_eq!(decided(&named.stdout)[1], true, "{}", named.stdout);

    // The namespace of the context is enough, too.
    let with_namespace = fleet.dir.path().join("context");
    let mut config: Value = serde_saphyr::from_str(&std::fs::read_to_string(&kubeconfig).unwrap()).unwrap();
    config["contexts"][0]["context"]["namespace"] = json!(namespace);
    std::fs::write(&with_namespace, config.to_string()).unwrap();
    let here = ["plan", "orders", "--output", "json", "--kubeconfig", with_namespace.to_str().unwrap()];
    let run = kubectl(person(&metrics), &plugins).args(&here).run().await.expect_exit(0);
    assert_eq!(decided(&run.stdout), decided(&named.stdout));

    // What is set counts, and the right kind is asked for.
    let run = person(&metrics)
        .args(&plan)
        .args(&["orders", "--container-name", "other"])
        .run()
        .await
        .expect_exit(0);
    assert!(!run.stdout.contains("CONTAINER_NAME=app"), "{}", run.stdout);
    let run = person(&metrics).args(&plan).args(&["sts/orders"]).run().await.expect_exit(2);
    assert!(run.stderr.contains("a StatefulSet of namespace"), "{}", run.stderr);
    let run = person(&metrics).args(&plan).args(&["payments"]).run().await.expect_exit(1);
    let error = run.log_with(&["\"discovery_failed\""])[0]["error"].as_str().unwrap().to_owned();
    let rule = "{apiGroups: [apps], resources: [deployments, statefulsets], resourceNames: [payments], verbs: [get]}";
    assert!(error.contains(rule), "{error}");
}

#[tokio::test]
#[ignore]
async fn a_run_acts_on_the_workload_of_its_argument_as_the_settings_say() {
    let (fleet, metrics) = orders("address-run").await;
    let admin = fleet.plane.admin_kubeconfig();
    let pods = async || {
        let params = ListParams::default().labels("team=orders");
        let pods = fleet.api::<Pod>().list(&params).await.unwrap().items;
        pods.into_iter().filter_map(|pod| pod.uid()).collect::<Vec<_>>()
    };
    let before = pods().await;
    let person = |dry_run: &str| person(&metrics).kubeconfig(&admin).env("DRY_RUN", dry_run);
    let run = person("false").args(&["run", "orders"]).run().await.expect_exit(2);
    assert!(run.stderr.contains("KUBE_NAMESPACE is not set"), "{}", run.stderr);
    let named = ["run", "orders", "-n", &fleet.namespace];
    let dry = person("true").args(&named).run().await.expect_exit(0);
    assert_eq!(dry.log_with(&["\"cycle_finished\""])[0]["status"], "dry_run");
    assert_eq!(pods().await, before);
    let run = person("false").args(&named).run().await.expect_exit(0);
    assert_eq!(run.log_with(&["\"cycle_finished\""])[0]["removed"], 4, "{}", run.stderr);
}

#[tokio::test]
#[ignore]
async fn without_a_workload_the_consumers_of_the_namespace_are_listed_with_what_is_missing() {
    let (fleet, metrics) = orders("address-list").await;
    let (client, namespace) = (&fleet.client, fleet.namespace.as_str());
    let secret =
        json!([{"name": "KAFKA_GROUP_ID", "valueFrom": {"secretKeyRef": {"name": "kafka", "key": "group"}}}]);
    let mut payments = object("payments", 0, &secret);
    payments["spec"]["serviceName"] = json!("payments");
    fixture::create::<StatefulSet>(client, namespace, payments).await;
    let mut broker = object("kafka", 0, &json!([{"name": "KAFKA_PROCESS_ROLES", "value": "broker"}]));
    broker["spec"]["serviceName"] = json!("kafka");
    fixture::create::<StatefulSet>(client, namespace, broker).await;
    let web = json!([{"name": "DATABASE_URL", "value": "hush"}, {"name": "GROUP_ID", "value": "1000"}]);
    fixture::create::<Deployment>(client, namespace, object("web", 0, &web)).await;
    let looker = fleet.kubeconfig_with("looker", &LOOKING).await;
    let plan = ["plan", "-n", namespace];
    let plugins = plugins(&fleet);

    let looking = || person(&metrics).kubeconfig(&looker).args(&plan);
    let asked =
        kubectl(person(&metrics), &plugins).kubeconfig(&looker).args(&plan).run().await.expect_exit(2);
    for text in [
        "2 of 5 workloads look like Kafka consumers",
        "deployment/orders, 6 pods",
        "group      orders-v2",
        "autoscaler keda-hpa-orders",
        "statefulset/payments, 0 pods",
        "autoscaler:",
        &format!("kubectl rebalancer plan -n {namespace} statefulset/payments"),
        "statefulset/kafka (a broker of Kafka)",
    ] {
        assert!(asked.stdout.contains(text), "{text} is not in\n{}", asked.stdout);
    }
    assert!(asked.stderr.contains("DEPLOYMENT_NAME is not set"), "{}", asked.stderr);
    let listed = looking().args(&["--output", "json"]).run().await.expect_exit(2);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let of = |name: &str| {
        let workloads = listed["workloads"].as_array().unwrap();
        workloads.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{listed:#}")).clone()
    };
    let lacks = |name: &str| {
        let missing = of(name)["missing"].as_array().unwrap().clone();
        missing.into_iter().map(|lack| lack["what"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((of("orders")["is_consumer"].clone(), lacks("orders")), (json!(true), vec![]));
    assert_eq!(
        (of("payments")["is_consumer"].clone(), lacks("payments")),
        (json!(true), vec!["autoscaler".to_owned(), "pods".to_owned()])
    );
    for other in ["web", "kafka", "address-list"] {
        assert_eq!(of(other)["is_consumer"], false, "{other}");
    }
    assert!(!listed.to_string().contains("hush"));

    // Without a metric server Kafka would be asked, and then its group must be known.
    let alone = Rebalancer::new().kubeconfig(&looker).args(&plan);
    let run = alone
        .clone()
        .args(&["sts/payments", "--kafka-bootstrap-servers", "kafka.invalid:9092"])
        .run()
        .await
        .expect_exit(2);
    assert!(run.stderr.contains("stands in Secret kafka, which is not read"), "{}", run.stderr);
    let run = alone.args(&["deploy/web"]).run().await.expect_exit(2);
    assert!(run.stderr.contains("PROMETHEUS_ENDPOINT is not set"), "{}", run.stderr);

    // All of them: a line for each.
    let all = looking().args(&["--all", "--output", "json"]).run().await.expect_exit(0);
    let lines: Vec<Value> = all.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&Value> = lines.iter().map(|line| &line["workload"]["name"]).collect();
    assert_eq!(names, ["orders", "payments"]);
    assert_eq!((&lines[0]["would_act"], &lines[1]["would_act"]), (&json!(true), &json!(false)));

    // Who may not list is told what it takes.
    let getter =
        fleet.kubeconfig_with("getter", &[("apps", &["deployments", "statefulsets"], &["get"])]).await;
    let run = person(&metrics).kubeconfig(&getter).args(&plan).run().await.expect_exit(1);
    let line = &run.log_with(&["\"discovery_failed\""])[0];
    let error = line["error"].as_str().unwrap();
    let refused = format!("not allowed to list deployments.apps in namespace {namespace} (403): ");
    let rule =
        "{apiGroups: [apps], resources: [deployments, statefulsets], verbs: [list]}; or name a workload";
    assert_eq!(error, format!("{refused}a Role there needs the rule {rule}"));
    assert_eq!(run.stdout, "");
}
