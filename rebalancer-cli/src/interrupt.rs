//! When to stop: SIGTERM, SIGINT, the cycle's time is up, or another replica may lead.

use async_trait::async_trait;
use rebalancer_core::port::{Interrupt, Interruption};
use rebalancer_kube::Leadership;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

/// Whether the process was asked to stop. There is one for the whole run, since a signal is meant for all of it.
#[derive(Debug, Clone)]
pub(crate) struct Signals(watch::Receiver<bool>);

impl Signals {
    /// Starts to listen; must be called in a runtime.
    ///
    /// # Errors
    /// When the system does not let us watch for signals.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (asked, signals) = watch::channel(false);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            asked.send_replace(true);
        });
        Ok(Self(signals))
    }

    /// The process was asked to stop.
    pub(crate) fn received(&self) -> bool {
        *self.0.borrow()
    }

    /// Watches for signals and this deadline.
    pub(crate) fn until(&self, deadline: Instant) -> Watch {
        Watch { signals: self.clone(), deadline, leadership: None }
    }

    /// Until the process is asked to end.
    pub(crate) async fn wait(&self) {
        // It fails when nobody listens any more; then no signal ever comes.
        if self.0.clone().wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Watches for signals, the deadline, and whether this replica leads.
#[derive(Debug)]
pub(crate) struct Watch {
    signals: Signals,
    deadline: Instant,
    /// `None`: it acts without being elected.
    leadership: Option<watch::Receiver<Leadership>>,
}

impl Watch {
    /// Only for as long as this replica leads.
    pub(crate) fn led(self, leadership: Option<watch::Receiver<Leadership>>) -> Self {
        Self { leadership, ..self }
    }

    fn leads(&self) -> bool {
        self.leadership.as_ref().is_none_or(|leadership| leadership.borrow().leads())
    }
}

/// Waits until this replica does not lead; where there is no election, for ever.
pub(crate) async fn led_by_another(leadership: Option<watch::Receiver<Leadership>>) {
    let Some(mut leadership) = leadership else { return std::future::pending().await };
    loop {
        let until = leadership.borrow_and_update().until;
        let Some(until) = until.filter(|until| Instant::now() < *until) else { return };
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            changed = leadership.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

#[async_trait]
impl Interrupt for Watch {
    fn requested(&self) -> Option<Interruption> {
        if self.signals.received() {
            Some(Interruption::Signal)
        } else if !self.leads() {
            Some(Interruption::LeadershipLost)
        } else {
            (Instant::now() >= self.deadline).then_some(Interruption::Deadline)
        }
    }

    async fn stopped(&self) -> Interruption {
        tokio::select! {
            () = self.signals.wait() => Interruption::Signal,
            () = led_by_another(self.leadership.clone()) => Interruption::LeadershipLost,
            () = tokio::time::sleep_until(self.deadline) => Interruption::Deadline,
        }
    }
}
