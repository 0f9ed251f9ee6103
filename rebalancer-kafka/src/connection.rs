//! One connection to one broker: made, authenticated, and asked one thing at a time. The only I/O.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use rebalancer_core::fleet::consumer_group::CoordinatorRelease;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::decode::{self, Versions};
use crate::failure::Failure;
use crate::meter::Meter;
use crate::query;
use crate::request_log::RequestLog;
use crate::sasl;
use crate::settings::{Address, Settings};
use crate::tls;
use crate::wire::{Api, BadAnswer, Reader, Version, frame, unframe};

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that can be asked. One whose request was given up must not be used again: its answer may still come.
pub(crate) struct Connection {
    address: Address,
    stream: Box<dyn Stream>,
    client_id: String,
    response_limit: usize,
    meter: Arc<Meter>,
    versions: Versions,
    correlation: i32,
    /// When the authentication ends; brokers hang up after it.
    pub(crate) expires: Option<Instant>,
}

impl Connection {
    /// Connects, and authenticates as the settings have it.
    pub(crate) async fn open(
        address: &Address,
        settings: &Settings,
        meter: &Arc<Meter>,
        limit: Duration,
    ) -> Result<Self, Failure> {
        let opened = timeout(limit, Self::open_all(address, settings, meter)).await;
        opened.unwrap_or_else(|_| Err(Failure::TimeUp { address: address.clone(), limit }))
    }

    async fn open_all(address: &Address, settings: &Settings, meter: &Arc<Meter>) -> Result<Self, Failure> {
        let stream = tcp(address).await?;
        let stream: Box<dyn Stream> = match settings.security.tls() {
            None => Box::new(stream),
            Some(tls) => Box::new(tls::begin(tls, address, stream).await?),
        };
        let mut connection = Self::over(stream, address, settings, meter);
        connection.versions = connection.api_versions().await?;
        if let Some(sasl) = settings.security.sasl() {
            sasl::authenticate(&mut connection, sasl, settings).await?;
        }
        meter.connected();
        Ok(connection)
    }

    /// Without TLS and without authentication, to find out what a listener is.
    pub(crate) async fn plain(
        address: &Address,
        settings: &Settings,
        meter: &Arc<Meter>,
    ) -> Result<Self, Failure> {
        let mut connection = Self::over(Box::new(tcp(address).await?), address, settings, meter);
        connection.versions = connection.api_versions().await?;
        Ok(connection)
    }

    fn over(stream: Box<dyn Stream>, address: &Address, settings: &Settings, meter: &Arc<Meter>) -> Self {
        Self {
            address: address.clone(),
            stream,
            client_id: settings.client_id.clone(),
            response_limit: settings.response_limit,
            meter: Arc::clone(meter),
            versions: Versions::new(),
            correlation: 0,
            expires: None,
        }
    }

    async fn api_versions(&mut self) -> Result<Versions, Failure> {
        let version = Api::ApiVersions.lowest();
        let answer = self.ask(version, query::api_versions(), decode::api_versions).await?;
        answer.map_err(|error| self.refused(Api::ApiVersions, error))
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// It may be used again: the broker has not hung up, nor sent what nobody asked for, and it still believes who we are.
    pub(crate) fn is_usable(&mut self) -> bool {
        let silent = self.stream.read(&mut [0]).now_or_never().is_none();
        silent && self.expires.is_none_or(|expires| Instant::now() < expires)
    }

    /// The broker's release, as far as the requests that it knows tell it.
    pub(crate) fn release(&self) -> Option<CoordinatorRelease> {
        decode::release(&self.versions)
    }

    /// The version to use, if the broker knows one that is known here.
    pub(crate) fn version(&self, api: Api) -> Option<Version> {
        let (lowest, highest) = self.versions.get(&api.key())?;
        api.common(*lowest, *highest)
    }

    /// The same, where nothing can be done without it.
    pub(crate) fn needed(&self, api: Api) -> Result<Version, Failure> {
        self.version(api).ok_or_else(|| {
            let (address, api) = (self.address.to_string(), format!("{api:?}"));
            rebalancer_core::port::Misconfiguration::Unsupported { address, api }.into()
        })
    }

    pub(crate) fn refused(&self, api: Api, error: crate::wire::ErrorCode) -> Failure {
        Failure::Refused { address: self.address.clone(), api, error }
    }

    /// Asks, waits, and reads the answer.
    pub(crate) async fn ask<T>(
        &mut self,
        version: Version,
        body: Vec<u8>,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, BadAnswer>,
    ) -> Result<T, Failure> {
        self.correlation = self.correlation.wrapping_add(1).max(1);
        let request = frame(version, self.correlation, &self.client_id, &body);
        let mut told = RequestLog::of(version, &self.address, request.len());
        let answer = self.exchange(&request).await;
        let result = answer.and_then(|answer| {
            told.received(answer.len());
            unframe(version, self.correlation, &answer)
                .and_then(|mut body| read(&mut body))
                .map_err(|why| Failure::malformed(&self.address, version.api, why))
        });
        told.ended(result.as_ref().err());
        result
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>, Failure> {
        self.meter.sent(request.len());
        let lost = |error: std::io::Error| tls::failure(&self.address, &error);
        self.stream.write_all(request).await.map_err(lost)?;
        self.stream.flush().await.map_err(lost)?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).await.map_err(lost)?;
        if is_tls(length) {
            return Err(Failure::TlsAnswer { address: self.address.clone() });
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > self.response_limit {
            let limit = self.response_limit;
            return Err(Failure::TooLarge { address: self.address.clone(), length, limit });
        }
        let mut answer = Vec::new();
        let mut body = (&mut self.stream).take(u64::try_from(length).unwrap_or(u64::MAX));
        let read = body.read_to_end(&mut answer).await.map_err(lost)?;
        self.meter.received(4 + read);
        if read < length {
            return Err(Failure::lost(&self.address, "it was closed in the middle of an answer"));
        }
        Ok(answer)
    }
}

pub(crate) async fn tcp(address: &Address) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await;
    let stream = stream.map_err(|error| Failure::not_connected(address, error))?;
    // Requests are small and answers are waited for.
    drop(stream.set_nodelay(true));
    Ok(stream)
}

/// The first bytes of a TLS record: an alert or a handshake, of any version of TLS.
fn is_tls([kind, major, minor, _]: [u8; 4]) -> bool {
    matches!(kind, 0x15 | 0x16) && major == 3 && minor <= 4
}
