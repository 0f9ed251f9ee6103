//! What every answer carries, and who is answered.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Nothing is run or loaded that does not come from here, and no other page can show or read it.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Adds the headers that every answer has.
pub(super) async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// By which names this process may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hosts {
    /// It listens on this computer alone, so only by names of this computer. Another name that leads here is one that a page in
    /// somebody's browser has made lead here, to read what is served (DNS rebinding).
    Own,
    /// It may be asked by any name.
    Any,
}

impl Hosts {
    /// By the address that is listened on.
    pub(super) const fn of(address: SocketAddr) -> Self {
        if address.ip().is_loopback() { Self::Own } else { Self::Any }
    }

    fn allow(self, host: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Own => host.is_some_and(is_own),
        }
    }
}

/// Refuses whoever asks by another name.
pub(super) async fn known_hosts(hosts: Hosts, request: Request, next: Next) -> Response {
    if hosts.allow(host(&request)) {
        return next.run(request).await;
    }
    let why = "this process listens on this computer alone: ask for localhost, 127.0.0.1 or [::1]\n";
    (StatusCode::MISDIRECTED_REQUEST, why).into_response()
}

/// The name in the request line counts before that of the header, as RFC 9112 has it.
fn host(request: &Request) -> Option<&str> {
    let of_line = request.uri().authority().map(|authority| authority.as_str());
    of_line.or_else(|| request.headers().get(header::HOST)?.to_str().ok())
}

fn is_own(host: &str) -> bool {
    let Ok(uri) = host.parse::<Uri>() else { return false };
    let Some(name) = uri.host() else { return false };
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_computer_are_answered_where_it_listens_alone() {
        let own = Hosts::of("127.0.0.1:8080".parse().unwrap());
        for host in ["localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8080"] {
            assert!(own.allow(Some(host)), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example:8080",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "a@localhost@b",
            "",
            "::1::",
        ] {
            assert!(!own.allow(Some(host)), "{host}");
        }
        assert!(!own.allow(None));
        assert!(Hosts::of("0.0.0.0:8080".parse().unwrap()).allow(Some("rebalancer.shop.svc")));
    }
}
