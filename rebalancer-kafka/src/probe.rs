//! Finds out why a listener hung up. Kafka's brokers close a connection without a word when they get TLS for plaintext,
//! plaintext for TLS, or a request before the authentication that they want; so each is tried, once, when it happens.

use std::time::Duration;

use rebalancer_core::port::Misconfiguration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::cluster::Cluster;
use crate::connection::{Connection, tcp};
use crate::decode;
use crate::failure::Failure;
use crate::query;
use crate::retry::Attempts;
use crate::settings::Address;
use crate::text::excerpt;
use crate::wire::{Api, ErrorCode};

/// A look is not worth more.
const LIMIT: Duration = Duration::from_secs(2);
/// The shortest beginning of TLS: a record of a handshake that says hello and nothing else. A listener of TLS refuses it
/// with an alert.
const HELLO: [u8; 9] = [0x16, 3, 1, 0, 4, 1, 0, 0, 0];

/// The failure itself, or what is behind it.
pub(crate) async fn explain(
    cluster: &Cluster,
    attempts: &Attempts<'_>,
    address: &Address,
    failure: Failure,
) -> Failure {
    let hung_up =
        matches!(failure, Failure::Lost { .. } | Failure::NotTls { .. } | Failure::TlsAnswer { .. });
    if !hung_up {
        return failure;
    }
    let Ok(left) = attempts.next() else { return failure };
    let looked = timeout(left.min(LIMIT), look(cluster, address)).await;
    match looked.unwrap_or_default() {
        Some(problem) => problem.into(),
        None => failure,
    }
}

async fn look(cluster: &Cluster, address: &Address) -> Option<Misconfiguration> {
    let security = &cluster.settings.security;
    let plain = Connection::plain(address, &cluster.settings, &cluster.meter).await;
    match (plain, security.tls()) {
        (Ok(_), Some(_)) => Some(Misconfiguration::ListenerSpeaksPlaintext { address: address.to_string() }),
        (Ok(connection), None) if security.sasl().is_none() => wants_sasl(connection).await,
        (Err(_), None) if speaks_tls(address).await => {
            Some(Misconfiguration::ListenerSpeaksTls { address: address.to_string() })
        }
        (Ok(_) | Err(_), None) | (Err(_), Some(_)) => None,
    }
}

/// A listener of SASL tells which mechanisms it takes; another one, that it has none.
async fn wants_sasl(mut connection: Connection) -> Option<Misconfiguration> {
    let version = connection.version(Api::SaslHandshake)?;
    let answer = connection.ask(version, query::sasl_handshake("NONE"), decode::sasl_handshake).await.ok()?;
    let address = connection.address().to_string();
    let offered = answer.offered.iter().map(|name| excerpt(name)).collect();
    (answer.error == Err(ErrorCode::UNSUPPORTED_SASL_MECHANISM))
        .then_some(Misconfiguration::SaslRequired { address, offered })
}

async fn speaks_tls(address: &Address) -> bool {
    let Ok(mut stream) = tcp(address).await else { return false };
    let mut first = [0; 2];
    stream.write_all(&HELLO).await.is_ok()
        && stream.read_exact(&mut first).await.is_ok()
        && matches!(first, [0x15 | 0x16, 3])
}
