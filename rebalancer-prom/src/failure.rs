//! What a failed attempt means: try again, or not. Pure.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use rebalancer_core::port::MetricsError;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};

use crate::decode::server_error;
use crate::endpoint::Endpoint;
use crate::text::{chain, glimpse};

/// Why one attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Another attempt may succeed.
    Passing {
        /// What happened.
        message: String,
        /// How long the server asks to wait.
        wait: Option<Duration>,
    },
    /// Another attempt would end the same way.
    Lasting(MetricsError),
}

impl Failure {
    pub(crate) fn passing(message: String) -> Self {
        Self::Passing { message, wait: None }
    }

    /// What happened, without saying that it was a query.
    pub(crate) fn into_message(self) -> String {
        match self {
            Self::Passing { message, .. }
            | Self::Lasting(
                MetricsError::Unavailable { message }
                | MetricsError::Refused { message }
                | MetricsError::Incomplete { message }
                | MetricsError::Malformed { message },
            ) => message,
            Self::Lasting(error @ (MetricsError::Ambiguous { .. } | MetricsError::Offsets { .. })) => {
                error.to_string()
            }
        }
    }
}

/// A request that got no answer, or only a part of one.
pub(crate) fn transport(error: reqwest::Error) -> Failure {
    // The address is added later, without its secrets.
    let error = error.without_url();
    let message = chain(&error);
    match untrusted(&message) {
        Some(advice) => {
            Failure::Lasting(MetricsError::Unavailable { message: format!("{message}; {advice}") })
        }
        None if error.is_builder() => Failure::Lasting(MetricsError::Unavailable { message }),
        None => Failure::passing(message),
    }
}

/// What to do when the two sides don't trust each other, or expect different protocols; a retry would end the same way.
///
/// By rustls' own words: below reqwest, its error is an `io::Error` that shows them and hides its type.
fn untrusted(message: &str) -> Option<&'static str> {
    const OTHER_AUTHORITY: &str =
        "trust the authority that signed the server's certificate: name its CA file";
    const OTHER_CLIENT: &str = "the server does not accept the client certificate";
    [
        ("peer certificate: UnknownIssuer", OTHER_AUTHORITY),
        // An authority of the same name, with another key.
        ("peer certificate: BadSignature", OTHER_AUTHORITY),
        (
            "peer certificate: certificate not valid for name",
            "the endpoint must have a name that the certificate has",
        ),
        ("peer certificate: certificate expired", "the server's certificate must be renewed"),
        ("invalid peer certificate", "the server's certificate can't be used"),
        ("alert: CertificateRequired", "the server asks for a client certificate"),
        ("alert: UnknownCA", OTHER_CLIENT),
        ("alert: BadCertificate", OTHER_CLIENT),
        ("alert: DecryptError", OTHER_CLIENT),
        (
            "of type InvalidContentType",
            "the server speaks no TLS at this port; the endpoint may have to be http",
        ),
    ]
    .into_iter()
    .find_map(|(words, advice)| message.contains(words).then_some(advice))
}

/// An answer whose status is no success.
pub(crate) fn status(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    from: &Endpoint,
    now: Timestamp,
) -> Failure {
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        let message = format!("HTTP {status}: {}", words(body));
        return Failure::Passing { message, wait: retry_after(headers, now) };
    }
    let message = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let words = words(body);
            // Mimir, Cortex and Loki say so, and take no credentials themselves.
            let advice = if words.contains("no org id") {
                "name the tenant in a header such as X-Scope-OrgID"
            } else if wants_a_signature(headers, &words) {
                SIGNED
            } else {
                "check the credentials"
            };
            format!("HTTP {status}, {advice}: {words}")
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            format!("HTTP {status}, a proxy on the way asks for credentials: {}", words(body))
        }
        StatusCode::NOT_FOUND => format!("HTTP {status}, check the path of the endpoint: {}", words(body)),
        _ if status.is_redirection() => redirect(status, headers, from),
        _ => format!("HTTP {status}: {}", words(body)),
    };
    Failure::Lasting(MetricsError::Refused { message })
}

/// Requests are not signed here.
const SIGNED: &str = "it wants requests signed with AWS Signature Version 4 (SigV4): run a signing proxy such as \
                      aws-sigv4-proxy and point the endpoint to it, see docs/metrics-sources.md";

/// An API of AWS that has seen no signature, or one that it does not know. That a signed request may not query is
/// another matter.
fn wants_a_signature(headers: &HeaderMap, words: &str) -> bool {
    let kind = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kinds = [
        "MissingAuthenticationToken",
        "IncompleteSignature",
        "InvalidSignature",
        "SignatureDoesNotMatch",
        "UnrecognizedClient",
    ];
    let said = ["Missing Authentication Token", "in Authorization header", "AWS4-HMAC-SHA256"];
    kinds.iter().any(|known| kind.starts_with(known)) || said.iter().any(|known| words.contains(known))
}

/// Redirects are shown, not followed: credentials must not travel to another host, and a POST may become a GET.
fn redirect(status: StatusCode, headers: &HeaderMap, from: &Endpoint) -> String {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    match location.and_then(|location| from.join(location)) {
        Some(target) => {
            format!("HTTP {status}, it points to {target}; set the endpoint to the final address")
        }
        None => format!("HTTP {status} without a usable target"),
    }
}

fn words(body: &[u8]) -> String {
    server_error(body).unwrap_or_else(|| glimpse(body))
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::parse(text).ok()?.timestamp();
    // A date that has passed means "now".
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classify(code: u16, headers: &[(&'static str, &'static str)], body: &str) -> Failure {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let from = crate::ClientSettings::new("http://m/p".parse().unwrap()).endpoint;
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        status(StatusCode::from_u16(code).unwrap(), &headers, body.as_bytes(), &from, now)
    }

    fn refused(message: &str) -> Failure {
        Failure::Lasting(MetricsError::Refused { message: message.into() })
    }

    fn waiting(code: u16, header: &'static str) -> Option<Duration> {
        match classify(code, &[("retry-after", header)], "") {
            Failure::Passing { wait, .. } => wait,
            Failure::Lasting(error) => panic!("{error}"),
        }
    }

    #[test]
    fn overload_and_server_errors_pass_by() {
        for code in [429, 500, 502, 503, 504] {
            assert!(matches!(classify(code, &[], ""), Failure::Passing { wait: None, .. }), "{code}");
        }
    }

    #[test]
    fn refusals_carry_the_server_s_own_words() {
        let body = r#"{"status":"error","errorType":"bad_data","error":"parse error: x"}"#;
        assert_eq!(classify(400, &[], body), refused("HTTP 400 Bad Request: bad_data: parse error: x"));
        let body = r#"{"status":"error","errorType":"422","error":"cannot parse"}"#;
        assert_eq!(classify(422, &[], body), refused("HTTP 422 Unprocessable Entity: 422: cannot parse"));
        assert_eq!(
            classify(401, &[], "<html>\nNo"),
            refused("HTTP 401 Unauthorized, check the credentials: <html> No")
        );
        assert_eq!(
            classify(401, &[], "no org id"),
            refused("HTTP 401 Unauthorized, name the tenant in a header such as X-Scope-OrgID: no org id")
        );
        for (headers, body) in [
            (&[][..], r#"{"message":"Missing Authentication Token"}"#),
            (&[("x-amzn-errortype", "MissingAuthenticationTokenException")], "{}"),
            (&[("x-amzn-errortype", "IncompleteSignatureException:http://internal/")], "{}"),
        ] {
            let Failure::Lasting(error) = classify(403, headers, body) else {
                panic!("{body} would be repeated")
            };
            let words = error.to_string();
            assert!(
                words.contains("aws-sigv4-proxy") && words.contains("docs/metrics-sources.md"),
                "{words}"
            );
        }
        let denied = classify(403, &[("x-amzn-errortype", "AccessDeniedException")], "no right to query");
        assert_eq!(denied, refused("HTTP 403 Forbidden, check the credentials: no right to query"));
        assert_eq!(
            classify(407, &[], "no"),
            refused("HTTP 407 Proxy Authentication Required, a proxy on the way asks for credentials: no")
        );
        assert_eq!(
            classify(404, &[], ""),
            refused("HTTP 404 Not Found, check the path of the endpoint: (an empty body)")
        );
    }

    #[test]
    fn a_redirect_says_where_it_points_without_secrets() {
        assert_eq!(
            classify(302, &[("location", "https://me:hush@sso/login?state=hush")], ""),
            refused("HTTP 302 Found, it points to https://sso/login; set the endpoint to the final address")
        );
        assert_eq!(classify(304, &[], ""), refused("HTTP 304 Not Modified without a usable target"));
    }

    #[test]
    fn the_server_may_ask_to_wait_by_seconds_or_by_date() {
        assert_eq!(waiting(429, "7"), Some(Duration::from_secs(7)));
        assert_eq!(waiting(503, "Thu, 01 Jan 2026 00:00:05 GMT"), Some(Duration::from_secs(5)));
        assert_eq!(waiting(503, "Wed, 31 Dec 2025 00:00:05 GMT"), Some(Duration::ZERO));
        assert_eq!(waiting(429, "soon"), None);
    }
}
