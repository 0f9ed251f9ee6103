//! Cruise Control, where it is asked.

use super::super::facts::Executor;
use super::super::finding::{Code, Finding};

pub(super) fn judge(executor: &Executor) -> Finding {
    let Executor { base, state } = executor;
    match state {
        Ok(state) if state.is_idle() => {
            Finding::ok(Code::CruiseControl, format!("Cruise Control at {base} executes nothing"))
        }
        Ok(state) => Finding::note(
            Code::CruiseControlExecuting,
            format!("Cruise Control at {base} tells {state}: a cycle holds until it has ended"),
        ),
        Err(unread) => Finding::error(
            Code::CruiseControlUnread,
            format!("Cruise Control did not tell what it does: {unread}"),
            "check CRUISE_CONTROL_URL with its prefix (/kafkacruisecontrol), that no NetworkPolicy is in the way, and that \
             the user has the role USER there; or unset it: every cycle holds until then",
        ),
    }
}
