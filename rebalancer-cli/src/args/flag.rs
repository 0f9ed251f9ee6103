//! The flag of a setting.

use clap::Arg;
use clap::builder::OsStringValueParser;

use crate::config::variable::Variable;

/// Settings that a simulation has too.
pub(super) fn is_policy(variable: &Variable) -> bool {
    matches!(
        variable.name,
        "REBALANCE_TOP_K_PODS"
            | "TOLERANCE_MULTIPLIER"
            | "MINIMUM_IMPROVEMENT_PERCENT"
            | "CPU_VARIANCE_THRESHOLD"
            | "MINIMUM_PODS_REQUIRED"
            | "MINIMUM_POD_AGE"
            | "REBALANCE_STRATEGY"
            | "KAFKA_ASSIGNOR"
            | "KAFKA_STATIC_MEMBERSHIP"
            | "KAFKA_REPLACEMENT_TIMING"
            | "KAFKA_REPLACEMENT_WAIT"
    )
}

pub(super) fn flag(variable: &'static Variable) -> Arg {
    let default = variable.default.map(|default| format!(" [default: {default}]")).unwrap_or_default();
    let arg = Arg::new(variable.name).long(variable.flag());
    // As kubectl has them.
    let arg = match variable.name {
        "KUBE_NAMESPACE" => arg.short('n').visible_alias("namespace"),
        "KUBE_CONTEXT" => arg.visible_alias("context"),
        _ => arg,
    };
    arg.value_name("VALUE")
        .value_parser(OsStringValueParser::new())
        .allow_hyphen_values(true)
        .help(format!("{}{default} [env: {}]", variable.help, variable.name))
        .help_heading(variable.heading)
        .hide_short_help(!BY_HAND.contains(&variable.name))
}

/// What a person says on the command line; `-h` leaves the others to `--help`.
const BY_HAND: [&str; 8] = [
    "WORKLOADS_FILE",
    "PROMETHEUS_ENDPOINT",
    "KAFKA_BOOTSTRAP_SERVERS",
    "KAFKA_GROUP_ID",
    "KUBE_NAMESPACE",
    "KUBECONFIG",
    "KUBE_CONTEXT",
    "DRY_RUN",
];
