//! A client certificate: who we are, to servers that ask for it while a connection is made.

use std::path::{Path, PathBuf};

use reqwest::{Certificate, ClientBuilder, Identity};
use secrecy::{ExposeSecret, SecretString};

use crate::client_error::ClientError;
use crate::text::chain;

/// Two PEM files, which may be the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateFiles {
    /// The certificate, with those of the authorities between it and one that the server knows.
    pub(crate) certificate: PathBuf,
    /// The private key, not encrypted.
    pub(crate) key: PathBuf,
}

/// Reads both files. What is wrong is said about the file that has to change, and without its contents.
pub(crate) fn read(files: &CertificateFiles) -> Result<Identity, ClientError> {
    let certificate = certificate(&files.certificate)?;
    let key = private_key(&files.key)?;
    let pem = SecretString::from(certificate + key.expose_secret());
    let identity = Identity::from_pem(pem.expose_secret().as_bytes())
        .map_err(|_| problem(&files.key, "holds a private key that is no whole PEM section"))?;
    // The two are compared only when a client is built, where nobody could tell any more what its error is about.
    let probe = ClientBuilder::new().tls_certs_only([]).no_proxy().identity(identity.clone()).build();
    probe.map_err(|error| {
        let (certificate, error) = (files.certificate.display(), chain(&error.without_url()));
        problem(&files.key, format!("can't be used with the certificate {certificate}: {error}"))
    })?;
    Ok(identity)
}

fn certificate(path: &Path) -> Result<String, ClientError> {
    let text = text(path)?;
    let found = sections(text.expose_secret(), |label| label == "CERTIFICATE");
    match Certificate::from_pem_bundle(found.as_bytes()) {
        Ok(certificates) if certificates.is_empty() => Err(problem(path, "holds no PEM certificate")),
        Ok(_) => Ok(found),
        // The parser's own words quote a line that it does not understand.
        Err(_) => Err(problem(path, "is no whole PEM text")),
    }
}

fn private_key(path: &Path) -> Result<SecretString, ClientError> {
    let text = text(path)?;
    let found = SecretString::from(sections(text.expose_secret(), |label| label.ends_with("PRIVATE KEY")));
    let encrypted = ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"];
    match found.expose_secret() {
        "" => Err(problem(path, "holds no PEM private key")),
        key if encrypted.iter().any(|mark| key.contains(mark)) => {
            Err(problem(path, "holds a private key that is encrypted; decrypt it"))
        }
        _ => Ok(found),
    }
}

/// The parts of a PEM file that are wanted, by the label of their first line.
fn sections(pem: &str, wanted: impl Fn(&str) -> bool) -> String {
    let mut found = String::new();
    let mut inside = false;
    for line in pem.lines().map(str::trim) {
        let label = |edge| line.strip_prefix(edge)?.strip_suffix("-----");
        inside = inside || label("-----BEGIN ").is_some_and(&wanted);
        if inside {
            found.push_str(line);
            found.push('\n');
        }
        inside = inside && label("-----END ").is_none();
    }
    found
}

fn text(path: &Path) -> Result<SecretString, ClientError> {
    let text = std::fs::read_to_string(path);
    text.map(SecretString::from).map_err(|error| problem(path, format!("can't be read: {error}")))
}

fn problem(path: &Path, problem: impl Into<String>) -> ClientError {
    ClientError::ClientCertificate { path: path.to_owned(), problem: problem.into() }
}
