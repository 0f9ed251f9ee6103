//! Which of several replicas acts: a Lease with one holder, as Kubernetes' own controllers elect theirs.
//!
//! Nobody's clock is compared with anybody else's. A holder counts from when it sent the write that was accepted, and stops
//! early; another takes over only when it has itself seen the Lease unchanged for its whole duration. Where there is no Lease,
//! somebody may have removed it under a holder who does not know that yet: whoever makes it waits for as long. All count by
//! clocks that nobody sets. Each write names the resourceVersion that it replaces, so of two one fails. kube-lease-manager compares
//! times of the wall, and writes over whatever is there, so a clock that jumps makes it two.

mod election;

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use tokio::sync::watch as channel;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use crate::classify::is_gone;
use crate::client::Connection;
use crate::retry::{Deadline, once};
use crate::state::request;
use crate::wire::Failure;
use election::{Election, Next};

/// Looks at the Lease within its duration.
const LOOKS: u32 = 6;

/// How replicas elect the one that acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElectionSettings {
    /// Where the Lease is.
    pub namespace: String,
    /// Its name.
    pub lease: String,
    /// This process, unlike any other, also unlike itself after a restart.
    pub identity: String,
    /// For how long a Lease that nobody renews is still its holder's.
    pub duration: Duration,
    /// For how long something that a leader began may be under way: it begins nothing later than this before its time is up.
    pub margin: Duration,
}

/// What is known of who leads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leadership {
    /// This process may begin something until then; `None`: it does not lead.
    pub until: Option<Instant>,
    /// Who holds the Lease, as it was seen last.
    pub holder: Option<String>,
    /// Why the Lease could not be read or written, the last time.
    pub error: Option<String>,
}

impl Leadership {
    /// This process leads now. Its time runs on while it is stopped, so this is asked right before something is begun.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }
}

/// One that wants to lead.
pub struct Candidate {
    connection: Connection,
    settings: ElectionSettings,
    told: Arc<channel::Sender<Leadership>>,
}

impl Candidate {
    /// Asks nothing yet.
    #[must_use]
    pub fn new(connection: &Connection, settings: ElectionSettings) -> Self {
        let told = Arc::new(channel::Sender::new(Leadership::default()));
        Self { connection: connection.clone(), settings, told }
    }

    /// Who leads, as it changes.
    #[must_use]
    pub fn leadership(&self) -> channel::Receiver<Leadership> {
        self.told.subscribe()
    }

    /// Stands for election, leads, and stands again, until `stop` is over. Then the Lease is given back, so that another
    /// need not wait. Needs `get`, `create` and `update` on `leases.coordination.k8s.io`.
    pub async fn stand(self, stop: impl Future<Output = ()> + Send) {
        let mut election = Election::new(&self.settings);
        {
            let mut stop = std::pin::pin!(stop);
            loop {
                let pause = self.turn(&mut election).await;
                tokio::select! {
                    () = sleep(pause) => {}
                    () = &mut stop => break,
                }
            }
        }
        self.told.send_modify(|told| told.until = None);
        if let Some(wanted) = election.given_back(Timestamp::now()) {
            let given = self.write(&wanted).await;
            info!(event = "leadership_given_back", ok = given.is_ok(), "another replica may lead at once");
        }
    }

    /// One look at the Lease, and what follows from it. Returns how long to wait for the next.
    async fn turn(&self, election: &mut Election) -> Duration {
        let (before, known) = {
            let told = self.told.borrow();
            (told.leads(), told.error.clone())
        };
        let error = self.look(election).await.err();
        let leadership =
            Leadership { until: election.until(Instant::now()), holder: election.holder(), error };
        let leads = leadership.leads();
        if leads != before {
            info!(
                event = "leadership",
                leads,
                holder = leadership.holder,
                error = leadership.error,
                "whether this replica is the one that acts has changed"
            );
        } else if let Some(error) = leadership.error.as_ref().filter(|error| known.as_ref() != Some(error)) {
            warn!(event = "leadership_unknown", leads, error, "the Lease could not be read or written");
        }
        self.told.send_replace(leadership);
        self.settings.duration / LOOKS
    }

    async fn look(&self, election: &mut Election) -> Result<(), String> {
        let found = self.read().await.map_err(|failure| failure.to_string())?;
        match election.next(found, Instant::now(), Timestamp::now()) {
            Next::Wait => Ok(()),
            Next::Write(wanted) => {
                let asked = Instant::now();
                match self.write(&wanted).await {
                    Ok(stored) => {
                        election.written(&stored, asked, Instant::now());
                        Ok(())
                    }
                    // Somebody was quicker; the next look tells who.
                    Err(Failure::Refused(refusal)) if refusal.status.code == 409 => {
                        election.beaten();
                        Ok(())
                    }
                    Err(failure) => Err(failure.to_string()),
                }
            }
        }
    }

    async fn read(&self) -> Result<Option<Lease>, Failure> {
        match self.exchange(Method::GET, None).await {
            Ok(found) => Ok(Some(found)),
            Err(Failure::Refused(refusal)) if is_gone(&refusal) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn write(&self, wanted: &Lease) -> Result<Lease, Failure> {
        let exists = wanted.metadata.resource_version.is_some();
        self.exchange(if exists { Method::PUT } else { Method::POST }, Some(wanted)).await
    }

    async fn exchange(&self, method: Method, body: Option<&Lease>) -> Result<Lease, Failure> {
        let ElectionSettings { namespace, lease, .. } = &self.settings;
        let request = request(namespace, lease, method.clone(), body)?;
        let result = once(&self.connection, request, self.deadline()).await;
        debug!(event = "kubernetes_lease", verb = %method, lease, ok = result.is_ok(), "the Lease was read or written");
        result
    }

    /// A request that takes longer leaves no time for another.
    fn deadline(&self) -> Deadline {
        Deadline::after(self.connection.timeout.min(self.settings.duration / 3))
    }
}
