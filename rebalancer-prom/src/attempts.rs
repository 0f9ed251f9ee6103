//! One request again and again, as long as its time is not up.

use std::time::Duration;

use backon::BackoffBuilder;
use rebalancer_core::unit::Elapsed;
use tokio::time::{Instant, sleep, timeout as within};

use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::pace::{attempt_limit, backoff, pause};

/// Attempts until one succeeds, one fails for good, or there is no time for another. `retried` is told of each that
/// failed and is repeated, by its number and why.
///
/// # Errors
/// Why the last one failed, at which address, after how many attempts.
pub(crate) async fn within_time<T, A: Future<Output = Result<T, Failure>>>(
    timeout: Duration,
    address: &Endpoint,
    attempt: impl Fn() -> A,
    retried: impl Fn(u32, &str),
) -> Result<T, String> {
    let start = Instant::now();
    let left = || timeout.saturating_sub(start.elapsed());
    let (mut delays, mut attempts) = (backoff().build(), 0);
    loop {
        attempts += 1;
        let limit = attempt_limit(left());
        let late = |_| Err(Failure::passing(format!("no answer within {}", Elapsed::from(limit))));
        let (message, wait) = match within(limit, attempt()).await.unwrap_or_else(late) {
            Ok(done) => return Ok(done),
            Err(failure @ Failure::Lasting(_)) => (failure.into_message(), None),
            Err(Failure::Passing { message, wait }) => {
                if let Some(delay) = pause(delays.next().unwrap_or_default(), wait, left()) {
                    retried(attempts, &message);
                    sleep(delay).await;
                    continue;
                }
                (message, wait)
            }
        };
        let asked = wait.map(|wait| format!(", it asks to wait {}", Elapsed::from(wait))).unwrap_or_default();
        let spent = Elapsed::from(start.elapsed());
        return Err(format!("{message}{asked} (from {address}, attempt {attempts}, after {spent})"));
    }
}
