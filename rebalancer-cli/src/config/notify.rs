//! Settings of who is told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rebalancer_core::history::{NoticeKind, NoticePolicy};
use secrecy::SecretString;
use url::Url;

use super::file;
use super::parse::{self, Expected, Reader};
use super::problem::Given;

/// A notification comes after the cycle, and a job is killed at its deadline.
const TIMEOUTS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Who is told, what and how.
#[derive(Debug, Clone)]
pub(crate) struct Notify {
    /// The file with the webhook's URL, which is a secret.
    pub(crate) url_file: PathBuf,
    /// Certificates of a private authority.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) format: NotifyFormat,
    /// For all notifications of a cycle together.
    pub(crate) timeout: Duration,
    pub(crate) policy: NoticePolicy,
}

/// How a notification is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotifyFormat {
    CloudEvents,
    Slack,
}

/// `None` within: nobody is told. What is set without a URL is checked all the same.
pub(super) fn notify(reader: &mut Reader<'_>) -> Option<Option<Notify>> {
    let formats = [("cloudevents", NotifyFormat::CloudEvents), ("slack", NotifyFormat::Slack)];
    let format = reader.required("NOTIFY_FORMAT", parse::one_of(&formats));
    let kinds = reader.required("NOTIFY_EVENTS", kinds);
    let hold_after = reader.required("NOTIFY_HOLD_AFTER", parse::duration);
    let repeat = reader.required("NOTIFY_REPEAT", parse::duration);
    let timeout = reader.required("NOTIFY_TIMEOUT", parse::duration_within(TIMEOUTS.0, TIMEOUTS.1));
    let ca_file = set(reader, "NOTIFY_CA_FILE", authorities);
    let url_file = set(reader, "NOTIFY_URL_FILE", url_file);
    let is_kept = reader.text("RECORD_STORE").is_none_or(|store| store.trim() != "none");
    if !is_kept && reader.text("NOTIFY_URL_FILE").is_some() {
        let expected = "no file with RECORD_STORE=none: what was told is kept in the record".to_owned();
        reader.problem("NOTIFY_URL_FILE", Given::Hidden, expected);
        return None;
    }
    let policy = NoticePolicy { kinds: kinds?, hold_after: hold_after?, repeat: repeat? };
    let (format, timeout, ca_file) = (format?, timeout?, ca_file?);
    Some(url_file?.map(|url_file| Notify { url_file, ca_file, format, timeout, policy }))
}

/// `None` within where it is not set.
fn set<T>(
    reader: &mut Reader<'_>,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, Expected>,
) -> Option<Option<T>> {
    match reader.text(name) {
        Some(_) => reader.optional(name, parse).map(Some),
        None => Some(None),
    }
}

fn kinds(text: &str) -> Result<Vec<NoticeKind>, Expected> {
    let text = parse::text(text)?;
    if text == "all" {
        return Ok(NoticeKind::ALL.to_vec());
    }
    let known = |name: &str| NoticeKind::ALL.into_iter().find(|kind| kind.name() == name.trim());
    text.split(',').map(known).collect::<Option<Vec<_>>>().ok_or_else(|| {
        let names = NoticeKind::ALL.map(NoticeKind::name).join(", ");
        format!("all, or some of {names}, separated by commas")
    })
}

fn url_file(text: &str) -> Result<PathBuf, Expected> {
    let path = PathBuf::from(parse::text(text)?);
    webhook(&path).map(|_| path).map_err(|problem| format!("a file with the URL of a webhook: {problem}"))
}

fn authorities(text: &str) -> Result<PathBuf, Expected> {
    let path = parse::text(text)?;
    file::read(&path).map_err(|error| format!("a file that can be read: {error}"))?;
    Ok(path.into())
}

/// The URL in a file.
///
/// # Errors
/// When it can't be read or is none, without what it is.
pub(crate) fn webhook(path: &Path) -> Result<SecretString, String> {
    let bytes = file::read(&path.to_string_lossy()).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    match Url::parse(text.trim()) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => {
            Ok(SecretString::from(url.to_string()))
        }
        Ok(_) | Err(_) => Err("it must hold one URL with http or https".to_owned()),
    }
}
