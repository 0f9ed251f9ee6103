//! Finds the cluster and the credentials, by kubectl's rules. Contacts no server.
//!
//! ```text
//!   the named file, or $KUBECONFIG, or ~/.kube/config
//!        \-> written (one file) -> load (all files, merged) -> select (context, cluster, user) -> Target
//!                                       \-> empty: the pod's service account                -> Target
//! ```

mod environment;
mod error;
mod load;
mod proxy;
mod select;
mod written;

use std::path::PathBuf;
use std::sync::Arc;

use http::Uri;
use kube::Config;
use tracing::warn;

pub use environment::{Environment, Proxies};
pub use error::{ConnectError, Files, Known, Mistake, Place};
use load::{Kubeconfig, Sources};

use crate::client::ConnectionSettings;
use crate::credentials::Credentials;

/// What a client is made of, and who is to blame when it can't be made.
pub(crate) struct Target {
    pub(crate) config: Config,
    pub(crate) credentials: Credentials,
    /// The context of the kubeconfig; `None` for a service account.
    pub(crate) context: Option<String>,
    /// The file and the entry of the cluster; `None` for a service account.
    pub(crate) cluster: Option<(PathBuf, Place)>,
    /// Those of the user; `None` for a service account, and for anonymous requests.
    pub(crate) user: Option<(PathBuf, Place)>,
}

/// Finds it.
///
/// # Errors
/// When there is none, or when what there is can't be used. What can't be used is never passed over: the next place that
/// is looked at could be another cluster.
pub(crate) fn find(settings: &ConnectionSettings, environment: &Environment) -> Result<Target, ConnectError> {
    let sources = Sources::of(settings.kubeconfig.as_deref(), environment);
    let kubeconfig = Kubeconfig::read(&sources)?;
    if let Some(context) = &settings.context
        && kubeconfig.files.is_empty()
    {
        let (context, looked) = (context.clone(), looked(&sources, &kubeconfig));
        return Err(ConnectError::NoKubeconfig { context, looked });
    }
    if !kubeconfig.is_empty() || settings.context.is_some() || matches!(sources, Sources::Named(_)) {
        return select::select(kubeconfig, settings.context.as_deref(), &environment.proxies);
    }
    match service(environment)? {
        Some(url) => {
            if matches!(sources, Sources::Listed(_)) && !kubeconfig.missing.is_empty() {
                warn!(
                    event = "kubeconfig_missing",
                    files = %kubeconfig.files(),
                    "KUBECONFIG names no file that is there; the pod's service account is used"
                );
            }
            of_pod(url, environment)
        }
        None => {
            let looked = looked(&sources, &kubeconfig);
            Err(ConnectError::NoCluster { looked: format!("{looked}; KUBERNETES_SERVICE_HOST is not set") })
        }
    }
}

/// Which API server it is and who says so, for people who read that it does not answer. Nothing but scheme, host and port: the
/// rest of a URL may be a secret.
pub(crate) fn server(config: &Config, context: Option<&str>, cluster: Option<&(PathBuf, Place)>) -> Arc<str> {
    let (url, proxy) =
        (&config.cluster_url, if config.proxy_url.is_some() { " through a proxy" } else { "" });
    let (scheme, host) = (url.scheme_str().unwrap_or("https"), url.host().unwrap_or_default());
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let told = match (context, cluster) {
        (Some(context), Some((file, place))) => {
            format!("context '{}', {place} of the kubeconfig {}", context.escape_debug(), file.display())
        }
        _ => "as the pod's service account has it".to_owned(),
    };
    format!("{scheme}://{host}{port}{proxy}, {told}").into()
}

/// Where it was looked for, and what was there.
fn looked(sources: &Sources, kubeconfig: &Kubeconfig) -> String {
    let missing = kubeconfig.missing.iter().map(|(file, why)| format!("{}: {why}", file.display()));
    let empty = kubeconfig.files.iter().map(|file| format!("{}: nothing stands in it", file.display()));
    let files = missing.chain(empty).collect::<Vec<_>>().join("; ");
    let named = match sources {
        Sources::Named(_) => "",
        Sources::Listed(_) => "KUBECONFIG names ",
        Sources::Usual(_) => "KUBECONFIG is not set; ",
    };
    let files = if files.is_empty() { "no file".to_owned() } else { files };
    format!("{named}{files}")
}

/// The API server as the kubelet tells it; `None` outside of a pod.
fn service(environment: &Environment) -> Result<Option<Uri>, ConnectError> {
    let set = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let (host, port) = (set(&environment.service_host), set(&environment.service_port));
    let (Some(host), Some(port)) = (host, port) else { return Ok(None) };
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    format!("https://{host}:{port}").parse().map(Some).map_err(|_| ConnectError::ServiceAccount {
        problem: "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT make no address".to_owned(),
    })
}

/// The service account of the pod in which this program runs. A proxy of the environment is not for the cluster's own
/// network.
fn of_pod(url: Uri, environment: &Environment) -> Result<Target, ConnectError> {
    let problem = |problem: String| ConnectError::ServiceAccount { problem };
    let (token, authority) =
        (environment.service_account.join("token"), environment.service_account.join("ca.crt"));
    let read = |file: &PathBuf, what: &str| {
        std::fs::read(file).map_err(|error| {
            let file = file.display();
            problem(format!("{what} {file} can't be read: {error}; check automountServiceAccountToken"))
        })
    };
    read(&token, "the token")?;
    let pem = read(&authority, "the certificate authority")?;
    let mut config = Config::new(url);
    let wrong = |words: String| problem(format!("{} {words}", authority.display()));
    config.root_cert = Some(select::certificates(&pem).map_err(wrong)?);
    config.root_cert_file = Some(authority.clone());
    if let Ok(namespace) = std::fs::read_to_string(environment.service_account.join("namespace")) {
        config.default_namespace = namespace.trim().to_owned();
    }
    Ok(Target { config, credentials: Credentials::in_file(token), context: None, cluster: None, user: None })
}
