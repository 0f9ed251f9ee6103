//! The metric server's address.

use rebalancer_prom::UnusableServer;

use super::super::facts::Metrics;
use super::super::finding::{Code, Finding};

pub(super) fn judge(metrics: &Metrics) -> Vec<Finding> {
    let why = match &metrics.answers {
        Ok(answers) => {
            let (base, millis) = (&metrics.base, answers.took.as_millis());
            return vec![Finding::ok(Code::MetricServer, format!("{base} answers queries ({millis} ms)"))];
        }
        Err(why) => why,
    };
    let (code, fix) = explain(why, metrics);
    vec![
        Finding::error(code, format!("{}: {why}", metrics.base), fix),
        Finding::not_checked("samples", "the metric server can't be used"),
    ]
}

fn explain(why: &UnusableServer, metrics: &Metrics) -> (Code, String) {
    match why {
        UnusableServer::Secret { .. } => {
            (Code::EndpointSecret, "check PROMETHEUS_BEARER_TOKEN_FILE or PROMETHEUS_PASSWORD_FILE".to_owned())
        }
        UnusableServer::UnknownHost { .. } => (
            Code::EndpointUnknownHost,
            "check the host of PROMETHEUS_ENDPOINT; in a cluster it is <service>.<namespace>.svc".to_owned(),
        ),
        UnusableServer::Unreachable { .. } | UnusableServer::TimeUp { .. } => (
            Code::EndpointUnreachable,
            "check host and port of PROMETHEUS_ENDPOINT, that the server is up, that no NetworkPolicy is in the way, and \
             PROMETHEUS_PROXY"
                .to_owned(),
        ),
        UnusableServer::Tls { message } => (Code::EndpointTls, of_tls(message).to_owned()),
        UnusableServer::Status { code, message } => of_status(*code, message, metrics),
        UnusableServer::Foreign { .. } => (Code::EndpointWrongPath, of_path(metrics)),
    }
}

fn of_tls(message: &str) -> &'static str {
    let said = |words: &str| message.contains(words);
    if said("InvalidContentType") || said("corrupt message") {
        "this port speaks no TLS: write http:// in PROMETHEUS_ENDPOINT, or the port that does"
    } else if said("NotValidForName") || said("not valid for name") {
        "the certificate is for another name: use that name in PROMETHEUS_ENDPOINT"
    } else if said("fatal alert") {
        "the server wants a client certificate: set PROMETHEUS_CLIENT_CERT_FILE and PROMETHEUS_CLIENT_KEY_FILE"
    } else {
        "set PROMETHEUS_CA_FILE to the certificate authority that signed the server's certificate"
    }
}

fn of_status(code: u16, message: &str, metrics: &Metrics) -> (Code, String) {
    let lower = message.to_lowercase();
    let said = |words: &[&str]| words.iter().any(|words| lower.contains(words));
    match code {
        400 if said(&["https server", "plain http request"]) => {
            (Code::EndpointTls, "this port speaks TLS: write https:// in PROMETHEUS_ENDPOINT".to_owned())
        }
        400 | 401 | 403 | 422 if said(&["org id", "orgid", "tenant"]) => (
            Code::EndpointTenantMissing,
            "name the tenant: PROMETHEUS_HEADERS=X-Scope-OrgID=<tenant>".to_owned(),
        ),
        401 | 403 if said(&["sigv4"]) => (
            Code::EndpointUnauthorized,
            "run a signing proxy in the same pod and point PROMETHEUS_ENDPOINT to it, such as aws-sigv4-proxy: \
             docs/metrics-sources.md, Amazon Managed Service for Prometheus"
                .to_owned(),
        ),
        401 | 403 => (
            Code::EndpointUnauthorized,
            "set PROMETHEUS_BEARER_TOKEN_FILE, or PROMETHEUS_USERNAME and PROMETHEUS_PASSWORD_FILE, to credentials that \
             may query"
                .to_owned(),
        ),
        300..=399 | 400 | 404 | 405 => (Code::EndpointWrongPath, of_path(metrics)),
        _ => (
            Code::EndpointFailing,
            "check the metric server, and any proxy in front of it; a cycle would fail".to_owned(),
        ),
    }
}

fn of_path(metrics: &Metrics) -> String {
    match &metrics.elsewhere {
        Some(elsewhere) => format!("queries are answered at PROMETHEUS_ENDPOINT={elsewhere}"),
        None => {
            "correct the path of PROMETHEUS_ENDPOINT: the base URL without /api/v1 and what follows, such as \
                 http://prometheus:9090, http://vmselect:8481/select/0/prometheus or http://mimir/prometheus"
                .to_owned()
        }
    }
}
