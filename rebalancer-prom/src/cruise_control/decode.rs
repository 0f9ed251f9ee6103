//! What Cruise Control answers. Pure.

use rebalancer_core::fleet::ExecutorState;
use rebalancer_core::port::MetricsError;
use serde_json::Value;

use crate::text::glimpse;

/// The one version of its JSON that there is (`JSON_VERSION`).
const VERSION: u64 = 1;

/// The state of the executor.
///
/// # Errors
/// When the answer is none of a version that is known, or its state is not.
pub(super) fn executor_state(body: &[u8]) -> Result<ExecutorState, MetricsError> {
    let not = |what: String| MetricsError::Malformed { message: format!("{what}: {}", glimpse(body)) };
    let answer: Value = serde_json::from_slice(body)
        .map_err(|_| not("no JSON of Cruise Control, check the path of the URL".to_owned()))?;
    if answer.get("version").and_then(Value::as_u64) != Some(VERSION) {
        return Err(not(format!(
            "no JSON of version {VERSION} of Cruise Control, check the path of the URL"
        )));
    }
    let executor = answer.get("ExecutorState").ok_or_else(|| not("no ExecutorState".to_owned()))?;
    if executor.get("error").is_some() {
        return Err(not("the executor tells an error".to_owned()));
    }
    let state = executor.get("state").and_then(Value::as_str);
    let state = state.ok_or_else(|| not("an ExecutorState without a state".to_owned()))?;
    ExecutorState::named(state)
        .ok_or_else(|| not("a state of the executor that is not known here".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(body: &str) -> Result<ExecutorState, String> {
        executor_state(body.as_bytes()).map_err(|error| error.to_string())
    }

    /// As `ExecutorState.getJsonStructure` of Cruise Control 2.5 writes each.
    #[test]
    fn each_documented_answer_is_read() {
        let triggered = r#""triggeredUserTaskId":"5ce7c299-53b3-48b6-b72e-6623e25bd9a8",
            "triggeredSelfHealingTaskId":"","triggeredTaskReason":"No reason provided (Client: 10.0.0.7)""#;
        for (state, more) in [
            ("NO_TASK_IN_PROGRESS", r#","recentlyRemovedBrokers":[3]"#.to_owned()),
            ("STARTING_EXECUTION", format!(",{triggered}")),
            ("INITIALIZING_PROPOSAL_EXECUTION", format!(",{triggered}")),
            ("GENERATING_PROPOSALS_FOR_EXECUTION", format!(",{triggered}")),
            (
                "INTER_BROKER_REPLICA_MOVEMENT_TASK_IN_PROGRESS",
                format!(
                    r#",{triggered},"maximumConcurrentPartitionMovementsPerBroker":5,
                    "numInProgressPartitionMovements":5,"abortingPartitions":0,"numPendingPartitionMovements":15,
                    "numFinishedPartitionMovements":0,"numTotalPartitionMovements":20,"finishedDataMovement":0,
                    "totalDataToMove":4096"#
                ),
            ),
            (
                "INTRA_BROKER_REPLICA_MOVEMENT_TASK_IN_PROGRESS",
                format!(r#",{triggered},"numTotalIntraBrokerPartitionMovements":4"#),
            ),
            (
                "LEADER_MOVEMENT_TASK_IN_PROGRESS",
                format!(
                    r#",{triggered},"maximumConcurrentLeaderMovements":1000,"numPendingLeadershipMovements":7,
                    "numFinishedLeadershipMovements":0,"numTotalLeadershipMovements":7"#
                ),
            ),
            ("STOPPING_EXECUTION", format!(r#",{triggered},"numCancelledLeadershipMovements":7"#)),
        ] {
            let body = format!(r#"{{"ExecutorState":{{"state":"{state}"{more}}},"version":1}}"#);
            assert_eq!(told(&body), Ok(ExecutorState::named(state).unwrap()), "{body}");
        }
    }

    #[test]
    fn what_is_no_answer_of_its_own_is_never_taken_for_idle() {
        for (body, words) in [
            ("", "check the path of the URL"),
            ("ExecutorState: {state: NO_TASK_IN_PROGRESS}", "check the path of the URL"),
            ("<html>Sign in</html>", "check the path of the URL"),
            ("[]", "check the path of the URL"),
            (r#"[{"state":"NO_TASK_IN_PROGRESS"},1]"#, "check the path of the URL"),
            ("{}", "no JSON of version 1"),
            (r#"{"ExecutorState":{"state":"NO_TASK_IN_PROGRESS"}}"#, "no JSON of version 1"),
            (r#"{"ExecutorState":{"state":"NO_TASK_IN_PROGRESS"},"version":2}"#, "no JSON of version 1"),
            (r#"{"MonitorState":{"state":"RUNNING"},"version":1}"#, "no ExecutorState"),
            // Asynchronous endpoints answer so.
            (
                r#"{"progress":[{"operation":"State","operationProgress":[]}],"version":1}"#,
                "no ExecutorState",
            ),
            (r#"{"ExecutorState":{},"version":1}"#, "without a state"),
            (
                r#"{"ExecutorState":{"error":"ILLEGAL_STATE_EXCEPTION"},"version":1}"#,
                "the executor tells an error",
            ),
            (r#"{"ExecutorState":{"state":"EXECUTION_PAUSED"},"version":1}"#, "is not known here"),
            (r#"{"ExecutorState":{"state":""},"version":1}"#, "is not known here"),
            (r#"{"ExecutorState":{"state":null},"version":1}"#, "without a state"),
            (r#"{"ExecutorState":{"state":0},"version":1}"#, "without a state"),
            (r#"{"ExecutorState":["NO_TASK_IN_PROGRESS"],"version":1}"#, "without a state"),
        ] {
            let error = told(body).unwrap_err();
            assert!(error.contains(words), "{words} is not in {error}");
        }
    }
}
