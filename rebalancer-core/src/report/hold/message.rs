//! What a hold says, with its numbers.

use std::fmt;

use super::Hold;
use crate::assignor::Rules;
use crate::unit::Elapsed;

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPods => f.write_str("no pod matches the label selector"),
            Self::NoEligiblePods { pods, vetoes } => {
                write!(f, "none of {pods} pods may be removed")?;
                for (place, (veto, count)) in vetoes.iter().enumerate() {
                    write!(f, "{} {count} {veto}", if place == 0 { ":" } else { "," })?;
                }
                Ok(())
            }
            Self::MetricsIncomplete { indicator, sampled, eligible, required } => write!(
                f,
                "metrics incomplete: {sampled} of {eligible} eligible pods have a {indicator} sample, a share of \
                 {required} is required"
            ),
            Self::AmbiguousTarget { hpas } => write!(
                f,
                "several autoscalers match: {}; which of them scales the fleet can't be known",
                hpas.join(", ")
            ),
            Self::AmbiguousSeries { query, error } => write!(f, "{query}: {error}"),
            Self::RequestsUnknown { missing, eligible } => write!(
                f,
                "{missing} of {eligible} eligible pods have no CPU request, so the autoscaler's utilization target means \
                 nothing for them; set resources.requests.cpu"
            ),
            Self::UnusableTarget { hpa } => {
                write!(f, "the CPU target of autoscaler {hpa} is zero or no number")
            }
            Self::NoHotPod { indicator, max, limit } => write!(
                f,
                "{indicator} varies too much, but the highest load ({}) is not above {}; too few idle pods \
                 would take over work",
                indicator.shown(*max),
                indicator.shown(*limit)
            ),
            Self::TooFewPods { serving, minimum } => write!(
                f,
                "{serving} pods serve and {minimum} must stay, so one hot and one cold pod \
                 can't both go"
            ),
            Self::ShareTooSmall { serving, share } => {
                write!(f, "a share of {share} of {serving} pods has no room for one hot and one cold pod")
            }
            Self::BudgetsTooTight { budget, status_is_current: false, .. } => write!(
                f,
                "the status of disruption budget {budget} is not up to date, so it is not known how many pods may go"
            ),
            Self::BudgetsTooTight { budget, allowed, .. } => write!(
                f,
                "disruption budget {budget} lets {allowed} pods go now, and a rotation needs one hot and one cold pod; a \
                 budget that never allows two must be loosened"
            ),
            Self::NotPersistent { indicator, seen_in, windows, required, younger } => {
                write!(
                    f,
                    "{indicator} was out of balance in {seen_in} of the last {windows} readings, {required} are required: "
                )?;
                match younger {
                    0 => f.write_str("it may be a spike"),
                    1 => f.write_str(
                        "a hot pod is younger than those readings, and is judged when it is old enough",
                    ),
                    younger => write!(
                        f,
                        "{younger} hot pods are younger than those readings, and are judged when they are old enough"
                    ),
                }
            }
            Self::PastUnknown { indicator, error: Some(error) } => {
                write!(f, "whether {indicator} was out of balance before can't be known: {error}")
            }
            Self::PastUnknown { indicator, error: None } => {
                write!(
                    f,
                    "whether {indicator} was out of balance before is not known: the snapshot has no earlier readings \
                     (Snapshot::past), and the policy asks for several (Persistence)"
                )
            }
            Self::WillPass { indicator, horizon, cv, expected_cv, max, expected_max, limit } => write!(
                f,
                "{indicator} is expected to be in balance over the next {}: CV {cv:.3} now and {expected_cv:.3} expected, \
                 highest load {} and {}, hot above {}; a rotation would not pay",
                Elapsed(*horizon),
                indicator.shown(*max),
                indicator.shown(*expected_max),
                indicator.shown(*limit)
            ),
            Self::NotNow(guard) => guard.fmt(f),
            Self::Paused(pause) => pause.fmt(f),
            Self::GroupUnsettled { why } | Self::GroupUnclear { why } => write!(f, "{why}"),
            Self::StaticMembers => f.write_str(
                "consumers are static members: a replaced pod gets the same partitions \
                 back; remove group.instance.id, or look at the node",
            ),
            Self::TooFewPartitions { partitions, members } => write!(
                f,
                "{partitions} partitions for {members} pods: a partition moves whole, so removing pods can't help; \
                 add partitions or remove replicas"
            ),
            Self::AssignorRestoresSets { assignor } => write!(
                f,
                "the assignor is {assignor}: removing pods makes the same sets of partitions again; use \
                 cooperative-sticky, or the consumer protocol's uniform"
            ),
            Self::AssignorUnclear { fits, helps, prediction } => {
                write!(f, "who holds what fits the assignors {fits}; a rotation would help under {helps}")?;
                match fits.without(*helps) {
                    Rules::NONE => f.write_str(", and none helps under all of them")?,
                    others => write!(f, ", not under {others}")?,
                }
                write!(f, ", and which it is is not known: {prediction}")
            }
            Self::HotPartition { topic, partition, load, limit } => write!(
                f,
                "partition {partition} of topic {topic} alone costs {load}, above a whole pod's limit of {limit}; \
                 re-key the topic or add partitions"
            ),
            Self::SlowNode { node, pod, factor, replacements } => {
                let replaced = match replacements {
                    1 => "the last replacement of such a pod".to_owned(),
                    more => format!("the last {more} replacements of such pods"),
                };
                write!(
                    f,
                    "node {node}: {replaced} did not help, and the same work costs {:.2} times as much on {pod}; look at \
                     the node",
                    factor.get()
                )
            }
            Self::SmallGain { prediction, minimum } => write!(
                f,
                "the best batch is expected to bring {prediction}; in most draws the CV must fall by {minimum}, or by less \
                 in proportion for a cheap batch, or {minimum} of what the removed pods carry above the limit must be \
                 gone: {} is",
                prediction.relief_in_words()
            ),
            Self::SmallImprovement { improvement, minimum } => {
                write!(f, "{improvement}; more than {minimum} is required")
            }
        }
    }
}
