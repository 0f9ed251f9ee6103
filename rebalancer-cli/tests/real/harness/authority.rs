//! A certificate authority of a scenario's own.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// An authority, and what it has signed, as PEM files in a folder that goes with it.
pub(crate) struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // A name of its own, as folders have: two authorities of one name would be taken for each other.
        params.distinguished_name.push(DnType::CommonName, folder.path().display().to_string());
        fs::write(folder.path().join("ca.crt"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), folder }
    }

    /// Its own certificate.
    pub(crate) fn file(&self) -> String {
        self.path("ca.crt").display().to_string()
    }

    /// Signs a certificate for 127.0.0.1: its file and that of its key.
    pub(crate) fn sign(&self, name: &str) -> [String; 2] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let files = [self.path(&format!("{name}.crt")), self.path(&format!("{name}.key"))];
        fs::write(&files[0], certificate.pem()).unwrap();
        fs::write(&files[1], key.serialize_pem()).unwrap();
        files.map(|file| file.display().to_string())
    }

    /// What a server needs to speak TLS, and to ask clients for a certificate of this authority.
    pub(crate) fn acceptor(&self, asks_clients: bool) -> TlsAcceptor {
        let [certificate, key] = self.sign("server");
        let verifier = if asks_clients {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(self.path("ca.crt")).unwrap()).unwrap();
            WebPkiClientVerifier::builder(roots.into()).build().unwrap()
        } else {
            WebPkiClientVerifier::no_client_auth()
        };
        let config = ServerConfig::builder().with_client_cert_verifier(verifier).with_single_cert(
            vec![CertificateDer::from_pem_file(certificate).unwrap()],
            PrivateKeyDer::from_pem_file(key).unwrap(),
        );
        TlsAcceptor::from(Arc::new(config.unwrap()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
