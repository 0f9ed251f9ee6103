//! The alerts of deploy/prometheus.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One alerting rule.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Alert {
    pub(crate) alert: String,
    pub(crate) expr: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
}

/// All alerts of alerts.yaml.
pub(crate) fn alerts() -> Vec<Alert> {
    #[derive(Deserialize)]
    struct File {
        groups: Vec<Group>,
    }
    #[derive(Deserialize)]
    struct Group {
        rules: Vec<Alert>,
    }
    let text = include_str!("../../../deploy/prometheus/alerts.yaml");
    let file: File = serde_saphyr::from_str(text).unwrap();
    file.groups.into_iter().flat_map(|group| group.rules).collect()
}
