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
    Variable::new(HEADING, "TOLERANCE_MULTIPLIER", Some("1.5"), "A pod is hot above its target times this"),
    Variable::new(
        HEADING,
        "MINIMUM_IMPROVEMENT_PERCENT",
        Some("10.0"),
        "A rotation must be expected to bring more than this",
    ),
    Variable::new(
        HEADING,
        "CPU_VARIANCE_THRESHOLD",
        Some("0.3"),
        "Coefficient of variation that is an imbalance of CPU when no autoscaler's target is known",
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
        "REBALANCE_STRATEGY",
        Some("predict"),
        "predict: what a removal does is worked out from partition loads (needs PARTITION_LOAD_QUERY, otherwise as rotate-outliers); rotate-outliers: the hottest and coldest pods",
    ),
    Variable::new(
        HEADING,
        "KAFKA_ASSIGNOR",
        Some("auto"),
        "The group's assignor: range, roundrobin, sticky, cooperative-sticky, librdkafka-cooperative-sticky, uniform, server-range; auto: inferred from who holds what",
    ),
    Variable::new(
        HEADING,
        "KAFKA_STATIC_MEMBERSHIP",
        Some("false"),
        "true: consumers have a group.instance.id and come back as themselves",
    ),
    Variable::new(
        HEADING,
        "KAFKA_REPLACEMENT_TIMING",
        Some("leave-then-join"),
        "leave-then-join: removed pods have left before their replacements join; all-at-once: in one rebalance",
    ),
];
