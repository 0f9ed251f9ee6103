//! One exchange with the API server: a request goes out, an answer or a failure comes back. What a refusal
//! means is not decided here; see [`classify`](crate::classify).

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use http::{Method, Request, StatusCode};
use http_body::Body as _;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use kube::client::Body;
use kube::core::Status;
use prost::bytes::Bytes;
use rebalancer_core::unit::Elapsed;
use serde::Serialize;
use serde_json::error::Category;
use tracing::Instrument as _;

use crate::answer::{self, Encoding, Gather};
use crate::client::Connection;
use crate::credentials::Credentials;
use crate::request_log::RequestLog;
use crate::text::excerpt;
use crate::unmade;

/// A proxy's error page is longer than anybody wants in a log line.
const LONGEST_FOREIGN_TEXT: usize = 300;

/// Why an exchange gave nothing that can be used.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server answered, and refused.
    Refused(Box<Refusal>),
    /// The server answered with success, in a shape that can't be read.
    Malformed(String),
    /// The request could not be built or signed; nothing was sent.
    Unsendable(String),
    /// No connection could be made; nothing was sent.
    NotConnected(String),
    /// The connection broke after it was made: the server may have seen the request.
    Lost(String),
    /// The deadline passed: the server may have seen the request.
    TimeUp {
        limit: Duration,
        /// Who did not answer, for people; `None` where that is not known.
        server: Option<Arc<str>>,
    },
}

impl Failure {
    /// The same with the server that was asked, where nothing came from it that would tell.
    pub(crate) fn asking(self, server: Option<&Arc<str>>) -> Self {
        let to = |message: String| match server {
            Some(server) => format!("{message} (to {server})"),
            None => message,
        };
        match self {
            Self::NotConnected(message) => Self::NotConnected(to(message)),
            Self::Lost(message) => Self::Lost(to(message)),
            Self::TimeUp { limit, .. } => Self::TimeUp { limit, server: server.cloned() },
            other @ (Self::Refused(_) | Self::Malformed(_) | Self::Unsendable(_)) => other,
        }
    }
}

/// A refusal: the server's own status object, or one made from a foreign answer.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// `code` is always set.
    pub(crate) status: Status,
    /// How long the server asks to wait.
    pub(crate) retry_after: Option<Duration>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Status { code, reason, message, .. } = &self.status;
        let (reason, message) = (excerpt(reason), excerpt(message));
        match (reason.is_empty(), message.is_empty()) {
            (true, true) => write!(f, "{code}"),
            (true, false) => write!(f, "{code}: {message}"),
            (false, true) => write!(f, "{code} {reason}"),
            (false, false) => write!(f, "{code} {reason}: {message}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "{refusal}"),
            Self::Malformed(message) => write!(f, "the answer can't be understood: {}", excerpt(message)),
            Self::Unsendable(message) => write!(f, "the request could not be made: {message}"),
            Self::NotConnected(message) => write!(f, "no connection: {message}"),
            Self::Lost(message) => write!(f, "the connection broke: {message}"),
            Self::TimeUp { limit, server } => {
                write!(f, "no answer within {}", Elapsed::from(*limit))?;
                server.as_ref().map_or(Ok(()), |server| write!(f, " (from {server})"))
            }
        }
    }
}

/// An answer, and what the server's clock showed when it gave it, to the second.
pub(crate) struct Dated<T> {
    pub(crate) answer: T,
    pub(crate) date: Option<Timestamp>,
}

/// Sends once and gathers the answer as it arrives. There is no deadline in here.
pub(crate) async fn exchange<G: Gather>(
    connection: &Connection,
    request: Request<Vec<u8>>,
    begin: impl FnOnce(Encoding) -> G,
) -> Result<Dated<G::Whole>, Failure> {
    let mut log = RequestLog::new(&request);
    let span = log.span();
    let result = answer(connection, request, begin, &mut log).instrument(span).await;
    log.ended(result.as_ref());
    result
}

async fn answer<G: Gather>(
    connection: &Connection,
    mut request: Request<Vec<u8>>,
    begin: impl FnOnce(Encoding) -> G,
    log: &mut RequestLog,
) -> Result<Dated<G::Whole>, Failure> {
    let Connection { client, credentials, .. } = connection;
    credentials.add_to(request.headers_mut()).map_err(Failure::Unsendable)?;
    let response = client.send(request.map(Body::from)).await.map_err(unsent_or_lost)?;
    let (head, mut body) = response.into_parts();
    log.answered(head.status);
    let encoding = Encoding::of(&head.headers);
    if !head.status.is_success() {
        // The status line alone says enough: an unreadable reason must not hide a refusal.
        let body = body.collect_bytes().await;
        log.received(body.as_ref().map_or(0, |body| body.len()));
        let said = said(encoding, &body.unwrap_or_default(), credentials);
        let mut refusal = refusal(head.status, &head.headers, said);
        // It may have been written in another way.
        refusal.status.message = credentials.hide(&refusal.status.message);
        return Err(Failure::Refused(Box::new(refusal)));
    }
    let mut gathered = begin(encoding);
    while let Some(piece) = piece(&mut body).await {
        let piece = piece.map_err(|error| Failure::Lost(chain(&error)))?;
        log.received(piece.len());
        gathered.take(&piece)?;
    }
    Ok(Dated { answer: gathered.end()?, date: date(&head.headers) })
}

/// The next piece of an answer; `None` at its end.
async fn piece(body: &mut Body) -> Option<Result<Bytes, kube::Error>> {
    loop {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
        match frame.map(|frame| frame.into_data().ok()) {
            Ok(Some(piece)) => return Some(Ok(piece)),
            // Trailers hold nothing that is wanted.
            Ok(None) => {}
            Err(error) => return Some(Err(error)),
        }
    }
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    rfc2822::parse(headers.get(DATE)?.to_str().ok()?).ok().map(|date| date.timestamp())
}

/// A request with this object as its body, or without one.
pub(crate) fn request<T: Serialize>(
    method: Method,
    path: &str,
    body: Option<&T>,
) -> Result<Request<Vec<u8>>, Failure> {
    let body = body.map(serde_json::to_vec).transpose().map_err(unsendable)?;
    let request = Request::builder().method(method).uri(path);
    let request = if body.is_some() { request.header(CONTENT_TYPE, "application/json") } else { request };
    request.body(body.unwrap_or_default()).map_err(unsendable)
}

fn unsendable(error: impl fmt::Display) -> Failure {
    Failure::Unsendable(error.to_string())
}

/// The path of a namespace's collection, such as `/api/v1/namespaces/shop/pods`.
///
/// Names end up in paths unescaped, so what is no Kubernetes name is not sent at all.
pub(crate) fn collection(api: &str, namespace: &str, resource: &str) -> Result<String, Failure> {
    Ok(format!("{api}/namespaces/{}/{resource}", segment(namespace)?))
}

/// The path of one object in it.
pub(crate) fn object(api: &str, namespace: &str, resource: &str, name: &str) -> Result<String, Failure> {
    Ok(format!("{}/{}", collection(api, namespace, resource)?, segment(name)?))
}

/// The path of one pod.
pub(crate) fn pod(namespace: &str, name: &str) -> Result<String, Failure> {
    object("/api/v1", namespace, "pods", name)
}

/// The path of one node, which is in no namespace.
pub(crate) fn node(name: &str) -> Result<String, Failure> {
    Ok(format!("/api/v1/nodes/{}", segment(name)?))
}

fn segment(name: &str) -> Result<&str, Failure> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let ends = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if name.bytes().all(plain) && ends(name.bytes().next()) && ends(name.bytes().last()) {
        Ok(name)
    } else {
        Err(Failure::Unsendable(format!("{name:?} is no Kubernetes name")))
    }
}

fn unsent_or_lost(error: kube::Error) -> Failure {
    // The user of the kubeconfig is not known here; a plugin that fails later is this.
    if let Some(words) = unmade::credentials_below(&error) {
        return Failure::Unsendable(format!("the kubeconfig's user {words}"));
    }
    let message = chain(&error);
    if matches!(error, kube::Error::Auth(_) | kube::Error::BuildRequest(_) | kube::Error::HttpError(_)) {
        Failure::Unsendable(message)
    } else if is_connect(&error) {
        Failure::NotConnected(message)
    } else {
        Failure::Lost(message)
    }
}

fn is_connect(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        cause
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect)
    })
}

/// What the server says of a refusal.
fn said(encoding: Encoding, body: &[u8], credentials: &Credentials) -> Status {
    let in_protobuf = (encoding == Encoding::Protobuf).then(|| answer::status(body)).flatten();
    in_protobuf.unwrap_or_else(|| {
        let body = credentials.hide(&String::from_utf8_lossy(body));
        // Every field of a status may be missing, so any JSON object parses as one.
        let said = |status: &Status| !status.message.is_empty() || !status.reason.is_empty();
        serde_json::from_str(&body).ok().filter(said).unwrap_or_else(|| foreign(&body))
    })
}

fn refusal(code: StatusCode, headers: &HeaderMap, said: Status) -> Refusal {
    let status = Status { code: code.as_u16(), ..said };
    let header = headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|v| v.trim().parse().ok());
    let asked = status.details.as_ref().map(|d| u64::from(d.retry_after_seconds)).filter(|s| *s > 0);
    Refusal { status, retry_after: asked.or(header).map(Duration::from_secs) }
}

/// Proxies and the server's own rate limiter answer in plain text.
fn foreign(text: &str) -> Status {
    Status { message: text.trim().chars().take(LONGEST_FOREIGN_TEXT).collect(), ..Status::default() }
}

/// Where an answer is not what was expected. The parser's own words quote values, which may be those of a pod's variables.
pub(crate) fn mistake(error: &serde_json::Error) -> String {
    let (words, at) = (error.to_string(), format!("line {}, column {}", error.line(), error.column()));
    match error.classify() {
        // It quotes only the name that we expected.
        Category::Data if words.starts_with("missing field") => words,
        Category::Data => format!("a value of another type than expected at {at}"),
        Category::Syntax => format!("no JSON at {at}"),
        Category::Eof | Category::Io => format!("it ends early at {at}"),
    }
}

/// The error and its causes in one line, each said once although some of them repeat the next.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    causes(error).map(ToString::to_string).fold(String::new(), |text, cause| {
        if text.is_empty() {
            cause
        } else if text.contains(&cause) {
            text
        } else {
            format!("{text}: {cause}")
        }
    })
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_change_the_path_is_not_sent() {
        for bad in ["", ".", "..", "a/b", "a?dryRun=", "a%2fb", "A", "-a", "a b"] {
            assert!(pod("shop", bad).is_err(), "{bad}");
            assert!(pod(bad, "consumer-0").is_err(), "{bad}");
        }
        assert_eq!(pod("shop", "consumer-0.a").unwrap(), "/api/v1/namespaces/shop/pods/consumer-0.a");
    }

    #[test]
    fn a_refusal_in_plain_text_keeps_its_code_and_its_wait() {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "3".parse().unwrap())]);
        let refusal = refusal(StatusCode::TOO_MANY_REQUESTS, &headers, foreign("Too many requests\n"));
        assert_eq!(refusal.to_string(), "429: Too many requests");
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_chain_says_each_cause_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer: {0}")]
        struct Outer(#[source] std::io::Error);
        let error = Outer(std::io::Error::other("inner"));
        assert_eq!(chain(&error), "outer: inner");
    }
}
