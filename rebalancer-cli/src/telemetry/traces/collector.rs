//! Where traces go, by the standard variables of OpenTelemetry. The exporter reads headers and the sampler's variables
//! itself; what is read here decides whether there are traces at all, and how the collector is trusted.

use std::ffi::OsString;

use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use url::Url;

/// A collector.
pub(super) struct Collector {
    pub(super) exporter: SpanExporter,
    /// For people: without what may be a secret.
    pub(super) address: String,
}

/// A variable that traces can't be exported with.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::telemetry) struct Unusable {
    pub(in crate::telemetry) variable: &'static str,
    pub(in crate::telemetry) problem: String,
}

fn unusable(variable: &'static str, problem: impl ToString) -> Unusable {
    Unusable { variable, problem: problem.to_string() }
}

const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const CERTIFICATES: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"];

impl Collector {
    /// The collector that the variables name; `None`: there is none.
    pub(super) fn by(
        environment: impl Fn(&str) -> Option<OsString>,
        resource: &Resource,
    ) -> Result<Option<Self>, Unusable> {
        let Some((endpoint, certificate)) = wanted(environment)? else { return Ok(None) };
        let http = client(&endpoint, certificate)?;
        let built = SpanExporter::builder().with_http().with_http_client(http).build();
        // Its message may show the whole address, and so do headers that can't be used.
        let cause = "the exporter can't be built with the variables OTEL_EXPORTER_OTLP_*";
        let mut exporter = built.map_err(|_| unusable(endpoint.variable, cause))?;
        exporter.set_resource(resource);
        Ok(Some(Self { exporter, address: shown(&endpoint.url) }))
    }
}

struct Endpoint {
    variable: &'static str,
    url: Url,
}

/// A file with authorities, and the variable that names it.
type CertificateFile = (&'static str, String);

fn wanted(
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<(Endpoint, Option<CertificateFile>)>, Unusable> {
    // Empty is not set, as the specification has it.
    let value = |name| environment(name).map(|value| value.to_string_lossy().trim().to_owned());
    let set = |name| value(name).filter(|value| !value.is_empty());
    let first = |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, set(name)?)));
    let Some((variable, endpoint)) = first(ENDPOINTS) else { return Ok(None) };
    if set("OTEL_SDK_DISABLED").is_some_and(|disabled| disabled.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    match set("OTEL_TRACES_EXPORTER").as_deref() {
        None | Some("otlp") => {}
        Some("none") => return Ok(None),
        Some(other) => {
            return Err(unusable(
                "OTEL_TRACES_EXPORTER",
                format!("{other:?} is not known; set otlp or none"),
            ));
        }
    }
    if let Some((variable, protocol)) = first(PROTOCOLS).filter(|(_, protocol)| protocol != "http/protobuf") {
        let problem = format!(
            "{protocol:?} is not spoken; set http/protobuf and the collector's address for it, often with port 4318"
        );
        return Err(unusable(variable, problem));
    }
    let url = Url::parse(&endpoint).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url =
        url.ok_or_else(|| unusable(variable, "no URL with http or https, such as http://collector:4318"))?;
    Ok(Some((Endpoint { variable, url }, first(CERTIFICATES))))
}

fn client(endpoint: &Endpoint, certificate: Option<CertificateFile>) -> Result<Client, Unusable> {
    // Redirects are not followed: headers with credentials must not travel to another host.
    let builder = Client::builder().redirect(Policy::none());
    let (variable, builder) = match certificate {
        Some((variable, file)) => {
            let read =
                std::fs::read(&file).map_err(|error| unusable(variable, format!("{file}: {error}")))?;
            let authorities = Certificate::from_pem_bundle(&read);
            let authorities =
                authorities.map_err(|_| unusable(variable, format!("{file}: no certificates in PEM")))?;
            (variable, builder.tls_certs_merge(authorities))
        }
        // reqwest insists on the system's authorities even when nothing will be encrypted; a small image has none.
        None if endpoint.url.scheme() == "http" => (endpoint.variable, builder.tls_certs_only([])),
        None => (endpoint.variable, builder),
    };
    builder.build().map_err(|error| unusable(variable, error.without_url()))
}

/// The address without credentials and query.
fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(variables: &[(&str, &str)]) -> Result<Option<String>, Unusable> {
        let environment = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        wanted(environment).map(|wanted| wanted.map(|(endpoint, _)| shown(&endpoint.url)))
    }

    const HERE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");

    #[test]
    fn without_an_endpoint_nothing_is_exported() {
        assert_eq!(by(&[]), Ok(None));
        assert_eq!(by(&[("OTEL_TRACES_EXPORTER", "otlp")]), Ok(None));
        assert_eq!(by(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), Ok(None));
    }

    #[test]
    fn it_can_be_turned_off_where_an_endpoint_is_set() {
        assert_eq!(by(&[HERE, ("OTEL_TRACES_EXPORTER", "none")]), Ok(None));
        assert_eq!(by(&[HERE, ("OTEL_SDK_DISABLED", "TRUE")]), Ok(None));
        assert!(by(&[HERE, ("OTEL_SDK_DISABLED", "false")]).unwrap().is_some());
    }

    #[test]
    fn the_endpoint_of_traces_comes_before_the_one_of_all_signals() {
        let special = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://me:secret@traces/v1?key=secret");
        assert_eq!(by(&[HERE, special]), Ok(Some("https://traces/v1".to_owned())));
    }

    #[test]
    fn what_can_not_be_used_is_named_and_not_shown() {
        let variable = |variables: &[(&str, &str)]| by(variables).unwrap_err().variable;
        assert_eq!(variable(&[HERE, ("OTEL_TRACES_EXPORTER", "zipkin")]), "OTEL_TRACES_EXPORTER");
        assert_eq!(variable(&[HERE, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]), "OTEL_EXPORTER_OTLP_PROTOCOL");
        let wrong = by(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "me:secret@collector:4318")]).unwrap_err();
        assert!(!wrong.problem.contains("secret"), "{wrong:?}");
    }
}
