//! Which samples are those of the pods that Kubernetes lists, and of the containers that run in them.

use jiff::{SignedDuration, Timestamp};

use super::ObservedPod;
use crate::fleet::{Claims, Indicator, Pod, Samples};
use crate::port::MetricsError;

/// For how long a server gives the last sample of a series that ended: the look-back of Prometheus.
const LOOK_BACK: SignedDuration = SignedDuration::from_mins(5);

/// What is left of a reading of now.
///
/// # Errors
/// When it can't be told whose a sample is.
pub(super) fn own(
    samples: Samples,
    claims: &Claims,
    indicator: Indicator,
    pods: &[ObservedPod],
    at: Timestamp,
) -> Result<Samples, MetricsError> {
    own_where(samples, claims, indicator, pods, |pod| may_be_of_a_dead_container(pod, indicator, at))
}

/// What is left of an earlier reading. Without a claim a pod's age alone tells whether a sample is its own.
///
/// # Errors
/// When it can't be told whose a sample is.
pub(super) fn own_past(
    samples: Samples,
    claims: &Claims,
    indicator: Indicator,
    pods: &[ObservedPod],
) -> Result<Samples, MetricsError> {
    own_where(samples, claims, indicator, pods, |_| false)
}

fn own_where(
    samples: Samples,
    claims: &Claims,
    indicator: Indicator,
    pods: &[ObservedPod],
    is_in_doubt: impl Fn(&Pod) -> bool,
) -> Result<Samples, MetricsError> {
    let pods = pods.iter().map(|pod| &pod.pod);
    claims.own(samples, indicator, pods, is_in_doubt).map_err(|(pod, values)| MetricsError::Ambiguous {
        of: format!("pod {pod}"),
        label: "node".to_owned(),
        values,
        passing: true,
    })
}

/// The memory of a container that died is shown for the look-back, beside that of its successor, and where no series tells
/// its container, whose a sample is can no longer be told: it is missing. A rate of CPU covers no more than the metrics
/// window, which MINIMUM_POD_AGE outlasts.
fn may_be_of_a_dead_container(pod: &Pod, indicator: Indicator, at: Timestamp) -> bool {
    let restarted = pod.extras.restarted_at.is_some_and(|restarted| at.duration_since(restarted) < LOOK_BACK);
    indicator == Indicator::Memory && restarted
}
