//! SASL: who we are, by one of Kafka's mechanisms.

use std::time::Duration;

use rebalancer_core::port::Misconfiguration;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::decode::{self, Challenge};
use crate::failure::Failure;
use crate::query;
use crate::scram::{Hash, Scram, ScramError, nonce};
use crate::security::{Login, Sasl, Token, secret};
use crate::settings::Settings;
use crate::text::excerpt;
use crate::wire::{Api, BadAnswer, ErrorCode};

/// A session is given up this much before the broker ends it.
const MARGIN: Duration = Duration::from_secs(5);

pub(crate) async fn authenticate(
    connection: &mut Connection,
    sasl: &Sasl,
    settings: &Settings,
) -> Result<(), Failure> {
    handshake(connection, sasl).await?;
    let lifetime_ms = match sasl {
        Sasl::Plain(login) => plain(connection, sasl, login).await?,
        Sasl::ScramSha256(login) => scram(connection, sasl, login, Hash::Sha256).await?,
        Sasl::ScramSha512(login) => scram(connection, sasl, login, Hash::Sha512).await?,
        Sasl::OauthBearer(token) => {
            let token = match token {
                Token::File(file) => secret(file)?,
                Token::Endpoint(endpoint) => settings.tokens.of(endpoint, settings).await?,
            };
            let message =
                SecretString::from(format!("n,,\u{1}auth=Bearer {}\u{1}\u{1}", token.expose_secret()));
            let answer = oauth(connection, sasl, &message).await;
            if answer.is_err() {
                settings.tokens.forget().await;
            }
            answer?
        }
    };
    connection.expires = lifetime_ms
        .map(Duration::from_millis)
        .and_then(|lifetime| Instant::now().checked_add(lifetime.saturating_sub(MARGIN)));
    Ok(())
}

async fn handshake(connection: &mut Connection, sasl: &Sasl) -> Result<(), Failure> {
    let mechanism = sasl.mechanism().to_owned();
    let address = connection.address().to_string();
    let Some(version) = connection.version(Api::SaslHandshake) else {
        return Err(Misconfiguration::SaslNotOffered { address }.into());
    };
    let body = query::sasl_handshake(&mechanism);
    let answer = connection.ask(version, body, decode::sasl_handshake).await?;
    match answer.error {
        Ok(()) => Ok(()),
        Err(ErrorCode::ILLEGAL_SASL_STATE) => Err(Misconfiguration::SaslNotOffered { address }.into()),
        Err(ErrorCode::UNSUPPORTED_SASL_MECHANISM) => {
            let offered = answer.offered.iter().map(|name| excerpt(name)).collect();
            Err(Misconfiguration::MechanismNotOffered { address, mechanism, offered }.into())
        }
        Err(error) => Err(connection.refused(Api::SaslHandshake, error)),
    }
}

async fn plain(connection: &mut Connection, sasl: &Sasl, login: &Login) -> Result<Option<u64>, Failure> {
    let password = secret(&login.password_file)?;
    let message = SecretString::from(format!("\0{}\0{}", login.username, password.expose_secret()));
    let answer =
        step(connection, sasl, message.expose_secret().as_bytes(), &[password.expose_secret()]).await?;
    Ok(answer.lifetime_ms)
}

async fn oauth(
    connection: &mut Connection,
    sasl: &Sasl,
    message: &SecretString,
) -> Result<Option<u64>, Failure> {
    let message = message.expose_secret();
    let token = message.trim_end_matches('\u{1}').rsplit(' ').next().unwrap_or_default();
    let answer = step(connection, sasl, message.as_bytes(), &[token]).await?;
    if answer.bytes.is_empty() {
        return Ok(answer.lifetime_ms);
    }
    // The broker says what is wrong in JSON, and an error once that is acknowledged.
    let problem = excerpt(&String::from_utf8_lossy(&answer.bytes));
    let answer = step(connection, sasl, b"\x01", &[token]).await;
    match answer {
        Err(failure @ Failure::Misconfigured(_)) => Err(failure),
        Ok(_) | Err(_) => Err(refused(connection, sasl, &problem, &[token])),
    }
}

async fn scram(
    connection: &mut Connection,
    sasl: &Sasl,
    login: &Login,
    hash: Hash,
) -> Result<Option<u64>, Failure> {
    let password = secret(&login.password_file)?;
    let bad = |connection: &Connection, error| match error {
        ScramError::Malformed(what) => {
            let why = BadAnswer(format!("its SCRAM message has {what}"));
            Failure::malformed(connection.address(), Api::SaslAuthenticate, why)
        }
        ScramError::NotProven => {
            let (address, mechanism) = (connection.address().to_string(), sasl.mechanism().to_owned());
            Misconfiguration::BrokerNotProven { address, mechanism }.into()
        }
    };
    let nonce = nonce().map_err(|error| bad(connection, error))?;
    let scram = Scram::new(hash, &login.username, nonce);
    let secrets = [password.expose_secret()];
    let first = step(connection, sasl, scram.client_first().as_bytes(), &secrets).await?;
    let (last, proof) =
        scram.client_final(&first.bytes, &password).map_err(|error| bad(connection, error))?;
    let answer = step(connection, sasl, last.as_bytes(), &secrets).await?;
    proof.check(&answer.bytes).map_err(|error| bad(connection, error))?;
    Ok(answer.lifetime_ms)
}

async fn step(
    connection: &mut Connection,
    sasl: &Sasl,
    message: &[u8],
    secrets: &[&str],
) -> Result<Challenge, Failure> {
    let version = connection.needed(Api::SaslAuthenticate)?;
    let body = query::sasl_authenticate(version, message);
    let answer = connection.ask(version, body, |r| decode::sasl_authenticate(r, version)).await?;
    match answer.error {
        Ok(()) => Ok(answer),
        Err(ErrorCode::SASL_AUTHENTICATION_FAILED) => {
            let message = answer.message.as_deref().unwrap_or("no reason is given");
            Err(refused(connection, sasl, message, secrets))
        }
        Err(error) => Err(connection.refused(Api::SaslAuthenticate, error)),
    }
}

/// A broker's words are shown, unless they repeat a secret.
fn refused(connection: &Connection, sasl: &Sasl, message: &str, secrets: &[&str]) -> Failure {
    let shown = !secrets.iter().any(|secret| message.contains(secret));
    Misconfiguration::CredentialsRefused {
        address: connection.address().to_string(),
        mechanism: sasl.mechanism().to_owned(),
        message: if shown {
            excerpt(message)
        } else {
            "its reason is not shown: it repeats a secret".to_owned()
        },
    }
    .into()
}
