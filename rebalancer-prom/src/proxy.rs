//! The way that requests take.

use std::fmt;

use reqwest::ClientBuilder;
use url::Url;

use crate::client_error::ClientError;
use crate::endpoint::Endpoint;
use crate::settings::ClientSettings;
use crate::text::chain;

/// Which way requests go: straight to the server, or through a proxy.
///
/// Through a proxy, a request to `https` is a tunnel (`CONNECT`) that nobody else can read. A request to `http` is
/// read and passed on by the proxy, with its credentials.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Proxy {
    /// As the environment says, but never to loopback addresses: a proxy can't reach ours.
    ///
    /// `HTTP_PROXY` counts for `http` and `HTTPS_PROXY` for `https`, otherwise `ALL_PROXY`, unless `NO_PROXY` names the
    /// server: by `*`, by a domain (its subdomains with it), by an address or by a network such as `10.0.0.0/8`, with
    /// commas between. In lower case they count where those in upper case are not set. In a cluster, `NO_PROXY` needs
    /// `.svc` and `.cluster.local`, or names within the cluster go through the proxy too. A proxy that is no URL
    /// counts as none.
    #[default]
    Environment,
    /// Straight, whatever the environment says.
    Direct,
    /// Through this one, whatever the environment says and wherever the server is.
    Through(Url),
}

impl Proxy {
    pub(crate) fn set(
        &self,
        builder: ClientBuilder,
        settings: &ClientSettings,
    ) -> Result<ClientBuilder, ClientError> {
        match self {
            Self::Environment if settings.endpoint.is_loopback() => Ok(builder.no_proxy()),
            Self::Environment => Ok(builder),
            Self::Direct => Ok(builder.no_proxy()),
            Self::Through(url) => Ok(builder.proxy(through(url)?)),
        }
    }
}

fn through(url: &Url) -> Result<reqwest::Proxy, ClientError> {
    let problem = |problem: String| ClientError::Proxy { proxy: shown(url), problem };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(problem("is neither http nor https".to_owned()));
    }
    // As for the endpoint: settings are shown in too many places.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(problem("holds credentials, which are read from the environment only".to_owned()));
    }
    reqwest::Proxy::all(url.clone()).map_err(|error| problem(chain(&error.without_url())))
}

fn shown(url: &Url) -> String {
    Endpoint::new(url.clone()).to_string()
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::Direct => f.write_str("Direct"),
            Self::Through(url) => write!(f, "Through({})", shown(url)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;

    #[test]
    fn a_proxy_that_can_not_be_used_is_refused_without_showing_its_secrets() {
        for (proxy, expected) in [
            ("ftp://p/", "the proxy ftp://p/ is neither http nor https"),
            (
                "http://me:hush@p:3128/?key=hush",
                "the proxy http://p:3128/ holds credentials, which are read from the environment only",
            ),
        ] {
            let settings = ClientSettings::new("https://m".parse().unwrap())
                .proxy(Proxy::Through(proxy.parse().unwrap()));
            assert_eq!(Client::new(&settings).unwrap_err().to_string(), expected);
            assert!(!format!("{settings:?}").contains("hush"), "{settings:?}");
        }
    }
}
