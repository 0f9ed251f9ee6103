//! A webhook: keeps what it is sent, and answers as it is told.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::world::serve;

/// In the path, as in Slack's URLs: must be nowhere in what is told.
pub(crate) const SECRET: &str = "T0123S3cr3t";

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

/// How a request is answered.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Status(u16, &'static str),
    /// Too many, with seconds to wait.
    Later(u32),
    Never,
}

#[derive(Default)]
struct Inner {
    received: Vec<Received>,
    answers: VecDeque<Answer>,
}

pub(crate) struct Webhook {
    inner: Arc<Mutex<Inner>>,
    folder: TempDir,
}

impl Webhook {
    /// Answers in turn as it is told, and then that all is well.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let inner = Inner { answers: answers.into_iter().collect(), ..Inner::default() };
        let inner = Arc::new(Mutex::new(inner));
        let router = Router::new().fallback(receive).with_state(Arc::clone(&inner));
        let address = serve(router).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("url"), format!("{address}/services/{SECRET}\n")).unwrap();
        Self { inner, folder }
    }

    /// The file with its URL.
    pub(crate) fn url_file(&self) -> String {
        self.folder.path().join("url").display().to_string()
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner.lock().unwrap().received.clone()
    }

    /// What CloudEvents were about, in their order.
    pub(crate) fn types(&self) -> Vec<String> {
        let types = self.received().into_iter();
        types.map(|received| received.body["type"].as_str().unwrap().to_owned()).collect()
    }
}

async fn receive(
    State(inner): State<Arc<Mutex<Inner>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = {
        let mut inner = inner.lock().unwrap();
        inner.received.push(Received {
            path: uri.path().to_owned(),
            content_type: headers["content-type"].to_str().unwrap().to_owned(),
            body: serde_json::from_slice(&body).expect("the body is JSON"),
        });
        inner.answers.pop_front().unwrap_or(Answer::Status(200, "ok"))
    };
    match answer {
        Answer::Status(code, text) => (StatusCode::from_u16(code).unwrap(), text).into_response(),
        Answer::Later(seconds) => {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds.to_string())]).into_response()
        }
        Answer::Never => std::future::pending().await,
    }
}

/// A webhook that speaks TLS with a certificate of an authority that nobody knows.
pub(crate) struct Encrypted {
    folder: TempDir,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

impl Encrypted {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = signed(folder.path());
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(
            vec![CertificateDer::from_pem_file(certificate).unwrap()],
            PrivateKeyDer::from_pem_file(key).unwrap(),
        );
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/services/{SECRET}", listener.local_addr().unwrap());
        std::fs::write(folder.path().join("url"), url).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut buffer = vec![0; 1 << 16];
                let read = stream.read(&mut buffer).await.unwrap_or_default();
                kept.lock().unwrap().push(String::from_utf8_lossy(&buffer[..read]).into_owned());
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                let _ = stream.shutdown().await;
            }
        });
        Self { folder, requests }
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// A certificate for loopback, with its key; the authority is in the file `ca`.
fn signed(folder: &Path) -> (PathBuf, PathBuf) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(folder.join("ca"), params.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, file) = (folder.join("server.crt"), folder.join("server.key"));
    std::fs::write(&certificate, params.signed_by(&key, &issuer).unwrap().pem()).unwrap();
    std::fs::write(&file, key.serialize_pem()).unwrap();
    (certificate, file)
}
