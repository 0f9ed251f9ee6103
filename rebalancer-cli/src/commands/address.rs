//! Which workloads a command is for: those of the settings; the one that its argument names, with what that tells of itself;
//! or those of a namespace that look like consumers, to be handled or to be listed.

use rebalancer_kube::Connection;
use rebalancer_kube::preflight::WorkloadShape;
use tracing::{error, info};

use self::unfound::{failed, not_found, stopped, unread};
use super::Exit;
use crate::args::{Action, Address, Named, Output, Program};
use crate::config::layers::{Raw, Source};
use crate::config::problem::{Given, Problem};
use crate::config::{self, Purpose, Several, parse};
use crate::discovery::{self, Candidate, Fact, Found, NotFound, Reading};
use crate::interrupt::Signals;
use crate::render::Form;
use crate::render::discovery as render;
use crate::telemetry;

const WORKLOAD: &str = "DEPLOYMENT_NAME";
const NAMESPACE: &str = "KUBE_NAMESPACE";
const FILE: &str = "WORKLOADS_FILE";
/// What one workload tells can't be set for all of them.
const OF_ONE: [&str; 3] = ["KUBE_LABEL_SELECTOR", "CONTAINER_NAME", "KAFKA_GROUP_ID"];

/// The settings of the workloads that are meant.
pub(super) struct Addressed {
    pub(super) raw: Raw,
    /// `None`: those of the settings.
    found: Option<Consumers>,
}

/// Workloads that were found.
struct Consumers {
    /// Each by its kind and name, with settings of its own.
    each: Vec<(String, Raw)>,
    /// Each of them told enough.
    whole: bool,
}

impl Addressed {
    pub(super) const fn by_settings(raw: Raw) -> Self {
        Self { raw, found: None }
    }

    /// How results are shown. One of several is so also when there is no other.
    pub(super) fn form(&self, json: bool) -> Form {
        form(json, self.found.is_some() || self.raw.get(FILE).is_some())
    }

    /// The workloads; of those that were found, the ones whose settings can be used, and how it ends at best.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub(super) fn several(&self) -> Result<(Several, Exit), Vec<Problem>> {
        let Some(Consumers { each, whole }) = &self.found else {
            return config::several(&self.raw, Purpose::Cycle).map(|several| (several, Exit::Finished));
        };
        let (several, problems) = config::found(each)?;
        telemetry::report(&problems);
        let all = *whole && problems.is_empty();
        Ok((several, if all { Exit::Finished } else { Exit::Misconfigured }))
    }
}

/// What a command may do about its workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Manner {
    /// The namespace of the context counts. What acts by itself must be told its namespace.
    by_context: bool,
    /// What is not set is read from the workload.
    reads: bool,
    /// Without a workload it lists those that there are, and goes on with one by this command.
    lists: Option<&'static str>,
}

impl Manner {
    const fn reading(command: &'static str) -> Self {
        Self { by_context: true, reads: true, lists: Some(command) }
    }

    /// `None` for a command that has no workload, or only those of the settings.
    const fn of(action: &Action) -> Option<Self> {
        match action {
            Action::Plan { .. } => Some(Self::reading("plan")),
            Action::Check { .. } => Some(Self::reading("check")),
            Action::Advise { saved: None, .. } => Some(Self::reading("advise")),
            Action::Backtest(_) => Some(Self { by_context: true, reads: true, lists: None }),
            Action::Run => Some(Self { by_context: false, reads: true, lists: None }),
            Action::Answer { .. } => Some(Self { by_context: true, reads: false, lists: None }),
            Action::Reset => Some(Self { by_context: false, reads: false, lists: None }),
            Action::Replay { .. }
            | Action::Advise { saved: Some(_), .. }
            | Action::Serve
            | Action::Simulate(_)
            | Action::Completions(_)
            | Action::Manual => None,
        }
    }
}

/// How a command was called.
pub(super) struct Call<'a> {
    pub(super) action: &'a Action,
    pub(super) address: Address,
    pub(super) program: Program,
}

impl Call<'_> {
    /// How results are shown; `None`: they are not.
    fn form(&self) -> Option<Form> {
        let several = self.address == Address::All;
        match self.action {
            Action::Plan { output, .. } => Some(form(*output == Output::Json, several)),
            Action::Advise { json, .. } | Action::Check { json, .. } => Some(form(*json, several)),
            Action::Backtest(request) => Some(form(request.json, several)),
            Action::Run
            | Action::Answer { .. }
            | Action::Reset
            | Action::Replay { .. }
            | Action::Serve
            | Action::Simulate(_)
            | Action::Completions(_)
            | Action::Manual => None,
        }
    }
}

const fn form(json: bool, several: bool) -> Form {
    match (json, several) {
        (false, false) => Form::Table,
        (false, true) => Form::Tables,
        (true, false) => Form::Json,
        (true, true) => Form::JsonLine,
    }
}

/// Settles which workloads are meant. Contacts no server unless a workload is named, or none is. A signal ends it as it ends a
/// cycle that has done nothing yet.
///
/// # Errors
/// How to end, when there is nothing to go on with; it has been said why.
pub(super) async fn settle_unless_stopped(call: Call<'_>, raw: Raw) -> Result<Addressed, Exit> {
    if Manner::of(call.action).is_none() {
        return Ok(Addressed::by_settings(raw));
    }
    let signals = Signals::listen().map_err(|error| failed(&error.into()))?;
    tokio::select! {
        biased;
        () = signals.wait() => Err(stopped()),
        settled = settle(call, raw) => settled,
    }
}

async fn settle(call: Call<'_>, raw: Raw) -> Result<Addressed, Exit> {
    let Some(manner) = Manner::of(call.action) else { return Ok(Addressed::by_settings(raw)) };
    if let Some(problem) = contradiction(&call.address, &raw) {
        return Err(super::misconfigured(&[problem]));
    }
    let by_hand = call.program == Program::KubectlPlugin || matches!(call.address, Address::Named(_));
    let decides_itself = *call.action == Action::Run && raw.get(FILE).is_none() && raw.is_open("DRY_RUN");
    if by_hand && decides_itself {
        let expected = "true, or false to evict: what is set for the run in the cluster, such as APPROVAL, GROUP_LOCK_NAMESPACE and QUIET_HOURS, does not count here";
        return Err(super::misconfigured(&[Problem::new("DRY_RUN", Given::Nothing, expected.to_owned())]));
    }
    let is_set = raw.get(WORKLOAD).is_some() || raw.get(FILE).is_some();
    match &call.address {
        Address::Named(named) if raw.get(FILE).is_some() => match named.kind {
            None => Ok(Addressed::by_settings(raw.naming(&named.name))),
            Some(kind) => {
                let given = Given::Value(format!("{}/{}", kind.name(), named.name));
                let expected = format!(
                    "{} without its kind: the entries of {FILE} are found by their names",
                    named.name
                );
                Err(super::misconfigured(&[Problem::new("the argument", given, expected)]))
            }
        },
        Address::Named(named) => one(&call, manner, named, raw.naming(&named.name)).await,
        Address::Settings if is_set || manner.lists.is_none() => Ok(Addressed::by_settings(raw)),
        Address::Settings | Address::All => several(&call, manner, raw).await,
    }
}

/// What the command line says against the settings.
fn contradiction(address: &Address, raw: &Raw) -> Option<Problem> {
    let given = |variable: &str| raw.get(variable).map(|value| Given::Value(value.to_owned()));
    let problem = |variable: &str, expected: String| {
        given(variable).map(|given| Problem::new(variable, given, expected))
    };
    match address {
        Address::Settings => None,
        // Whatever else is set may be meant for that one, such as its consumer group.
        Address::Named(Named { name, .. }) => raw.get(WORKLOAD).filter(|set| parse::subdomain(set).as_deref() != Ok(name)).and_then(|_| {
            problem(WORKLOAD, format!("it unset, or no argument: the argument names {name}, and other settings may be those of the one that is set"))
        }),
        Address::All => {
            let listed = || problem(FILE, "it unset: --all looks for workloads in a namespace, and without it those of the file are handled".to_owned());
            let named = || problem(WORKLOAD, "it unset: --all is for every workload of the namespace".to_owned());
            let of_one = || OF_ONE.into_iter().filter(|name| !raw.is_open(name)).find_map(|name| {
                problem(name, "it unset: --all reads it from each workload".to_owned())
            });
            listed().or_else(named).or_else(of_one)
        }
    }
}

/// The workload that the argument names.
async fn one(call: &Call<'_>, manner: Manner, named: &Named, raw: Raw) -> Result<Addressed, Exit> {
    let reads = manner.reads && discovery::needs_reading(&raw);
    // Another workload of this name is not meant.
    let looks = reads || named.kind.is_some();
    let asks_context = manner.by_context && raw.get(NAMESPACE).is_none();
    if !looks && !asks_context {
        return Ok(Addressed::by_settings(raw));
    }
    let connection = match connect(&raw).await {
        Ok(connection) => connection,
        // It finds the same, and goes on with what does not need a cluster.
        Err(_) if matches!(call.action, Action::Check { .. }) => return Ok(Addressed::by_settings(raw)),
        Err(exit) => return Err(exit),
    };
    let raw = if manner.by_context { in_namespace(raw, &connection) } else { raw };
    // One that can't be used is told with all else that is wrong.
    let namespace = raw.get(NAMESPACE).and_then(|namespace| parse::label(namespace).ok());
    let Some(namespace) = namespace.filter(|_| looks) else { return Ok(Addressed::by_settings(raw)) };
    match discovery::named(&connection, &namespace, named).await {
        Ok(Found::One(shape)) if reads => from_workload(call, &shape, raw),
        Ok(Found::One(_)) => Ok(Addressed::by_settings(raw)),
        Ok(Found::Not(NotFound::None { .. }))
            if named.kind.is_none() && !raw.is_open("KUBE_LABEL_SELECTOR") =>
        {
            // One of another kind, such as a Rollout, is found by its pods.
            Ok(Addressed::by_settings(raw))
        }
        Ok(Found::Not(why)) => Err(super::misconfigured(&[not_found(named, &namespace, &why)])),
        Err(_) if matches!(call.action, Action::Check { .. }) => Ok(Addressed::by_settings(raw)),
        Err(error) => Err(unread(&error, &namespace, "get", Some(&named.name))),
    }
}

/// With what the workload tells of itself, if that is all that is needed.
fn from_workload(call: &Call<'_>, shape: &WorkloadShape, raw: Raw) -> Result<Addressed, Exit> {
    let reading = discovery::read(shape, &raw);
    let problems = unknown(&reading);
    if !problems.is_empty() {
        return Err(super::misconfigured(&problems));
    }
    tell(call, shape, &reading.facts)?;
    Ok(Addressed::by_settings(filled(raw, &reading.facts)))
}

/// What must be set, as the workload does not tell it plainly. That nothing tells loads is told with all else that is wrong.
fn unknown(reading: &Reading) -> Vec<Problem> {
    let open = reading.open.iter().filter(|open| open.variable != "PROMETHEUS_ENDPOINT");
    open.map(|open| Problem::new(open.variable, Given::Nothing, open.why.clone())).collect()
}

fn filled(raw: Raw, facts: &[Fact]) -> Raw {
    raw.filled(facts.iter().map(|fact| (fact.variable, fact.value.as_str())), Source::Workload)
}

fn tell(call: &Call<'_>, shape: &WorkloadShape, facts: &[Fact]) -> Result<(), Exit> {
    let WorkloadShape { kind, name, .. } = shape;
    for Fact { variable, value, from } in facts {
        info!(
            event = "setting_read",
            workload = name,
            variable,
            value,
            from,
            "the workload tells what is not set"
        );
    }
    let Some(form) = call.form() else { return Ok(()) };
    render::facts(form, &format!("{} {name}", kind.name()), facts).map_err(|error| failed(&error))
}

/// The workloads of the namespace: those that look like consumers with `--all`, else a list of them.
async fn several(call: &Call<'_>, manner: Manner, raw: Raw) -> Result<Addressed, Exit> {
    let connection = connect(&raw).await?;
    let raw = if manner.by_context { in_namespace(raw, &connection) } else { raw };
    let namespace = raw.get(NAMESPACE).unwrap_or_default();
    let namespace = parse::label(namespace).map_err(|expected| {
        super::misconfigured(&[Problem::new(NAMESPACE, Given::Value(namespace.to_owned()), expected)])
    })?;
    let around = discovery::all(&connection, &namespace).await;
    let around = around.map_err(|error| unread(&error, &namespace, "list", None))?;
    let hpas = around.hpas.as_deref();
    let judged = around.workloads.iter().map(|shape| discovery::candidate(shape, hpas, &raw));
    let candidates: Vec<Candidate> = judged.collect();
    if call.address == Address::All {
        return each(call, raw, &around.workloads, &candidates);
    }
    let mut command = format!("{} {}", call.program.name(), manner.lists.unwrap_or_default());
    for (variable, flag) in [("KUBE_CONTEXT", "--context"), ("KUBECONFIG", "--kubeconfig")] {
        if let Some(given) = raw.get(variable).filter(|_| raw.is_by_flag(variable)) {
            command.push_str(&format!(" {flag} {given}"));
        }
    }
    let listing = render::Listing { namespace: &namespace, candidates: &candidates, command: &command };
    render::listing(call.form().unwrap_or(Form::Table), &listing).map_err(|error| failed(&error))?;
    let expected = "a workload: name one as the argument of the command, or set it".to_owned();
    Err(super::misconfigured(&[Problem::new(WORKLOAD, Given::Nothing, expected)]))
}

/// Each consumer with what it tells. One that does not tell enough is told as misconfigured.
fn each(
    call: &Call<'_>,
    raw: Raw,
    workloads: &[WorkloadShape],
    candidates: &[Candidate],
) -> Result<Addressed, Exit> {
    let (mut each, mut problems) = (Vec::new(), Vec::new());
    let consumers = workloads.iter().zip(candidates).filter(|(_, candidate)| candidate.is_consumer());
    for (shape, Candidate { reading, .. }) in consumers {
        let place = format!("{} {}", shape.kind.name(), shape.name);
        let unknown = unknown(reading);
        if unknown.is_empty() {
            tell(call, shape, &reading.facts)?;
            each.push((place, filled(raw.clone().naming(&shape.name), &reading.facts)));
        } else {
            problems.extend(unknown.into_iter().map(|problem| problem.within(&place)));
        }
    }
    if each.is_empty() && problems.is_empty() {
        let namespace = raw.get(NAMESPACE).unwrap_or_default().to_owned();
        let expected = "a namespace in which a Deployment or StatefulSet looks like a Kafka consumer; name one as the argument of the command".to_owned();
        problems.push(Problem::new(NAMESPACE, Given::Value(namespace), expected));
    }
    telemetry::report(&problems);
    match each.is_empty() {
        true => Err(Exit::Misconfigured),
        false => Ok(Addressed { raw, found: Some(Consumers { each, whole: problems.is_empty() }) }),
    }
}

async fn connect(raw: &Raw) -> Result<Connection, Exit> {
    let settings = config::cluster(raw).map_err(|problems| super::misconfigured(&problems))?;
    rebalancer_kube::connect(&settings).await.map_err(|error| {
        error!(event = "configuration_error", %error, "no cluster");
        Exit::Misconfigured
    })
}

fn in_namespace(raw: Raw, connection: &Connection) -> Raw {
    raw.filled([(NAMESPACE, connection.namespace())], Source::Context)
}

mod unfound;
