//! What to do about what the core says. The core speaks of facts; which setting or command changes them is known here, by
//! the reason's name.

use rebalancer_core::assignor::Rules;
use rebalancer_core::cycle::{CycleError, NotBegun};
use std::borrow::Cow;

use rebalancer_core::eligibility::{Annotation, Veto};
use rebalancer_core::group::{Inference, Unusable};
use rebalancer_core::history::Unrecordable;
use rebalancer_core::port::{InventoryError, MetricsError};
use rebalancer_core::report::{Decision, Hold, Method, Report, Spared, Verdict};

use crate::config::Names;

/// A decision with what to do about it.
pub(crate) fn decision(decision: &Decision) -> String {
    match decision {
        Decision::Hold(hold) => advised(decision, for_hold(hold)),
        Decision::Balanced | Decision::Rotate(_) => decision.to_string(),
    }
}

/// What a report decided, with what to do about it; of a hold, with the name that matches nothing.
pub(crate) fn report(report: &Report, names: &Names) -> String {
    let decision = decision(&report.decision);
    match names.unmatched(report) {
        Some(unmatched) => format!("{decision}; {unmatched}"),
        None => decision,
    }
}

/// A verdict of this report, with what to do about it.
pub(crate) fn verdict(report: &Report, verdict: &Verdict) -> String {
    let fact = report.in_words(verdict);
    match verdict {
        Verdict::Vetoed(veto) => advised(fact, by_veto(veto)),
        Verdict::Spared(Spared::NotPersistent { .. }) => advised(fact, Some("PERSISTENCE_REQUIRED")),
        Verdict::Chosen(_) | Verdict::Spared(_) => fact,
    }
}

/// The reason of a verdict alone, why a pod stays, with what to do about it.
pub(crate) fn why_not(report: &Report, verdict: &Verdict) -> String {
    let words = self::verdict(report, verdict);
    let reason = ["spared: ", "never a candidate: "].iter().find_map(|kind| words.strip_prefix(kind));
    reason.unwrap_or(&words).to_owned()
}

/// How pods were chosen, with what would let it know more.
pub(crate) fn method(method: &Method) -> String {
    let advice = match method {
        Method::Predict { assignor, .. } => for_assignor(*assignor),
        Method::RotateOutliers { because: Some(why) } => for_partitions(why),
        Method::None | Method::RotateOutliers { because: None } => None,
    };
    advised(method, advice)
}

/// Why a cycle came to nothing, with what to do about it.
pub(crate) fn failure(error: &CycleError) -> String {
    let advice = match error {
        CycleError::NotBegun(NotBegun::Unrecordable(Unrecordable::TooManyPods { .. })) => {
            Some("lower REBALANCE_TOP_K_PODS")
        }
        CycleError::NotBegun(NotBegun::NoRecord) => Some("RECORD_STORE"),
        CycleError::NotBegun(NotBegun::Unrecordable(Unrecordable::NotPlain { .. }) | NotBegun::State(_))
        | CycleError::Memory(_)
        | CycleError::Observe(_)
        | CycleError::Stopped(_) => None,
    };
    advised(error, advice)
}

/// Why a group can't be modeled, with what to do about it.
pub(crate) fn unusable(why: &Unusable) -> String {
    advised(why, for_partitions(why))
}

/// A hold, with what to do about it.
pub(crate) fn hold(hold: &Hold) -> String {
    advised(hold, for_hold(hold))
}

/// What to do where the API server can't be used.
pub(crate) const fn cluster(error: &InventoryError) -> &'static str {
    match error {
        InventoryError::Unauthorized { .. } => {
            "use a kubeconfig or a service account whose token is valid; KUBE_CONTEXT chooses another one"
        }
        InventoryError::Unavailable { .. }
        | InventoryError::Forbidden { .. }
        | InventoryError::Rejected { .. } => {
            "check the server's address in the kubeconfig, that it is up, and that no NetworkPolicy is in the way; KUBE_CONTEXT \
             chooses another one"
        }
    }
}

fn advised(fact: impl std::fmt::Display, advice: Option<impl AsRef<str>>) -> String {
    match advice.as_ref().map(AsRef::as_ref) {
        // A setting that decides it is named in brackets, anything else is a sentence of its own.
        Some(setting) if setting.chars().all(|c| c.is_ascii_uppercase() || c == '_') => {
            format!("{fact} ({setting})")
        }
        Some(advice) => format!("{fact}; {advice}"),
        None => fact.to_string(),
    }
}

fn for_hold(hold: &Hold) -> Option<Cow<'static, str>> {
    let particular = if let Hold::AssignorRestoresSets { assignor } = hold {
        for_assignor(*assignor).map(Cow::from)
    } else if let Hold::AssignorUnclear { fits, .. } = hold {
        Some(Cow::from(which_rule(*fits)))
    } else if let Hold::AmbiguousSeries { error, .. } = hold {
        one_of_several(error)
    } else if let Hold::GroupUnclear { why } = hold {
        for_partitions(why).map(Cow::from)
    } else {
        None
    };
    particular.or_else(|| by_hold(hold.name()).map(Cow::from))
}

/// The matcher that selects one of the sources, where it is known what tells them apart.
fn one_of_several(error: &MetricsError) -> Option<Cow<'static, str>> {
    let MetricsError::Ambiguous { label, values, passing: false, .. } = error else { return None };
    let example = values.last()?;
    Some(format!("select one with PROMETHEUS_MATCHERS, such as {label}=\"{example}\"").into())
}

/// By the hold's name; `None` where its own words say all there is to say.
fn by_hold(name: &str) -> Option<&'static str> {
    Some(match name {
        "no_pods" => "check KUBE_NAMESPACE and KUBE_LABEL_SELECTOR",
        "no_eligible_pods" => "`rebalancer plan` shows each",
        "metrics_incomplete" => "check CONTAINER_NAME, and that the metric server scrapes every node",
        "ambiguous_series" => "select one with PROMETHEUS_MATCHERS, or wait for METRICS_TIME_WINDOW to pass",
        "ambiguous_target" => "keep one for this workload, or correct HPA_PREFIX and DEPLOYMENT_NAME",
        "several_owners" => "narrow KUBE_LABEL_SELECTOR to the pods of one of them",
        "pod_count_disagrees" => "KUBE_LABEL_SELECTOR",
        "too_few_pods" => "MINIMUM_PODS_REQUIRED",
        "share_too_small" => "MAXIMUM_REMOVAL_SHARE",
        "not_persistent" => "PERSISTENCE_REQUIRED",
        "will_pass" => "FORECAST_HORIZON",
        "static_members" => "KAFKA_STATIC_MEMBERSHIP",
        "slow_node" => "cordon it, or move its pods; `rebalancer reset` forgets it",
        "small_gain" | "small_improvement" => "MINIMUM_IMPROVEMENT_PERCENT",
        "assignor_unclear" => WHICH_RULE,
        "group_unclear" => "`rebalancer check` shows the group's members",
        "group_unread" => "`rebalancer check` names the cause",
        "quiet_hours" => "QUIET_HOURS",
        "just_scaled" => "MINIMUM_POD_AGE",
        "fleet_unsettled" => "MAXIMUM_YOUNG_SHARE",
        "neighbor_unread" => {
            "`rebalancer check` names the right that is missing; or take it out of NEIGHBORS"
        }
        "cruise_control_unread" => "`rebalancer check` names the cause; or unset CRUISE_CONTROL_URL",
        "rollout_paused" => "promote, resume or abort it",
        "rollout_degraded" => "retry it or roll it back",
        "scaling_paused" => "take the annotation away when its reason is gone",
        "settling" => "SETTLE_TIME",
        "breaker_open" | "unreliable_prediction" => "`rebalancer reset` closes it",
        "removal_budget_spent" => "REMOVAL_BUDGET_PODS",
        "group_lock_unread" => {
            "check GROUP_LOCK_KUBECONFIG, GROUP_LOCK_CONTEXT and GROUP_LOCK_NAMESPACE; it takes get, create and update on \
             leases there"
        }
        _ => return None,
    })
}

fn by_veto(veto: &Veto) -> Option<&'static str> {
    match veto.name() {
        "too_young" => Some("MINIMUM_POD_AGE"),
        "another_workload" => Some(
            "check KUBE_LABEL_SELECTOR, and that DEPLOYMENT_NAME names the workload (CONTAINER_NAME its container)",
        ),
        "not_opted_in" => Some("REQUIRE_OPT_IN"),
        "priority" => Some("MAXIMUM_POD_PRIORITY"),
        "no_such_container" => Some("CONTAINER_NAME"),
        "opted_out" if *veto != (Veto::OptedOut { annotation: Annotation::OptOut }) => {
            Some("HONORED_ANNOTATIONS")
        }
        _ => None,
    }
}

/// What tells rules apart that fit who holds what.
const WHICH_RULE: &str =
    "set KAFKA_BOOTSTRAP_SERVERS, so that Kafka tells which it is, or set KAFKA_ASSIGNOR";

/// What tells releases of the broker's rule apart, where it does not.
const WHICH_UNIFORM: &str = "set KAFKA_ASSIGNOR=uniform (Kafka 4.0.1 or later) or uniform-4.0.0";

/// How to say which of these rules it is.
pub(crate) fn which_rule(fits: Rules) -> &'static str {
    if fits.without(Rules::UNIFORM).is_empty() { WHICH_UNIFORM } else { WHICH_RULE }
}

const fn for_assignor(assignor: Inference) -> Option<&'static str> {
    match assignor {
        Inference::Told { .. } | Inference::Configured { .. } | Inference::Certain { .. } => None,
        Inference::Named { .. } => Some(WHICH_UNIFORM),
        Inference::Fits { .. } => Some(WHICH_RULE),
    }
}

const fn for_partitions(why: &Unusable) -> Option<&'static str> {
    match why {
        Unusable::NotAsked | Unusable::Empty => {
            Some("set KAFKA_BOOTSTRAP_SERVERS and KAFKA_GROUP_ID, or PARTITION_LOAD_QUERY")
        }
        Unusable::AssignorsContradict { .. } => Some("unset KAFKA_ASSIGNOR: Kafka tells it"),
        Unusable::NoMemberInPods { .. } => Some(
            "check KAFKA_GROUP_ID and KUBE_LABEL_SELECTOR; where addresses are hidden, put the pod's name into client.id",
        ),
        Unusable::MembersUnmatched { .. } => Some(
            "put the pod's name into client.id or group.instance.id, or restart the pods that don't consume",
        ),
        Unusable::ContradictoryMember { .. } => Some("KAFKA_POD_MATCHING"),
        Unusable::NoKnownRule => Some(
            "set KAFKA_BOOTSTRAP_SERVERS, so that Kafka tells the group and its assignor, or check KAFKA_ASSIGNOR; \
             REBALANCE_STRATEGY=rotate-outliers needs no rule",
        ),
        Unusable::UnknownAssignor { .. }
        | Unusable::NotItsRule { .. }
        | Unusable::RackAware { .. }
        | Unusable::Patterns { .. } => Some("REBALANCE_STRATEGY=rotate-outliers needs no prediction"),
        Unusable::NotStable { .. }
        | Unusable::SeveralClients
        | Unusable::OwnersContradict { .. }
        | Unusable::NotRead
        | Unusable::NoNumber { .. }
        | Unusable::Gap { .. }
        | Unusable::TwoOwners { .. }
        | Unusable::StrangeOwner { .. }
        | Unusable::NoOwner { .. }
        | Unusable::Unexplained { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every hold whose own words say all there is to say.
    const PLAIN: [&str; 29] = [
        "watch_stale",
        "canary_in_progress",
        "rollout_partitioned",
        "scaling_fallback",
        "scaling_to_zero",
        "nodes_draining",
        "pods_resizing",
        "pods_evicted",
        "owner_gone",
        "group_not_stable",
        "partitions_moving",
        "cruise_control_executing",
        "group_changed",
        "requests_unknown",
        "unusable_target",
        "no_hot_pod",
        "group_unsettled",
        "too_few_partitions",
        "assignor_restores_sets",
        "hot_partition",
        "disruption_budget",
        "past_unknown",
        "workload_opted_out",
        "rollout_in_progress",
        "scaling_in_progress",
        "scale_in_pending",
        "trial_pending",
        "group_locked",
        "breaker_open",
    ];

    #[test]
    fn every_hold_has_advice_or_needs_none() {
        for name in Hold::NAMES {
            assert!(by_hold(name).is_some() || PLAIN.contains(&name), "{name}");
        }
    }

    #[test]
    fn a_setting_stands_in_brackets_and_a_sentence_after_a_semicolon() {
        let hold = |hold| decision(&Decision::Hold(hold));
        assert_eq!(
            hold(Hold::NoPods),
            "hold: no pod matches the label selector; check KUBE_NAMESPACE and KUBE_LABEL_SELECTOR"
        );
        assert_eq!(
            hold(Hold::TooFewPods { serving: 4, minimum: 3 }),
            "hold: 4 pods serve and 3 must stay, so one hot and one cold pod can't both go (MINIMUM_PODS_REQUIRED)"
        );
    }
}
