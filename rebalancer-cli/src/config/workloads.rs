//! Which workloads a run handles: the one of the variables, or those that a file lists, each with settings of its own.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use super::layers::{Raw, Source};
use super::listed::{self, Entry};
use super::parse::{self, Expected, Reader};
use super::problem::{Given, Problem};
use super::resolve::{self, Purpose, WorkloadSettings};
use super::shown::showable;

const FILE: &str = "WORKLOADS_FILE";
const NAMESPACE: &str = "KUBE_NAMESPACE";

/// The workloads of a run that comes to its end.
#[derive(Debug)]
pub(crate) struct Several {
    pub(crate) workloads: Vec<WorkloadSettings>,
    /// So many clusters at one time.
    pub(crate) at_once: NonZeroUsize,
}

/// The workloads of a run that comes to its end.
///
/// # Errors
/// Everything that is wrong with any of them.
pub(crate) fn several(raw: &Raw, purpose: Purpose) -> Result<Several, Vec<Problem>> {
    match (at_once(raw), workloads_for(raw, purpose)) {
        (Ok(at_once), Ok(workloads)) => Ok(Several { workloads, at_once }),
        (Err(problem), Ok(_)) => Err(problem),
        (problem, Err(mut problems)) => {
            problems.extend(problem.err().unwrap_or_default());
            Err(problems)
        }
    }
}

/// Workloads that were found in the cluster, each by its place with settings of its own; those that can be used, and what is
/// wrong with the others.
///
/// # Errors
/// What is wrong with a setting of all of them.
pub(crate) fn found(found: &[(String, Raw)]) -> Result<(Several, Vec<Problem>), Vec<Problem>> {
    let at_once = match found.first() {
        Some((_, raw)) => at_once(raw)?,
        None => NonZeroUsize::MIN,
    };
    let (mut workloads, mut problems) = (Vec::new(), Vec::new());
    for (place, raw) in found {
        match resolve::settings(raw, Purpose::Cycle) {
            Ok(settings) => workloads.push(settings),
            Err(wrong) => problems.extend(wrong.into_iter().map(|problem| problem.within(place))),
        }
    }
    Ok((Several { workloads, at_once }, problems))
}

fn at_once(raw: &Raw) -> Result<NonZeroUsize, Vec<Problem>> {
    let mut reader = Reader::new(raw);
    let at_once = reader.required("CONCURRENT_CYCLES", parse::positive);
    reader.finish(at_once)
}

/// The settings of every workload, in the order in which they are handled.
///
/// # Errors
/// Everything that is wrong with any of them.
pub(crate) fn workloads(raw: &Raw) -> Result<Vec<WorkloadSettings>, Vec<Problem>> {
    workloads_for(raw, Purpose::Cycle)
}

fn workloads_for(raw: &Raw, purpose: Purpose) -> Result<Vec<WorkloadSettings>, Vec<Problem>> {
    match raw.get(FILE) {
        None => resolve::settings(raw, purpose).map(|settings| vec![settings]),
        Some(path) => match listed::read(path) {
            Ok(entries) => of_entries(raw, selected(raw, path, entries)?, purpose),
            Err(expected) => Err(without_list(raw, path, expected, purpose)),
        },
    }
}

/// The entries with their places: of a command whose argument names a workload, those of that workload; where a flag names a
/// namespace, those in it. A flag moves no workload to another namespace: only an entry that has none takes that of the flag.
fn selected(raw: &Raw, path: &str, entries: Vec<Entry>) -> Result<Vec<(usize, Entry)>, Vec<Problem>> {
    let (name, namespace) = (raw.named(), raw.get(NAMESPACE).filter(|_| raw.is_by_flag(NAMESPACE)));
    let own = |entry: &Entry, variable| {
        entry.values.get(variable).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let namespace_of =
        |entry: &Entry| own(entry, NAMESPACE).or_else(|| raw.without_flag(NAMESPACE).map(str::to_owned));
    let is_meant = |(_, entry): &(usize, Entry)| {
        name.is_none_or(|name| own(entry, "DEPLOYMENT_NAME").as_deref() == Some(name))
            && namespace.is_none_or(|wanted| namespace_of(entry).is_none_or(|own| own == wanted))
    };
    let (meant, others): (Vec<_>, Vec<_>) = entries.into_iter().enumerate().partition(is_meant);
    if !meant.is_empty() {
        return Ok(meant);
    }
    let listed = others.iter().filter_map(|(_, entry)| {
        let name = own(entry, "DEPLOYMENT_NAME")?;
        Some(namespace_of(entry).map_or_else(|| name.clone(), |namespace| format!("{namespace}/{name}")))
    });
    let listed = listed.collect::<Vec<_>>().join(", ");
    let wanted = match (name, namespace) {
        (Some(name), None) => format!("{name}, which the argument names"),
        (Some(name), Some(namespace)) => format!("{namespace}/{name}, as the argument and the flag say"),
        (None, namespace) => format!("a workload of namespace {}", namespace.unwrap_or_default()),
    };
    let expected = format!("a file that lists {wanted}; it lists {listed}");
    Err(vec![Problem::new(FILE, showable(FILE, path), expected)])
}

/// The file's problem, and those of values that are there. What is not set may stand in the file.
fn without_list(raw: &Raw, path: &str, expected: Expected, purpose: Purpose) -> Vec<Problem> {
    let mut problems = vec![Problem::new(FILE, showable(FILE, path), expected)];
    let others = resolve::settings(raw, purpose).err().unwrap_or_default();
    problems.extend(others.into_iter().filter(|problem| problem.given != Given::Nothing));
    problems
}

fn of_entries(
    raw: &Raw,
    entries: Vec<(usize, Entry)>,
    purpose: Purpose,
) -> Result<Vec<WorkloadSettings>, Vec<Problem>> {
    let mut listed = Vec::new();
    let mut settings = Vec::new();
    for (index, entry) in entries {
        let (mut workload, resolved) = Listed::of(index, entry, raw, purpose);
        workload.is_none_of(&listed);
        listed.push(workload);
        settings.extend(resolved);
    }
    let problems = problems(raw, &listed);
    if problems.is_empty() { Ok(settings) } else { Err(problems) }
}

/// One workload of the file.
struct Listed {
    /// Its place in the file, and its name if it has one.
    place: String,
    own: BTreeMap<String, String>,
    /// Namespace and name.
    subject: Option<(String, String)>,
    /// By which kubeconfig and context its cluster is reached.
    way: [Option<String>; 2],
    cluster: Option<String>,
    /// Brokers and group, where each cluster would lock the group for itself.
    own_lock: Option<(String, String)>,
    /// What is wrong with the entry itself.
    misplaced: Vec<Problem>,
    /// What is wrong with the workload's settings, wherever they come from.
    problems: Vec<Problem>,
}

impl Listed {
    fn of(index: usize, entry: Entry, raw: &Raw, purpose: Purpose) -> (Self, Option<WorkloadSettings>) {
        let Entry { values: own, misplaced } = entry;
        let raw = raw.below(&own);
        let (namespace, name) =
            (value(&raw, "KUBE_NAMESPACE", parse::label), value(&raw, "DEPLOYMENT_NAME", parse::subdomain));
        let own_file = raw.source("KUBECONFIG").is_some_and(|source| source != Source::Environment);
        let way = [
            value(&raw, "KUBECONFIG", parse::text).filter(|_| own_file),
            value(&raw, "KUBE_CONTEXT", parse::text),
        ];
        let cluster = value(&raw, "CLUSTER_NAME", parse::label);
        let locks = raw.get("GROUP_LOCK_NAMESPACE").is_some()
            && ["GROUP_LOCK_KUBECONFIG", "GROUP_LOCK_CONTEXT"].iter().all(|name| raw.get(name).is_none());
        let group = value(&raw, "KAFKA_GROUP_ID", parse::text).or_else(|| name.clone());
        let own_lock = value(&raw, "KAFKA_BOOTSTRAP_SERVERS", parse::text).filter(|_| locks).zip(group);
        let place = match &name {
            Some(name) => format!("workloads[{index}] ({name})"),
            None => format!("workloads[{index}]"),
        };
        let (settings, problems) = match resolve::settings(&raw, purpose) {
            Ok(settings) => (Some(settings), Vec::new()),
            Err(problems) => (None, problems),
        };
        (
            Self { place, own, subject: namespace.zip(name), way, cluster, own_lock, misplaced, problems },
            settings,
        )
    }

    /// Two entries of one workload would undo each other's memory, and two of one name in different clusters each other's
    /// metrics.
    fn is_none_of(&mut self, earlier: &[Self]) {
        let shares = |other: &&Self| {
            self.own_lock.is_some() && other.own_lock == self.own_lock && other.way != self.way
        };
        if let Some(other) = earlier.iter().find(shares) {
            let expected = format!(
                "the kubeconfig of the one cluster that keeps the lock: {} and this entry have one group, and each would lock it in its own cluster only",
                other.place
            );
            self.misplaced.push(Problem::new("GROUP_LOCK_KUBECONFIG", Given::Nothing, expected));
        }
        let Some((namespace, name)) = &self.subject else { return };
        let of_that_name = || earlier.iter().filter(|other| other.subject == self.subject);
        if let Some(other) = of_that_name().find(|other| other.way == self.way) {
            let expected = format!(
                "another workload than {}, as both are {namespace}/{name} and would share one Lease",
                other.place
            );
            self.misplaced.push(Problem::new("DEPLOYMENT_NAME", Given::Value(name.clone()), expected));
        } else if let Some(other) = of_that_name().find(|other| other.cluster == self.cluster) {
            let expected = format!(
                "another name than {} has, as both are {namespace}/{name}, each in a cluster of its own, and nothing else would tell them apart",
                other.place
            );
            let given = self.cluster.clone().map_or(Given::Nothing, Given::Value);
            self.misplaced.push(Problem::new("CLUSTER_NAME", given, expected));
        }
    }

    /// It has this problem, and not by a value of its own.
    fn has_from_elsewhere(&self, problem: &Problem, raw: &Raw) -> bool {
        let elsewhere = raw.is_by_flag(&problem.variable) || !self.own.contains_key(&problem.variable);
        elsewhere && self.problems.contains(problem)
    }
}

/// A value that can be used; that another can't has its own problem.
fn value(raw: &Raw, name: &str, parse: impl Fn(&str) -> Result<String, Expected>) -> Option<String> {
    raw.get(name).and_then(|text| parse(text).ok())
}

/// Each problem with its entry. Those that all entries share come once, and first.
fn problems(raw: &Raw, listed: &[Listed]) -> Vec<Problem> {
    let shared: Vec<&Problem> = listed
        .first()
        .into_iter()
        .flat_map(|first| &first.problems)
        .filter(|problem| listed.iter().all(|workload| workload.has_from_elsewhere(problem, raw)))
        .collect();
    let placed = |workload: &Listed| {
        let own = workload.problems.iter().filter(|problem| !shared.contains(problem));
        let own = workload.misplaced.iter().chain(own);
        own.map(|problem| problem.clone().within(&workload.place)).collect::<Vec<_>>()
    };
    let placed = listed.iter().flat_map(placed);
    shared.iter().map(|&problem| problem.clone()).chain(placed).collect()
}
