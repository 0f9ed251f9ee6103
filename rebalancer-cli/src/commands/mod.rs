//! What the program does. Each command is wiring: settings in, ports built, the core asked, the answer shown.

mod address;
mod advise;
mod answer;
mod backtest;
mod check;
mod cycle;
mod each;
mod plan;
mod replay;
mod reset;
mod serve;
mod shell;
mod simulate;
mod tally;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use crate::args::{Action, Address, Invocation, Output, Program};
use crate::config::Purpose;
use crate::config::layers::{self, Raw, Source};
use crate::config::problem::Problem;
use crate::render::Pods;
use crate::telemetry::Traces;
use crate::{config, telemetry};
use address::{Addressed, Call};

/// How the program ends, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// The cycle finished; a hold is a result.
    Finished,
    /// A run would rotate pods now, and that was asked for.
    WouldAct,
    /// A decision that was made again differs from the saved one.
    Differs,
    /// An API could not be used, or a removal failed.
    Failed,
    /// The command line or the configuration is wrong; nothing was contacted.
    Misconfigured,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Finished => Self::SUCCESS,
            Exit::Failed => Self::from(1),
            Exit::Misconfigured => Self::from(2),
            Exit::Differs => Self::from(3),
            Exit::WouldAct => Self::from(4),
        }
    }
}

/// Carries out a command with these flags and this environment.
pub(crate) fn dispatch(invocation: Invocation, environment: impl Fn(&str) -> Option<OsString>) -> Exit {
    invocation.color.write_global();
    // What can't even be read must be logged too, so logging starts in any case.
    let (mut raw, mut also) = layers::gather(invocation.flags, &environment);
    // A person reads what a plugin says on a terminal.
    if invocation.program == Program::KubectlPlugin && std::io::stderr().is_terminal() {
        raw = raw.filled([("LOG_FORMAT", "text")], Source::Default);
    }
    let logs = config::logs(&raw);
    let traces = telemetry::start(logs.as_ref().copied().unwrap_or_default(), &environment);
    also.extend(logs.err().unwrap_or_default());
    let Invocation { action, address, program, .. } = invocation;
    let addressed = match also.is_empty() {
        true => match settled(Call { action: &action, address, program }, raw) {
            Ok(addressed) => addressed,
            Err(exit) => return exit,
        },
        // All else that is wrong is told with it.
        false => Addressed::by_settings(match &address {
            Address::Named(named) => raw.naming(&named.name),
            Address::Settings | Address::All => raw,
        }),
    };
    let raw = &addressed.raw;
    match action {
        Action::Run => with(addressed.several(), also, |(several, _)| block_on(cycle::run(several), traces)),
        Action::Plan { output, files, code } => {
            let shape = (addressed.form(output == Output::Json), pods(output));
            with(addressed.several(), also, |(several, at_best)| {
                block_on(plan::run(several, shape, files, code), traces).max(at_best)
            })
        }
        Action::Replay { output, file } => {
            with(Ok(()), also, |()| replay::run(&file, output == Output::Json, pods(output)))
        }
        Action::Advise { json, saved: Some(file), .. } => with(Ok(()), also, |()| advise::saved(&file, json)),
        Action::Advise { json, window, saved: None } => {
            let form = addressed.form(json);
            with(addressed.several(), also, |(several, at_best)| {
                block_on(advise::run(several, form, window), traces).max(at_best)
            })
        }
        Action::Backtest(request) => {
            let form = addressed.form(request.json);
            with(backtest::combinations(&request, raw), also, |combinations| {
                block_on(backtest::run(&request, combinations, form), traces)
            })
        }
        Action::Reset => {
            with(config::several(raw, Purpose::Record), also, |several| block_on(reset::run(several), traces))
        }
        Action::Answer { id, answer } => with(config::several(raw, Purpose::Record), also, |several| {
            block_on(answer::run(several, &id, answer), traces)
        }),
        Action::Check { json, settings } => {
            let form = addressed.form(json);
            with(addressed.several(), also, |(several, at_best)| {
                block_on(check::run(several, form, settings), traces).max(at_best)
            })
        }
        Action::Serve => {
            let settings = both(config::serve(raw), config::workloads(raw));
            with(settings, also, |(settings, workloads)| {
                block_on_both(serve::run(settings, workloads, raw), traces)
            })
        }
        Action::Simulate(simulation) => {
            with(config::policy(raw), also, |policy| block_on(simulate::run(&simulation, &policy), traces))
        }
        Action::Completions(shell) => shell::completions(shell),
        Action::Manual => shell::manual(),
    }
}

/// Both, or all that is wrong with either.
fn both<A, B>(a: Result<A, Vec<Problem>>, b: Result<B, Vec<Problem>>) -> Result<(A, B), Vec<Problem>> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(mut problems), Err(others)) => {
            problems.extend(others.into_iter().filter(|other| !problems.contains(other)).collect::<Vec<_>>());
            Err(problems)
        }
        (Err(problems), Ok(_)) | (Ok(_), Err(problems)) => Err(problems),
    }
}

/// Which workloads are meant.
fn settled(call: Call<'_>, raw: Raw) -> Result<Addressed, Exit> {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(address::settle_unless_stopped(call, raw)),
        Err(error) => Err(no_runtime(&error)),
    }
}

/// Which pods of a plan are shown one by one.
const fn pods(output: Output) -> Pods {
    match output {
        Output::Wide => Pods::Every,
        Output::Table | Output::Json => Pods::Notable,
    }
}

/// Goes on with the settings, or says everything that is wrong with them.
fn with<T>(settings: Result<T, Vec<Problem>>, also: Vec<Problem>, go: impl FnOnce(T) -> Exit) -> Exit {
    match settings {
        Ok(settings) if also.is_empty() => go(settings),
        Ok(_) => misconfigured(&also),
        Err(mut problems) => {
            problems.extend(also);
            misconfigured(&problems)
        }
    }
}

fn misconfigured(problems: &[Problem]) -> Exit {
    telemetry::report(problems);
    Exit::Misconfigured
}

/// Runs a command on one thread: a cycle waits far more than it works. Then its traces are sent, whatever it came to.
fn block_on(command: impl Future<Output = Exit>, traces: Traces) -> Exit {
    block_on_runtime(tokio::runtime::Builder::new_current_thread(), command, traces)
}

/// The same with a thread of its own for what must not wait for a decision: the Lease, watches, and whoever asks.
fn block_on_both(command: impl Future<Output = Exit>, traces: Traces) -> Exit {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(1);
    block_on_runtime(runtime, command, traces)
}

fn block_on_runtime(
    mut runtime: tokio::runtime::Builder,
    command: impl Future<Output = Exit>,
    traces: Traces,
) -> Exit {
    match runtime.enable_all().build() {
        Ok(runtime) => runtime.block_on(async {
            let exit = command.await;
            traces.send().await;
            exit
        }),
        Err(error) => no_runtime(&error),
    }
}

fn no_runtime(error: &std::io::Error) -> Exit {
    tracing::error!(event = "cycle_failed", %error, "the asynchronous runtime could not be started");
    Exit::Failed
}
