//! Waits for conditions, never for time alone.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long anything here may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// Asks again and again until the answer is `Ok`; `Err` says what is still missing.
///
/// # Panics
/// With what was waited for and what was missing last, after [`PATIENCE`].
pub(crate) async fn until<T>(what: &str, check: impl AsyncFn() -> Result<T, String>) -> T {
    until_within(PATIENCE, what, check).await
}

/// As [`until`], with another patience than usual.
pub(crate) async fn until_within<T>(
    patience: Duration,
    what: &str,
    check: impl AsyncFn() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + patience;
    loop {
        match check().await {
            Ok(value) => return value,
            Err(missing) if Instant::now() > deadline => {
                panic!("waited {}s for {what}: {missing}", patience.as_secs())
            }
            Err(_) => sleep(POLL).await,
        }
    }
}

/// Reads again and again until nothing has changed between two readings half a second apart.
pub(crate) async fn until_still<T: PartialEq>(what: &str, read: impl AsyncFn() -> T) -> T {
    let deadline = Instant::now() + PATIENCE;
    let mut last = read().await;
    loop {
        sleep(POLL * 10).await;
        let now = read().await;
        if now == last {
            return now;
        }
        assert!(Instant::now() < deadline, "waited {}s for {what} to come to rest", PATIENCE.as_secs());
        last = now;
    }
}
