//! Settings of the metric server and its queries.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::time::Duration;

use rebalancer_core::cycle::Subject;
use rebalancer_core::fleet::Indicator;
use rebalancer_prom::query::{self, Placeholders, Preset, PromQl, Window};
use rebalancer_prom::{Auth, Client, ClientError, Queries, Settings};
use secrecy::SecretString;
use url::Url;

use super::parse::{self, Expected, Reader};
use super::problem::Given;

/// A window that is shorter than two scrapes has no rate; a longer one than a day hides every change.
const WINDOWS: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(24 * 3600));

/// No Secret and no ConfigMap is larger.
const LARGEST_FILE: u64 = 1 << 20;

/// Indicators that are read only when their query is set.
const OPTIONAL_QUERIES: [(&str, Indicator); 4] = [
    ("MEMORY_QUERY", Indicator::Memory),
    ("KAFKA_LAG_QUERY", Indicator::Lag),
    ("CONSUMPTION_RATE_QUERY", Indicator::ConsumptionRate),
    ("PRODUCTION_RATE_QUERY", Indicator::ProductionRate),
];

/// The rate window. Its problem is noted by whoever asks first; asking again gives the same answer.
pub(super) fn window(reader: &mut Reader<'_>) -> Option<Duration> {
    reader.required("METRICS_TIME_WINDOW", parse::duration_within(WINDOWS.0, WINDOWS.1))
}

/// All queries, with the names of the workload filled in.
pub(super) fn queries(
    reader: &mut Reader<'_>,
    subject: Option<&Subject>,
    container: Option<&str>,
) -> Option<Queries> {
    // Names that are not known yet have their own problem; queries are checked all the same.
    let names = Placeholders {
        namespace: subject.map_or_else(|| "x".to_owned(), |subject| subject.workload.namespace.clone()),
        workload: subject.map_or_else(|| "x".to_owned(), |subject| subject.workload.name.clone()),
        container: container.unwrap_or("x").to_owned(),
        window: Window::new(window(reader).unwrap_or(WINDOWS.0)).ok()?,
    };
    let prefix = subject.map_or("", |subject| subject.hpa_prefix.as_str());
    let mut fill = |name: &str| match reader.text(name) {
        None => Some(None),
        Some(_) => reader.optional(name, |text| filled(text, &names)).map(Some),
    };
    let cpu = fill("CPU_QUERY");
    let optional = OPTIONAL_QUERIES.map(|(name, indicator)| (fill(name), indicator));
    let partitions = fill("PARTITION_LOAD_QUERY");
    let presets = [("jmx-exporter", Preset::JmxExporter), ("librdkafka", Preset::Librdkafka)];
    let preset = match reader.text("KAFKA_METRICS_PRESET") {
        Some(_) => reader.required("KAFKA_METRICS_PRESET", parse::one_of(&presets)).map(Some),
        None => Some(None),
    };
    let mut queries = Queries::new(query::cpu_requests(&names), query::hpa_target(&names, prefix))
        .load(Indicator::Cpu, cpu?.unwrap_or_else(|| query::cpu(&names)));
    for (query, indicator) in optional {
        if let Some(query) = query? {
            queries = queries.load(indicator, query);
        }
    }
    // A query of one's own is more exact than a preset.
    let partitions = partitions?.or(preset?.map(|preset| query::partition_load(preset, &names)));
    Some(match partitions {
        Some(query) => queries.partitions(query),
        None => queries,
    })
}

fn filled(text: &str, names: &Placeholders) -> Result<PromQl, Expected> {
    query::fill(text, names).map_err(|error| format!("PromQL with placeholders; {error}"))
}

/// The client of the metric server. Nothing is contacted.
pub(super) fn client(reader: &mut Reader<'_>, cycle: Option<Duration>) -> Option<Client> {
    let endpoint = reader.required("PROMETHEUS_ENDPOINT", endpoint);
    let timeout = reader.required(
        "PROMETHEUS_TIMEOUT",
        parse::duration_within(Duration::from_millis(100), Duration::from_secs(600)),
    );
    let auth = auth(reader);
    let ca_file = reader.optional("PROMETHEUS_CA_FILE", readable).map(PathBuf::from);
    let headers = reader.optional("PROMETHEUS_HEADERS", headers).unwrap_or_default();
    // The rest of the cycle needs time too.
    let timeout = timeout?.min(cycle?.mul_f64(0.75));
    let mut settings = Settings::new(endpoint?).timeout(timeout).auth(auth?);
    if let Some(path) = ca_file {
        settings = settings.ca_file(path);
    }
    for (name, value) in headers {
        settings = settings.header(name, value);
    }
    Client::new(&settings)
        .map_err(|error| reader.problem(to_blame(&error), Given::Hidden, works_but(&error)))
        .ok()
}

/// What is taken for a header's name may be a part of its value: `Authorization: Bearer c2VjcmV0==`.
fn works_but(error: &ClientError) -> Expected {
    match error {
        ClientError::Header { problem, .. } => format!("headers that work, but one of them {problem}"),
        ClientError::CaFile { .. }
        | ClientError::Timeout
        | ClientError::Endpoint { .. }
        | ClientError::Build { .. } => format!("a setting that works, but {error}"),
    }
}

/// The variable that a client's error is about.
fn to_blame(error: &ClientError) -> &'static str {
    match error {
        ClientError::CaFile { .. } => "PROMETHEUS_CA_FILE",
        ClientError::Header { .. } => "PROMETHEUS_HEADERS",
        ClientError::Timeout => "PROMETHEUS_TIMEOUT",
        ClientError::Endpoint { .. } | ClientError::Build { .. } => "PROMETHEUS_ENDPOINT",
    }
}

fn endpoint(text: &str) -> Result<Url, Expected> {
    let expected = || "a base URL with http or https, such as http://victoriametrics:8428".to_owned();
    let text = parse::text(text)?;
    let url = Url::parse(&text).map_err(|_| expected())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(expected());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "a URL without credentials; use PROMETHEUS_USERNAME and PROMETHEUS_PASSWORD_FILE".to_owned()
        );
    }
    if url.path().trim_end_matches('/').ends_with("/api/v1/query") || url.path().ends_with("/api/v1") {
        return Err("the base URL, without /api/v1 and what follows".to_owned());
    }
    Ok(url)
}

fn auth(reader: &mut Reader<'_>) -> Option<Auth> {
    let (bearer, user, password) =
        ("PROMETHEUS_BEARER_TOKEN_FILE", "PROMETHEUS_USERNAME", "PROMETHEUS_PASSWORD_FILE");
    let set = [bearer, user, password].map(|name| reader.text(name).is_some());
    match set {
        [false, false, false] => Some(Auth::None),
        [true, false, false] => reader.required(bearer, readable).map(|path| Auth::BearerFile(path.into())),
        [false, true, true] => {
            let username = reader.required(user, parse::text);
            let password_file = reader.required(password, readable)?.into();
            Some(Auth::Basic { username: username?, password_file })
        }
        [true, _, _] => {
            reader.problem(bearer, Given::Hidden, format!("either this, or {user} and {password}, not both"));
            None
        }
        [false, name, _] => {
            let (set, missing) = if name { (user, password) } else { (password, user) };
            reader.problem(missing, Given::Nothing, format!("a value, since {set} is set"));
            None
        }
    }
}

/// A file that can be read to its end. It is read again when it is used.
fn readable(text: &str) -> Result<String, Expected> {
    let path = parse::text(text)?;
    match read_through(&path) {
        Ok(()) => Ok(path),
        Err(error) => Err(format!("a file that can be read: {error}")),
    }
}

/// A pipe would wait for a writer and a device may have no end, so neither is opened.
fn read_through(path: &str) -> io::Result<()> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut beginning = File::open(path)?.take(LARGEST_FILE + 1);
    if io::copy(&mut beginning, &mut io::sink())? > LARGEST_FILE {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(())
}

/// `NAME=VALUE`, separated by commas.
fn headers(text: &str) -> Result<Vec<(String, SecretString)>, Expected> {
    parse::text(text)?
        .split(',')
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok((name.trim().to_owned(), SecretString::from(value.trim())))
            }
            Some(_) | None => Err("NAME=VALUE, separated by commas, such as X-Scope-OrgID=team-a".to_owned()),
        })
        .collect()
}
