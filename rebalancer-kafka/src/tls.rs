//! TLS by rustls with aws-lc-rs: from files to a configuration, and what its failures mean.

use std::io;
use std::sync::Arc;

use rebalancer_core::port::Misconfiguration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{AlertDescription, ClientConfig, Error, RootCertStore};

use crate::failure::Failure;
use crate::security::{Tls, TlsIdentity, file, read};
use crate::settings::Address;

/// Reads the files, and shakes hands.
pub(crate) async fn begin(
    tls: &Tls,
    address: &Address,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Failure> {
    let name = ServerName::try_from(address.host.clone())
        .map_err(|_| Failure::not_connected(address, "its host is neither a name nor an IP address"))?;
    let connector = TlsConnector::from(Arc::new(config(tls)?));
    connector.connect(name, stream).await.map_err(|error| failure(address, &error))
}

fn config(tls: &Tls) -> Result<ClientConfig, Misconfiguration> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Misconfiguration::File { path: "of TLS".to_owned(), message: error.to_string() })?
        .with_root_certificates(roots(tls)?);
    match &tls.identity {
        None => Ok(builder.with_no_client_auth()),
        Some(identity) => {
            let (chain, key) = read_identity(identity)?;
            let config = builder.with_client_auth_cert(chain, key);
            config.map_err(|error| {
                file(&identity.key_file, format!("can't be used with the certificate: {error}"))
            })
        }
    }
}

fn roots(tls: &Tls) -> Result<RootCertStore, Misconfiguration> {
    let mut roots = RootCertStore::empty();
    match &tls.ca_file {
        Some(path) => {
            for certificate in certificates(&read(path)?) {
                let certificate = certificate.ok_or_else(|| file(path, "is no PEM file of certificates"))?;
                roots
                    .add(certificate)
                    .map_err(|error| file(path, format!("has a bad certificate: {error}")))?;
            }
            if roots.is_empty() {
                return Err(file(path, "holds no PEM certificate"));
            }
        }
        // Some of the system's may be unusable; the others count.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    Ok(roots)
}

fn certificates(pem: &str) -> Vec<Option<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::ok).collect()
}

fn read_identity(
    identity: &TlsIdentity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Misconfiguration> {
    let path = &identity.certificate_file;
    let chain: Option<Vec<_>> = certificates(&read(path)?).into_iter().collect();
    let chain = chain.ok_or_else(|| file(path, "is no PEM file of certificates"))?;
    if chain.is_empty() {
        return Err(file(path, "holds no PEM certificate"));
    }
    let text = read(&identity.key_file)?;
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
        let encrypted = text.contains("ENCRYPTED");
        let message = if encrypted {
            "holds a private key that is encrypted; decrypt it"
        } else {
            "holds no PEM private key"
        };
        file(&identity.key_file, message)
    })?;
    Ok((chain, key))
}

/// What a failed or broken exchange of TLS means. A broker that wants a client certificate says so only after the
/// handshake, when something is read.
pub(crate) fn failure(address: &Address, error: &io::Error) -> Failure {
    let at = address.to_string();
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidCertificate(why)) => {
            Misconfiguration::ServerCertificate { address: at, message: why.to_string() }.into()
        }
        Some(Error::AlertReceived(alert)) if is_about_us(*alert) => {
            Misconfiguration::ClientCertificate { address: at, message: format!("{alert:?}") }.into()
        }
        Some(Error::InvalidMessage(_)) => Failure::NotTls { address: address.clone() },
        Some(error) => Failure::lost(address, error),
        None => Failure::lost(address, error),
    }
}

/// Alerts by which a server rejects the client's certificate, or the lack of one.
fn is_about_us(alert: AlertDescription) -> bool {
    [
        AlertDescription::BadCertificate,
        AlertDescription::UnsupportedCertificate,
        AlertDescription::CertificateRevoked,
        AlertDescription::CertificateExpired,
        AlertDescription::CertificateUnknown,
        AlertDescription::UnknownCA,
        AlertDescription::AccessDenied,
        AlertDescription::CertificateRequired,
    ]
    .contains(&alert)
}
