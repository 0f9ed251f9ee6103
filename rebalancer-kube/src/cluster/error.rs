//! Why the cluster can't be reached, before anything was sent. No message holds the content of a kubeconfig, a file
//! that it names or the output of a credential plugin: any of it may be a secret. Messages give files, places, names
//! and kinds.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why no client could be made. Nothing was sent to any API server yet.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is a kubeconfig, and it can't be read.
    #[error("the kubeconfig {} can't be read: {problem}; check the path and its permissions", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        problem: String,
    },
    /// A file is not what a kubeconfig is.
    #[error("the kubeconfig {} can't be used: {mistake}", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        mistake: Mistake,
    },
    /// No context was requested, and the kubeconfig says none.
    #[error(
        "the kubeconfig {files} has no current-context; set KUBE_CONTEXT to one of its contexts: {known}"
    )]
    NoContext {
        /// The files that were read.
        files: Files,
        /// The contexts there are.
        known: Known,
    },
    /// A context was requested, and there is no kubeconfig.
    #[error(
        "the context '{context}' was asked for, and there is no kubeconfig ({looked}); set KUBECONFIG, or no KUBE_CONTEXT"
    )]
    NoKubeconfig {
        /// The context.
        context: String,
        /// Where it was looked for.
        looked: String,
    },
    /// The kubeconfig has no such context.
    #[error("the kubeconfig {files} has no context '{context}'; it has: {known}")]
    UnknownContext {
        /// The files that were read.
        files: Files,
        /// The context that was requested, or that is the current one.
        context: String,
        /// The contexts there are.
        known: Known,
    },
    /// The kubeconfig does not have the cluster that its context names.
    #[error("the kubeconfig {files} has no cluster '{cluster}', which its context '{context}' names")]
    UnknownCluster {
        /// The files that were read.
        files: Files,
        /// The context.
        context: String,
        /// What it calls the cluster; may be empty.
        cluster: String,
    },
    /// A cluster or user of the kubeconfig can't be used.
    #[error("the kubeconfig {} can't be used: {place} {problem}", .file.display())]
    Unusable {
        /// The file that contains it.
        file: PathBuf,
        /// The cluster or user.
        place: Place,
        /// What is wrong with it.
        problem: String,
    },
    /// The program runs in a pod whose service account can't be used.
    #[error("the pod's service account can't be used: {problem}")]
    ServiceAccount {
        /// What is wrong, and what to do.
        problem: String,
    },
    /// There is neither a kubeconfig nor a service account.
    #[error("no cluster found: set KUBECONFIG, or run in a pod with a service account token ({looked})")]
    NoCluster {
        /// Where it was looked for.
        looked: String,
    },
    /// The user agent can't be a header.
    #[error("the user agent '{}' can't be sent as an HTTP header", .0.escape_debug())]
    UserAgent(String),
    /// The credential plugin of the kubeconfig did not end in time.
    #[error("the kubeconfig {} can't be used: {place} has a credential plugin (exec) that gave nothing within {limit:?}; run it by hand, or raise KUBE_TIMEOUT", .file.display())]
    PluginTimeUp {
        /// The file that contains it.
        file: PathBuf,
        /// The user.
        place: Place,
        /// The time it had.
        limit: Duration,
    },
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: Option<u64>,
    /// The column in it, from 1, in characters.
    pub column: Option<u64>,
    /// What kind of mistake it is.
    pub kind: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "line {line}, column {column}: {}", self.kind),
            (Some(line), None) => write!(f, "line {line}: {}", self.kind),
            (None, _) => f.write_str(&self.kind),
        }
    }
}

/// Files that were read as one kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files(pub Vec<PathBuf>);

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&listed(self.0.iter().map(|file| file.display().to_string())))
    }
}

/// Names that would have been accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known(pub Vec<String>);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("none"),
            false => f.write_str(&listed(self.0.iter().map(|name| name.escape_debug().to_string()))),
        }
    }
}

fn listed(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// An entry of a kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The cluster of this name.
    Cluster(String),
    /// The user of this name.
    User(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => write!(f, "cluster '{}'", name.escape_debug()),
            Self::User(name) => write!(f, "user '{}'", name.escape_debug()),
        }
    }
}

impl ConnectError {
    pub(super) fn unreadable(file: &Path, error: &io::Error) -> Self {
        Self::Unreadable { file: file.to_owned(), problem: error.to_string() }
    }

    pub(super) fn malformed(file: &Path, kind: impl Into<String>) -> Self {
        let mistake = Mistake { line: None, column: None, kind: kind.into() };
        Self::Malformed { file: file.to_owned(), mistake }
    }

    /// No cluster was named at all, so that nothing is wrong but this.
    #[must_use]
    pub const fn nothing_configured(&self) -> bool {
        matches!(self, Self::NoCluster { .. })
    }
}
