//! Tells people and machines what happened, by a webhook.
//!
//! ```text
//!   notices (chosen by the core, counted as told in the record) ─> words ─> cloudevents | slack ─> post
//! ```
//!
//! Nothing of a run depends on it: neither its outcome nor its exit code. The URL is a secret, since whoever has it may post.

mod cloudevents;
mod post;
mod slack;
mod words;

use rebalancer_core::history::Notice;
use rebalancer_core::jiff::Timestamp;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::config::{Notify, NotifyFormat};
use crate::target::Target;

/// Whose cycle is told of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) target: &'a Target,
    pub(crate) cycle: &'a str,
    pub(crate) at: Timestamp,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Body {
    content_type: &'static str,
    text: String,
}

/// Sends each notice, all of them within the time-out. What can't be sent is logged, and not sent again.
pub(crate) async fn send(to: Option<&Notify>, told: Told<'_>, notices: &[Notice]) {
    let Some(to) = to.filter(|_| !notices.is_empty()) else { return };
    let deadline = Instant::now() + to.timeout;
    for notice in notices {
        let body = match to.format {
            NotifyFormat::CloudEvents => cloudevents::body(told, notice),
            NotifyFormat::Slack => slack::body(told, notice),
        };
        let kind = notice.kind().name();
        match post::post(to, &body, deadline).await {
            Ok(()) => {
                debug!(event = "notification_sent", kind, bytes = body.text.len(), "a notification was sent")
            }
            Err(error) => warn!(
                event = "notification_not_sent",
                kind,
                %error,
                "a notification may not have arrived; nothing else depends on it"
            ),
        }
    }
}
