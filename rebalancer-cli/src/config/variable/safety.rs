//! Settings of what must not happen.

use super::Variable;

const HEADING: &str = "Safety";

pub(super) const SETTINGS: &[Variable] = &[
    Variable::new(
        HEADING,
        "DRY_RUN",
        Some("false"),
        "true: nothing is changed; the API server validates each removal with its own dry run",
    ),
    Variable::new(
        HEADING,
        "MINIMUM_PODS_REQUIRED",
        None,
        "Pods that must stay Ready after the batch; default: 3",
    ),
    Variable::new(HEADING, "MIN_PODS_REQUIRED", None, "Another spelling of MINIMUM_PODS_REQUIRED"),
    Variable::new(
        HEADING,
        "MINIMUM_POD_AGE",
        None,
        "A pod must have been Ready for this long; default: METRICS_TIME_WINDOW",
    ),
    Variable::new(
        HEADING,
        "MAXIMUM_REMOVAL_SHARE",
        Some("0.5"),
        "At most this share of the serving pods is removed in one cycle, 0 to 1",
    ),
    Variable::new(
        HEADING,
        "MAXIMUM_YOUNG_SHARE",
        Some("0.1"),
        "Nothing is removed while a larger share of the pods is not Ready, or became Ready less than MINIMUM_POD_AGE ago, 0 to 1",
    ),
    Variable::new(
        HEADING,
        "MAXIMUM_POD_PRIORITY",
        Some("1000000000"),
        "Pods of a higher priority are never removed; the default is the highest that a user-defined PriorityClass can have",
    ),
    Variable::new(
        HEADING,
        "REQUIRE_OPT_IN",
        Some("false"),
        "true: only pods that have the annotation pod-rebalancer.io/opt-in: \"true\", or whose workload has it, are removed",
    ),
    Variable::new(
        HEADING,
        "HONORED_ANNOTATIONS",
        Some("cluster-autoscaler,descheduler,karpenter"),
        "Whose annotations keep a pod from being removed too, separated by commas: cluster-autoscaler (safe-to-evict), descheduler (prefer-no-eviction), karpenter (do-not-disrupt); none: only pod-rebalancer.io/opt-out does",
    ),
    Variable::new(
        HEADING,
        "NEIGHBORS",
        Some("none"),
        "Who is asked what it does with the fleet, separated by commas; each needs a right of its own, and one that does not tell holds: nodes (cordoned, drained), flagger, keda, vpa; none",
    ),
    Variable::new(
        HEADING,
        "WAIT_FOR_SCALE_IN",
        Some("true"),
        "true: nothing is removed while the autoscaler is about to scale in and only waits for its stabilization window",
    ),
    Variable::new(
        HEADING,
        "QUIET_HOURS",
        None,
        "Nothing is removed in these windows, separated by ';', such as 'Mon-Fri 08:00-18:00; Sat,Sun 00:00-24:00'",
    ),
    Variable::new(HEADING, "TIME_ZONE", Some("UTC"), "Time zone of QUIET_HOURS, such as Europe/Berlin"),
    Variable::new(
        HEADING,
        "PERSISTENCE_WINDOWS",
        Some("3"),
        "An imbalance must show in PERSISTENCE_REQUIRED of this many readings, METRICS_TIME_WINDOW apart; 1: the current one is enough",
    ),
    Variable::new(
        HEADING,
        "PERSISTENCE_REQUIRED",
        None,
        "In how many of the last PERSISTENCE_WINDOWS readings; default: more than half of them",
    ),
    Variable::new(
        HEADING,
        "MINIMUM_SAMPLE_COVERAGE",
        Some("0.8"),
        "Share of the eligible pods that must have a sample, 0 to 1",
    ),
    Variable::new(
        HEADING,
        "REMOVAL_METHOD",
        Some("evict"),
        "evict: by the Eviction API, which respects disruption budgets; delete: plain deletion, which does not",
    ),
    Variable::new(
        HEADING,
        "KUBE_EVENTS",
        Some("true"),
        "true: each removal is also recorded as Kubernetes Events, on the pod and on its workload",
    ),
    Variable::new(
        HEADING,
        "RECORD_STORE",
        Some("lease"),
        "lease: past rotations, the circuit breaker and the lock are kept in a Lease for each workload; none: turns the record and the lock off, so overlapping runs may both act",
    ),
    Variable::new(
        HEADING,
        "APPROVAL",
        Some("none"),
        "required: a rotation is proposed, and made only after somebody approved it; none: nobody is asked",
    ),
    Variable::new(
        HEADING,
        "APPROVAL_VALID_FOR",
        Some("1h"),
        "A proposal must be approved and carried out within this time; 1s to 168h",
    ),
    Variable::new(
        HEADING,
        "APPROVAL_TOLERANCE_PERCENT",
        Some("5"),
        "A plan counts as the approved one when what it is expected to bring falls short by at most so many percentage points",
    ),
    Variable::new(
        HEADING,
        "SETTLE_TIME",
        Some("15m"),
        "A fleet is left alone for this long after a rotation; at least MINIMUM_POD_AGE",
    ),
    Variable::new(
        HEADING,
        "MINIMUM_EFFECT_PERCENT",
        Some("5"),
        "A rotation helped when the CV fell by this; less is required when only a small share of the fleet was rotated",
    ),
    Variable::new(
        HEADING,
        "REMOVAL_BUDGET_PODS",
        Some("12"),
        "At most this many pods are removed in REMOVAL_BUDGET_WINDOW, over all runs; 0: none at all; none: no budget",
    ),
    Variable::new(HEADING, "REMOVAL_BUDGET_WINDOW", Some("1h"), "The time window of REMOVAL_BUDGET_PODS"),
    Variable::new(
        HEADING,
        "BREAKER_UNHELPFUL_ROTATIONS",
        Some("2"),
        "This many rotations in a row that did not help open the circuit breaker",
    ),
    Variable::new(
        HEADING,
        "BREAKER_FAILED_CYCLES",
        Some("3"),
        "This many failed cycles in a row open the circuit breaker",
    ),
    Variable::new(
        HEADING,
        "BREAKER_FIRST_PAUSE",
        Some("1h"),
        "How long the breaker stays open; doubles each time in a row",
    ),
    Variable::new(HEADING, "BREAKER_LONGEST_PAUSE", Some("24h"), "How long the breaker stays open at most"),
    Variable::new(
        HEADING,
        "CYCLE_TIMEOUT",
        Some("28s"),
        "Time for the whole cycle; no removal begins after it",
    ),
];
