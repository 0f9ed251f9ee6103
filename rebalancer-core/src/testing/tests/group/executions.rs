//! Partitions that begin to move between brokers after the decision.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::cycle::{NotAttempted, PodOutcome};
use crate::fleet::ExecutorState;
use crate::fleet::consumer_group::Reassignment;
use crate::guard::NotNow;
use crate::port::{CruiseControl, ExecutorUnread};

const IDLE: Result<ExecutorState, ExecutorUnread> = Ok(ExecutorState::NoTaskInProgress);

/// Each question takes the next answer; nobody asks more often.
struct Executor(Mutex<VecDeque<Result<ExecutorState, ExecutorUnread>>>);

impl Executor {
    fn that_tells<const N: usize>(answers: [Result<ExecutorState, ExecutorUnread>; N]) -> Self {
        Self(Mutex::new(answers.into()))
    }
}

#[async_trait]
impl CruiseControl for Executor {
    async fn executor(&self) -> Result<ExecutorState, ExecutorUnread> {
        self.0.lock().unwrap().pop_front().expect("it is asked twice")
    }
}

/// What became of the first pod, and how many were removed.
async fn rotated(source: &ScriptedGroup, executor: &Executor) -> (PodOutcome, usize) {
    let (question, world) = (question(), world());
    let store = MemoryStore::default();
    let ports = world.ports().with_store(&store).with_cruise_control(executor);
    let ports = ports.with_group(GroupSide { source, question: &question });
    let end = cycle::run(&spec(&world), &ports).await;
    assert_eq!(end.report.unwrap().decision.name(), "rotate");
    let first = world.journal().into_iter().find_map(|entry| match entry {
        JournalEntry::Finished { outcome, .. } => Some(outcome),
        JournalEntry::Decided(_) | JournalEntry::Intended { .. } => None,
    });
    (first.unwrap(), world.removed().len())
}

fn stopped(why: NotNow) -> (PodOutcome, usize) {
    (PodOutcome::NotAttempted(NotAttempted::NotNow(why)), 0)
}

fn quiet() -> ScriptedGroup {
    ScriptedGroup::new(before(), produced())
}

#[tokio::test]
async fn cruise_control_is_asked_again_right_before_the_first_removal() {
    let (first, removed) = rotated(&quiet(), &Executor::that_tells([IDLE, IDLE])).await;
    assert_eq!((first, removed), (PodOutcome::Removed, chosen().await.len()));

    let state = ExecutorState::StartingExecution;
    let begun = Executor::that_tells([IDLE, Ok(state)]);
    assert_eq!(rotated(&quiet(), &begun).await, stopped(NotNow::CruiseControlExecuting { state }));

    let error = "no answer".to_owned();
    let silent = Executor::that_tells([IDLE, Err(ExecutorUnread { message: error.clone() })]);
    assert_eq!(rotated(&quiet(), &silent).await, stopped(NotNow::CruiseControlUnread { error }));
}

#[tokio::test]
async fn kafka_is_asked_again_for_reassignments_right_before_the_first_removal() {
    let partition = TopicPartition::new("events", 3);
    let moves = vec![Reassignment { partition, adding: vec![2], removing: vec![1] }];
    let begun = quiet().with_moving(Vec::new()).with_moving(moves);
    let expected = stopped(NotNow::PartitionsMoving { partitions: 1, such_as: "events-3".to_owned() });
    assert_eq!(rotated(&begun, &Executor::that_tells([IDLE, IDLE])).await, expected);
}
