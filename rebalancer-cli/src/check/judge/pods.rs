//! Whether the fleet's pods may be removed at all, and whether there are enough.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rebalancer_core::eligibility::Criteria;
use rebalancer_core::eligibility::Veto;
use rebalancer_core::fleet::Pod;
use rebalancer_core::policy::Strategy;

use super::super::facts::{Facts, Survey};
use super::super::finding::{Code, Finding};

pub(super) fn judge(facts: &Facts<'_>, survey: &Survey) -> Vec<Finding> {
    let Ok(pods) = &survey.pods else { return Vec::new() };
    // Pods without the container have a finding already.
    let measured = |pod: &&Pod| survey.ownership.owns(pod, facts.workload()) && pod.container.is_some();
    let own: Vec<&Pod> = pods.iter().filter(measured).collect();
    if own.is_empty() {
        return Vec::new();
    }
    let mut findings = vetoed(facts, survey, &own);
    findings.extend(too_few(facts, survey, &own));
    findings
}

fn vetoed(facts: &Facts<'_>, survey: &Survey, own: &[&Pod]) -> Vec<Finding> {
    let controller = survey.controller.as_ref().ok().and_then(Option::as_ref);
    let (workload, ownership) = (facts.workload(), &survey.ownership);
    let criteria = Criteria { workload, ownership, policy: &facts.settings.policy };
    let (mut lasting, mut passing) = (BTreeMap::new(), BTreeMap::new());
    let mut unmarked = 0;
    for veto in own.iter().filter_map(|pod| criteria.veto(pod, facts.now)) {
        unmarked += usize::from(matches!(veto, Veto::NotOptedIn { .. }));
        let group = if lasts(&veto) { &mut lasting } else { &mut passing };
        *group.entry(veto.name()).or_insert(0_usize) += 1;
    }
    let all = own.len();
    let never: usize = lasting.values().sum();
    let now = all.saturating_sub(never + passing.values().sum::<usize>());
    let mut findings = Vec::new();
    if unmarked > 0 {
        let message = format!("{unmarked} of {all} pods are not marked, and REQUIRE_OPT_IN=true");
        let fix = format!(
            "mark the workload: kubectl annotate {} {} pod-rebalancer.io/opt-in=true; or its pods by their template",
            controller.map_or("deployment".to_owned(), |found| found.kind.to_lowercase()),
            facts.workload()
        );
        let finding = if unmarked == all { Finding::error } else { Finding::warning };
        findings.push(finding(Code::OptInMissing, message, fix));
    } else if never > 0 {
        let message = format!("{never} of {all} pods can never be removed: {}", counted(&lasting));
        let fix = "docs/operations.md says what to do about each veto; `rebalancer plan` shows each pod";
        let finding = if never == all { Finding::error } else { Finding::warning };
        findings.push(finding(Code::PodsExcluded, message, fix));
    }
    let rest = if passing.is_empty() { String::new() } else { format!("; not yet: {}", counted(&passing)) };
    findings.push(Finding::ok(Code::Pods, format!("{now} of {all} pods may be removed now{rest}")));
    findings
}

fn counted(vetoes: &BTreeMap<&'static str, usize>) -> String {
    let counted: Vec<String> = vetoes.iter().map(|(veto, count)| format!("{count} {veto}")).collect();
    counted.join(", ")
}

/// Something other than time keeps this pod from being a candidate.
pub(super) fn never_goes(criteria: &Criteria<'_>, pod: &Pod, now: Timestamp) -> bool {
    pod.container.is_none() || criteria.veto(pod, now).is_some_and(|veto| lasts(&veto))
}

/// It does not go away with time.
fn lasts(veto: &Veto) -> bool {
    match veto {
        Veto::Terminating
        | Veto::NotRunning { .. }
        | Veto::NotReady
        | Veto::TooYoung { .. }
        | Veto::NoSuchContainer => false,
        Veto::NoController
        | Veto::Controller { .. }
        | Veto::Mirror
        | Veto::SystemNamespace
        | Veto::Critical { .. }
        | Veto::AnotherWorkload { .. }
        | Veto::OptedOut { .. }
        | Veto::NotOptedIn { .. }
        | Veto::Priority { .. }
        | Veto::SeveralBudgets { .. } => true,
    }
}

/// With partition loads, one hot pod alone may be a batch; otherwise one hot and one cold pod go together.
pub(super) fn smallest_rotation(facts: &Facts<'_>) -> usize {
    if facts.asks_for_partitions && facts.settings.policy.selection.strategy == Strategy::Predict {
        1
    } else {
        2
    }
}

fn too_few(facts: &Facts<'_>, survey: &Survey, own: &[&Pod]) -> Vec<Finding> {
    let policy = &facts.settings.policy;
    let serving = own.iter().filter(|pod| pod.is_serving()).count();
    let desired = survey.progress().map_or(0, |progress| progress.desired);
    let wanted = usize::try_from(desired).unwrap_or(usize::MAX).max(serving);
    let smallest = smallest_rotation(facts);
    let least = policy.limits.minimum_pods.saturating_add(smallest);
    let mut findings = Vec::new();
    if wanted < least {
        findings.push(Finding::error(
            Code::TooFewPods,
            format!(
                "{wanted} pods, but {} must stay (MINIMUM_PODS_REQUIRED) and the smallest rotation takes {smallest}",
                policy.limits.minimum_pods
            ),
            format!("run at least {least} replicas, or lower MINIMUM_PODS_REQUIRED"),
        ));
    } else if serving < least {
        findings.push(Finding::note(
            Code::TooFewPods,
            format!("{serving} of {wanted} pods serve now, and a rotation needs {least}"),
        ));
    }
    if policy.limits.share_of(wanted) < smallest {
        findings.push(Finding::error(
            Code::ShareTooSmall,
            format!(
                "a share of {} of {wanted} pods (MAXIMUM_REMOVAL_SHARE) has no room for a rotation of {smallest}",
                policy.limits.most_share
            ),
            "run more replicas, or raise MAXIMUM_REMOVAL_SHARE",
        ));
    }
    findings
}
