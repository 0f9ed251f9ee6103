//! The file of workloads, read again when it changes. A ConfigMap changes by a symbolic link that is put in place of
//! another, so what counts is what stands in the file, looked at again and again.

use std::time::Duration;

use tokio::time::sleep;

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(5);

/// A file, and what stood in it.
pub(super) struct Followed {
    path: Option<String>,
    seen: Option<Vec<u8>>,
}

impl Followed {
    /// As it is now; `None`: there is no file, and nothing ever changes.
    pub(super) fn new(path: Option<&str>) -> Self {
        let path = path.map(str::to_owned);
        let seen = path.as_ref().and_then(|path| std::fs::read(path).ok());
        Self { path, seen }
    }

    /// Waits until something else stands in it. A file that can't be read is not looked at: it may be between two versions.
    pub(super) async fn changed(&mut self) {
        let Some(path) = &self.path else { return std::future::pending().await };
        loop {
            sleep(EVERY).await;
            let found = std::fs::read(path).ok();
            if found.is_some() && found != self.seen {
                self.seen = found;
                return;
            }
        }
    }
}
