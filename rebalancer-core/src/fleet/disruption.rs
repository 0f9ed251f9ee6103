//! Disruption budgets, and the label selectors by which they cover pods.

use std::collections::BTreeMap;

use super::Pod;

/// A disruption budget.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Selector {
    /// No selector is set.
    Nothing,
    /// Every one of these holds.
    All(Vec<Requirement>),
}

/// One requirement on a label.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
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
