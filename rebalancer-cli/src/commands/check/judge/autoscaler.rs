//! The autoscaler, and what its target needs.

use rebalancer_core::fleet::{CpuTarget, Target};
use rebalancer_core::snapshot::{ObserveError, Snapshot};
use rebalancer_kube::preflight::HpaShape;

use super::super::facts::{Facts, Survey};
use super::super::finding::{Code, Finding, some};
use super::unread;

pub(super) fn judge(facts: &Facts<'_>, survey: &Survey) -> Vec<Finding> {
    let snapshot = match &facts.observation {
        Some(Ok(observation)) => &observation.snapshot,
        Some(Err(error @ ObserveError::Target { .. })) => {
            return vec![Finding::error(
                Code::HpaUnreadable,
                error.to_string(),
                "grant 'list' on 'horizontalpodautoscalers', or have kube-state-metrics scraped; a cycle would fail",
            )];
        }
        Some(Err(_)) | None => {
            let error = survey.hpas.as_ref().err();
            return error.map(|error| unread("the autoscalers", error)).into_iter().collect();
        }
    };
    match &snapshot.target {
        Target::Known { hpa, target } => {
            let mut findings =
                vec![Finding::ok(Code::Hpa, format!("autoscaler {hpa} has the target {target}"))];
            if let CpuTarget::Utilization(_) = target {
                findings.extend(requests(facts, snapshot, hpa));
            }
            findings
        }
        Target::NotByCpu { hpa } => vec![not_by_cpu(hpa, &survey.hpa_shapes)],
        Target::Ambiguous { hpas } => vec![Finding::error(
            Code::HpaAmbiguous,
            format!(
                "several autoscalers match {}: {}; every cycle holds",
                facts.workload(),
                described(hpas, survey)
            ),
            "keep one autoscaler for this workload, or correct HPA_PREFIX and DEPLOYMENT_NAME",
        )],
        Target::None => vec![missing(facts, survey)],
    }
}

fn described(names: &[String], survey: &Survey) -> String {
    let of = |name: &String| {
        let shape = survey.hpa_shapes.iter().find(|shape| &shape.name == name);
        shape.map_or_else(|| name.clone(), |shape| format!("{name} (scales {})", shape.scales))
    };
    some(names.iter().map(of))
}

fn not_by_cpu(name: &str, shapes: &[HpaShape]) -> Finding {
    let metrics = shapes.iter().find(|shape| shape.name == name).map(|shape| &shape.metrics);
    let by = metrics
        .filter(|metrics| !metrics.is_empty())
        .map_or_else(|| "something else".to_owned(), |metrics| some(metrics.iter().map(ToString::to_string)));
    Finding::note(
        Code::HpaNotByCpu,
        format!(
            "autoscaler {name} scales by {by}, not by the CPU of the pods or of CONTAINER_NAME: an imbalance of CPU is told \
             by CPU_VARIANCE_THRESHOLD"
        ),
    )
}

fn missing(facts: &Facts<'_>, survey: &Survey) -> Finding {
    let name = facts.workload();
    let all: Vec<String> =
        survey.hpa_shapes.iter().map(|shape| format!("{} (scales {})", shape.name, shape.scales)).collect();
    let there = if all.is_empty() {
        "; there is none at all".to_owned()
    } else {
        format!("; there are: {}", some(&all))
    };
    let message = format!(
        "no autoscaler is called {} or scales {name}{there}; an imbalance of CPU is told by CPU_VARIANCE_THRESHOLD",
        tried(facts)
    );
    Finding::warning(Code::HpaMissing, message, fix(name, &survey.hpa_shapes))
}

fn tried(facts: &Facts<'_>) -> String {
    let (name, prefix) = (facts.workload(), &facts.task.subject.hpa_prefix);
    if prefix.is_empty() { name.to_owned() } else { format!("{name} or {prefix}{name}") }
}

/// A prefix that would find one, or a name that is nearly the workload's.
fn fix(name: &str, shapes: &[HpaShape]) -> String {
    let prefix = shapes.iter().find_map(|shape| shape.name.strip_suffix(name));
    let names: Vec<String> = shapes.iter().map(|shape| shape.name.clone()).collect();
    match (prefix, super::workload::nearest(name, &names)) {
        (Some(prefix), _) => {
            format!("HPA_PREFIX={prefix} would find {prefix}{name}; see that it scales this workload")
        }
        (None, Some(near)) => {
            format!("{near} is nearly it: let its scaleTargetRef name {name}, or correct DEPLOYMENT_NAME")
        }
        (None, None) => {
            "nothing, if there is to be none; otherwise let its scaleTargetRef name the workload".to_owned()
        }
    }
}

/// A share of a request that is not set is no number.
fn requests(facts: &Facts<'_>, snapshot: &Snapshot, hpa: &str) -> Option<Finding> {
    let own: Vec<_> = snapshot.pods.iter().filter(|pod| pod.own).collect();
    let missing = own.iter().filter(|pod| pod.cpu_request.is_none()).count();
    (missing > 0).then(|| {
        let container = &facts.asked.container;
        Finding::error(
            Code::RequestsMissing,
            format!(
                "{missing} of {} pods have no CPU request in container {container}, and the target of {hpa} is a share of it; \
                 every cycle holds",
                own.len()
            ),
            format!("set resources.requests.cpu of container {container}, or let the autoscaler use averageValue"),
        )
    })
}
