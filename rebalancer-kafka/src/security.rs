//! How connections are protected and who we are, as Kafka's own settings have it. Secrets live in files, which are read
//! again for every connection.

use std::fmt;
use std::path::{Path, PathBuf};

use rebalancer_core::port::Misconfiguration;
use secrecy::SecretString;
use url::Url;

/// `security.protocol`.
#[derive(Debug, Clone, Default)]
pub enum Security {
    /// `PLAINTEXT`.
    #[default]
    Plaintext,
    /// `SSL`.
    Ssl(Tls),
    /// `SASL_PLAINTEXT`. PLAIN and OAUTHBEARER send their secret as it is.
    SaslPlaintext(Sasl),
    /// `SASL_SSL`.
    SaslSsl(Tls, Sasl),
}

impl Security {
    pub(crate) fn tls(&self) -> Option<&Tls> {
        match self {
            Self::Plaintext | Self::SaslPlaintext(_) => None,
            Self::Ssl(tls) | Self::SaslSsl(tls, _) => Some(tls),
        }
    }

    pub(crate) fn sasl(&self) -> Option<&Sasl> {
        match self {
            Self::Plaintext | Self::Ssl(_) => None,
            Self::SaslPlaintext(sasl) | Self::SaslSsl(_, sasl) => Some(sasl),
        }
    }
}

/// Whom we trust, and a certificate that says who we are. The broker's name is always checked.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// A PEM file with the certificate authorities that are trusted; without it, those of the system.
    pub ca_file: Option<PathBuf>,
    /// A client certificate, for brokers that ask for one.
    pub identity: Option<TlsIdentity>,
}

/// Two PEM files, which may be the same one.
#[derive(Debug, Clone)]
pub struct TlsIdentity {
    /// The certificate with its chain.
    pub certificate_file: PathBuf,
    /// The private key, not encrypted.
    pub key_file: PathBuf,
}

/// `sasl.mechanism` with what it needs.
#[derive(Debug, Clone)]
pub enum Sasl {
    /// `PLAIN`.
    Plain(Login),
    /// `SCRAM-SHA-256`.
    ScramSha256(Login),
    /// `SCRAM-SHA-512`.
    ScramSha512(Login),
    /// `OAUTHBEARER`.
    OauthBearer(Token),
}

/// Where a token comes from.
#[derive(Debug, Clone)]
pub enum Token {
    /// A file with the token alone, which something else renews.
    File(PathBuf),
    /// It is fetched, and again before it expires.
    Endpoint(TokenEndpoint),
}

/// An OAuth 2.0 token endpoint, and a client that it knows (RFC 6749, section 4.4: client credentials). Its certificate is
/// checked against the authorities of the system and those of [`Tls::ca_file`]. Proxies are those of the environment.
#[derive(Clone)]
pub struct TokenEndpoint {
    /// Where tokens are fetched.
    pub url: Url,
    /// The client's id.
    pub client_id: String,
    /// A file with the client's secret alone; a newline at its end is no part of it.
    pub client_secret_file: PathBuf,
    /// Scopes, with spaces between.
    pub scope: Option<String>,
}

impl fmt::Debug for TokenEndpoint {
    /// Without what a URL may have as a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoint")
            .field("url", &self.shown())
            .field("client_id", &self.client_id)
            .field("client_secret_file", &self.client_secret_file)
            .field("scope", &self.scope)
            .finish()
    }
}

impl TokenEndpoint {
    /// The URL without credentials and without its query string.
    pub(crate) fn shown(&self) -> String {
        let (scheme, path) = (self.url.scheme(), self.url.path());
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{scheme}://{host}:{port}{path}"),
            None => format!("{scheme}://{host}{path}"),
        }
    }
}

impl Sasl {
    /// The mechanism by Kafka's name.
    #[must_use]
    pub const fn mechanism(&self) -> &'static str {
        match self {
            Self::Plain(_) => "PLAIN",
            Self::ScramSha256(_) => "SCRAM-SHA-256",
            Self::ScramSha512(_) => "SCRAM-SHA-512",
            Self::OauthBearer(_) => "OAUTHBEARER",
        }
    }
}

impl fmt::Display for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.mechanism())
    }
}

/// A user with a password.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name.
    pub username: String,
    /// A file with the password alone; a newline at its end is no part of it.
    pub password_file: PathBuf,
}

/// A file with one secret in one line.
pub(crate) fn secret(path: &Path) -> Result<SecretString, Misconfiguration> {
    let text = read(path)?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(file(path, "is empty"));
    }
    Ok(SecretString::from(text))
}

/// The whole of a file.
pub(crate) fn read(path: &Path) -> Result<String, Misconfiguration> {
    // A few bytes of a mounted secret: not worth a thread.
    let text = std::fs::read_to_string(path);
    text.map_err(|error| file(path, format!("can't be read: {error}")))
}

pub(crate) fn file(path: &Path, message: impl Into<String>) -> Misconfiguration {
    Misconfiguration::File { path: path.display().to_string(), message: message.into() }
}
