//! The brokers: where they are, and a connection to each that was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rebalancer_core::fleet::consumer_group::CoordinatorRelease;
use rebalancer_core::port::Misconfiguration;
use tokio::time::{Instant, sleep, timeout};

use crate::connection::{Connection, tcp};
use crate::decode::{self, Broker, Metadata};
use crate::failure::Failure;
use crate::meter::Meter;
use crate::probe;
use crate::query;
use crate::retry::{self, Attempts};
use crate::settings::{Address, Settings};
use crate::wire::{Api, BadAnswer, Reader, Version};

/// The next bootstrap server is tried after this time without waiting for the one before.
const STAGGER: Duration = Duration::from_millis(250);

type Body<'q> = Box<dyn FnOnce(Version) -> Vec<u8> + Send + 'q>;
type Read<'q, T> = Box<dyn FnOnce(&mut Reader<'_>, Version) -> Result<T, BadAnswer> + Send + 'q>;

/// A request that is written once the version is known, and how its answer is read.
pub(crate) struct Question<'q, T> {
    api: Api,
    body: Body<'q>,
    read: Read<'q, T>,
}

impl<'q, T> Question<'q, T> {
    pub(crate) fn new(
        api: Api,
        body: impl FnOnce(Version) -> Vec<u8> + Send + 'q,
        read: impl FnOnce(&mut Reader<'_>, Version) -> Result<T, BadAnswer> + Send + 'q,
    ) -> Self {
        Self { api, body: Box::new(body), read: Box::new(read) }
    }
}

/// All that is known of the cluster. Connections live as long as it does.
pub(crate) struct Cluster {
    pub(crate) settings: Settings,
    pub(crate) meter: Arc<Meter>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Connections that nobody uses now.
    idle: BTreeMap<Address, Connection>,
    /// The bootstrap server that answered last.
    home: Option<Address>,
    brokers: Vec<Broker>,
    /// A broker was reached at an address that it advertises.
    reached: bool,
}

impl Cluster {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, meter: Arc::default(), state: Mutex::default() }
    }

    pub(crate) fn attempts(&self) -> Attempts<'_> {
        self.attempts_until(self.deadline())
    }

    /// When questions that begin now must have been answered.
    pub(crate) fn deadline(&self) -> Instant {
        retry::end_of(self.settings.timeout)
    }

    /// The time limit is told in errors; it is this end that counts.
    pub(crate) fn attempts_until(&self, end: Instant) -> Attempts<'_> {
        Attempts::new(self.settings.timeout, end, self.settings.request_timeout, &self.meter)
    }

    /// Asks whichever broker answers first.
    pub(crate) async fn ask_any<T>(
        &self,
        attempts: &Attempts<'_>,
        question: Question<'_, T>,
    ) -> Result<T, Failure> {
        let connection = self.any(attempts).await?;
        self.ask(attempts, connection, question).await
    }

    /// Asks the broker at an address that a broker has told.
    pub(crate) async fn ask_at<T>(
        &self,
        attempts: &Attempts<'_>,
        address: &Address,
        question: Question<'_, T>,
    ) -> Result<T, Failure> {
        let connection = self.advertised(attempts, address).await?;
        self.ask(attempts, connection, question).await
    }

    async fn ask<T>(
        &self,
        attempts: &Attempts<'_>,
        mut connection: Connection,
        question: Question<'_, T>,
    ) -> Result<T, Failure> {
        let limit = attempts.next()?;
        let version = connection.needed(question.api)?;
        let body = (question.body)(version);
        let asked = timeout(limit, connection.ask(version, body, |r| (question.read)(r, version))).await;
        let address = connection.address().clone();
        match asked {
            // A connection whose answer did not come, or was none, is not used again.
            Err(_) => Err(Failure::TimeUp { address, limit }),
            Ok(Err(failure)) => Err(probe::explain(self, attempts, &address, failure).await),
            Ok(Ok(answer)) => {
                self.lock().idle.insert(address, connection);
                Ok(answer)
            }
        }
    }

    /// Whether a broker knows a request at all, and its release.
    pub(crate) async fn knows(
        &self,
        attempts: &Attempts<'_>,
        address: &Address,
        api: Api,
    ) -> Result<(bool, Option<CoordinatorRelease>), Failure> {
        let connection = self.advertised(attempts, address).await?;
        let known = (connection.version(api).is_some(), connection.release());
        self.lock().idle.insert(address.clone(), connection);
        Ok(known)
    }

    /// Brokers and these topics.
    pub(crate) async fn metadata(
        &self,
        attempts: &Attempts<'_>,
        topics: &BTreeSet<String>,
    ) -> Result<Metadata, Failure> {
        let question =
            Question::new(Api::Metadata, |version| query::metadata(version, topics), decode::metadata);
        let metadata = self.ask_any(attempts, question).await?;
        self.lock().brokers.clone_from(&metadata.brokers);
        Ok(metadata)
    }

    /// The bootstrap server that answered last.
    pub(crate) fn home(&self) -> Option<Address> {
        self.lock().home.clone()
    }

    /// The brokers as they were told last.
    pub(crate) fn brokers(&self) -> Vec<Broker> {
        self.lock().brokers.clone()
    }

    pub(crate) fn address_of(&self, broker: i32) -> Option<Address> {
        self.lock().brokers.iter().find(|known| known.id == broker).map(|known| known.address.clone())
    }

    async fn any(&self, attempts: &Attempts<'_>) -> Result<Connection, Failure> {
        let home = self.lock().home.clone();
        if let Some(connection) = home.and_then(|home| self.idle(&home)) {
            return Ok(connection);
        }
        let mut tries: FuturesUnordered<_> = self
            .settings
            .bootstrap
            .iter()
            .zip(0_u32..)
            .map(|(address, place)| async move {
                sleep(STAGGER * place).await;
                self.open(attempts, address).await
            })
            .collect();
        let mut failures = Vec::new();
        while let Some(opened) = tries.next().await {
            match opened {
                Ok(connection) => {
                    self.lock().home = Some(connection.address().clone());
                    return Ok(connection);
                }
                Err(failure) => failures.push(failure),
            }
        }
        Err(Failure::NoBroker(failures))
    }

    async fn advertised(&self, attempts: &Attempts<'_>, address: &Address) -> Result<Connection, Failure> {
        if let Some(connection) = self.idle(address) {
            return Ok(connection);
        }
        match self.open(attempts, address).await {
            Ok(connection) => {
                self.lock().reached = true;
                Ok(connection)
            }
            Err(failure @ (Failure::NotConnected { .. } | Failure::TimeUp { .. })) => {
                Err(self.none_advertised(attempts).await.unwrap_or(failure))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Tells a broker that is down from addresses that are of no use to us: then none of them can be reached.
    async fn none_advertised(&self, attempts: &Attempts<'_>) -> Option<Failure> {
        let (home, brokers, reached) = {
            let state = self.lock();
            (state.home.clone()?, state.brokers.clone(), state.reached)
        };
        if reached {
            return None;
        }
        let limit = attempts.next().ok()?;
        let tries = brokers.into_iter().map(|broker| async move {
            let failure = match timeout(limit, tcp(&broker.address)).await {
                Ok(Ok(_)) => return None,
                Ok(Err(failure)) => failure,
                Err(_) => Failure::TimeUp { address: broker.address.clone(), limit },
            };
            Some((broker.address.to_string(), failure.reason()))
        });
        let unreachable: Option<BTreeMap<String, String>> = join_all(tries).await.into_iter().collect();
        let unreachable = unreachable.filter(|unreachable| !unreachable.is_empty())?;
        Some(Misconfiguration::AdvertisedListeners { bootstrap: home.to_string(), unreachable }.into())
    }

    pub(crate) async fn open(
        &self,
        attempts: &Attempts<'_>,
        address: &Address,
    ) -> Result<Connection, Failure> {
        let limit = attempts.next()?;
        match Connection::open(address, &self.settings, &self.meter, limit).await {
            Ok(connection) => Ok(connection),
            Err(failure) => Err(probe::explain(self, attempts, address, failure).await),
        }
    }

    fn idle(&self, address: &Address) -> Option<Connection> {
        let mut connection = self.lock().idle.remove(address)?;
        connection.is_usable().then_some(connection)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing that holds it can panic; what it holds is whole at any time.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
