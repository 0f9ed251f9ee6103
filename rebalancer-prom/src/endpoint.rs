//! Where the metric server is.

use std::fmt;

use url::{Host, Url};

use crate::client_error::ClientError;

/// A path with more parts than usual is not worth more questions.
const MOST_OTHERS: usize = 12;

/// A base URL. It shows itself without credentials and query string, either of which may be a secret.
#[derive(Clone)]
pub(crate) struct Endpoint(Url);

impl Endpoint {
    pub(crate) fn new(base: Url) -> Self {
        Self(base)
    }

    /// The address of a part of the query API below this base.
    pub(crate) fn api(&self, part: &str) -> Result<Self, ClientError> {
        self.below(["api", "v1", part])
    }

    /// The address of this path below this base. Each segment is escaped; the query string is kept.
    pub(crate) fn below<S: AsRef<str>>(
        &self,
        path: impl IntoIterator<Item = S>,
    ) -> Result<Self, ClientError> {
        let problem = |problem| ClientError::Endpoint { endpoint: self.to_string(), problem };
        if !matches!(self.0.scheme(), "http" | "https") {
            return Err(problem("is neither http nor https"));
        }
        // Environment variables and command lines are shown in too many places.
        if !self.0.username().is_empty() || self.0.password().is_some() {
            return Err(problem("holds credentials; give a user name and a password file instead"));
        }
        let mut url = self.0.clone();
        url.set_fragment(None);
        url.path_segments_mut().map_err(|()| problem("is no base URL"))?.pop_if_empty().extend(path);
        Ok(Self(url))
    }

    /// Other bases on the same host: each of these prefixes, alone and below its own path and below all that lead there.
    pub(crate) fn others(&self, prefixes: &[&str]) -> Vec<Self> {
        let own = self.0.path().trim_end_matches('/');
        let above = own.rmatch_indices('/').filter_map(|(end, _)| own.get(..end));
        let mut paths: Vec<String> = Vec::new();
        for parent in std::iter::once(own).chain(above) {
            let below = prefixes.iter().map(|prefix| format!("{parent}{prefix}"));
            paths.extend(below.filter(|path| path != own && !paths.contains(path)).collect::<Vec<_>>());
        }
        paths.truncate(MOST_OTHERS);
        let at = |path: &String| {
            let mut url = self.0.clone();
            url.set_path(path);
            Self(url)
        };
        paths.iter().map(at).collect()
    }

    /// Its path ends with these segments.
    pub(crate) fn ends_with(&self, segments: &[&str]) -> bool {
        let path: Vec<&str> = self.0.path().trim_end_matches('/').split('/').collect();
        path.ends_with(segments)
    }

    /// The same address with one more parameter.
    pub(crate) fn asking(&self, name: &str, value: &str) -> Self {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair(name, value);
        Self(url)
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// Where a redirect of this address leads to.
    pub(crate) fn join(&self, location: &str) -> Option<Self> {
        self.0.join(location).ok().map(Self)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        write!(f, "{}://{host}", self.0.scheme())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.0.path())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query_url(base: &str) -> Result<String, String> {
        let url = Endpoint(base.parse().unwrap()).api("query");
        url.map(|url| url.url().to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_path_prefix_is_kept_with_or_without_its_last_slash() {
        for (base, expected) in [
            ("http://m:9090", "http://m:9090/api/v1/query"),
            ("http://m/", "http://m/api/v1/query"),
            ("https://m/select/0/prometheus", "https://m/select/0/prometheus/api/v1/query"),
            ("https://m/select/0/prometheus/", "https://m/select/0/prometheus/api/v1/query"),
            ("http://[::1]:1/?extra_label=a=b#x", "http://[::1]:1/api/v1/query?extra_label=a=b"),
        ] {
            assert_eq!(query_url(base).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn other_bases_are_prefixes_below_each_part_of_the_path() {
        let others = |base: &str| {
            let others = Endpoint(base.parse().unwrap()).others(&["", "/prometheus"]);
            others.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(others("http://m:1/"), ["http://m:1/prometheus"]);
        assert_eq!(
            others("http://m:1/a/vmui/"),
            ["/a/vmui/prometheus", "/a", "/a/prometheus", "/", "/prometheus"]
                .map(|path| format!("http://m:1{path}"))
        );
    }

    #[test]
    fn an_endpoint_that_can_not_be_used_is_refused_without_showing_its_secrets() {
        for (base, expected) in [
            ("ftp://m/a", "the endpoint ftp://m/a is neither http nor https"),
            (
                "http://me:hush@m/a?key=hush",
                "the endpoint http://m/a holds credentials; give a user name and a password file instead",
            ),
        ] {
            assert_eq!(query_url(base), Err(expected.to_owned()));
        }
    }
}
