//! What goes on around the fleet: its controller, its autoscaler's doings, disruption budgets. Plain values, as
//! Kubernetes gives them; what follows from them is decided by [`guard`](crate::guard).

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::fleet::{Pod, Uid};

mod scaling_metric;

pub use scaling_metric::{Level, Measured, ScalingMetric};

/// What was read of the fleet's surroundings.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Surroundings {
    /// The workload's own object; `None` when it is of a kind that is not read (neither a Deployment nor a
    /// StatefulSet). Then the pods alone tell what goes on.
    pub controller: Option<Controller>,
    /// What the autoscaler is doing; `None` without one, or when only the metric system knows it.
    pub scaling: Option<Scaling>,
    /// What the autoscaler scales by, in its own order; empty without one, or when only the metric system knows it.
    pub scales_by: Vec<ScalingMetric>,
    /// Every disruption budget of the namespace; empty when budgets don't matter to the way in which pods are removed.
    pub budgets: Vec<DisruptionBudget>,
}

/// The object that owns the fleet, and how far it is with what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Controller {
    /// Such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: Uid,
    /// Those of its annotations that matter here: [`ANNOTATIONS`](crate::eligibility::ANNOTATIONS).
    pub annotations: BTreeMap<String, String>,
    /// Its status speaks of its present specification.
    pub status_is_current: bool,
    /// Pods that it wants.
    pub desired: u32,
    /// Pods that it has, in any state.
    pub current: u32,
    /// Pods that it has of its present template.
    pub updated: u32,
}

/// What an autoscaler is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Scaling {
    /// It can read its metrics and may scale.
    pub active: bool,
    /// Pods that it counted.
    pub current: u32,
    /// Pods that it wants.
    pub desired: u32,
    /// Pods that it always keeps.
    pub minimum: u32,
    /// When it scaled last.
    pub last_scaled_at: Option<Timestamp>,
    /// Its metrics ask for fewer pods, and only its stabilization window holds that back.
    pub wants_fewer: bool,
}

/// A disruption budget.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DisruptionBudget {
    /// Its name.
    pub name: String,
    /// Which pods it covers.
    pub selector: Selector,
    /// How many of them may be disrupted now.
    pub allowed: u32,
    /// Its status speaks of its present specification. If not, [`allowed`](Self::allowed) means nothing yet.
    pub status_is_current: bool,
}

impl DisruptionBudget {
    /// It counts this pod.
    #[must_use]
    pub fn covers(&self, pod: &Pod) -> bool {
        self.selector.matches(&pod.labels)
    }
}

/// A label selector: all of its requirements must hold, and without any it matches every pod. One that must match
/// nothing is [`Selector::Nothing`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Selector {
    /// No selector is set.
    Nothing,
    /// Every one of these holds.
    All(Vec<Requirement>),
}

/// One requirement on a label.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Requirement {
    /// The label is there, with one of these values.
    In {
        /// Label.
        key: String,
        /// Accepted values.
        values: Vec<String>,
    },
    /// The label is absent, or has none of these values.
    NotIn {
        /// Label.
        key: String,
        /// Values that are not accepted.
        values: Vec<String>,
    },
    /// The label is there.
    Exists {
        /// Label.
        key: String,
    },
    /// The label is absent.
    DoesNotExist {
        /// Label.
        key: String,
    },
}

impl Selector {
    /// As the API server would match it (Kubernetes' `labels.Selector`).
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        match self {
            Self::Nothing => false,
            Self::All(requirements) => requirements.iter().all(|requirement| requirement.holds(labels)),
        }
    }
}

impl Requirement {
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        match self {
            Self::In { key, values } => labels.get(key).is_some_and(|value| values.contains(value)),
            Self::NotIn { key, values } => labels.get(key).is_none_or(|value| !values.contains(value)),
            Self::Exists { key } => labels.contains_key(key),
            Self::DoesNotExist { key } => !labels.contains_key(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(requirements: Vec<Requirement>, labels: &[(&str, &str)], expected: bool) {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!(
            Selector::All(requirements.clone()).matches(&labels),
            expected,
            "{requirements:?} {labels:?}"
        );
    }

    #[test]
    fn a_selector_matches_as_the_api_server_does() {
        let values = || vec!["a".to_owned(), "b".to_owned()];
        let key = || "tier".to_owned();
        for (labels, within, outside, exists) in [
            (&[("tier", "a")][..], true, false, true),
            (&[("tier", "c")][..], false, true, true),
            (&[("app", "a")][..], false, true, false),
        ] {
            check(vec![Requirement::In { key: key(), values: values() }], labels, within);
            check(vec![Requirement::NotIn { key: key(), values: values() }], labels, outside);
            check(vec![Requirement::Exists { key: key() }], labels, exists);
            check(vec![Requirement::DoesNotExist { key: key() }], labels, !exists);
        }
    }

    #[test]
    fn an_empty_selector_matches_everything_and_none_matches_nothing() {
        check(Vec::new(), &[], true);
        assert!(!Selector::Nothing.matches(&BTreeMap::new()));
    }
}
