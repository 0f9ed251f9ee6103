//! Metric servers that don't do their work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::harness::process;

/// How a metric server fails.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// Nobody listens.
    Down,
    /// Takes the request and never answers.
    Slow,
    /// This status, with a short text.
    Status(u16),
    /// This status, and `Retry-After` in seconds.
    RetryAfter(u16, u32),
    /// 200, and what is no JSON.
    Garbage,
    /// 200, and the connection ends in the middle of a good answer.
    HalfAnswer,
    /// 200, and this body.
    Answer(Value),
}

impl Fault {
    /// A VictoriaMetrics cluster that lacks a storage node: 200 with these cores by pod, marked as partial.
    pub(crate) fn partial(cores: &[(&str, f64)]) -> Self {
        let mut answer = vector(cores);
        answer["isPartial"] = json!(true);
        Self::Answer(answer)
    }

    /// The bytes of the answer, or none: no answer at all.
    fn response(&self) -> Option<String> {
        let json = "Content-Type: application/json\r\n";
        match self {
            Self::Down | Self::Slow => None,
            Self::Status(status) => Some(http(*status, "", "it is broken")),
            Self::RetryAfter(status, seconds) => {
                Some(http(*status, &format!("Retry-After: {seconds}\r\n"), "come back later"))
            }
            Self::Garbage => Some(http(200, json, "{\"status\":\"succ<html>")),
            Self::HalfAnswer => {
                let mut whole = http(200, json, &vector(&[("some-pod", 1.0)]).to_string());
                whole.truncate(whole.len() - 40);
                Some(whole)
            }
            Self::Answer(body) => Some(http(200, json, &body.to_string())),
        }
    }
}

/// A running broken server; ends when dropped.
#[derive(Debug)]
pub(crate) struct Broken {
    /// Its base URL.
    pub(crate) url: String,
    requests: Arc<AtomicUsize>,
    task: Option<JoinHandle<()>>,
}

impl AsRef<str> for Broken {
    fn as_ref(&self) -> &str {
        &self.url
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Broken {
    /// Fails every request in this way.
    pub(crate) async fn start(fault: Fault) -> Self {
        Self::serve(fault, None).await
    }

    /// Fails this many requests, then passes all others on to a server that works.
    pub(crate) async fn recovering(fault: Fault, failures: usize, then: impl AsRef<str>) -> Self {
        let address = then.as_ref().trim_start_matches("http://").to_owned();
        Self::serve(fault, Some((failures, address))).await
    }

    /// Requests that were begun, those passed on included.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    async fn serve(fault: Fault, recovery: Option<(usize, String)>) -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        if fault == Fault::Down {
            let url = format!("http://127.0.0.1:{}", process::free_port());
            return Self { url, requests, task: None };
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let counter = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let number = counter.fetch_add(1, Ordering::SeqCst);
                match &recovery {
                    Some((failures, address)) if number >= *failures => {
                        tokio::spawn(pass_on(connection, address.clone()));
                    }
                    _ => {
                        tokio::spawn(fail(connection, fault.response()));
                    }
                }
            }
        });
        Self { url, requests, task: Some(task) }
    }
}

/// One answer a connection, so that connections count requests.
async fn fail(mut connection: TcpStream, response: Option<String>) {
    read_request(&mut connection).await;
    match response {
        Some(response) => {
            let _ = connection.write_all(response.as_bytes()).await;
            let _ = connection.shutdown().await;
        }
        None => sleep(Duration::from_secs(3600)).await,
    }
}

async fn pass_on(mut connection: TcpStream, address: String) {
    if let Ok(mut server) = TcpStream::connect(address).await {
        let _ = copy_bidirectional(&mut connection, &mut server).await;
    }
}

/// Reads to the end of the body: a connection closed with unread bytes is reset, not ended.
async fn read_request(connection: &mut TcpStream) {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    while !is_whole(&request) {
        match connection.read(&mut chunk).await {
            Ok(count) if count > 0 => request.extend_from_slice(&chunk[..count]),
            _ => return,
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    body.len() >= length.unwrap_or(0)
}

fn vector(cores: &[(&str, f64)]) -> Value {
    let now = jiff::Timestamp::now().as_second();
    let elements: Vec<Value> = cores
        .iter()
        .map(|(pod, cores)| json!({"metric": {"pod": pod}, "value": [now, cores.to_string()]}))
        .collect();
    json!({"status": "success", "data": {"resultType": "vector", "result": elements}})
}

fn http(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Broken\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
