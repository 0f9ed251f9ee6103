//! Whatever listens there, it is an error in time, and none of what it sends is believed.

use std::time::{Duration, Instant};

use rebalancer_core::port::{GroupError, GroupSource};
use rebalancer_kafka::{KafkaGroupSource, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A listener that answers everything with the same bytes, and then hangs up or waits.
async fn error(bytes: &'static [u8], waits: bool) -> GroupError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(bytes).await;
                if waits {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    let settings = Settings::new([address.parse().unwrap()], "g").unwrap();
    let settings = settings.timeout(Duration::from_secs(2)).request_timeout(Duration::from_millis(500));
    let started = Instant::now();
    let error = KafkaGroupSource::new(settings).group().await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert!(error.to_string().contains(&address), "{error}");
    error
}

#[tokio::test]
async fn an_http_server_is_no_broker() {
    let error = error(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n", false).await;
    assert!(matches!(error, GroupError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_to_nobody_s_request_is_not_used() {
    let error = error(b"\0\0\0\x08\0\0\0\x63\0\0\0\0", true).await;
    assert!(matches!(error, GroupError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn a_count_without_items_is_not_used() {
    let error = error(b"\0\0\0\x0a\0\0\0\x01\0\0\x7f\xff\xff\xff", true).await;
    assert!(matches!(error, GroupError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn half_an_answer_and_none_at_all_are_no_answers() {
    for (bytes, waits) in
        [(&b"\0\0\0\x0a\0\0"[..], false), (b"\0\0\0\x0a\0\0", true), (b"", false), (b"", true)]
    {
        let error = error(bytes, waits).await;
        assert!(matches!(error, GroupError::Unavailable { .. }), "{error}");
    }
}
