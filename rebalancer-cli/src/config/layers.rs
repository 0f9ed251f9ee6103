//! Where settings come from: defaults, below what the workload itself tells, below the environment, below a workload's entry
//! in WORKLOADS_FILE, below flags: what an operator says at the moment counts. All values stay text here, since guessing types loses zeros and turns
//! names into numbers; they are parsed once, in `resolve`.

use std::collections::BTreeMap;
use std::ffi::OsString;

use figment::providers::Serialized;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::problem::{Given, Problem};
use super::shown::showable;
use super::variable;

const WORKLOAD: &str = "DEPLOYMENT_NAME";

/// Raw settings by variable name; a variable that is not set has no entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Raw {
    values: BTreeMap<String, String>,
    /// Where each value comes from.
    sources: BTreeMap<String, Source>,
    /// What the environment says and a flag overrides.
    overridden: BTreeMap<String, String>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    Environment,
    WorkloadsFile,
    Flag,
    /// The command's argument.
    Argument,
    /// What the workload's own object tells.
    Workload,
    /// The context of the kubeconfig, or the pod in which the program runs.
    Context,
}

impl Source {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Environment => "environment",
            Self::WorkloadsFile => "workloads file",
            Self::Flag => "flag",
            Self::Argument => "argument",
            Self::Workload => "workload",
            Self::Context => "context",
        }
    }
}

impl Raw {
    /// The value as given, trimmed; empty is not set.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Where the value comes from; `None` when there is none.
    pub(crate) fn source(&self, name: &str) -> Option<Source> {
        self.sources.get(name).copied()
    }

    /// Nobody has set it: there is no value, or the default.
    pub(crate) fn is_open(&self, name: &str) -> bool {
        self.get(name).is_none() || self.source(name) == Some(Source::Default)
    }

    /// With these values from elsewhere, for what nobody has set.
    pub(crate) fn filled<'a>(
        mut self,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
        source: Source,
    ) -> Self {
        for (name, value) in values {
            if self.is_open(name) {
                self.put(name, value, source);
            }
        }
        self
    }

    /// Of the workload that the command's argument names.
    pub(crate) fn naming(mut self, workload: &str) -> Self {
        self.put(WORKLOAD, workload, Source::Argument);
        self
    }

    /// The workload that the command's argument names.
    pub(super) fn named(&self) -> Option<&str> {
        self.get(WORKLOAD).filter(|_| self.source(WORKLOAD) == Some(Source::Argument))
    }

    fn put(&mut self, name: &str, value: &str, source: Source) {
        self.values.insert(name.to_owned(), value.to_owned());
        self.sources.insert(name.to_owned(), source);
    }

    /// A flag gives this value.
    pub(crate) fn is_by_flag(&self, name: &str) -> bool {
        self.source(name) == Some(Source::Flag)
    }

    /// What counts where the flag does not: what an entry without this variable would have.
    pub(super) fn without_flag(&self, name: &str) -> Option<&str> {
        match self.is_by_flag(name) {
            true => self.overridden.get(name).map(|value| value.trim()),
            false => self.get(name),
        }
    }

    /// With these values, whatever is set elsewhere.
    pub(crate) fn with(&self, values: &BTreeMap<String, String>) -> Self {
        let mut raw = self.clone();
        for (name, value) in values {
            raw.put(name, value, Source::Flag);
        }
        raw
    }

    /// The settings of a workload that has these values of its own.
    pub(crate) fn below(&self, own: &BTreeMap<String, String>) -> Self {
        let mut raw = self.clone();
        let own = own.iter().filter(|(name, _)| !self.is_by_flag(name));
        for (name, value) in own {
            raw.put(name, value, Source::WorkloadsFile);
        }
        raw
    }
}

/// One layer of text values.
struct Texts {
    source: &'static str,
    values: BTreeMap<String, String>,
}

impl Provider for Texts {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.source)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let dict =
            self.values.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        Ok(Profile::Default.collect(dict))
    }
}

/// Joins the layers. `flags` and `environment` are values by variable name, as the system gave them. Values that
/// are no UTF-8 are left out and reported.
pub(crate) fn gather(
    flags: BTreeMap<String, OsString>,
    environment: impl Fn(&str) -> Option<OsString>,
) -> (Raw, Vec<Problem>) {
    let mut problems = Vec::new();
    let environment = variable::all()
        .filter_map(|variable| Some((variable.name.to_owned(), environment(variable.name)?)))
        .collect();
    let environment = texts("environment", environment, &mut problems);
    let flags = texts("command line", flags, &mut problems);
    let defaults: BTreeMap<&str, &str> =
        variable::all().filter_map(|variable| Some((variable.name, variable.default?))).collect();
    let sources = sources(&defaults, &environment, &flags);
    let mut overridden = environment.values.clone();
    overridden.retain(|name, _| flags.values.contains_key(name));
    let layers = Figment::from(Serialized::defaults(defaults)).merge(environment).merge(flags);
    let values = layers.extract().unwrap_or_else(|error| {
        problems.push(Problem::new("configuration", Given::Hidden, error.to_string()));
        BTreeMap::new()
    });
    (Raw { values, sources, overridden }, problems)
}

/// In the order of the layers, so that the highest stays.
fn sources(defaults: &BTreeMap<&str, &str>, environment: &Texts, flags: &Texts) -> BTreeMap<String, Source> {
    let defaults = defaults.keys().map(|name| ((*name).to_owned(), Source::Default));
    let environment = environment.values.keys().map(|name| (name.clone(), Source::Environment));
    let flags = flags.values.keys().map(|name| (name.clone(), Source::Flag));
    defaults.chain(environment).chain(flags).collect()
}

/// Values as text. An empty one is not set, so that it does not hide the layer below.
fn texts(source: &'static str, values: BTreeMap<String, OsString>, problems: &mut Vec<Problem>) -> Texts {
    let mut known = BTreeMap::new();
    for (name, value) in values {
        match value.into_string() {
            Ok(value) if value.trim().is_empty() => {}
            Ok(value) => {
                known.insert(name, value);
            }
            Err(value) => {
                let given = showable(&name, &value.to_string_lossy());
                problems.push(Problem::new(&name, given, "text in UTF-8".to_owned()));
            }
        }
    }
    Texts { source, values: known }
}
