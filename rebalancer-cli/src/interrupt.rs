//! When to stop: SIGTERM, SIGINT, or the cycle's time is up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use rebalancer_core::port::{Interrupt, Interruption};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

/// Watches for signals and the deadline.
#[derive(Debug)]
pub(crate) struct Watch {
    signalled: Arc<AtomicBool>,
    notify: Arc<tokio::sync::Notify>,
    deadline: Instant,
    /// When the lock may be taken over, by the clock that the others look at too.
    lock_until: OnceLock<Timestamp>,
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
        Ok(Self { signalled, notify, deadline, lock_until: OnceLock::new() })
    }

    /// From this time on the lock may be somebody else's: nothing may be begun any more.
    pub(crate) fn holds_lock_until(&self, until: Timestamp) {
        // Set once a cycle, right after the lock was taken; it is only ever extended later.
        let _ = self.lock_until.set(until);
    }

    /// Waits until there is a reason to stop.
    pub(crate) async fn stopped(&self) -> Interruption {
        tokio::select! {
            () = self.notify.notified() => Interruption::Signal,
            () = tokio::time::sleep_until(self.deadline) => Interruption::Deadline,
        }
    }
}

impl Interrupt for Watch {
    fn requested(&self) -> Option<Interruption> {
        if self.signalled.load(Ordering::SeqCst) {
            Some(Interruption::Signal)
        } else {
            // The lock's time runs on while a process is suspended, which the deadline's clock may not notice.
            let expired = self.lock_until.get().is_some_and(|until| Timestamp::now() >= *until);
            (expired || Instant::now() >= self.deadline).then_some(Interruption::Deadline)
        }
    }
}
