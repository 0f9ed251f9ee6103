//! Settings of where the metrics of a run go.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rebalancer_prom::{ClientSettings, Pusher, Receiver};
use url::Url;

use super::access::{self, Names};
use super::parse::{self, Expected, Reader};
use super::problem::Given;

/// The label of all metrics of this program.
const JOB: &str = "pod-rebalancer";

const PUSH: Names = Names {
    url: "METRICS_PUSH_URL",
    timeout: "METRICS_PUSH_TIMEOUT",
    bearer: "METRICS_PUSH_BEARER_TOKEN_FILE",
    user: "METRICS_PUSH_USERNAME",
    password: "METRICS_PUSH_PASSWORD_FILE",
    ca: "METRICS_PUSH_CA_FILE",
    headers: "METRICS_PUSH_HEADERS",
};

/// A push comes after the cycle, and a job is killed at its deadline.
const TIMEOUTS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Where the metrics of a run go, and which.
#[derive(Debug, Clone, Default)]
pub(crate) struct Export {
    /// To a server that stays.
    pub(crate) pusher: Option<Pusher>,
    /// Into files in this folder, for node exporter.
    pub(crate) textfiles: Option<PathBuf>,
    /// The load of each pod is among them.
    pub(crate) per_pod: bool,
}

pub(super) fn export(reader: &mut Reader<'_>) -> Option<Export> {
    let pusher = pusher(reader);
    let per_pod = reader.required("METRICS_PER_POD", parse::truth);
    let textfiles = match reader.text("METRICS_TEXTFILE_DIR") {
        Some(_) => reader.optional("METRICS_TEXTFILE_DIR", folder).map(Some),
        None => Some(None),
    };
    Some(Export { pusher: pusher?, textfiles: textfiles?, per_pod: per_pod? })
}

/// `None` within: metrics are not pushed. What is set without a URL is checked all the same.
fn pusher(reader: &mut Reader<'_>) -> Option<Option<Pusher>> {
    let formats = [
        ("auto", None),
        ("pushgateway", Some(Receiver::Pushgateway)),
        ("victoriametrics", Some(Receiver::VictoriaMetrics)),
    ];
    let format = reader.required("METRICS_PUSH_FORMAT", parse::one_of(&formats));
    let timeout = reader.required(PUSH.timeout, parse::duration_within(TIMEOUTS.0, TIMEOUTS.1));
    let trusted = access::trusted(reader, &PUSH);
    let url = match reader.text(PUSH.url) {
        Some(_) => reader.optional(PUSH.url, address).map(Some),
        None => Some(None),
    };
    let (format, timeout, trusted) = (format?, timeout?, trusted?);
    let Some(url) = url? else { return Some(None) };
    let receiver = format.unwrap_or_else(|| receiver(&url));
    let settings = trusted.set(ClientSettings::new(url)).timeout(timeout);
    Pusher::new(&settings, receiver, JOB)
        .map_err(|error| {
            reader.problem(access::to_blame(&error, &PUSH), Given::Hidden, access::works_but(&error));
        })
        .ok()
        .map(Some)
}

/// By the path: VictoriaMetrics' own, or a Pushgateway below any prefix.
fn receiver(url: &Url) -> Receiver {
    let path = format!("{}/", url.path().trim_end_matches('/'));
    if path.contains("/api/v1/import/prometheus/") || path.contains("/insert/") {
        Receiver::VictoriaMetrics
    } else {
        Receiver::Pushgateway
    }
}

fn address(text: &str) -> Result<Url, Expected> {
    let url = access::base_url(text, "http://pushgateway:9091", &PUSH)?;
    if format!("{}/", url.path()).contains("/metrics/job/") {
        return Err("the base URL, without /metrics/job and what follows".to_owned());
    }
    Ok(url)
}

/// A folder that is there; whether it can be written to is known when it is.
fn folder(text: &str) -> Result<PathBuf, Expected> {
    let path = parse::text(text)?;
    if Path::new(&path).is_dir() { Ok(path.into()) } else { Err("a folder that exists".to_owned()) }
}
