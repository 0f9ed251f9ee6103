//! When the API server spoke last on a watch: kube's watcher keeps bookmarks and new beginnings to itself.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use kube::Client;
use kube::client::Body;
use kube::runtime::watcher;
use prost::bytes::Bytes;
use tokio::time::Instant;

use crate::client::Connection;
use crate::wire;

/// When something was heard last. Counted by a clock that nobody sets.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    at: Option<Instant>,
    /// What comes now is a list: until it is whole, what is known is what was known before.
    listing: bool,
    error: Option<String>,
}

impl Heard {
    /// For how long nothing was heard; `None`: never yet.
    pub(super) fn silence(&self) -> Option<Duration> {
        self.with(|state| state.at.map(|at| at.elapsed()))
    }

    /// Why the watch is broken, unless something was heard since.
    pub(super) fn error(&self) -> Option<String> {
        self.with(|state| state.error.clone())
    }

    fn now(&self) {
        self.with(|state| {
            if !state.listing && state.at.is_some() {
                *state = State { at: Some(Instant::now()), ..State::default() };
            }
        });
    }

    /// Nothing is known any more.
    pub(super) fn forget(&self) {
        self.with(|state| *state = State::default());
    }

    /// A list begins.
    pub(super) fn lists(&self) {
        self.with(|state| state.listing = true);
    }

    /// A list is whole.
    pub(super) fn listed(&self) {
        self.with(|state| *state = State { at: Some(Instant::now()), ..State::default() });
    }

    /// The watch broke; that is no sign of life. Returns whether this is news: not when it broke in the same way before, and
    /// nothing was heard since.
    pub(super) fn broke(&self, error: String) -> bool {
        self.with(|state| {
            let news = state.error.as_ref() != Some(&error);
            state.error = Some(error);
            news
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A client that sends as this connection does, and hears each piece of what is answered with success.
pub(super) fn hearing(connection: &Connection, heard: Arc<Heard>) -> Client {
    let connection = connection.clone();
    let service = tower::service_fn(move |mut request: Request<Body>| {
        let (connection, heard) = (connection.clone(), Arc::clone(&heard));
        async move {
            let Connection { client, credentials, meter, .. } = &connection;
            credentials.add_to(request.headers_mut()).map_err(tower::BoxError::from)?;
            let answer = client.send(request).await;
            meter.sent(answer.is_ok());
            let answer = answer.map_err(|error| hidden(&connection, &error))?;
            let good = answer.status().is_success();
            if good {
                heard.now();
            }
            Ok::<_, tower::BoxError>(answer.map(|body| Tapped { body, heard: good.then_some(heard) }))
        }
    });
    Client::new(service, "default")
}

/// A failure in words that show no secret.
fn hidden(connection: &Connection, error: &kube::Error) -> tower::BoxError {
    let words = connection.credentials.hide(&wire::chain(error));
    match &connection.server {
        Some(server) => format!("{words} (to {server})").into(),
        None => words.into(),
    }
}

/// What a watcher's error says.
pub(super) fn words(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => {
            if let kube::Error::Api(status) = error {
                refused(status)
            } else {
                unnamed(&wire::chain(error))
            }
        }
        watcher::Error::WatchError(status) => refused(status),
        watcher::Error::NoResourceVersion => "an object came without a resourceVersion".to_owned(),
    }
}

/// kube names its own layers, each time that one is passed.
fn unnamed(words: &str) -> String {
    words.trim_start_matches("ServiceError: ").to_owned()
}

fn refused(status: &kube::core::Status) -> String {
    let kube::core::Status { code, message, .. } = status;
    format!("{code}: {message}")
}

/// A body each piece of which is heard.
struct Tapped {
    body: Body,
    heard: Option<Arc<Heard>>,
}

impl HttpBody for Tapped {
    type Data = Bytes;
    type Error = kube::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, kube::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let (Poll::Ready(Some(Ok(_))), Some(heard)) = (&frame, &self.heard) {
            heard.now();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_is_counted_from_the_last_sign_and_a_list_is_none_until_it_is_whole() {
        let heard = Heard::default();
        let second = Duration::from_secs(1);
        heard.now();
        assert_eq!(heard.silence(), None, "nothing is known before a list");
        heard.lists();
        heard.listed();
        tokio::time::advance(second).await;
        assert_eq!(heard.silence(), Some(second));
        heard.now();
        assert_eq!(heard.silence(), Some(Duration::ZERO));
        assert!(heard.broke("refused".to_owned()));
        assert!(!heard.broke("refused".to_owned()), "that is no news");
        tokio::time::advance(second).await;
        heard.lists();
        heard.now();
        assert_eq!((heard.silence(), heard.error()), (Some(second), Some("refused".to_owned())));
        heard.listed();
        assert_eq!((heard.silence(), heard.error()), (Some(Duration::ZERO), None));
        heard.forget();
        assert_eq!(heard.silence(), None);
    }
}
