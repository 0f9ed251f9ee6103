//! The reasons of Kubernetes Events, which `kubectl describe` shows.

use rebalancer_kube::EventType;

/// What an Event reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Rotated,
    RotationRefused,
    RotationFailed,
    RotationSkipped,
    Rebalanced,
    RebalanceIncomplete,
    RotationProposed,
}

impl Reason {
    /// As the API has it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rotated => "Rotated",
            Self::RotationRefused => "RotationRefused",
            Self::RotationFailed => "RotationFailed",
            Self::RotationSkipped => "RotationSkipped",
            Self::Rebalanced => "Rebalanced",
            Self::RebalanceIncomplete => "RebalanceIncomplete",
            Self::RotationProposed => "RotationProposed",
        }
    }

    /// Whether someone may have to look.
    pub(super) const fn event_type(self) -> EventType {
        match self {
            Self::Rotated | Self::RotationSkipped | Self::Rebalanced | Self::RotationProposed => {
                EventType::Normal
            }
            Self::RotationRefused | Self::RotationFailed | Self::RebalanceIncomplete => EventType::Warning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/observability.md");

    fn row(reason: Reason) -> String {
        let (on, when) = match reason {
            Reason::Rotated => ("pod", "it was removed"),
            Reason::RotationRefused => ("pod", "a disruption budget refused"),
            Reason::RotationFailed => {
                ("pod", "the removal failed, or it is not known whether it was removed")
            }
            Reason::RotationSkipped => ("pod", "it changed since the decision, or the batch was interrupted"),
            Reason::Rebalanced => ("workload", "all selected pods were removed"),
            Reason::RebalanceIncomplete => ("workload", "some or none were"),
            Reason::RotationProposed => {
                ("workload", "somebody has to approve a rotation; it names the proposal")
            }
        };
        format!("| `{}` | {:?} | {on} | {when} |", reason.name(), reason.event_type())
    }

    #[test]
    fn the_document_has_every_reason_and_no_other() {
        let all = [
            Reason::Rotated,
            Reason::RotationRefused,
            Reason::RotationFailed,
            Reason::RotationSkipped,
            Reason::Rebalanced,
            Reason::RebalanceIncomplete,
            Reason::RotationProposed,
        ];
        let below = DOCUMENT.split("\n## Kubernetes Events\n").nth(1).unwrap();
        let rows = below.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| `"));
        assert_eq!(rows.collect::<Vec<_>>(), all.map(row));
    }
}
