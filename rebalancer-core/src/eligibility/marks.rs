//! The marks by which people want a pod to be left alone: by us, or by others who move pods.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::Annotation;
use crate::fleet::Pod;
use crate::policy::Evictor;

/// Whether somebody wants it left alone: the mark is there, and does not say no. In doubt it is left alone.
pub(crate) fn opts_out(annotations: &BTreeMap<String, String>) -> bool {
    annotations.get(Annotation::OptOut.key()).is_some_and(|given| !given.trim().eq_ignore_ascii_case("false"))
}

/// The annotation by which somebody wants this pod to be left alone. Who writes `true, until Monday` wants it too.
pub(super) fn opted_out(pod: &Pod, honored: &BTreeSet<Evictor>, now: Timestamp) -> Option<Annotation> {
    if pod.annotations.is_empty() {
        return None;
    }
    if opts_out(&pod.annotations) {
        return Some(Annotation::OptOut);
    }
    let mut marks = honored.iter().map(|evictor| match evictor {
        Evictor::ClusterAutoscaler => (Annotation::SafeToEvict, is_unsafe as Keeps),
        Evictor::Descheduler => (Annotation::PreferNoEviction, always as Keeps),
        Evictor::Karpenter => (Annotation::DoNotDisrupt, is_undisturbed as Keeps),
    });
    let kept = |(mark, keeps): &(Annotation, Keeps)| {
        pod.annotations.get(mark.key()).is_some_and(|value| keeps(value, pod, now))
    };
    marks.find(kept).map(|(mark, _)| mark)
}

/// Whether a mark of this value keeps a pod where it is at this time.
type Keeps = fn(&str, &Pod, Timestamp) -> bool;

/// The cluster autoscaler takes nothing but `false` for a no; whoever quoted it twice meant it too.
fn is_unsafe(value: &str, _: &Pod, _: Timestamp) -> bool {
    value.to_ascii_lowercase().contains("false")
}

/// The descheduler looks for the key alone.
const fn always(_: &str, _: &Pod, _: Timestamp) -> bool {
    true
}

/// Karpenter takes `true`, or how long after its start the pod is protected. A pod is Ready after its start, so that this
/// protects it for no less. What Karpenter would not understand was meant as protection all the same.
fn is_undisturbed(value: &str, pod: &Pod, now: Timestamp) -> bool {
    let value = value.trim();
    if value.eq_ignore_ascii_case("false") {
        return false;
    }
    let Ok(protected) = value.parse::<SignedDuration>() else { return true };
    let over = |since: Timestamp| now.duration_since(since) >= protected;
    !pod.ready_since.is_some_and(over)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, pod};

    fn marked(annotation: Annotation, value: &str) -> Pod {
        let mut pod = pod("a");
        pod.annotations.insert(annotation.to_string(), value.to_owned());
        pod
    }

    fn check(annotation: Annotation, value: &str, honored: &[Evictor], out: bool) {
        let honored = honored.iter().copied().collect();
        let found = opted_out(&marked(annotation, value), &honored, NOW);
        assert_eq!(found, out.then_some(annotation), "{annotation}={value:?}");
    }

    #[test]
    fn each_mark_counts_as_long_as_it_is_honored_and_ours_always_does() {
        for (annotation, value, evictor) in [
            (Annotation::SafeToEvict, "false", Evictor::ClusterAutoscaler),
            (Annotation::PreferNoEviction, "", Evictor::Descheduler),
            (Annotation::DoNotDisrupt, "true", Evictor::Karpenter),
        ] {
            check(annotation, value, &Evictor::ALL, true);
            check(annotation, value, &[evictor], true);
            let others: Vec<Evictor> = Evictor::ALL.into_iter().filter(|other| *other != evictor).collect();
            check(annotation, value, &others, false);
        }
        check(Annotation::OptOut, "true", &[], true);
    }

    #[test]
    fn karpenter_s_mark_protects_for_as_long_as_it_says() {
        // The pod has been Ready for an hour.
        for (value, out) in [
            ("true", true),
            (" True", true),
            ("false", false),
            ("2h", true),
            ("1h30m", true),
            ("60m", false),
            ("5m", false),
            ("1.5h", true),
            ("0s", false),
            ("until Monday", true),
            ("", true),
        ] {
            check(Annotation::DoNotDisrupt, value, &Evictor::ALL, out);
        }
    }

    #[test]
    fn a_pod_of_unknown_age_is_protected_by_a_time_too() {
        let unknown = Pod { ready_since: None, ..marked(Annotation::DoNotDisrupt, "1m") };
        assert_eq!(opted_out(&unknown, &Evictor::all(), NOW), Some(Annotation::DoNotDisrupt));
    }
}
