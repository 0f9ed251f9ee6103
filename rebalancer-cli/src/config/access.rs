//! Settings of the way to a metric server: credentials, certificates, proxies.

use std::path::PathBuf;
use std::time::Duration;

use rebalancer_prom::{Auth, Client, ClientError, ClientSettings, Proxy};
use secrecy::SecretString;
use url::Url;

use super::file;
use super::parse::{self, Expected, Reader};
use super::problem::Given;

/// The variables of one server that are read in the same way for each.
pub(super) struct Names {
    pub(super) url: &'static str,
    pub(super) timeout: &'static str,
    pub(super) bearer: &'static str,
    pub(super) user: &'static str,
    pub(super) password: &'static str,
    pub(super) ca: &'static str,
    pub(super) headers: &'static str,
}

const PROMETHEUS: Names = Names {
    url: "PROMETHEUS_ENDPOINT",
    timeout: "PROMETHEUS_TIMEOUT",
    bearer: "PROMETHEUS_BEARER_TOKEN_FILE",
    user: "PROMETHEUS_USERNAME",
    password: "PROMETHEUS_PASSWORD_FILE",
    ca: "PROMETHEUS_CA_FILE",
    headers: "PROMETHEUS_HEADERS",
};

/// The client of the metric server; `None` within where there is none, which is a problem as long as something needs it.
/// Nothing is contacted.
pub(super) fn client(
    reader: &mut Reader<'_>,
    cycle: Option<Duration>,
    need: &Need,
) -> Option<Option<Client>> {
    let without = reader.text(PROMETHEUS.url).is_none();
    match need {
        Need::Everything if without => {
            let expected = "the base URL of Prometheus or VictoriaMetrics, such as http://victoriametrics:8428; or set \
                            KAFKA_BOOTSTRAP_SERVERS, which needs none";
            reader.problem(PROMETHEUS.url, Given::Nothing, expected.to_owned());
        }
        Need::This(what) if without => {
            let expected = format!("the base URL of Prometheus or VictoriaMetrics, since {what}");
            reader.problem(PROMETHEUS.url, Given::Nothing, expected);
        }
        Need::Everything | Need::This(_) | Need::Nothing => {}
    }
    let endpoint = reader.optional(PROMETHEUS.url, endpoint);
    let timeout = reader.required(
        "PROMETHEUS_TIMEOUT",
        parse::duration_within(Duration::from_millis(100), Duration::from_secs(600)),
    );
    let trusted = trusted(reader, &PROMETHEUS);
    let certificate = client_certificate(reader);
    let proxy = reader.required("PROMETHEUS_PROXY", proxy);
    let concurrency = reader.required("PROMETHEUS_CONCURRENCY", parse::positive);
    let series = reader.optional("PROMETHEUS_SERIES_LIMIT", parse::positive);
    // The rest of the cycle needs time too.
    let timeout = timeout?.min(cycle?.mul_f64(0.75));
    if without {
        let whole = trusted.is_some() && certificate.is_some() && proxy.is_some() && concurrency.is_some();
        return (whole && *need == Need::Nothing).then_some(None);
    }
    let mut settings =
        trusted?.set(ClientSettings::new(endpoint?)).timeout(timeout).proxy(proxy?).concurrency(concurrency?);
    if let Some((certificate, key)) = certificate? {
        settings = settings.client_certificate(certificate, key);
    }
    if let Some(series) = series {
        settings = settings.series_limit(series);
    }
    Client::new(&settings)
        .map_err(|error| reader.problem(to_blame(&error, &PROMETHEUS), Given::Hidden, works_but(&error)))
        .ok()
        .map(Some)
}

/// Whether there must be a metric server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing else is there to read from.
    Everything,
    /// What is read from elsewhere is not all: this goes on after "since ".
    This(String),
    /// All that is read comes from elsewhere.
    Nothing,
}

/// Who we are to a server, and whom we trust.
pub(super) struct Trusted {
    auth: Auth,
    ca_file: Option<PathBuf>,
    headers: Vec<(String, SecretString)>,
}

impl Trusted {
    pub(super) fn set(self, settings: ClientSettings) -> ClientSettings {
        let settings =
            settings.auth(self.auth).user_agent(concat!("pod-rebalancer/", env!("CARGO_PKG_VERSION")));
        let settings = match self.ca_file {
            Some(path) => settings.ca_file(path),
            None => settings,
        };
        self.headers.into_iter().fold(settings, |settings, (name, value)| settings.header(name, value))
    }
}

pub(super) fn trusted(reader: &mut Reader<'_>, names: &Names) -> Option<Trusted> {
    let auth = auth(reader, names);
    let ca_file = reader.optional(names.ca, readable).map(PathBuf::from);
    let headers = reader.optional(names.headers, headers).unwrap_or_default();
    Some(Trusted { auth: auth?, ca_file, headers })
}

/// What is taken for a header's name may be a part of its value: `Authorization: Bearer c2VjcmV0==`.
pub(super) fn works_but(error: &ClientError) -> Expected {
    match error {
        ClientError::Header { problem, .. } => format!("headers that work, but one of them {problem}"),
        ClientError::CaFile { .. }
        | ClientError::Timeout
        | ClientError::ClientCertificate { .. }
        | ClientError::Proxy { .. }
        | ClientError::Endpoint { .. }
        | ClientError::Build { .. } => format!("a setting that works, but {error}"),
    }
}

/// The variable that a client's error is about.
pub(super) fn to_blame(error: &ClientError, names: &Names) -> &'static str {
    match error {
        ClientError::CaFile { .. } => names.ca,
        ClientError::Header { .. } => names.headers,
        ClientError::Timeout => names.timeout,
        ClientError::ClientCertificate { .. } => "PROMETHEUS_CLIENT_CERT_FILE",
        ClientError::Proxy { .. } => "PROMETHEUS_PROXY",
        ClientError::Endpoint { .. } | ClientError::Build { .. } => names.url,
    }
}

fn endpoint(text: &str) -> Result<Url, Expected> {
    let url = base_url(text, "http://victoriametrics:8428", &PROMETHEUS)?;
    if url.path().trim_end_matches('/').ends_with("/api/v1/query") || url.path().ends_with("/api/v1") {
        return Err("the base URL, without /api/v1 and what follows".to_owned());
    }
    Ok(url)
}

/// A URL without credentials.
pub(super) fn base_url(text: &str, such_as: &str, names: &Names) -> Result<Url, Expected> {
    let expected = || format!("a base URL with http or https, such as {such_as}");
    let text = parse::text(text)?;
    let url = Url::parse(&text).map_err(|_| expected())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(expected());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("a URL without credentials; use {} and {}", names.user, names.password));
    }
    Ok(url)
}

fn auth(reader: &mut Reader<'_>, names: &Names) -> Option<Auth> {
    let Names { bearer, user, password, .. } = *names;
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

/// A certificate and its key, or neither.
fn client_certificate(reader: &mut Reader<'_>) -> Option<Option<(PathBuf, PathBuf)>> {
    let (certificate, key) = ("PROMETHEUS_CLIENT_CERT_FILE", "PROMETHEUS_CLIENT_KEY_FILE");
    match [certificate, key].map(|name| reader.text(name).is_some()) {
        [false, false] => Some(None),
        [true, true] => {
            let files = [certificate, key].map(|name| reader.required(name, readable).map(PathBuf::from));
            let [certificate, key] = files;
            Some(Some((certificate?, key?)))
        }
        [given, _] => {
            let (set, missing) = if given { (certificate, key) } else { (key, certificate) };
            reader.problem(missing, Given::Nothing, format!("a value, since {set} is set"));
            None
        }
    }
}

/// How the metric server is reached.
fn proxy(text: &str) -> Result<Proxy, Expected> {
    let expected = || "environment, none, or the URL of an HTTP proxy without credentials".to_owned();
    match parse::text(text)?.as_str() {
        "environment" => Ok(Proxy::Environment),
        "none" => Ok(Proxy::Direct),
        url => {
            let url = Url::parse(url).map_err(|_| expected())?;
            let plain = url.username().is_empty() && url.password().is_none() && url.host_str().is_some();
            if plain && matches!(url.scheme(), "http" | "https") {
                Ok(Proxy::Through(url))
            } else {
                Err(expected())
            }
        }
    }
}

/// A file that can be read to its end. It is read again when it is used.
pub(super) fn readable(text: &str) -> Result<String, Expected> {
    let path = parse::text(text)?;
    match file::read(&path) {
        Ok(_) => Ok(path),
        Err(error) => Err(format!("a file that can be read: {error}")),
    }
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
