//! Which workload a command is for, as kubectl names it.

use clap::{Arg, ArgAction, ArgMatches};
use rebalancer_kube::preflight::WorkloadKind;

use crate::config::parse;

/// How the command line says which workload is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Address {
    /// It does not: the settings do.
    #[default]
    Settings,
    /// By its name.
    Named(Named),
    /// Every workload of the namespace that looks like a consumer.
    All,
}

/// A workload by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// `None`: whichever has this name.
    pub(crate) kind: Option<WorkloadKind>,
    pub(crate) name: String,
}

const WORKLOAD: &str = "workload";
const ALL: &str = "all";

/// The workload as an argument.
pub(super) fn workload() -> Arg {
    Arg::new(WORKLOAD).value_name("WORKLOAD").value_parser(named).help(
        "The workload, as kubectl names it: orders, deployment/orders, sts/orders. What is not set is read from it",
    )
}

/// The workload of a command that reads only its record.
pub(super) fn workload_of_record() -> Arg {
    workload().help("The workload, as kubectl names it: orders, deployment/orders, sts/orders")
}

/// All workloads of the namespace.
pub(super) fn all() -> Arg {
    Arg::new(ALL)
        .long(ALL)
        .action(ArgAction::SetTrue)
        .conflicts_with(WORKLOAD)
        .help("Every workload of the namespace that looks like a Kafka consumer")
}

pub(super) fn read(sub: &ArgMatches) -> Address {
    let all = sub.try_get_one::<bool>(ALL).ok().flatten().copied().unwrap_or_default();
    match sub.try_get_one::<Named>(WORKLOAD).ok().flatten() {
        Some(named) => Address::Named(named.clone()),
        None if all => Address::All,
        None => Address::Settings,
    }
}

/// `name` or `kind/name`.
fn named(text: &str) -> Result<Named, String> {
    let (kind, name) = match text.split_once('/') {
        None => (None, text),
        Some((kind, name)) => (Some(self::kind(kind)?), name),
    };
    let name = parse::subdomain(name).map_err(|expected| format!("expected {expected}"))?;
    Ok(Named { kind, name })
}

fn kind(text: &str) -> Result<WorkloadKind, String> {
    match text.to_ascii_lowercase().as_str() {
        "deployment" | "deployments" | "deploy" | "deployment.apps" | "deployments.apps" => {
            Ok(WorkloadKind::Deployment)
        }
        "statefulset" | "statefulsets" | "sts" | "statefulset.apps" | "statefulsets.apps" => {
            Ok(WorkloadKind::StatefulSet)
        }
        "daemonset" | "daemonsets" | "ds" | "daemonset.apps" | "daemonsets.apps" => {
            Err("pods of a DaemonSet are never rotated".to_owned())
        }
        _ => Err("what is read from is deployment/NAME or statefulset/NAME; for another kind give the name alone, and set \
                  KUBE_LABEL_SELECTOR"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_is_named_as_kubectl_names_it() {
        let deployment = Some(WorkloadKind::Deployment);
        let stateful_set = Some(WorkloadKind::StatefulSet);
        for (text, kind) in [
            ("orders", None),
            ("deploy/orders", deployment),
            ("deployment/orders", deployment),
            ("Deployments.apps/orders", deployment),
            ("sts/orders", stateful_set),
            ("statefulset.apps/orders", stateful_set),
        ] {
            assert_eq!(named(text), Ok(Named { kind, name: "orders".to_owned() }), "{text}");
        }
        for (text, why) in [
            ("ds/agent", "never rotated"),
            ("pod/orders-1", "KUBE_LABEL_SELECTOR"),
            ("rollout/orders", "KUBE_LABEL_SELECTOR"),
            ("deploy/", "a Kubernetes name"),
            ("deploy/a/b", "a Kubernetes name"),
            ("Orders", "a Kubernetes name"),
        ] {
            let mistake = named(text).unwrap_err();
            assert!(mistake.contains(why), "{text}: {mistake}");
        }
    }
}
