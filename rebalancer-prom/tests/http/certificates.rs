//! A server that asks for a client certificate, and files that hold none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rebalancer_core::port::MetricsError;
use rebalancer_prom::{Client, ClientSettings};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::world::{ONE_POD, cpu, one_pod, settings};

/// An authority, and what it has signed, as PEM files.
struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        std::fs::write(folder.path().join("ca"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), folder }
    }

    /// Signs a certificate for loopback: `<name>.crt` and `<name>.key`.
    fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let certificate = self.write(&format!("{name}.crt"), &certificate.pem());
        (certificate, self.write(&format!("{name}.key"), &key.serialize_pem()))
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A server that speaks only to clients with a certificate of this authority; gives its URL.
    async fn server(&self) -> String {
        let (certificate, key) = self.sign("server");
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca")).unwrap()).unwrap();
        let config = ServerConfig::builder()
            .with_client_cert_verifier(WebPkiClientVerifier::builder(roots.into()).build().unwrap())
            .with_single_cert(
                vec![CertificateDer::from_pem_file(certificate).unwrap()],
                PrivateKeyDer::from_pem_file(key).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let _ = stream.read(&mut [0; 4096]).await;
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{ONE_POD}", ONE_POD.len());
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        url
    }
}

#[tokio::test]
async fn a_client_certificate_opens_the_door_and_without_one_it_stays_shut() {
    let authority = Authority::new();
    let url = authority.server().await;
    let anonymous =
        settings(&url).ca_file(authority.path("ca")).timeout(std::time::Duration::from_millis(800));
    let error = cpu(&anonymous).await.unwrap_err();
    assert!(matches!(error, MetricsError::Unavailable { .. }), "{error}");

    let other = Authority::new();
    let (certificate, key) = other.sign("stranger");
    let error = cpu(&anonymous.client_certificate(certificate, key)).await.unwrap_err();
    assert!(matches!(error, MetricsError::Unavailable { .. }), "{error}");

    let (certificate, key) = authority.sign("client");
    assert_eq!(
        cpu(&settings(&url).ca_file(authority.path("ca")).client_certificate(certificate, key)).await,
        one_pod()
    );
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_not_asked_again_and_the_message_says_what_to_do() {
    let authority = Authority::new();
    let url = authority.server().await;
    let by_name = url.replace("127.0.0.1", "localhost");
    let other = Authority::new();
    let plain = wiremock::MockServer::start().await.uri().replace("http:", "https:");
    for (url, ca, expected) in [
        (
            &url,
            other.path("ca"),
            "; trust the authority that signed the server's certificate: name its CA file",
        ),
        (&by_name, authority.path("ca"), "; the endpoint must have a name that the certificate has"),
        (
            &plain,
            authority.path("ca"),
            "; the server speaks no TLS at this port; the endpoint may have to be http",
        ),
    ] {
        let start = std::time::Instant::now();
        let settings = settings(url).ca_file(ca).timeout(std::time::Duration::from_secs(60));
        let error = cpu(&settings).await.unwrap_err();
        assert!(matches!(error, MetricsError::Unavailable { .. }), "{error}");
        let words = error.to_string();
        assert!(words.contains(expected) && words.contains("(from https://"), "{words}");
        assert!(!words.contains("gave up") && start.elapsed().as_secs() < 30, "it was repeated: {words}");
    }
}

#[tokio::test]
async fn the_certificate_and_its_key_may_be_in_one_file() {
    let authority = Authority::new();
    let url = authority.server().await;
    let (certificate, key) = authority.sign("client");
    let both = [key, certificate].map(|path| std::fs::read_to_string(path).unwrap()).concat();
    let both = authority.write("both", &both);
    let settings = settings(&url).ca_file(authority.path("ca")).client_certificate(&both, &both);
    assert_eq!(cpu(&settings).await, one_pod());
}

#[tokio::test]
async fn files_are_read_again_for_each_client() {
    let authority = Authority::new();
    let url = authority.server().await;
    let (certificate, key) = authority.sign("client");
    let settings = settings(&url).ca_file(authority.path("ca")).client_certificate(&certificate, &key);
    assert_eq!(cpu(&settings).await, one_pod());
    std::fs::remove_file(&key).unwrap();
    assert!(problem(&settings).contains("can't be read: No such file"));
    authority.sign("client");
    assert_eq!(cpu(&settings).await, one_pod());
}

fn problem(settings: &ClientSettings) -> String {
    Client::new(settings).unwrap_err().to_string()
}

#[test]
fn the_file_that_is_wrong_is_named_with_the_reason_and_never_with_its_contents() {
    let authority = Authority::new();
    let (certificate, key) = authority.sign("client");
    let (_, other_key) = authority.sign("other");
    let secret = std::fs::read_to_string(&key).unwrap();
    let secret = secret.lines().nth(1).unwrap();
    let file = |name, text: &str| authority.write(name, text);
    let section =
        |label: &str, inside: &str| format!("-----BEGIN {label}-----\n{inside}\n-----END {label}-----\n");
    let nowhere = PathBuf::from("/nowhere/file");
    let text = file("text", "hush, not PEM");
    let bytes = authority.path("bytes");
    std::fs::write(&bytes, [0xff, 0xfe]).unwrap();
    let garbage = file("garbage", &section("CERTIFICATE", "!!!"));
    let no_certificate = file("no-certificate", &section("CERTIFICATE", "aHVzaA=="));
    let encrypted = file("encrypted", &section("ENCRYPTED PRIVATE KEY", secret));
    let old = file("old", &section("RSA PRIVATE KEY", &format!("Proc-Type: 4,ENCRYPTED\n{secret}")));
    let torn = file("torn", &format!("-----BEGIN PRIVATE KEY-----\n{secret}"));
    let no_key = file("no-key", &section("PRIVATE KEY", "aHVzaA=="));
    for (certificate, key, blamed, expected) in [
        (&nowhere, &key, &nowhere, "can't be read: No such file"),
        (&bytes, &key, &bytes, "can't be read: stream did not contain valid UTF-8"),
        (&text, &key, &text, "holds no PEM certificate"),
        (&key, &key, &key, "holds no PEM certificate"),
        (&garbage, &key, &garbage, "is no whole PEM text"),
        (&certificate, &nowhere, &nowhere, "can't be read: No such file"),
        (&certificate, &text, &text, "holds no PEM private key"),
        (&certificate, &certificate, &certificate, "holds no PEM private key"),
        (&certificate, &encrypted, &encrypted, "holds a private key that is encrypted; decrypt it"),
        (&certificate, &old, &old, "holds a private key that is encrypted; decrypt it"),
        (&certificate, &torn, &torn, "holds a private key that is no whole PEM section"),
        (&certificate, &no_key, &no_key, "can't be used with the certificate "),
        (&certificate, &other_key, &other_key, "can't be used with the certificate "),
        (&no_certificate, &key, &key, "can't be used with the certificate "),
    ] {
        let words = problem(&settings("https://m").client_certificate(certificate, key));
        let start = format!("the client certificate's file {} {expected}", blamed.display());
        assert!(words.starts_with(&start), "{words}");
        assert!(!words.contains("hush") && !words.contains(secret), "{words}");
    }
}

#[test]
fn a_client_certificate_without_encryption_is_a_mistake() {
    let words = problem(&settings("http://m").client_certificate(Path::new("c"), Path::new("k")));
    assert_eq!(words, "the client certificate's file c is of no use for an endpoint without https");
}
