//! Makes the client that everything here shares.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use kube::{Client, Config};

use crate::cluster::{self, ConnectError, Environment, Place, Target};
use crate::credentials::Credentials;
use crate::meter::Meter;
use crate::unmade::{self, About};

/// A server that is there accepts a connection at once; the rest of the time is for retries.
const LONGEST_CONNECT: Duration = Duration::from_secs(5);

/// How to reach the Kubernetes API.
///
/// By kubectl's rules: the file that is named here; else the files of `$KUBECONFIG`, merged, of which those that are
/// missing are left out; else `~/.kube/config`; and if they are empty, the service account of the pod. What is
/// there and can't be used is an error, never passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// The kubeconfig file, which has to be there; `None` means `$KUBECONFIG` or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; `None` means its current context.
    pub context: Option<String>,
    /// The most that one call of a port may take, with all its pages and retries.
    pub timeout: Duration,
    /// How this program names itself in the server's audit log, such as `rebalancer/0.1.0`.
    pub user_agent: String,
}

/// A client that repeats nothing by itself, and the time limit of each call.
#[derive(Clone)]
pub struct Connection {
    pub(crate) client: Client,
    pub(crate) timeout: Duration,
    pub(crate) credentials: Arc<Credentials>,
    /// The API server, for people who read that it does not answer; `None` where only the client knows.
    pub(crate) server: Option<Arc<str>>,
    /// Shared by its clones.
    pub(crate) meter: Arc<Meter>,
}

impl Connection {
    /// Takes a client that exists already, for embedders and tests.
    ///
    /// The client must have been made with [`Config::default_retry`] off: otherwise kube repeats an eviction
    /// that a disruption budget refused, which may then succeed long after its decision went stale.
    #[must_use]
    pub fn with_client(client: Client, timeout: Duration) -> Self {
        Self { client, timeout, credentials: Arc::default(), server: None, meter: Arc::default() }
    }

    /// The namespace that counts where none is named: that of the kubeconfig's context, or of the pod; `default` without either.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.client.default_namespace()
    }
}

/// Makes the client. Sends nothing to the API server: the first call of a port is the first request. A credential plugin
/// of the kubeconfig is run, for as long as [`ConnectionSettings::timeout`].
///
/// # Errors
/// When the configuration of the cluster is not found or can't be used.
pub async fn connect(settings: &ConnectionSettings) -> Result<Connection, ConnectError> {
    connect_in(settings, &Environment::of_process()).await
}

/// The same with these surroundings in place of the process's own.
///
/// # Errors
/// As [`connect`].
pub async fn connect_in(
    settings: &ConnectionSettings,
    environment: &Environment,
) -> Result<Connection, ConnectError> {
    connect_for(settings, environment, settings.timeout).await
}

/// The same, on which the server may be silent for this long.
pub(crate) async fn connect_for(
    settings: &ConnectionSettings,
    environment: &Environment,
    silence: Duration,
) -> Result<Connection, ConnectError> {
    let Target { mut config, credentials, context, cluster, user } = cluster::find(settings, environment)?;
    let server = cluster::server(&config, context.as_deref(), cluster.as_ref());
    config.headers.push((USER_AGENT, user_agent(settings)?));
    config.connect_timeout = Some(LONGEST_CONNECT.min(settings.timeout));
    config.read_timeout = Some(silence);
    // The deadline of a call covers slow answers; an idle pooled connection must not count against them.
    config.reset_reader_on_write = true;
    config.default_retry = false;
    let client = match made(config, settings.timeout).await {
        Some(Ok(client)) => client,
        Some(Err(error)) => {
            let (about, problem) = unmade::client(&error);
            return Err(match (about, cluster, user) {
                (About::Cluster, Some((file, place)), _) | (About::User, _, Some((file, place))) => {
                    ConnectError::Unusable { file, place, problem }
                }
                (About::Cluster | About::User, _, _) => ConnectError::ServiceAccount { problem },
            });
        }
        None => {
            let (file, place) = user.unwrap_or_else(|| (PathBuf::new(), Place::User(String::new())));
            return Err(ConnectError::PluginTimeUp { file, place, limit: settings.timeout });
        }
    };
    let (credentials, server) = (Arc::new(credentials), Some(server));
    Ok(Connection { credentials, server, ..Connection::with_client(client, settings.timeout) })
}

/// kube runs a credential plugin while it makes a client, and waits for it. On a thread of its own, one that hangs
/// holds up neither the others nor the end of the process.
async fn made(config: Config, limit: Duration) -> Option<Result<Client, kube::Error>> {
    if config.auth_info.exec.is_none() && config.auth_info.auth_provider.is_none() {
        return Some(Client::try_from(config));
    }
    let (told, made) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        let _entered = runtime.enter();
        // Nobody may wait for it any more.
        let _late = told.send(Client::try_from(config));
    });
    tokio::time::timeout(limit, made).await.ok()?.ok()
}

fn user_agent(settings: &ConnectionSettings) -> Result<HeaderValue, ConnectError> {
    HeaderValue::from_str(&settings.user_agent)
        .map_err(|_| ConnectError::UserAgent(settings.user_agent.clone()))
}
