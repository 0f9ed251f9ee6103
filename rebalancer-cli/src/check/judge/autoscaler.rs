//! The autoscaler, and what its target needs.

use rebalancer_core::eligibility::Criteria;
use rebalancer_core::fleet::{CpuTarget, Hpa, Indicator, Target};
use rebalancer_core::snapshot::{ObserveError, ObservedPod, Snapshot};

use super::super::facts::{Facts, Survey};
use super::super::finding::{Code, Finding, some};
use super::pods::never_goes;
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
            return error.map(|error| unread("the autoscalers", error, survey)).into_iter().collect();
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
        Target::NotByCpu { hpa } => vec![not_by_cpu(hpa, snapshot)],
        Target::Ambiguous { hpas } => vec![ambiguous(hpas, facts, survey)],
        Target::None => vec![missing(facts, survey)],
    }
}

/// All autoscalers of the namespace; none when they may not be listed.
fn all(survey: &Survey) -> &[Hpa] {
    survey.hpas.as_deref().unwrap_or_default()
}

fn described(hpa: &Hpa) -> String {
    let scales = hpa.scales.as_ref().map(|scales| format!(" (scales {scales})"));
    format!("{}{}", hpa.name, scales.unwrap_or_default())
}

fn ambiguous(names: &[String], facts: &Facts<'_>, survey: &Survey) -> Finding {
    let of = |name: &String| {
        let hpa = all(survey).iter().find(|hpa| &hpa.name == name);
        hpa.map_or_else(|| name.clone(), described)
    };
    let matching = some(names.iter().map(of));
    Finding::error(
        Code::HpaAmbiguous,
        format!("several autoscalers match {}: {matching}; every cycle holds", facts.workload()),
        "keep one autoscaler for this workload, or correct HPA_PREFIX and DEPLOYMENT_NAME",
    )
}

fn not_by_cpu(name: &str, snapshot: &Snapshot) -> Finding {
    let metrics = &snapshot.surroundings.scales_by;
    let by = match metrics.is_empty() {
        true => "something else".to_owned(),
        false => some(metrics.iter().map(|metric| metric.measured.to_string())),
    };
    Finding::note(
        Code::HpaNotByCpu,
        format!(
            "autoscaler {name} scales by {by}, not by the CPU of the pods or of CONTAINER_NAME; \
             CPU_VARIANCE_THRESHOLD decides about CPU"
        ),
    )
}

fn missing(facts: &Facts<'_>, survey: &Survey) -> Finding {
    let (name, known) = (facts.workload(), all(survey));
    let there = match known {
        [] if survey.hpas.is_err() => "; which others exist could not be read".to_owned(),
        [] => "; there are none".to_owned(),
        known => format!("; there are: {}", some(known.iter().map(described))),
    };
    let tried = tried(facts);
    Finding::warning(
        Code::HpaMissing,
        format!(
            "no autoscaler is called {tried} or scales {name}{there}; CPU_VARIANCE_THRESHOLD decides about CPU"
        ),
        fix(name, known),
    )
}

fn tried(facts: &Facts<'_>) -> String {
    let (name, prefix) = (facts.workload(), &facts.settings.subject.hpa_prefix);
    if prefix.is_empty() { name.to_owned() } else { format!("{name} or {prefix}{name}") }
}

/// A prefix that would find one, or the name of what one scales. What it scales stays as it is: an autoscaler whose
/// `scaleTargetRef` is turned to another object scales nothing any more.
fn fix(name: &str, known: &[Hpa]) -> String {
    let prefix = known.iter().find_map(|hpa| hpa.name.strip_suffix(name));
    let scaled: Vec<String> = known.iter().filter_map(|hpa| hpa.scales.clone()).collect();
    match (prefix, super::workload::nearest(name, &scaled)) {
        (Some(prefix), _) => {
            format!("HPA_PREFIX={prefix} would find {prefix}{name}; check that it scales this workload")
        }
        (None, Some(near)) => {
            format!("one scales {near}: if that is the workload that is meant, set DEPLOYMENT_NAME={near}")
        }
        (None, None) => {
            "nothing, if there is to be none; otherwise set DEPLOYMENT_NAME to what the autoscaler scales"
                .to_owned()
        }
    }
}

/// A share of a request that is not set, or of none, is no number. Pods that are never candidates don't matter.
fn requests(facts: &Facts<'_>, snapshot: &Snapshot, hpa: &str) -> Option<Finding> {
    facts.readings()?.loads.get(&Indicator::Cpu)?.as_ref().ok()?;
    let criteria = Criteria::of(snapshot, &facts.settings.policy);
    let may_go = |pod: &&ObservedPod| pod.own && !never_goes(&criteria, &pod.pod, facts.now);
    let candidates: Vec<&ObservedPod> = snapshot.pods.iter().filter(may_go).collect();
    let has_none = |pod: &&&ObservedPod| pod.cpu_request.is_none_or(|cores| cores.get() <= 0.0);
    let missing = candidates.iter().filter(has_none).count();
    (missing > 0).then(|| {
        let container = &facts.asked.container;
        Finding::error(
            Code::RequestsMissing,
            format!(
                "{missing} of {} pods have no CPU request in container {container}, and the target of {hpa} is a share of it; \
                 every cycle holds",
                candidates.len()
            ),
            format!(
                "set resources.requests.cpu of container {container} (requests of the whole pod count only where the \
                 autoscaler's target is for whole pods), or let the autoscaler use averageValue"
            ),
        )
    })
}
