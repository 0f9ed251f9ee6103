//! What an autoscaler is doing, as its status says.

use rebalancer_core::fleet::Scaling;
use serde::Deserialize;

use super::scaling_metric::Metric;
use super::{count, time};

/// An autoscaler's status, as far as it matters here.
#[derive(Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    current_replicas: Option<i64>,
    desired_replicas: Option<i64>,
    last_scale_time: Option<String>,
    conditions: Option<Vec<Condition>>,
    current_metrics: Option<Vec<Metric>>,
}

#[derive(Clone, Deserialize)]
struct Condition {
    r#type: String,
    status: String,
    reason: Option<String>,
}

/// Takes what the core wants to know. An autoscaler whose numbers or conditions are not known is not active: nothing
/// may be concluded from what it seems to want.
pub(super) fn scaling(minimum: Option<i64>, status: &Status) -> Scaling {
    let numbers = || {
        let current = count(status.current_replicas, 0)?;
        Some((current, count(status.desired_replicas, 0)?, count(minimum, 1)?))
    };
    let numbers = numbers();
    let (current, desired, minimum) = numbers.unwrap_or_default();
    Scaling {
        active: numbers.is_some() && status.holds("ScalingActive").is_some(),
        current,
        desired,
        minimum,
        last_scaled_at: time(status.last_scale_time.as_deref()),
        wants_fewer: status.wants_fewer(),
        disabled: status.is("ScalingActive", "False") == Some("ScalingDisabled"),
    }
}

impl Status {
    /// What it saw of its metrics.
    pub(super) fn metrics(&self) -> &[Metric] {
        self.current_metrics.as_deref().unwrap_or_default()
    }

    /// It waits for its stabilization window. At its maximum that says nothing: metrics that call for less than a
    /// moment ago, but for more than the maximum still, look the same.
    fn wants_fewer(&self) -> bool {
        let stabilized = self.holds("AbleToScale") == Some("ScaleDownStabilized");
        stabilized && self.holds("ScalingLimited") != Some("TooManyReplicas")
    }

    /// The reason of this condition, if it is true.
    fn holds(&self, condition: &str) -> Option<&str> {
        self.is(condition, "True")
    }

    /// The reason of this condition, if it has this status.
    fn is(&self, condition: &str, status: &str) -> Option<&str> {
        let conditions = self.conditions.as_deref().unwrap_or_default();
        let found = conditions.iter().find(|found| found.r#type == condition && found.status == status)?;
        Some(found.reason.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// As the real controller leaves it while nothing is to do.
    fn idle() -> Value {
        json!({
            "currentReplicas": 5, "desiredReplicas": 5, "lastScaleTime": "2026-01-02T03:04:05Z",
            "conditions": [
                {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"},
                {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"},
                {"type": "ScalingLimited", "status": "False", "reason": "DesiredWithinRange"},
            ],
        })
    }

    fn decode(minimum: Option<i64>, status: Value) -> Scaling {
        scaling(minimum, &serde_json::from_value(status).unwrap())
    }

    /// The idle one with another value at this place.
    fn with(place: &str, value: Value) -> Scaling {
        let mut status = idle();
        *status.pointer_mut(place).unwrap() = value;
        decode(Some(2), status)
    }

    fn expected() -> Scaling {
        Scaling {
            active: true,
            current: 5,
            desired: 5,
            minimum: 2,
            last_scaled_at: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            wants_fewer: false,
            disabled: false,
        }
    }

    #[test]
    fn everything_that_matters_is_taken() {
        assert_eq!(decode(Some(2), idle()), expected());
        assert_eq!(decode(None, idle()), Scaling { minimum: 1, ..expected() });
        assert_eq!(decode(Some(0), idle()), Scaling { minimum: 0, ..expected() });
        assert_eq!(with("/desiredReplicas", json!(7)), Scaling { desired: 7, ..expected() });
    }

    #[test]
    fn only_a_stabilized_scale_down_is_a_wish_for_fewer() {
        let reason = |reason: &str| with("/conditions/0/reason", json!(reason)).wants_fewer;
        assert!(reason("ScaleDownStabilized"));
        let mut at_maximum = idle();
        at_maximum["conditions"][0]["reason"] = json!("ScaleDownStabilized");
        at_maximum["conditions"][2] =
            json!({"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"});
        assert!(!decode(Some(2), at_maximum).wants_fewer, "it may still ask for more than it may have");
        for other in ["ScaleUpStabilized", "ReadyForNewScale", "SucceededRescale", ""] {
            assert!(!reason(other), "{other}");
        }
        let mut status = idle();
        status["conditions"][0] =
            json!({"type": "AbleToScale", "status": "False", "reason": "ScaleDownStabilized"});
        assert!(!decode(Some(2), status).wants_fewer);
    }

    #[test]
    fn an_autoscaler_that_can_not_read_its_metrics_is_not_active() {
        for status in ["False", "Unknown", "true", ""] {
            assert!(!with("/conditions/1/status", json!(status)).active, "{status}");
        }
    }

    #[test]
    fn an_autoscaler_that_was_never_looked_at_is_not_active() {
        let nothing = Scaling {
            active: false,
            current: 0,
            desired: 0,
            minimum: 3,
            last_scaled_at: None,
            wants_fewer: false,
            disabled: false,
        };
        assert_eq!(decode(Some(3), json!({})), nothing);
        assert_eq!(decode(Some(3), json!({"desiredReplicas": 0, "currentMetrics": null})), nothing);
    }

    #[test]
    fn an_autoscaler_of_what_is_to_have_no_pods_is_switched_off() {
        let of = |status: &str, reason: &str| {
            let condition = json!({"type": "ScalingActive", "status": status, "reason": reason});
            decode(Some(1), json!({"currentReplicas": 0, "conditions": [condition]})).disabled
        };
        assert!(of("False", "ScalingDisabled"));
        for (status, reason) in [("False", "FailedGetResourceMetric"), ("True", "ScalingDisabled")] {
            assert!(!of(status, reason), "{status} {reason}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_not_known() {
        assert!(!with("/currentReplicas", json!(-1)).active);
        assert!(!with("/desiredReplicas", json!(-1)).active);
        assert!(!decode(Some(-1), idle()).active);
        assert_eq!(
            with("/lastScaleTime", json!("yesterday")),
            Scaling { last_scaled_at: None, ..expected() }
        );
    }
}
