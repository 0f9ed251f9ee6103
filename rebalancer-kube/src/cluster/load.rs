//! Reads kubeconfig files and merges them by kubectl's rules: the first file that has a name, or a current context,
//! wins; files of a list that are missing are left out; relative paths start at the folder of the file that contains
//! them.

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster};

use super::environment::Environment;
use super::error::{ConnectError, Files};
use super::written::{self, Context};

/// An entry, and the file that contains it.
pub(super) struct From<T> {
    pub(super) file: PathBuf,
    pub(super) entry: T,
}

type Entries<T> = BTreeMap<String, From<T>>;

/// All files together.
#[derive(Default)]
pub(super) struct Kubeconfig {
    pub(super) current_context: Option<String>,
    pub(super) contexts: Entries<Context>,
    pub(super) clusters: Entries<Cluster>,
    pub(super) users: Entries<AuthInfo>,
    /// The files that were read.
    pub(super) files: Vec<PathBuf>,
    /// Those that are not there, and why.
    pub(super) missing: Vec<(PathBuf, String)>,
}

/// Where kubeconfigs are looked for.
#[derive(Debug)]
pub(super) enum Sources {
    /// This one: it has to be there.
    Named(PathBuf),
    /// `$KUBECONFIG`.
    Listed(Vec<PathBuf>),
    /// Nobody has named a file, so this one counts if there is one.
    Usual(Option<PathBuf>),
}

impl Sources {
    pub(super) fn of(named: Option<&Path>, environment: &Environment) -> Self {
        let listed = environment.kubeconfig.as_ref().filter(|list| !list.is_empty());
        match (named, listed) {
            (Some(file), _) => Self::Named(file.to_owned()),
            (None, Some(list)) => {
                Self::Listed(env::split_paths(list).filter(|file| !file.as_os_str().is_empty()).collect())
            }
            (None, None) => Self::Usual(environment.home.as_ref().map(|home| home.join(".kube/config"))),
        }
    }
}

impl Kubeconfig {
    pub(super) fn read(sources: &Sources) -> Result<Self, ConnectError> {
        let files: Vec<&PathBuf> = match sources {
            Sources::Named(file) => vec![file],
            Sources::Listed(files) => files.iter().collect(),
            Sources::Usual(file) => file.iter().collect(),
        };
        let mut all = Self::default();
        for file in files {
            if all.files.contains(file) {
                continue;
            }
            match std::fs::read(file) {
                Ok(bytes) => all.merge(file, &bytes)?,
                Err(error) if sources.may_lack(&error) => all.missing.push((file.clone(), error.to_string())),
                Err(error) => return Err(ConnectError::unreadable(file, &error)),
            }
        }
        Ok(all)
    }

    fn merge(&mut self, file: &Path, bytes: &[u8]) -> Result<(), ConnectError> {
        let written = written::read(file, bytes)?;
        self.current_context = self.current_context.take().or(written.current_context);
        add(&mut self.contexts, file, "contexts", written.contexts)?;
        add(&mut self.clusters, file, "clusters", written.clusters)?;
        add(&mut self.users, file, "users", written.users)?;
        self.files.push(file.to_owned());
        Ok(())
    }

    /// It is empty.
    pub(super) fn is_empty(&self) -> bool {
        let Self { current_context, contexts, clusters, users, files: _, missing: _ } = self;
        current_context.is_none() && contexts.is_empty() && clusters.is_empty() && users.is_empty()
    }

    pub(super) fn files(&self) -> Files {
        let missing = self.missing.iter().map(|(file, _)| file);
        Files(if self.files.is_empty() { missing.cloned().collect() } else { self.files.clone() })
    }
}

impl Sources {
    /// A file that could not be read may as well not be there.
    fn may_lack(&self, error: &io::Error) -> bool {
        match self {
            Self::Named(_) => false,
            Self::Listed(_) => error.kind() == io::ErrorKind::NotFound,
            // Nobody means it: a home that belongs to someone else is usual in a container.
            Self::Usual(_) => matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
            ),
        }
    }
}

/// Adds what no file before had. Within a file, a name that appears twice could mean either.
fn add<T>(
    all: &mut Entries<T>,
    file: &Path,
    section: &str,
    named: Vec<(String, T)>,
) -> Result<(), ConnectError> {
    let mut own: Entries<T> = BTreeMap::new();
    for (name, entry) in named {
        let place = format!("'{section}' has the name '{}' twice", name.escape_debug());
        if own.insert(name, From { file: file.to_owned(), entry }).is_some() {
            return Err(ConnectError::malformed(file, place));
        }
    }
    for (name, entry) in own {
        all.entry(name).or_insert(entry);
    }
    Ok(())
}
