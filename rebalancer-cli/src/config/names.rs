//! The names by which a fleet is found, with where each comes from: a hold because one of them matches nothing says so.
//! Some come from the surroundings by accident, since many shells and runtimes set CONTAINER_NAME.

use rebalancer_core::report::{Decision, Hold, Report};

use super::layers::Raw;
use super::problem::Given;
use super::shown::showable;

const CONTAINER: &str = "CONTAINER_NAME";
const WORKLOAD: &str = "DEPLOYMENT_NAME";
const NAMESPACE: &str = "KUBE_NAMESPACE";
const SELECTOR: &str = "KUBE_LABEL_SELECTOR";
const MATCHERS: &str = "PROMETHEUS_MATCHERS";

/// Each name as it is told, such as `CONTAINER_NAME=orders (environment)`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    container: String,
    workload: String,
    namespace: String,
    selector: String,
    matchers: Option<String>,
}

impl Names {
    pub(super) fn of(raw: &Raw) -> Self {
        let told = |name: &str| {
            let value = match showable(name, raw.get(name)?) {
                Given::Value(value) => value,
                Given::Hidden | Given::Nothing => "(hidden)".to_owned(),
            };
            Some(format!("{name}={value} ({})", raw.source(name).map_or("", |source| source.name())))
        };
        let workload = told(WORKLOAD).unwrap_or_default();
        Self {
            container: told(CONTAINER).unwrap_or_else(|| format!("{workload}, since {CONTAINER} is not set")),
            namespace: told(NAMESPACE).unwrap_or_default(),
            selector: told(SELECTOR).unwrap_or_default(),
            matchers: told(MATCHERS),
            workload,
        }
    }

    /// The name that matches nothing, where that is why the report holds.
    pub(crate) fn unmatched(&self, report: &Report) -> Option<String> {
        let Decision::Hold(hold) = &report.decision else { return None };
        let Self { container, workload, namespace, selector, .. } = self;
        let pods = &report.pods;
        if pods.is_empty() {
            return Some(format!("{selector} matches nothing in {namespace}"));
        }
        if !pods.iter().any(|pod| pod.has_container()) {
            return Some(format!("none of {} pods has a container by {container}", pods.len()));
        }
        if !pods.iter().any(|pod| pod.own) {
            // Which of the two names is wrong can't be told where others' pods alone have the container.
            let also = match pods.iter().all(|pod| pod.has_container()) {
                true => String::new(),
                false => format!(" and has a container by {container}"),
            };
            return Some(format!("none of {} pods is owned by {workload}{also}", pods.len()));
        }
        if let Hold::MetricsIncomplete { sampled: 0, .. } = hold {
            let also = self.matchers.iter().map(|matchers| format!(", {matchers}")).collect::<String>();
            return Some(format!("series are asked for by {namespace}, {container}{also}"));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsString;

    use rebalancer_core::fleet::{Owner, Requests};
    use rebalancer_core::history::Constraints;
    use rebalancer_core::jiff::Timestamp;
    use rebalancer_core::policy::Policy;
    use rebalancer_core::snapshot::Snapshot;
    use rebalancer_core::unit::Load;
    use rebalancer_core::{Indicator, Pod, plan};

    use super::*;
    use crate::config::layers::gather;

    #[test]
    fn each_name_is_told_with_where_it_comes_from() {
        let environment = |name: &str| {
            let value = match name {
                "DEPLOYMENT_NAME" => "orders",
                "CONTAINER_NAME" => "bash",
                "PROMETHEUS_MATCHERS" => "cluster=\"eu\"",
                _ => return None,
            };
            Some(OsString::from(value))
        };
        let flags = BTreeMap::from([("KUBE_NAMESPACE".to_owned(), OsString::from("shop"))]);
        let names = Names::of(&gather(flags, environment).0);
        assert_eq!(
            names,
            Names {
                container: "CONTAINER_NAME=bash (environment)".to_owned(),
                workload: "DEPLOYMENT_NAME=orders (environment)".to_owned(),
                namespace: "KUBE_NAMESPACE=shop (flag)".to_owned(),
                selector: "KUBE_LABEL_SELECTOR=app=consumer (default)".to_owned(),
                matchers: Some("PROMETHEUS_MATCHERS=cluster=\"eu\" (environment)".to_owned()),
            }
        );
        // The workload's pods have no such container, and those of others have it.
        let mut fleet = Snapshot::builder("shop", "orders", Timestamp::UNIX_EPOCH);
        for (name, requests) in [("orders", None), ("other", Some(Requests::default()))] {
            let owner = Owner::of_apps("StatefulSet", name, name);
            let pod = Pod { container: requests, ..Pod::new(format!("{name}-0"), name).with_owner(owner) };
            fleet = fleet.pod(pod, [(Indicator::Cpu, Load::new(1.0).unwrap())]);
        }
        let report = plan(&fleet.build().unwrap(), &Policy::default(), &Constraints::default());
        let both = "none of 2 pods is owned by DEPLOYMENT_NAME=orders (environment) and has a container by CONTAINER_NAME=bash (environment)";
        assert_eq!(names.unmatched(&report).as_deref(), Some(both));
        let unset = |name: &str| environment(name).filter(|_| name != "CONTAINER_NAME");
        let names = Names::of(&gather(BTreeMap::new(), unset).0);
        assert_eq!(names.container, "DEPLOYMENT_NAME=orders (environment), since CONTAINER_NAME is not set");
    }
}
