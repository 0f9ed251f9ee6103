//! Which pods may be removed at all, by their own state. Exhaustive: a pod is eligible or has a typed veto.

use jiff::{SignedDuration, Timestamp};

mod annotation;
mod marks;
mod veto;

pub use annotation::{ANNOTATIONS, Annotation};
pub use veto::Veto;

pub(crate) use marks::opts_out;

use std::collections::BTreeMap;

use crate::fleet::{Ownership, Phase, Pod, Tie};
use crate::policy::Policy;
use crate::snapshot::Snapshot;

/// Namespaces whose pods keep the cluster itself alive.
const SYSTEM_NAMESPACES: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// Kubernetes reserves priority classes of this beginning for pods that keep the cluster or a node alive.
const CRITICAL_CLASSES: &str = "system-";

/// Controllers whose pods are bound to a node or run to an end: a replacement takes over no partitions elsewhere.
const UNSUITABLE_CONTROLLERS: [&str; 3] = ["DaemonSet", "Job", "Node"];

/// By what pods are judged.
#[derive(Debug, Clone, Copy)]
pub struct Criteria<'a> {
    /// The workload that a pod must belong to.
    pub workload: &'a str,
    /// Who owns which pod.
    pub ownership: &'a Ownership,
    /// The rules.
    pub policy: &'a Policy,
}

impl<'a> Criteria<'a> {
    /// Those of a snapshot's workload.
    #[must_use]
    pub fn of(snapshot: &'a Snapshot, policy: &'a Policy) -> Self {
        let ownership = &snapshot.surroundings.ownership;
        Self { workload: &snapshot.workload.name, ownership, policy }
    }

    /// The reason why this pod must not be removed at this time; `None` when it may be.
    ///
    /// The first reason that holds is given, the one that explains most first.
    #[must_use]
    pub fn veto(&self, pod: &Pod, now: Timestamp) -> Option<Veto> {
        self.veto_of(pod, self.ownership.belongs(pod, self.workload), now)
    }

    /// The same when it is known already whether the pod is one of the workload's own.
    pub(crate) fn veto_of(&self, pod: &Pod, own: bool, now: Timestamp) -> Option<Veto> {
        identity_veto(pod, own, || marks::opted_out(pod, &self.policy.eligibility.honored, now))
            .or_else(|| self.permission_veto(pod))
            .or_else(|| state_veto(pod))
            .or_else(|| age_veto(pod, self.policy.eligibility.minimum_age, now))
    }

    /// Vetoes by what the user allows.
    fn permission_veto(&self, pod: &Pod) -> Option<Veto> {
        let limit = self.policy.eligibility.highest_priority;
        if let Some(priority) = pod.priority.filter(|priority| *priority > limit) {
            return Some(Veto::Priority { priority, limit });
        }
        let allowed = !self.policy.eligibility.opt_in
            || is_true(&pod.annotations, Annotation::OptIn)
            || self.owner_opted_in(pod);
        (!allowed).then_some(Veto::NotOptedIn { annotation: Annotation::OptIn })
    }

    /// An object of the workload's name that is not known to own the pod permits nothing.
    fn owner_opted_in(&self, pod: &Pod) -> bool {
        let ownership = self.ownership;
        let marked = |owner| {
            ownership.object(owner).is_some_and(|object| is_true(&object.annotations, Annotation::OptIn))
        };
        match ownership.tie(pod, self.workload) {
            // What is below it has copies of its marks, which stay when it has none any more.
            Tie::Owned(top) => ownership.chain(pod).skip_while(|owner| *owner != top).any(marked),
            Tie::Presumed(_) | Tie::Stranger => false,
        }
    }
}

/// Whether this annotation is there and is nothing but a yes.
fn is_true(annotations: &BTreeMap<String, String>, annotation: Annotation) -> bool {
    annotations.get(annotation.key()).is_some_and(|given| given.trim().eq_ignore_ascii_case("true"))
}

/// Vetoes that hold for the pod's whole life, or for as long as a mark says.
fn identity_veto(pod: &Pod, own: bool, opted_out: impl FnOnce() -> Option<Annotation>) -> Option<Veto> {
    if SYSTEM_NAMESPACES.contains(&pod.namespace.as_str()) {
        return Some(Veto::SystemNamespace);
    }
    let class = pod.extras.priority_class.as_deref();
    if let Some(class) = class.filter(|class| class.starts_with(CRITICAL_CLASSES)) {
        return Some(Veto::Critical { priority_class: class.to_owned() });
    }
    if pod.mirror {
        return Some(Veto::Mirror);
    }
    if let Some(annotation) = opted_out() {
        return Some(Veto::OptedOut { annotation });
    }
    match &pod.owner {
        None => Some(Veto::NoController),
        Some(owner) if UNSUITABLE_CONTROLLERS.contains(&owner.kind.as_str()) => {
            Some(Veto::Controller { kind: owner.kind.clone() })
        }
        Some(_) if pod.container.is_none() => Some(Veto::NoSuchContainer),
        Some(owner) if !own => Some(Veto::AnotherWorkload { owner: owner.clone() }),
        Some(_) => None,
    }
}

/// Vetoes that come and go with the pod's state.
fn state_veto(pod: &Pod) -> Option<Veto> {
    match pod.phase {
        _ if pod.terminating => Some(Veto::Terminating),
        phase @ (Phase::Pending | Phase::Succeeded | Phase::Failed | Phase::Unknown) => {
            Some(Veto::NotRunning { phase })
        }
        Phase::Running if !pod.ready => Some(Veto::NotReady),
        Phase::Running => None,
    }
}

/// A pod that has only just become Ready has a load that means nothing yet. Unknown is not old enough.
fn age_veto(pod: &Pod, minimum: SignedDuration, now: Timestamp) -> Option<Veto> {
    if minimum.is_zero() {
        return None;
    }
    let ready_for = pod.ready_since.map(|since| now.duration_since(since));
    match ready_for {
        Some(age) if age >= minimum => None,
        Some(_) | None => Some(Veto::TooYoung { ready_for, minimum }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, controller, owned_by, owner, pod};
    use crate::fleet::{Controller, Owner};

    fn check(change: impl FnOnce(&mut Pod), expected: Option<Veto>) {
        let mut subject = pod("a");
        change(&mut subject);
        check_under(&Policy::default(), false, &subject, expected);
    }

    fn check_under(policy: &Policy, workload_opted_in: bool, subject: &Pod, expected: Option<Veto>) {
        let mark = BTreeMap::from([(Annotation::OptIn.key().to_owned(), workload_opted_in.to_string())]);
        let deployment = Controller { annotations: mark, ..controller("Deployment", "consumer", 1) };
        let ownership = owned_by(deployment).ownership;
        check_owned(&ownership, policy, subject, expected);
    }

    fn check_owned(ownership: &Ownership, policy: &Policy, subject: &Pod, expected: Option<Veto>) {
        let criteria = Criteria { workload: "consumer", ownership, policy };
        assert_eq!(criteria.veto(subject, fixture::NOW), expected);
    }

    #[test]
    fn a_pod_above_the_highest_priority_is_never_a_candidate() {
        let policy = Policy::default().with_highest_priority(100);
        for (priority, expected) in
            [(None, None), (Some(100), None), (Some(101), Some(Veto::Priority { priority: 101, limit: 100 }))]
        {
            check_under(&policy, false, &Pod { priority, ..pod("a") }, expected);
        }
        let system = 2_000_000_000;
        let veto = Veto::Priority { priority: system, limit: crate::policy::HIGHEST_USER_DEFINED_PRIORITY };
        check(|pod| pod.priority = Some(system), Some(veto));
    }

    #[test]
    fn with_opt_in_only_marked_pods_and_those_of_a_marked_workload_are_candidates() {
        let policy = Policy::default().with_opt_in(true);
        let refused = Some(Veto::NotOptedIn { annotation: Annotation::OptIn });
        check_under(&policy, false, &pod("a"), refused.clone());
        check_under(&policy, true, &pod("a"), None);
        for (value, expected) in [("true", None), ("false", refused.clone()), ("", refused)] {
            let mut marked = pod("a");
            marked.annotations.insert(Annotation::OptIn.to_string(), value.to_owned());
            check_under(&policy, false, &marked, expected);
        }
    }

    #[test]
    fn an_object_that_only_has_the_workload_s_name_opts_nobody_in() {
        let policy = Policy::default().with_opt_in(true);
        let annotations = BTreeMap::from([(Annotation::OptIn.key().to_owned(), "true".to_owned())]);
        let named = Controller { annotations, ..controller("Deployment", "consumer", 1) };
        let ownership = Ownership { by_name: Some(named), ..Ownership::default() };
        check_owned(&ownership, &policy, &pod("a"), Some(Veto::NotOptedIn { annotation: Annotation::OptIn }));
    }

    #[test]
    fn a_mark_that_a_set_has_kept_of_its_deployment_opts_nobody_in() {
        let policy = Policy::default().with_opt_in(true);
        let mut ownership = owned_by(controller("Deployment", "consumer", 1)).ownership;
        ownership.objects[0].annotations.insert(Annotation::OptIn.key().to_owned(), "true".to_owned());
        check_owned(&ownership, &policy, &pod("a"), Some(Veto::NotOptedIn { annotation: Annotation::OptIn }));
    }

    #[test]
    fn a_settled_pod_with_a_controller_is_eligible() {
        check(|_| {}, None);
    }

    #[test]
    fn a_pod_that_does_not_serve_is_never_a_candidate() {
        check(|pod| pod.terminating = true, Some(Veto::Terminating));
        check(|pod| pod.ready = false, Some(Veto::NotReady));
        for phase in [Phase::Pending, Phase::Succeeded, Phase::Failed, Phase::Unknown] {
            check(|pod| pod.phase = phase, Some(Veto::NotRunning { phase }));
        }
    }

    #[test]
    fn a_fresh_pod_is_never_a_candidate_and_unknown_is_not_old_enough() {
        let minimum = SignedDuration::from_mins(5);
        let young = SignedDuration::from_secs(299);
        check(
            |pod| pod.ready_since = Some(fixture::NOW - young),
            Some(Veto::TooYoung { ready_for: Some(young), minimum }),
        );
        check(|pod| pod.ready_since = Some(fixture::NOW - minimum), None);
        check(|pod| pod.ready_since = None, Some(Veto::TooYoung { ready_for: None, minimum }));
    }

    #[test]
    fn a_pod_that_nobody_replaces_is_never_a_candidate() {
        check(|pod| pod.owner = None, Some(Veto::NoController));
        check(|pod| pod.mirror = true, Some(Veto::Mirror));
        let of = |kind: &str| Some(owner(kind, "consumer"));
        for kind in UNSUITABLE_CONTROLLERS {
            check(|pod| pod.owner = of(kind), Some(Veto::Controller { kind: kind.to_owned() }));
        }
        check(|pod| pod.owner = of("StatefulSet"), None);
    }

    #[test]
    fn what_keeps_the_cluster_alive_is_never_a_candidate() {
        check(|pod| pod.namespace = "kube-system".into(), Some(Veto::SystemNamespace));
        check(
            |pod| pod.extras.priority_class = Some("system-node-critical".into()),
            Some(Veto::Critical { priority_class: "system-node-critical".to_owned() }),
        );
        check(
            |pod| pod.extras.priority_class = Some("system-of-tomorrow".into()),
            Some(Veto::Critical { priority_class: "system-of-tomorrow".to_owned() }),
        );
        check(|pod| pod.extras.priority_class = Some("batch".into()), None);
    }

    #[test]
    fn a_pod_of_another_workload_is_never_a_candidate() {
        for (kind, name, own) in [
            ("ReplicaSet", "consumer-7d4b9c", true),
            ("ReplicaSet", "consumer", true),
            ("ReplicationController", "consumer-7", true),
            ("StatefulSet", "consumer", true),
            ("CloneSet", "consumer", true),
            ("ReplicaSet", "consumer-v2-7d4b9c", false),
            ("ReplicaSet", "consumer-", false),
            ("ReplicaSet", "other-7d4b9c", false),
            ("ReplicationController", "consumer-v2", false),
            ("StatefulSet", "consumer-v2", false),
            ("StatefulSet", "consumers", false),
        ] {
            let owner = owner(kind, name);
            let expected = (!own).then(|| Veto::AnotherWorkload { owner: owner.clone() });
            check(|pod| pod.owner = Some(owner.clone()), expected);
        }
    }

    #[test]
    fn where_its_owner_could_be_read_a_pod_is_known_by_uid_and_not_by_a_name() {
        let stranger = |owner: &Owner| Some(Veto::AnotherWorkload { owner: owner.clone() });
        let check_set = |name: &str, top: Option<Owner>, own: bool| {
            let named = owner("ReplicaSet", name);
            let set = Controller { owner: top, ..controller("ReplicaSet", name, 1) };
            let ownership = Ownership { objects: vec![set], ..Ownership::default() };
            let subject = Pod { owner: Some(named.clone()), ..pod("a") };
            let expected = if own { None } else { stranger(&named) };
            check_owned(&ownership, &Policy::default(), &subject, expected);
        };
        check_set("adopted", Some(owner("Deployment", "consumer")), true);
        check_set("consumer-1", Some(owner("Rollout", "consumer")), true);
        check_set("consumer-1", Some(owner("Deployment", "other")), false);
        check_set("consumer-1", None, false);
    }

    #[test]
    fn a_pod_that_is_marked_to_be_left_alone_is_never_a_candidate() {
        for (annotation, value, out) in [
            (Annotation::OptOut, "true", true),
            (Annotation::OptOut, " True", true),
            (Annotation::OptOut, "true, until Monday", true),
            (Annotation::OptOut, "yes", true),
            (Annotation::OptOut, "", true),
            (Annotation::OptOut, "false", false),
            (Annotation::SafeToEvict, "false", true),
            (Annotation::SafeToEvict, "\"false\"", true),
            (Annotation::SafeToEvict, "true", false),
            (Annotation::PreferNoEviction, "", true),
        ] {
            let mark = |pod: &mut Pod| drop(pod.annotations.insert(annotation.to_string(), value.to_owned()));
            check(mark, out.then_some(Veto::OptedOut { annotation }));
        }
    }

    #[test]
    fn a_pod_without_the_configured_container_is_of_another_workload() {
        check(|pod| pod.container = None, Some(Veto::NoSuchContainer));
    }
}
