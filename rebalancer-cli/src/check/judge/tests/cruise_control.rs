//! Cruise Control, as it answers or does not.

use rebalancer_core::fleet::ExecutorState;
use rebalancer_core::port::ExecutorUnread;

use super::super::super::facts::Executor;
use super::super::super::finding::Severity;
use super::super::cruise_control::judge;
use super::expect;

#[test]
fn only_the_idle_state_is_fine_and_silence_is_an_error_with_what_to_check() {
    let found =
        |state| vec![judge(&Executor { base: "http://cc:9090/kafkacruisecontrol".to_owned(), state })];
    let idle = found(Ok(ExecutorState::NoTaskInProgress));
    expect(&idle, Severity::Ok, "cruise_control", &["http://cc:9090/kafkacruisecontrol executes nothing"]);
    for state in ExecutorState::ALL.into_iter().filter(|state| !state.is_idle()) {
        expect(&found(Ok(state)), Severity::Note, "cruise_control_executing", &[state.name(), "holds"]);
    }
    let message = "HTTP 403 Forbidden, check the credentials: VIEWER".to_owned();
    let unread = found(Err(ExecutorUnread { message }));
    let words = &["HTTP 403 Forbidden", "CRUISE_CONTROL_URL", "the role USER"];
    expect(&unread, Severity::Error, "cruise_control_unread", words);
}
