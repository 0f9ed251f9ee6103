//! When to stop: SIGTERM, SIGINT, or the cycle's time is up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use rebalancer_core::port::{Interrupt, Interruption};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

/// Watches for signals and the deadline.
#[derive(Debug)]
pub(crate) struct Watch {
    signalled: Arc<AtomicBool>,
    notify: Arc<tokio::sync::Notify>,
    deadline: Instant,
}

impl Watch {
    /// Starts to watch; must be called in a runtime.
    ///
    /// # Errors
    /// When the system does not let us watch for signals.
    pub(crate) fn start(deadline: Instant) -> std::io::Result<Self> {
        let signalled = Arc::new(AtomicBool::new(false));
        let notify = Arc::new(tokio::sync::Notify::new());
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (flag, waker) = (Arc::clone(&signalled), Arc::clone(&notify));
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            flag.store(true, Ordering::SeqCst);
            waker.notify_one();
        });
        Ok(Self { signalled, notify, deadline })
    }
}

#[async_trait]
impl Interrupt for Watch {
    fn requested(&self) -> Option<Interruption> {
        if self.signalled.load(Ordering::SeqCst) {
            Some(Interruption::Signal)
        } else {
            (Instant::now() >= self.deadline).then_some(Interruption::Deadline)
        }
    }

    async fn stopped(&self) -> Interruption {
        tokio::select! {
            () = self.notify.notified() => Interruption::Signal,
            () = tokio::time::sleep_until(self.deadline) => Interruption::Deadline,
        }
    }
}
