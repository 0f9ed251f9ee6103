//! Finds the cluster and the credentials, and makes the client that everything here shares.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use crate::meter::Meter;

/// A server that is there accepts a connection at once; the rest of the time is for retries.
const LONGEST_CONNECT: Duration = Duration::from_secs(5);

/// How to reach the Kubernetes API.
///
/// With a file or a context, the kubeconfig counts, also inside a pod. With neither: `$KUBECONFIG`,
/// `~/.kube/config`, then the service account of the pod, whichever is found first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The kubeconfig file; `None` means `$KUBECONFIG` or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; `None` means its current context.
    pub context: Option<String>,
    /// The most that one call of a port may take, with all its pages and retries.
    pub timeout: Duration,
    /// How this program names itself in the server's audit log, such as `rebalancer/0.1.0`.
    pub user_agent: String,
}

/// Why no client could be made. Nothing was sent to any server yet.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig is missing, unreadable, or not complete.
    #[error("the kubeconfig {file} can't be used; check the path, the file and the files it names")]
    Kubeconfig {
        /// The file, or where it was looked for.
        file: String,
        /// What is wrong with it.
        #[source]
        source: Box<KubeconfigError>,
    },
    /// The kubeconfig has no such context.
    #[error("the kubeconfig {file} has no context '{context}'; it has: {known}")]
    UnknownContext {
        /// The file, or where it was looked for.
        file: String,
        /// The context that was asked for.
        context: String,
        /// The contexts it has.
        known: String,
    },
    /// There is neither a kubeconfig nor a service account.
    #[error("no cluster found: set KUBECONFIG, or run in a pod with a service account token")]
    NoCluster(#[source] Box<InferConfigError>),
    /// The user agent can't be a header.
    #[error("the user agent '{0}' can't be sent as an HTTP header")]
    UserAgent(String),
    /// The client could not be made from the configuration: certificates, keys, credential plugins, proxies.
    #[error("the client could not be made; check certificates, keys and credentials of the configuration")]
    Client(#[source] Box<kube::Error>),
}

/// A client that repeats nothing by itself, and the time limit of each call.
#[derive(Clone)]
pub struct Connection {
    pub(crate) client: Client,
    pub(crate) timeout: Duration,
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
        Self { client, timeout, meter: Arc::default() }
    }
}

/// Makes the client. Sends nothing: the first call of a port is the first request.
///
/// # Errors
/// When the configuration of the cluster is not found or can't be used.
pub async fn connect(settings: &Settings) -> Result<Connection, ConnectError> {
    let mut config = configuration(settings).await?;
    config.headers.push((USER_AGENT, user_agent(settings)?));
    config.connect_timeout = Some(LONGEST_CONNECT.min(settings.timeout));
    config.read_timeout = Some(settings.timeout);
    // The deadline of a call covers slow answers; an idle pooled connection must not count against them.
    config.reset_reader_on_write = true;
    config.default_retry = false;
    let client = Client::try_from(config).map_err(|error| ConnectError::Client(Box::new(error)))?;
    Ok(Connection::with_client(client, settings.timeout))
}

async fn configuration(settings: &Settings) -> Result<Config, ConnectError> {
    if settings.kubeconfig.is_none() && settings.context.is_none() {
        return Config::infer().await.map_err(|error| ConnectError::NoCluster(Box::new(error)));
    }
    let broken = |error| ConnectError::Kubeconfig { file: place(settings), source: Box::new(error) };
    let kubeconfig = settings.kubeconfig.as_ref().map_or_else(Kubeconfig::read, Kubeconfig::read_from);
    let kubeconfig = kubeconfig.map_err(broken)?;
    require_context(settings, &kubeconfig)?;
    let options = KubeConfigOptions { context: settings.context.clone(), ..Default::default() };
    Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(broken)
}

fn require_context(settings: &Settings, kubeconfig: &Kubeconfig) -> Result<(), ConnectError> {
    let Some(context) = &settings.context else { return Ok(()) };
    let known: Vec<&str> = kubeconfig.contexts.iter().map(|known| known.name.as_str()).collect();
    if known.contains(&context.as_str()) {
        return Ok(());
    }
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(ConnectError::UnknownContext { file: place(settings), context: context.clone(), known })
}

fn place(settings: &Settings) -> String {
    settings
        .kubeconfig
        .as_ref()
        .map_or_else(|| "($KUBECONFIG or ~/.kube/config)".to_owned(), |path| path.display().to_string())
}

fn user_agent(settings: &Settings) -> Result<HeaderValue, ConnectError> {
    HeaderValue::from_str(&settings.user_agent)
        .map_err(|_| ConnectError::UserAgent(settings.user_agent.clone()))
}
