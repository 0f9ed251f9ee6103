//! Why no client can be made of the settings.

use std::path::PathBuf;

/// Why a client can't be built from its settings. Nothing has been contacted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The base URL can't be used.
    #[error("the endpoint {endpoint} {problem}")]
    Endpoint {
        /// The URL without credentials and query string.
        endpoint: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The time for a query is zero.
    #[error("the time-out must be more than zero")]
    Timeout,
    /// The certificate authorities can't be read.
    #[error("the CA file {} {problem}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The client certificate or its key can't be used. Their contents are never shown.
    #[error("the client certificate's file {} {problem}", path.display())]
    ClientCertificate {
        /// The file to look at.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The proxy can't be used.
    #[error("the proxy {proxy} {problem}")]
    Proxy {
        /// Its URL without credentials and query string.
        proxy: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An extra header can't be sent. Its value is never shown.
    #[error("the header '{name}' {problem}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The HTTP client can't be set up, for example because the system has no certificate authorities.
    #[error("the HTTP client can't be set up: {message}")]
    Build {
        /// What happened.
        message: String,
    },
}
