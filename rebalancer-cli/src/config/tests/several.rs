//! Several workloads from a file: what a person writes there, and what they are told.

use std::time::Duration;

use super::*;

/// The settings of a run with this file, these flags, and the metric server in the environment.
fn read(
    file: &str,
    flags: &[(&str, &str)],
    environment: &[(&str, &str)],
) -> Result<Vec<WorkloadSettings>, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("workloads.yaml");
    std::fs::write(&path, file).unwrap();
    let given: BTreeMap<&str, &str> = [REQUIRED[0], ("WORKLOADS_FILE", path.to_str().unwrap())]
        .into_iter()
        .chain(environment.iter().copied())
        .collect();
    let flags = flags.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
    let (raw, problems) = gather(flags, |name| given.get(name).map(OsString::from));
    assert_eq!(problems, []);
    workloads(&raw).map_err(|problems| {
        let text = path.to_str().unwrap();
        messages(problems).into_iter().map(|message| message.replace(text, "FILE")).collect()
    })
}

fn good(file: &str) -> Vec<WorkloadSettings> {
    read(file, &[], &[("KUBE_NAMESPACE", "streams")]).unwrap()
}

fn bad(file: &str) -> Vec<String> {
    read(file, &[], &[("KUBE_NAMESPACE", "streams")]).unwrap_err()
}

fn names(workloads: &[WorkloadSettings]) -> Vec<String> {
    workloads.iter().map(|settings| settings.run.subject.workload.to_string()).collect()
}

const TWO: &str = "
workloads:
  - DEPLOYMENT_NAME: orders
    KUBE_LABEL_SELECTOR: app=orders
  - DEPLOYMENT_NAME: payments
    REBALANCE_TOP_K_PODS: 1
    KUBE_NAMESPACE: billing
";

#[test]
fn each_entry_is_a_workload_in_the_order_of_the_file() {
    let workloads = good(TWO);
    assert_eq!(names(&workloads), ["streams/orders", "billing/payments"]);
    let [orders, payments] = workloads.as_slice() else { panic!("two") };
    assert_eq!(orders.adapters.inventory.label_selector, "app=orders");
    assert_eq!(payments.adapters.inventory.label_selector, "app=consumer");
    assert_eq!((orders.run.policy.selection.top_k.get(), payments.run.policy.selection.top_k.get()), (2, 1));
    assert_eq!(payments.adapters.inventory.container, "payments");
}

#[test]
fn without_a_file_there_is_the_one_workload_of_the_variables() {
    assert_eq!(names(&workloads(&raw(&[])).unwrap()), ["streams/consumer"]);
}

#[test]
fn json_is_yaml() {
    assert_eq!(
        names(&good(r#"{"workloads": [{"DEPLOYMENT_NAME": "orders", "DRY_RUN": true}]}"#)),
        ["streams/orders"]
    );
}

#[test]
fn values_are_text_letter_by_letter() {
    let file = "
workloads:
  - DEPLOYMENT_NAME: 0123
    CPU_VARIANCE_THRESHOLD: 3e-1
    DRY_RUN: yes
    METRICS_TIME_WINDOW: 10m
    HPA_PREFIX: 0x10-
    CONTAINER_NAME: 'true'
    CPU_QUERY: |
      sum by (pod) (up)
";
    let workloads = good(file);
    let [workload] = workloads.as_slice() else { panic!("one") };
    assert_eq!(workload.run.subject.workload.name, "0123");
    assert!((workload.run.policy.variance_threshold(Indicator::Cpu).get() - 0.3).abs() < 1e-12);
    assert_eq!(workload.run.mode, Mode::DryRun);
    assert_eq!(workload.run.policy.eligibility.minimum_age, SignedDuration::from_mins(10));
    assert_eq!(workload.run.subject.hpa_prefix, "0x10-");
    assert_eq!(workload.adapters.inventory.container, "true");
}

#[test]
fn null_and_empty_are_not_set_and_hide_nothing() {
    let file = "workloads: [{DEPLOYMENT_NAME: orders, KUBE_NAMESPACE: , DRY_RUN: ~, CYCLE_TIMEOUT: ' ', HPA_PREFIX: null}]";
    let workloads = good(file);
    assert_eq!(names(&workloads), ["streams/orders"]);
    assert_eq!((workloads[0].run.mode, workloads[0].run.timeout), (Mode::Real, Duration::from_secs(28)));
}

#[test]
fn what_entries_have_in_common_can_be_written_once() {
    let file = "
workloads:
  - &common
    DEPLOYMENT_NAME: orders
    REBALANCE_TOP_K_PODS: 4
  - <<: *common
    DEPLOYMENT_NAME: payments
";
    let workloads = good(file);
    assert_eq!(names(&workloads), ["streams/orders", "streams/payments"]);
    assert!(workloads.iter().all(|settings| settings.run.policy.selection.top_k.get() == 4));
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_environment() {
    let file = "workloads: [{DEPLOYMENT_NAME: orders, CYCLE_TIMEOUT: 20s}, {DEPLOYMENT_NAME: payments}]";
    let environment = [("KUBE_NAMESPACE", "streams"), ("CYCLE_TIMEOUT", "10s")];
    let timeouts = |flags: &[(&str, &str)]| -> Vec<u64> {
        let workloads = read(file, flags, &environment).unwrap();
        workloads.iter().map(|settings| settings.run.timeout.as_secs()).collect()
    };
    assert_eq!(timeouts(&[]), [20, 10]);
    assert_eq!(timeouts(&[("CYCLE_TIMEOUT", "15s")]), [15, 15]);
}

#[test]
fn an_entry_that_has_no_namespace_takes_that_of_the_flag() {
    let flags = [("KUBE_NAMESPACE", "streams")];
    assert_eq!(names(&read(TWO, &flags, &[]).unwrap()), ["streams/orders"]);
}

#[test]
fn all_problems_of_all_entries_are_told_at_once_with_their_entry() {
    let file = "
workloads:
  - DEPLOYMENT_NAME: orders
    DRY_RUN: maybe
    TOLERANCE_MULTIPLIER: 0
  - DEPLOYMENT_NAME: payments
    REBALANCE_TOP_K_PODS: x
  - KUBE_LABEL_SELECTOR: app=nameless
";
    assert_eq!(
        bad(file),
        [
            "workloads[0] (orders): TOLERANCE_MULTIPLIER=\"0\": expected a multiplier of 1 or more",
            "workloads[0] (orders): DRY_RUN=\"maybe\": expected true or false",
            "workloads[1] (payments): REBALANCE_TOP_K_PODS=\"x\": expected a whole number of 1 or more",
            "workloads[2]: DEPLOYMENT_NAME is not set: Name of the workload; required, here or as the argument of a command",
        ]
    );
}

#[test]
fn what_is_wrong_outside_of_the_file_is_told_once() {
    let environment = [("KUBE_NAMESPACE", "streams"), ("DRY_RUN", "maybe")];
    assert_eq!(read(TWO, &[], &environment).unwrap_err(), ["DRY_RUN=\"maybe\": expected true or false"]);
    let flags = [("REBALANCE_TOP_K_PODS", "x")];
    assert_eq!(
        read(TWO, &flags, &environment[..1]).unwrap_err(),
        ["REBALANCE_TOP_K_PODS=\"x\": expected a whole number of 1 or more"]
    );
}

#[test]
fn two_entries_of_one_workload_are_refused_since_they_would_share_a_lease() {
    let file = "workloads: [{DEPLOYMENT_NAME: orders}, {DEPLOYMENT_NAME: orders, KUBE_NAMESPACE: billing}, {DEPLOYMENT_NAME: '\"orders\"'}]";
    assert_eq!(
        bad(file),
        [
            "workloads[2] (orders): DEPLOYMENT_NAME=\"orders\": expected another workload than workloads[0] (orders), as both are streams/orders and would share one Lease"
        ]
    );
}

const CLUSTERS: &str = "
workloads:
  - &orders
    DEPLOYMENT_NAME: orders
    KUBECONFIG: /etc/clusters/eu
    CLUSTER_NAME: eu
  - <<: *orders
    KUBE_CONTEXT: us
    CLUSTER_NAME: us
  - DEPLOYMENT_NAME: payments
";

#[test]
fn each_entry_may_name_its_cluster_and_how_to_reach_it() {
    let environment =
        [("KUBE_NAMESPACE", "streams"), ("KUBECONFIG", "/home/a:/home/b"), ("KUBE_CONTEXT", "here")];
    let ways = |flags: &[(&str, &str)]| -> Vec<String> {
        let workloads = read(CLUSTERS, flags, &environment).unwrap();
        let told = workloads.iter().map(|one| {
            let to = &one.adapters.kubernetes;
            let file = to.kubeconfig.as_ref().map_or("-", |file| file.to_str().unwrap());
            format!("{} {file} {}", one.run.target(), to.context.as_deref().unwrap_or("-"))
        });
        told.collect()
    };
    assert_eq!(
        ways(&[]),
        [
            "streams/orders in eu /etc/clusters/eu here",
            "streams/orders in us /etc/clusters/eu us",
            "streams/payments - here",
        ],
        "what the environment names may be a list of files, which is read elsewhere"
    );
    let file = "workloads: [{DEPLOYMENT_NAME: orders, KUBECONFIG: /etc/eu}]";
    let [one] = read(file, &[("KUBECONFIG", "/by/flag")], &environment).unwrap().try_into().unwrap();
    assert_eq!(one.adapters.kubernetes.kubeconfig.unwrap(), std::path::Path::new("/by/flag"));
}

#[test]
fn one_workload_in_two_clusters_is_two_if_their_names_tell_them_apart() {
    let file = |name: &str| {
        format!(
            "workloads: [{{DEPLOYMENT_NAME: orders, CLUSTER_NAME: eu}}, {{DEPLOYMENT_NAME: orders, KUBE_CONTEXT: us{name}}}]"
        )
    };
    assert_eq!(good(&file("")).len(), 2, "one has a name, and the other has none");
    assert_eq!(good(&file(", CLUSTER_NAME: us")).len(), 2);
    let same = "expected another name than workloads[0] (orders) has, as both are streams/orders, each in a cluster of its own, and nothing else would tell them apart";
    assert_eq!(
        bad(&file(", CLUSTER_NAME: eu")),
        [format!("workloads[1] (orders): CLUSTER_NAME=\"eu\": {same}")]
    );
    let nameless = "workloads: [{DEPLOYMENT_NAME: orders, KUBE_CONTEXT: eu}, {DEPLOYMENT_NAME: orders, KUBE_CONTEXT: us}]";
    let same = same.replace("expected ", "");
    assert_eq!(bad(nameless), [format!("workloads[1] (orders): CLUSTER_NAME is not set: {same}")]);
    let one_cluster = "workloads: [{DEPLOYMENT_NAME: orders, CLUSTER_NAME: eu}, {DEPLOYMENT_NAME: orders, CLUSTER_NAME: us}]";
    assert_eq!(
        bad(one_cluster),
        [
            "workloads[1] (orders): DEPLOYMENT_NAME=\"orders\": expected another workload than workloads[0] (orders), as both are streams/orders and would share one Lease"
        ]
    );
}

#[test]
fn one_group_in_two_clusters_has_one_lock() {
    let common = [
        ("KUBE_NAMESPACE", "streams"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092"),
        ("GROUP_LOCK_NAMESPACE", "locks"),
    ];
    let file = |of_the_second: &str| {
        format!(
            "workloads: [{{DEPLOYMENT_NAME: orders, CLUSTER_NAME: eu}}, {{DEPLOYMENT_NAME: orders, CLUSTER_NAME: us, KUBE_CONTEXT: us{of_the_second}}}]"
        )
    };
    let each_its_own = "the kubeconfig of the one cluster that keeps the lock: workloads[0] (orders) and this entry have one group, and each would lock it in its own cluster only";
    assert_eq!(
        read(&file(""), &[], &common).unwrap_err(),
        [format!("workloads[1] (orders): GROUP_LOCK_KUBECONFIG is not set: {each_its_own}")]
    );
    for other in [", GROUP_LOCK_KUBECONFIG: /etc/eu", ", GROUP_LOCK_CONTEXT: eu", ", KAFKA_GROUP_ID: others"]
    {
        assert_eq!(read(&file(other), &[], &common).unwrap().len(), 2, "{other}");
    }
}

#[test]
fn an_unknown_variable_is_refused_with_the_one_that_may_be_meant_and_without_its_value() {
    let file =
        "workloads: [{DEPLOYMENT_NAME: orders, kube-namespce: s3cret, NONSENSE: s3cret, \"A\\nB\": s3cret}]";
    assert_eq!(
        bad(file),
        [
            "workloads[0] (orders): A\\nB: expected a variable that 'rebalancer --help' lists",
            "workloads[0] (orders): NONSENSE: expected a variable that 'rebalancer --help' lists",
            "workloads[0] (orders): kube-namespce: expected a variable that 'rebalancer --help' lists, such as KUBE_NAMESPACE",
        ]
    );
}

#[test]
fn what_is_for_the_whole_run_is_refused_in_an_entry() {
    for variable in ["LOG_LEVEL", "LOG_FORMAT", "CONCURRENT_CYCLES", "WORKLOADS_FILE"] {
        assert_eq!(
            bad(&format!("workloads: [{{DEPLOYMENT_NAME: orders, {variable}: text}}]")),
            [format!(
                "workloads[0] (orders): {variable}=\"text\": expected it in the environment or as a flag, since it is for the whole run"
            )]
        );
    }
}

#[test]
fn what_is_no_list_of_workloads_is_refused_with_its_place_and_without_its_text() {
    for (file, place) in [
        ("s3cret", "expected mapping start at line 1, column 1"),
        ("", "unexpected end of file at line 1, column 1"),
        ("- DEPLOYMENT_NAME: s3cret", "expected mapping start at line 1, column 1"),
        ("workloads: s3cret", "expected sequence start at line 1, column 12"),
        ("workloads:\n  - s3cret", "expected mapping start at line 2, column 5"),
        ("workloads:\n  - CPU_QUERY: [s3cret]", "expected string scalar at line 2, column 16"),
        (
            "workloads:\n  - DRY_RUN: true\n    DRY_RUN: s3cret",
            "duplicate mapping key `DRY_RUN` is not allowed here at line 3, column 5",
        ),
        ("workload: s3cret", "unknown field `workload`, expected one of workloads at line 1, column 1"),
        ("workloads: *s3cret", "reference to unknown value at line 1, column 12"),
        ("workloads:\n  - A: \"s3cret", "no valid YAML at line 2, column 8"),
        ("workloads:\n  - A: s3cret\n\tB: s3cret", "no valid YAML at line 2, column 8"),
    ] {
        assert_eq!(
            bad(file),
            [format!(
                "WORKLOADS_FILE=\"FILE\": expected YAML with a list 'workloads' of variables and values, but {place}"
            )]
        );
    }
    assert_eq!(
        bad("workloads: []"),
        ["WORKLOADS_FILE=\"FILE\": expected a file with 1 to 1000 workloads, but there are 0"]
    );
}

#[test]
fn what_is_wrong_besides_a_file_that_cannot_be_read_is_told_too() {
    let wrong = ("DRY_RUN", "maybe");
    assert_eq!(
        read("", &[], &[wrong]).unwrap_err(),
        [
            "WORKLOADS_FILE=\"FILE\": expected YAML with a list 'workloads' of variables and values, but unexpected end of file at line 1, column 1",
            "DRY_RUN=\"maybe\": expected true or false",
        ]
    );
}
