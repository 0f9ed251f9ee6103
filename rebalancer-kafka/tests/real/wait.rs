//! Waits for conditions.

use std::time::{Duration, Instant};

/// For what a busy machine takes long to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The first answer that is there.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
