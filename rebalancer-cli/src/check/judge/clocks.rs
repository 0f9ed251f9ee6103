//! Clocks: ours, the metric server's and the API server's.

use jiff::SignedDuration;
use rebalancer_core::unit::Elapsed;

use super::super::facts::Facts;
use super::super::finding::{Code, Finding};

/// A lock is taken over only so much after its end; clocks that differ by more may both believe to hold it.
const TOLERATED: SignedDuration = SignedDuration::from_secs(5);
/// For so long a metric server looks back for a sample: beyond it there is none.
const LOOK_BACK: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn judge(facts: &Facts<'_>) -> Vec<Finding> {
    let server = facts.metrics.as_ref().and_then(|metrics| metrics.ahead);
    let server = server.map(|ahead| ("the metric server's", ahead));
    let cluster = facts.survey().and_then(|survey| survey.ahead).map(|ahead| ("the API server's", ahead));
    let known: Vec<(&str, SignedDuration)> = server.into_iter().chain(cluster).collect();
    let mut findings: Vec<Finding> = known.iter().filter_map(|(whose, ahead)| skew(whose, *ahead)).collect();
    if findings.is_empty() && !known.is_empty() {
        let whose: Vec<&str> = known.iter().map(|(whose, _)| *whose).collect();
        findings.push(Finding::ok(Code::Clocks, format!("our clock agrees with {}", whose.join(" and "))));
    }
    findings
}

fn skew(whose: &str, ahead: SignedDuration) -> Option<Finding> {
    let by = ahead.abs();
    if by <= TOLERATED {
        return None;
    }
    let way = if ahead.is_negative() { "behind" } else { "ahead of" };
    let message = format!("our clock is {} {way} {whose}", Elapsed(by));
    let fix = "synchronize the clocks of the nodes (NTP); `kubectl get --raw /` with -v=8 shows the API server's Date";
    let finding = if by >= LOOK_BACK { Finding::error } else { Finding::warning };
    Some(finding(Code::ClockSkew, message, fix))
}
