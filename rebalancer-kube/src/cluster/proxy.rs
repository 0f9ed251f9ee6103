//! The proxy on the way to the API server.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::environment::Proxies;

/// The proxy for this server: the cluster's own, always; otherwise the environment's, as far as it is meant for the
/// server. A server on this machine is reached directly, as by kubectl.
///
/// # Errors
/// When there is one that can't be used. It is not shown, since its URL may hold a password.
pub(super) fn of(own: Option<&str>, server: &Uri, environment: &Proxies) -> Result<Option<Uri>, String> {
    if let Some(own) = own {
        return url(own).map(Some).ok_or_else(|| unusable("a proxy-url"));
    }
    let Some(proxy) = environment.of(server.scheme_str()) else { return Ok(None) };
    let without = environment.none_for.as_deref().unwrap_or_default();
    if is_loopback(server) || !intercepts(without, server) {
        return Ok(None);
    }
    // Without a scheme it is http, in a variable.
    let proxy = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    url(&proxy)
        .map(Some)
        .ok_or_else(|| unusable("a server that is reached through HTTPS_PROXY or HTTP_PROXY,"))
}

fn unusable(what: &str) -> String {
    format!("has {what} that is no URL with http, https or socks5")
}

fn url(text: &str) -> Option<Uri> {
    let url: Uri = text.parse().ok()?;
    (matches!(url.scheme_str(), Some("http" | "https" | "socks5")) && has_host(&url)).then_some(url)
}

/// A host, and a port that is one: the parser of URLs lets any word pass.
pub(super) fn has_host(url: &Uri) -> bool {
    let Some(authority) = url.authority() else { return false };
    let end = authority.as_str().rsplit('@').next().unwrap_or_default();
    match (authority.host(), authority.port_u16()) {
        ("", _) => false,
        (host, None) => end == host,
        (host, Some(port)) => end == format!("{host}:{port}"),
    }
}

/// The list does not name the server.
fn intercepts(without: &str, server: &Uri) -> bool {
    Matcher::builder().all("http://proxy").no(without).build().intercept(server).is_some()
}

fn is_loopback(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn proxy(own: Option<&str>, server: &'static str, https: &str, none_for: &str) -> Result<String, String> {
        let proxies = Proxies {
            https: Some(SecretString::from(https)),
            http: None,
            none_for: Some(none_for.to_owned()),
        };
        of(own, &Uri::from_static(server), &proxies)
            .map(|url| url.map_or("none".into(), |url| url.to_string()))
    }

    #[test]
    fn the_clusters_own_proxy_counts_before_the_environments() {
        let own = Some("socks5://own:1080");
        assert_eq!(proxy(own, "https://api", "http://other:3128", "*").unwrap(), "socks5://own:1080/");
    }

    #[test]
    fn the_environments_proxy_counts_for_its_scheme_unless_the_server_is_excepted() {
        for (server, none_for, expected) in [
            ("https://api.example", "", "http://p:3128/"),
            ("https://api.example", "example", "none"),
            ("https://api.example", "other,,", "http://p:3128/"),
            ("https://10.1.2.3:6443", "10.0.0.0/8", "none"),
            ("https://127.0.0.1:6443", "", "none"),
            ("https://[::1]:6443", "", "none"),
            ("http://api.example", "", "none"),
        ] {
            assert_eq!(proxy(None, server, "p:3128", none_for).unwrap(), expected, "{server} {none_for}");
        }
    }

    #[test]
    fn a_proxy_that_can_not_be_used_is_not_shown() {
        for own in ["ftp://me:hush@p", "http://me:hush@p:port", "hush"] {
            let problem = proxy(Some(own), "https://api", "", "").unwrap_err();
            assert!(problem.contains("proxy-url") && !problem.contains("hush"), "{problem}");
        }
        let problem = proxy(None, "https://api", "ftp://me:hush@p", "").unwrap_err();
        assert!(problem.contains("HTTPS_PROXY") && !problem.contains("hush"), "{problem}");
    }
}
