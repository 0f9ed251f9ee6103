//! Settings of `rebalancer serve`.

use super::Variable;

const HEADING: &str = "Always on (rebalancer serve)";

pub(super) const SETTINGS: &[Variable] = &[
    Variable::new(
        HEADING,
        "INTERVAL",
        Some("1m"),
        "A cycle begins for each workload after this time, and sooner when a pod came, went, or became Ready or not, or Kafka rebalanced the group",
    )
    .of_run(),
    Variable::new(
        HEADING,
        "SHORTEST_INTERVAL",
        Some("15s"),
        "After the end of a cycle, the next of the same workload begins no sooner than this, whatever changes",
    )
    .of_run(),
    Variable::new(HEADING, "CONCURRENT_CYCLES", Some("4"), "At most this many workloads have a cycle at one time")
        .of_run(),
    Variable::new(
        HEADING,
        "WATCH_STALE_AFTER",
        Some("90s"),
        "Nothing is removed while the API server has not been heard of for so long on a watch of the fleet",
    ),
    Variable::new(
        HEADING,
        "LISTEN_ADDRESS",
        Some("127.0.0.1:8080"),
        "Where the page, /api/v1, /metrics, /healthz and /readyz are served; 0.0.0.0:8080 for everybody who reaches the pod",
    )
    .of_run(),
    Variable::new(
        HEADING,
        "LEADER_ELECTION",
        Some("true"),
        "true: of several replicas the one that holds a Lease acts; false: this process acts alone",
    )
    .of_run(),
    Variable::new(
        HEADING,
        "LEADER_LEASE_NAME",
        Some("pod-rebalancer-leader"),
        "The Lease that replicas compete for; each group of replicas has one of its own",
    )
    .of_run(),
    Variable::new(
        HEADING,
        "LEADER_LEASE_NAMESPACE",
        None,
        "Its namespace; default: KUBE_NAMESPACE, or that of the first workload",
    )
    .of_run(),
    Variable::new(
        HEADING,
        "LEADER_LEASE_DURATION",
        Some("30s"),
        "Another replica takes over from one that is silent for so long; at least 5s more than KUBE_TIMEOUT",
    )
    .of_run(),
];
