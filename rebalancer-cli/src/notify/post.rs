//! One request to a webhook, again and again until its time is up. No error shows the URL.

use std::path::Path;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode};
use secrecy::ExposeSecret as _;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::debug;

use super::Body;
use crate::config::{Notify, webhook};

const FIRST_DELAY: Duration = Duration::from_millis(200);
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// Of an answer that refuses, so much is shown.
const LONGEST_REASON: usize = 100;

/// Why a notification is not known to have arrived. Shows no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotSent(String);

/// What one attempt came to.
enum Attempt {
    Arrived,
    /// It may be better another time, not before this has passed.
    Passing {
        why: String,
        wait: Duration,
    },
    Lasting(String),
}

/// Posts a body until it arrives, is refused for good, or the time is up.
///
/// # Errors
/// When it is not known to have arrived.
pub(super) async fn post(to: &Notify, body: &Body, deadline: Instant) -> Result<(), NotSent> {
    // Read again each time: a Secret may have been renewed since.
    let url = webhook(&to.url_file).map_err(|problem| NotSent(format!("NOTIFY_URL_FILE: {problem}")))?;
    let http = client(to.ca_file.as_deref()).map_err(NotSent)?;
    // Any part of the URL may be its secret, the host too.
    let (server, mut delay, mut attempts) = (to.url_file.display(), FIRST_DELAY, 0);
    loop {
        attempts += 1;
        let request = http.post(url.expose_secret()).header(CONTENT_TYPE, body.content_type);
        let attempt = match timeout_at(deadline, request.body(body.text.clone()).send()).await {
            Err(_) => Attempt::Lasting("no answer in time".to_owned()),
            Ok(Err(error)) => Attempt::Passing { why: chain(&error.without_url()), wait: Duration::ZERO },
            Ok(Ok(response)) => judged(response, url.expose_secret(), deadline).await,
        };
        let (why, wait) = match attempt {
            Attempt::Arrived => return Ok(()),
            Attempt::Lasting(why) => {
                return Err(NotSent(format!("{why} (by the URL in {server}, attempt {attempts})")));
            }
            Attempt::Passing { why, wait } => (why, wait.max(delay)),
        };
        if Instant::now() + wait >= deadline {
            return Err(NotSent(format!(
                "{why} (by the URL in {server}, attempt {attempts}, no time for another one)"
            )));
        }
        debug!(event = "notification_retry", attempt = attempts, error = why, "a notification is sent again");
        sleep(wait).await;
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

async fn judged(response: Response, url: &str, deadline: Instant) -> Attempt {
    let status = response.status();
    if status.is_success() {
        return Attempt::Arrived;
    }
    let after =
        response.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.trim().parse().ok());
    let wait = Duration::from_secs(after.unwrap_or(0));
    let page = timeout_at(deadline, response.text()).await.ok().and_then(Result::ok).unwrap_or_default();
    let why = match reason(&page, url) {
        Some(reason) => format!("the webhook answered {status}: {reason}"),
        None => format!("the webhook answered {status}"),
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Attempt::Passing { why, wait },
        status if status.is_server_error() => Attempt::Passing { why, wait },
        _ => Attempt::Lasting(why),
    }
}

/// The beginning of an answer, unless it has any part of the URL.
fn reason(page: &str, url: &str) -> Option<String> {
    let secrets = url.split(['/', '?', '&', '=', ':', '@']).filter(|part| part.len() >= 4);
    let line = page.lines().next().unwrap_or_default().trim();
    let tells = secrets.into_iter().any(|part| line.contains(part));
    let shown: String = line.chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect();
    (!tells && !shown.is_empty() && !shown.starts_with('<')).then_some(shown)
}

fn client(ca_file: Option<&Path>) -> Result<Client, String> {
    let builder = Client::builder()
        .user_agent(concat!("pod-rebalancer/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(3))
        .redirect(Policy::none());
    let builder = match ca_file {
        Some(path) => builder.tls_certs_merge(authorities(path)?),
        None => builder,
    };
    builder.build().map_err(|error| chain(&error.without_url()))
}

/// The certificates of a file.
pub(crate) fn authorities(path: &Path) -> Result<Vec<Certificate>, String> {
    let problem = |problem: &str| format!("NOTIFY_CA_FILE {}", problem);
    let pem = std::fs::read(path).map_err(|error| problem(&format!("can't be read: {error}")))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) | Err(_) => Err(problem("holds no PEM certificate")),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_shown_unless_it_repeats_the_url() {
        let url = "https://hooks.example/services/T0123/B0123/secret";
        assert_eq!(reason("invalid_payload", url).as_deref(), Some("invalid_payload"));
        assert_eq!(reason("no such hook: /services/T0123/B0123/secret", url), None);
        assert_eq!(reason("token secret is unknown", url), None);
        assert_eq!(reason("<html>", url), None);
    }
}
