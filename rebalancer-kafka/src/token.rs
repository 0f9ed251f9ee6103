//! Tokens for OAUTHBEARER that are fetched by client credentials (RFC 6749, section 4.4), and kept until shortly before
//! they expire. No error and no log line has the token, the secret, or more than the name of the endpoint.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use rebalancer_core::port::Misconfiguration;
use reqwest::redirect::Policy;
use reqwest::{Certificate, ClientBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tracing::debug;

use crate::failure::Failure;
use crate::security::{TokenEndpoint, file, read, secret};
use crate::settings::Settings;
use crate::text::excerpt;

/// A token is fetched again when this share of its time is over, as Kafka's own clients do.
const FRESH: f64 = 0.8;
/// Fetching must end before the time for a connection does, so that it is blamed and not the broker.
const SHARE: f64 = 0.9;
/// No token and no error is longer, in bytes.
const LONGEST: usize = 64 << 10;

/// The token that was fetched last.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<Option<Kept>>);

struct Kept {
    token: SecretString,
    until: Instant,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// A token that is still fresh. Who comes while one is fetched waits for that one.
    pub(crate) async fn of(
        &self,
        endpoint: &TokenEndpoint,
        settings: &Settings,
    ) -> Result<SecretString, Failure> {
        let mut kept = self.0.lock().await;
        if let Some(Kept { token, until }) = kept.as_ref()
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let begun = Instant::now();
        let limit = settings.request_timeout.mul_f64(SHARE);
        let fetched = timeout(limit, fetch(endpoint, settings)).await;
        let fetched =
            fetched.unwrap_or_else(|_| Err(no_token(endpoint, format!("no answer within {limit:?}"))));
        tell(endpoint, begun, &fetched);
        let (token, lifetime) = fetched?;
        // One that does not say for how long it is valid is used once.
        *kept = lifetime
            .and_then(|lifetime| begun.checked_add(lifetime.mul_f64(FRESH)))
            .map(|until| Kept { token: token.clone(), until });
        Ok(token)
    }

    /// A broker has refused it: the next connection has another one.
    pub(crate) async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

type Fetched = (SecretString, Option<Duration>);

fn tell(endpoint: &TokenEndpoint, begun: Instant, fetched: &Result<Fetched, Failure>) {
    let seconds = begun.elapsed().as_secs_f64();
    let valid_for = fetched.as_ref().ok().and_then(|(_, lifetime)| *lifetime).map(|valid| valid.as_secs());
    let error = fetched.as_ref().err().map(Failure::message);
    debug!(
        event = "kafka_token",
        endpoint = endpoint.shown(),
        seconds,
        valid_for,
        error,
        "a token was asked for"
    );
}

fn no_token(endpoint: &TokenEndpoint, why: String) -> Failure {
    Failure::NoToken { endpoint: endpoint.shown(), why: excerpt(&why) }
}

async fn fetch(endpoint: &TokenEndpoint, settings: &Settings) -> Result<Fetched, Failure> {
    let client_secret = secret(&endpoint.client_secret_file)?;
    let failed = |error: reqwest::Error| no_token(endpoint, words(&error.without_url()));
    let client = builder(endpoint, settings)?.build().map_err(failed)?;
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(endpoint.scope.as_deref().map(|scope| ("scope", scope)));
    let request = client
        .post(endpoint.url.clone())
        .basic_auth(encoded(&endpoint.client_id), Some(encoded(client_secret.expose_secret())))
        .header("accept", "application/json")
        .form(&form);
    let response = request.send().await.map_err(failed)?;
    let status = response.status();
    let body = read_all(response).await.map_err(failed)?;
    if status.is_success() {
        return token(&body)
            .ok_or_else(|| no_token(endpoint, "its answer has no access_token that can be used".to_owned()));
    }
    let why = reason(&body, client_secret.expose_secret());
    if status.is_client_error() && !matches!(status.as_u16(), 408 | 425 | 429) {
        let message = format!("{status}{why}");
        return Err(Misconfiguration::TokenRefused { endpoint: endpoint.shown(), message }.into());
    }
    Err(no_token(endpoint, format!("it answers {status}{why}")))
}

/// The way to the endpoint.
fn builder(endpoint: &TokenEndpoint, settings: &Settings) -> Result<ClientBuilder, Failure> {
    let mut builder = ClientBuilder::new().user_agent(settings.client_id.clone()).redirect(Policy::none());
    if is_loopback(endpoint) {
        // A proxy can't reach it.
        builder = builder.no_proxy();
    }
    if endpoint.url.scheme() != "https" {
        // reqwest insists on the system's authorities even when nothing will be encrypted; a small image has none.
        return Ok(builder.tls_certs_only([]));
    }
    let Some(path) = settings.security.tls().and_then(|tls| tls.ca_file.as_ref()) else { return Ok(builder) };
    let found = Certificate::from_pem_bundle(read(path)?.as_bytes());
    let found = found.map_err(|_| file(path, "is no PEM file of certificates"))?;
    Ok(builder.tls_certs_merge(found))
}

fn is_loopback(endpoint: &TokenEndpoint) -> bool {
    match endpoint.url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What RFC 6749 (section 2.3.1) wants of a client's id and secret. Letters that no URL encodes stay as they are, so that
/// servers that decode nothing understand most of them too.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

async fn read_all(mut response: Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while body.len() <= LONGEST
        && let Some(chunk) = response.chunk().await?
    {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The token, and for how long it is valid. Only letters that RFC 6750 lets a token have: others could end the message in
/// which it is sent.
fn token(body: &[u8]) -> Option<Fetched> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let token = answer.get("access_token")?.as_str()?;
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        return None;
    }
    // Some write the number as a text.
    let seconds = answer.get("expires_in").and_then(|given| match given {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_u64(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    });
    Some((SecretString::from(token), seconds.map(Duration::from_secs)))
}

/// An error in the endpoint's words (RFC 6749, section 5.2), unless they repeat the secret.
fn reason(body: &[u8], client_secret: &str) -> String {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let told = ["error", "error_description"].map(|key| answer.get(key).and_then(Value::as_str));
    let told: Vec<&str> = told.into_iter().flatten().collect();
    let told = excerpt(&told.join(", "));
    let shown = !told.is_empty() && !told.contains(client_secret) && !told.contains(&encoded(client_secret));
    if shown { format!(": {told}") } else { String::new() }
}

/// What went wrong, with its causes.
fn words(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        words = format!("{words}: {cause}");
        below = cause.source();
    }
    words
}

#[cfg(test)]
mod tests;
