//! The chart, installed in the namespace of a fleet.

use serde_json::{Value, json};

use crate::harness::fleet::Fleet;
use crate::harness::tools;

/// The release, which is what its objects are called too.
pub(crate) const RELEASE: &str = "pod-rebalancer";

/// Values for one workload that is small and young, as those of the scenarios are; and it acts.
pub(crate) fn values(fleet: &Fleet, metrics: impl AsRef<str>) -> Value {
    json!({
        "config": {
            "PROMETHEUS_ENDPOINT": metrics.as_ref(),
            "DEPLOYMENT_NAME": fleet.name(),
            "DRY_RUN": false,
            "MINIMUM_PODS_REQUIRED": 2,
            "MINIMUM_POD_AGE": "0s",
            "PERSISTENCE_WINDOWS": 1,
            "MAXIMUM_REMOVAL_SHARE": 1,
        },
    })
}

/// The same with other variables.
pub(crate) fn with(mut values: Value, variables: &[(&str, Value)]) -> Value {
    for (name, value) in variables {
        values["config"][*name] = value.clone();
    }
    values
}

impl Fleet {
    /// Installs the chart with these values.
    pub(crate) async fn install(&self, values: &Value) {
        let file = self.write("values.yaml", values);
        self.helm(&["install", RELEASE, &tools::chart(), "--values", &file]).await.succeeded();
    }

    /// Upgrades the release to these values.
    pub(crate) async fn upgrade(&self, values: &Value) {
        let file = self.write("values.yaml", values);
        self.helm(&["upgrade", RELEASE, &tools::chart(), "--values", &file]).await.succeeded();
    }
}
