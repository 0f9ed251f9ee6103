//! What Cruise Control does, which balances the Kafka cluster itself.

use std::fmt;

/// What the executor of Cruise Control does, in its own words (`ExecutorState.state` of its REST API).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "SCREAMING_SNAKE_CASE")
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ExecutorState {
    /// Nothing.
    NoTaskInProgress,
    /// It begins.
    StartingExecution,
    /// Replicas move from one broker to another.
    InterBrokerReplicaMovementTaskInProgress,
    /// Replicas move from one disk of a broker to another.
    IntraBrokerReplicaMovementTaskInProgress,
    /// Partitions get other leaders.
    LeaderMovementTaskInProgress,
    /// It was told to stop, and has not yet.
    StoppingExecution,
    /// It prepares what it will do.
    InitializingProposalExecution,
    /// It works out what it will do.
    GeneratingProposalsForExecution,
}

impl ExecutorState {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::NoTaskInProgress,
        Self::StartingExecution,
        Self::InterBrokerReplicaMovementTaskInProgress,
        Self::IntraBrokerReplicaMovementTaskInProgress,
        Self::LeaderMovementTaskInProgress,
        Self::StoppingExecution,
        Self::InitializingProposalExecution,
        Self::GeneratingProposalsForExecution,
    ];

    /// Its name there.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoTaskInProgress => "NO_TASK_IN_PROGRESS",
            Self::StartingExecution => "STARTING_EXECUTION",
            Self::InterBrokerReplicaMovementTaskInProgress => {
                "INTER_BROKER_REPLICA_MOVEMENT_TASK_IN_PROGRESS"
            }
            Self::IntraBrokerReplicaMovementTaskInProgress => {
                "INTRA_BROKER_REPLICA_MOVEMENT_TASK_IN_PROGRESS"
            }
            Self::LeaderMovementTaskInProgress => "LEADER_MOVEMENT_TASK_IN_PROGRESS",
            Self::StoppingExecution => "STOPPING_EXECUTION",
            Self::InitializingProposalExecution => "INITIALIZING_PROPOSAL_EXECUTION",
            Self::GeneratingProposalsForExecution => "GENERATING_PROPOSALS_FOR_EXECUTION",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Nothing is executed, and nothing is about to be.
    #[must_use]
    pub const fn is_idle(self) -> bool {
        matches!(self, Self::NoTaskInProgress)
    }
}

impl fmt::Display for ExecutorState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_state_is_idle_and_each_is_found_by_its_name() {
        let idle: Vec<_> = ExecutorState::ALL.into_iter().filter(|state| state.is_idle()).collect();
        assert_eq!(idle, [ExecutorState::NoTaskInProgress]);
        for state in ExecutorState::ALL {
            assert_eq!(ExecutorState::named(state.name()), Some(state));
        }
        assert_eq!(ExecutorState::named("no_task_in_progress"), None);
    }
}
