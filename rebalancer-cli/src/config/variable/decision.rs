//! Settings of what is an imbalance, and what is done about it.

use super::Variable;

const HEADING: &str = "Decision";

pub(super) const SETTINGS: &[Variable] = &[
    Variable::new(
        HEADING,
        "REBALANCE_TOP_K_PODS",
        Some("2"),
        "K: at most this many hot and this many cold pods are rotated in one cycle",
    ),
    Variable::new(
        HEADING,
        "TOLERANCE_MULTIPLIER",
        Some("1.5"),
        "A pod is hot when its load is above its target times this",
    ),
    Variable::new(
        HEADING,
        "MINIMUM_IMPROVEMENT_PERCENT",
        Some("10.0"),
        "A rotation is made only when it is expected to bring more than this",
    ),
    Variable::new(
        HEADING,
        "CPU_VARIANCE_THRESHOLD",
        Some("0.3"),
        "CPU is out of balance above this coefficient of variation, when no autoscaler's target is known",
    ),
    Variable::new(HEADING, "MEMORY_VARIANCE_THRESHOLD", Some("0.3"), "The same for memory, when it is read"),
    Variable::new(HEADING, "LAG_VARIANCE_THRESHOLD", Some("0.5"), "The same for lag, when it is read"),
    Variable::new(
        HEADING,
        "CONSUMPTION_RATE_VARIANCE_THRESHOLD",
        Some("0.5"),
        "The same for the consumption rate, when it is read",
    ),
    Variable::new(
        HEADING,
        "PRODUCTION_RATE_VARIANCE_THRESHOLD",
        Some("0.5"),
        "The same for the production rate, when it is read",
    ),
    Variable::new(
        HEADING,
        "FORECAST_HORIZON",
        Some("off"),
        "Within this time a rotation must pay, 30m to 24h: loads count as their own history of days and weeks lets them be expected over it, where that was better on the last days; off: the loads of now count",
    ),
    Variable::new(
        HEADING,
        "REBALANCE_STRATEGY",
        Some("predict"),
        "predict: works out from partition loads what a removal does (needs KAFKA_BOOTSTRAP_SERVERS, PARTITION_LOAD_QUERY or KAFKA_METRICS_PRESET, otherwise as rotate-outliers); rotate-outliers: takes the hottest and coldest pods",
    ),
    Variable::new(
        HEADING,
        "KAFKA_ASSIGNOR",
        Some("auto"),
        "The group's assignor: range, roundrobin, sticky, cooperative-sticky, librdkafka-cooperative-sticky, uniform, uniform-4.0.0, server-range; auto: as Kafka tells it, else inferred from the current assignment",
    ),
    Variable::new(
        HEADING,
        "KAFKA_STATIC_MEMBERSHIP",
        Some("false"),
        "true: consumers have a group.instance.id, and a replacement is the same member",
    ),
    Variable::new(
        HEADING,
        "KAFKA_REPLACEMENT_TIMING",
        Some("auto"),
        "auto: as earlier rotations showed, or as long as pods take to start; leave-then-join: removed pods have left before their replacements join; all-at-once: both happen in one rebalance; one-by-one: each in a rebalance of its own",
    ),
    Variable::new(
        HEADING,
        "KAFKA_REPLACEMENT_WAIT",
        Some("10s"),
        "Where Kafka is asked and can't tell what becomes of pods that go together, a run may remove one after the other: each when the replacement of the one before is a member. It waits for so long all together, at most half of CYCLE_TIMEOUT; 0s: never",
    ),
];
