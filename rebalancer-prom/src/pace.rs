//! How the time for one query is shared by its attempts and the pauses between them. Pure.

use std::time::Duration;

use backon::ExponentialBuilder;

/// An attempt shorter than this would end in a time-out that hides the real reason of the one before.
pub(crate) const SHORTEST_ATTEMPT: Duration = Duration::from_millis(250);

/// Jitter adds up to the same again, so that many rebalancers don't come back in step.
pub(crate) fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_factor(2.0)
        .with_max_delay(Duration::from_secs(2))
        .with_jitter()
        .without_max_times()
}

/// Half of what is left: the first attempt, most likely to succeed, gets most of the time, and a server that hangs
/// still leaves time for another one. A third each would fail every honest query that needs longer than that.
pub(crate) fn attempt_limit(left: Duration) -> Duration {
    (left / 2).max(SHORTEST_ATTEMPT).min(left)
}

/// How long to wait before the next attempt; `None` when there is no time for one. Our own delay is cut short for a
/// last attempt within the deadline, the server's never.
pub(crate) fn pause(backoff: Duration, wait: Option<Duration>, left: Duration) -> Option<Duration> {
    let room = left.checked_sub(SHORTEST_ATTEMPT)?;
    let wait = wait.unwrap_or_default();
    (wait <= room).then(|| backoff.min(room).max(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn no_attempt_takes_all_of_the_time_unless_there_is_no_time_to_share() {
        assert_eq!(attempt_limit(ms(30_000)), ms(15_000));
        assert_eq!(attempt_limit(ms(400)), ms(250));
        assert_eq!(attempt_limit(ms(100)), ms(100));
    }

    #[test]
    fn a_pause_leaves_time_for_another_attempt_or_is_not_made() {
        assert_eq!(pause(ms(100), None, ms(1000)), Some(ms(100)));
        assert_eq!(pause(ms(2000), None, ms(1000)), Some(ms(750)));
        assert_eq!(pause(ms(100), None, ms(249)), None);
        assert_eq!(pause(ms(100), Some(ms(900)), ms(2000)), Some(ms(900)));
        assert_eq!(pause(ms(100), Some(ms(900)), ms(1000)), None);
        assert_eq!(pause(ms(100), Some(Duration::MAX), ms(2000)), None);
    }
}
