//! Every setting, once: its environment variable, its flag, its default and its help come from this table.

mod decision;
mod export;
mod kafka;
mod kubernetes;
mod metrics;
mod notify;
mod output;
mod queries;
mod safety;
mod serve;
mod workloads;

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variable {
    /// The environment variable.
    pub(crate) name: &'static str,
    /// What is used when it is not set; `None` means nothing, or what the help says.
    pub(crate) default: Option<&'static str>,
    /// What it means, in one sentence.
    pub(crate) help: &'static str,
    /// The heading that it stands under in `--help`.
    pub(crate) heading: &'static str,
    /// Its value is never shown.
    pub(crate) secret: bool,
    /// It is one for the whole run, so that no entry of WORKLOADS_FILE can have it.
    pub(crate) of_run: bool,
}

impl Variable {
    const fn new(
        heading: &'static str,
        name: &'static str,
        default: Option<&'static str>,
        help: &'static str,
    ) -> Self {
        Self { name, default, help, heading, secret: false, of_run: false }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn of_run(self) -> Self {
        Self { of_run: true, ..self }
    }

    /// It is one of what is decided, or of what guards against it.
    pub(crate) fn decides(&self) -> bool {
        let groups = [decision::SETTINGS, safety::SETTINGS];
        groups.into_iter().flatten().any(|variable| variable.name == self.name)
    }

    /// `--kube-namespace` for `KUBE_NAMESPACE`, without the dashes.
    pub(crate) fn flag(&self) -> String {
        self.name.to_ascii_lowercase().replace('_', "-")
    }
}

/// The setting of this name. Names come from this crate's own source, so an unknown one is a bug that a test finds.
pub(crate) fn find(name: &str) -> Option<&'static Variable> {
    all().find(|variable| variable.name == name)
}

/// All settings, by the headings of the documentation.
const GROUPS: [&[Variable]; 11] = [
    workloads::SETTINGS,
    metrics::SETTINGS,
    kafka::SETTINGS,
    kubernetes::SETTINGS,
    decision::SETTINGS,
    safety::SETTINGS,
    queries::SETTINGS,
    serve::SETTINGS,
    export::SETTINGS,
    notify::SETTINGS,
    output::SETTINGS,
];

/// All settings, in the order of the documentation.
pub(crate) fn all() -> impl Iterator<Item = &'static Variable> {
    GROUPS.into_iter().flatten()
}
