//! What the process's surroundings say about the cluster.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

/// Where the kubelet mounts a pod's service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What is looked up outside of [`ConnectionSettings`](crate::ConnectionSettings). An empty value is as good as none.
#[derive(Debug, Clone)]
pub struct Environment {
    /// `KUBECONFIG`: files, separated as in `PATH`.
    pub kubeconfig: Option<OsString>,
    /// The folder that may hold `.kube/config`.
    pub home: Option<PathBuf>,
    /// `KUBERNETES_SERVICE_HOST`, which the kubelet sets.
    pub service_host: Option<String>,
    /// `KUBERNETES_SERVICE_PORT`, which the kubelet sets.
    pub service_port: Option<String>,
    /// The folder with `token` and `ca.crt`.
    pub service_account: PathBuf,
    /// The proxies that the environment names.
    pub proxies: Proxies,
}

/// The proxies that an environment names; a URL may hold a password.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// `HTTPS_PROXY`, for servers with https.
    pub https: Option<SecretString>,
    /// `HTTP_PROXY`, for servers with http.
    pub http: Option<SecretString>,
    /// `NO_PROXY`: who is reached directly.
    pub none_for: Option<String>,
}

impl Environment {
    /// That of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            kubeconfig: env::var_os("KUBECONFIG"),
            home: env::home_dir(),
            service_host: first(&["KUBERNETES_SERVICE_HOST"]),
            service_port: first(&["KUBERNETES_SERVICE_PORT"]),
            service_account: PathBuf::from(SERVICE_ACCOUNT),
            proxies: Proxies {
                https: first(&["HTTPS_PROXY", "https_proxy"]).map(SecretString::from),
                http: first(&["HTTP_PROXY", "http_proxy"]).map(SecretString::from),
                none_for: first(&["NO_PROXY", "no_proxy"]),
            },
        }
    }

    /// One in which nothing is set.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            kubeconfig: None,
            home: None,
            service_host: None,
            service_port: None,
            service_account: PathBuf::from(SERVICE_ACCOUNT),
            proxies: Proxies::default(),
        }
    }
}

impl Proxies {
    pub(super) fn of(&self, scheme: Option<&str>) -> Option<&str> {
        let proxy = if scheme == Some("http") { &self.http } else { &self.https };
        proxy.as_ref().map(ExposeSecret::expose_secret)
    }
}

fn first(names: &[&str]) -> Option<String> {
    names.iter().filter_map(|name| env::var(name).ok()).find(|value| !value.trim().is_empty())
}
