//! An HTTP proxy, such as a company has between its clusters and the world.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running proxy; ends when dropped.
#[derive(Debug)]
pub(crate) struct ForwardProxy {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for ForwardProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ForwardProxy {
    /// Passes everything on.
    pub(crate) async fn start() -> Self {
        Self::serve(None).await
    }

    /// Answers every request with this status line.
    pub(crate) async fn refusing(status: &'static str) -> Self {
        Self::serve(Some(status)).await
    }

    /// The heads of the requests that opened a connection. Of a tunnel, it sees nothing more.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    async fn serve(refusal: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let heads = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(pass(connection, Arc::clone(&heads), refusal));
            }
        });
        Self { url, seen, task }
    }
}

async fn pass(mut client: TcpStream, heads: Arc<Mutex<Vec<String>>>, refusal: Option<&'static str>) {
    let mut start = Vec::new();
    while !start.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        match client.read_buf(&mut start).await {
            Ok(count) if count > 0 => {}
            _ => return,
        }
    }
    let text = String::from_utf8_lossy(&start).into_owned();
    let head = text.split("\r\n\r\n").next().unwrap_or_default().to_owned();
    let mut line = head.split(' ');
    let (method, target) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
    let tunnel = method == "CONNECT";
    // `CONNECT host:port`, or a whole URL, which every HTTP/1.1 server accepts as it is.
    let address = target.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned();
    heads.lock().unwrap().push(head);
    if let Some(status) = refusal {
        let _ = client.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
        return;
    }
    let Ok(mut server) = TcpStream::connect(&address).await else { return };
    let begun = if tunnel {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await
    } else {
        server.write_all(&start).await
    };
    if begun.is_ok() {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
