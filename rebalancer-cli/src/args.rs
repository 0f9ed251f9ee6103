//! The command line. Each setting has a flag of the same meaning, made from the one table of settings.

mod address;
mod backtest;
mod exit_codes;
mod flag;
mod output;
mod program;
mod simulate;

pub(crate) use address::{Address, Named};
pub(crate) use backtest::{PastRequest, When};
pub(crate) use output::Output;
pub(crate) use program::Program;
pub(crate) use simulate::{Scope, Simulation};

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use clap_complete::Shell;
use jiff::SignedDuration;
use rebalancer_core::history::Answer;

use crate::config::parse;
use crate::config::variable;
use exit_codes::{
    ADVISE_EXIT_CODES, AFTER_HELP, ANSWER_EXIT_CODES, BACKTEST_EXIT_CODES, CHECK_EXIT_CODES, PLAN_EXIT_CODES,
    SERVE_EXIT_CODES,
};
use flag::{flag, is_policy};
use output::{color, color_argument, how, output, output_of_plan, wants_json};

/// What the user asked for.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) action: Action,
    /// Settings given as flags, by variable name.
    pub(crate) flags: BTreeMap<String, OsString>,
    /// Whether texts and logs for people have colors.
    pub(crate) color: ColorChoice,
    /// Which workload it is for.
    pub(crate) address: Address,
    /// As what it was called.
    pub(crate) program: Program,
}

/// One of the commands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    Run,
    Plan { output: Output, files: PlanFiles, code: PlanCode },
    Replay { output: Output, file: PathBuf },
    Advise { json: bool, window: Option<SignedDuration>, saved: Option<PathBuf> },
    Backtest(Box<PastRequest>),
    Check { json: bool, settings: bool },
    Reset,
    Answer { id: String, answer: Answer },
    Serve,
    Simulate(Box<Simulation>),
    Completions(Shell),
    Manual,
}

/// Files that a plan is written to, beside stdout.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PlanFiles {
    /// For `--replay`.
    pub(crate) save: Option<PathBuf>,
    /// A report as HTML, on all workloads.
    pub(crate) report: Option<PathBuf>,
}

/// What the exit code of `rebalancer plan` tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum PlanCode {
    /// Whether there is a plan.
    #[default]
    Made,
    /// Also whether a run would act.
    WouldAct,
}

/// Reads the command line.
///
/// # Errors
/// A wrong command line, or a request for help or the version.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let program = arguments.first().map_or(Program::Rebalancer, |name| Program::called(name));
    let matches = program.command(command()).try_get_matches_from(arguments)?;
    let (name, sub) = matches.subcommand().unwrap_or(("run", &matches));
    let action = match name {
        "plan" => plan(sub),
        "advise" => advise(sub),
        "backtest" => Action::Backtest(Box::new(PastRequest::read(sub, wants_json(sub))?)),
        "check" => Action::Check { json: wants_json(sub), settings: sub.get_flag("settings") },
        "reset" => Action::Reset,
        "approve" => Action::Answer { id: proposal(sub), answer: Answer::Approve },
        "reject" => Action::Answer { id: proposal(sub), answer: Answer::Reject },
        "serve" => Action::Serve,
        "simulate" => Action::Simulate(Box::new(Simulation::read(sub)?)),
        "completions" => Action::Completions(*sub.get_one("shell").unwrap_or(&Shell::Bash)),
        "manual" => Action::Manual,
        _ => Action::Run,
    };
    // A flag may stand before the command or after it.
    let mut flags = given(&matches);
    flags.extend(given(sub));
    match &action {
        Action::Replay { .. } | Action::Advise { saved: Some(_), .. } => without_settings(&flags)?,
        Action::Run
        | Action::Advise { saved: None, .. }
        | Action::Plan { .. }
        | Action::Backtest(_)
        | Action::Check { .. }
        | Action::Reset
        | Action::Answer { .. }
        | Action::Serve
        | Action::Simulate(_)
        | Action::Completions(_)
        | Action::Manual => {}
    }
    let address = address::read(sub);
    if address != Address::Settings && flags.contains_key("DEPLOYMENT_NAME") {
        let message = "the workload is said twice: remove '--deployment-name', or the argument";
        return Err(command().error(ErrorKind::ArgumentConflict, message));
    }
    Ok(Invocation { action, flags, color: color(sub), address, program })
}

fn plan(sub: &ArgMatches) -> Action {
    let file = |name| sub.get_one::<PathBuf>(name).cloned();
    match file("replay") {
        Some(file) => Action::Replay { output: how(sub), file },
        None => Action::Plan {
            output: how(sub),
            files: PlanFiles { save: file("save"), report: file("report") },
            code: if sub.get_flag("exit-code") { PlanCode::WouldAct } else { PlanCode::Made },
        },
    }
}

fn advise(sub: &ArgMatches) -> Action {
    Action::Advise {
        json: wants_json(sub),
        window: sub.get_one::<SignedDuration>("window").copied(),
        saved: sub.get_one::<PathBuf>("replay").cloned(),
    }
}

/// A saved decision is made again by the settings that were saved; others would not count.
fn without_settings(flags: &BTreeMap<String, OsString>) -> Result<(), clap::Error> {
    let mut settings = variable::all().filter(|variable| flags.contains_key(variable.name));
    match settings.find(|variable| !matches!(variable.name, "LOG_LEVEL" | "LOG_FORMAT")) {
        None => Ok(()),
        Some(variable) => Err(command().error(
            ErrorKind::ArgumentConflict,
            format!(
                "--replay takes every setting from the file, so '--{}' can't be used with it",
                variable.flag()
            ),
        )),
    }
}

fn proposal(sub: &ArgMatches) -> String {
    sub.get_one::<String>("proposal").map(|id| id.trim().to_owned()).unwrap_or_default()
}

fn answer_command(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .arg(
            Arg::new("proposal")
                .value_name("ID")
                .required(true)
                .help("The proposal's id, as the log, the Event and the notification have it"),
        )
        .arg(address::workload_of_record())
        .args(variable::all().map(flag))
        .after_help(ANSWER_EXIT_CODES)
}

/// Where to write a report.
fn report() -> Arg {
    Arg::new("report")
        .long("report")
        .value_name("FILE.html")
        .value_parser(value_parser!(PathBuf))
        .help("Also write a report to this file: HTML that needs no network and no script")
}

fn plan_arguments() -> [Arg; 3] {
    let file = |name| Arg::new(name).long(name).value_name("FILE").value_parser(value_parser!(PathBuf));
    [
        file("save").help("Also write what the decision is made on, and the plan, to this file, for --replay"),
        file("replay").conflicts_with("save").help(
            "Make the decisions of a saved file again, without any setting or server. Exit code 3: one differs",
        ),
        Arg::new("exit-code")
            .long("exit-code")
            .action(ArgAction::SetTrue)
            .conflicts_with("replay")
            .help("Exit code 4: a run would rotate pods now. Without it, a plan that is made ends with 0"),
    ]
}

/// A duration of some length.
fn positive(text: &str) -> Result<SignedDuration, String> {
    parse::duration(text).and_then(|duration| match duration.is_zero() {
        true => Err("a duration longer than 0".to_owned()),
        false => Ok(duration),
    })
}

fn window_and_replay() -> [Arg; 2] {
    let window = Arg::new("window").long("window").value_name("DURATION").value_parser(positive);
    let replay = Arg::new("replay").long("replay").value_name("FILE").value_parser(value_parser!(PathBuf));
    [
        window.help(
            "Work with the mean of the partition loads over this time, such as 6h, and not as they are now",
        ),
        replay.conflicts_with("window").help(
            "Advise on what `rebalancer plan --save` wrote to this file, without any setting or server",
        ),
    ]
}

fn given(matches: &ArgMatches) -> BTreeMap<String, OsString> {
    let value = |name| matches.try_get_one::<OsString>(name).ok().flatten().cloned();
    variable::all().filter_map(|variable| Some((variable.name.to_owned(), value(variable.name)?))).collect()
}

/// Prints what clap has to say: help and version to stdout, mistakes to stderr.
pub(crate) fn explain(usage: &clap::Error) -> ExitCode {
    // A closed pipe is no reason to fail.
    let _ = usage.print();
    if usage.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

/// The whole command line, from which help, completions and the manual page are made.
pub(crate) fn command() -> Command {
    Command::new("rebalancer")
        .version(version())
        .about("Removes the right few Kafka consumer pods, so that the consumer group rebalances")
        .long_about(
            "Removes the right few Kafka consumer pods, so that the consumer group rebalances.\n\n\
             Without a command it runs one cycle. Every setting is an environment variable and a flag; the flag wins. \
             As kubectl-rebalancer in the PATH it is a plugin of kubectl: kubectl rebalancer plan -n streams orders.",
        )
        .after_help(AFTER_HELP)
        .subcommand_negates_reqs(true)
        .arg(color_argument())
        .args(variable::all().map(flag))
        .subcommand(
            Command::new("run")
                .about("One cycle for each workload: observe, decide, check, act (the default)")
                .arg(address::workload())
                .args(variable::all().map(flag))
                .after_help(AFTER_HELP),
        )
        .subcommand(
            Command::new("plan")
                .about("Observe and decide only; explains every pod. Changes nothing")
                .arg(address::workload().conflicts_with("replay"))
                .arg(address::all().conflicts_with("replay"))
                .arg(output_of_plan())
                .args(plan_arguments())
                .arg(report().conflicts_with("replay"))
                .args(variable::all().map(flag))
                .after_help(PLAN_EXIT_CODES),
        )
        .subcommand(
            Command::new("advise")
                .about("What would help this group, and how much: each lever with its cost. Changes nothing")
                .arg(address::workload().conflicts_with("replay"))
                .arg(address::all().conflicts_with("replay"))
                .arg(output())
                .args(window_and_replay())
                .args(variable::all().map(flag))
                .after_help(ADVISE_EXIT_CODES),
        )
        .subcommand(
            Command::new("backtest")
                .about("What would it have done? Runs the cycle over the past that the metric server and Kafka have. Changes nothing")
                .arg(address::workload())
                .arg(output())
                .args(PastRequest::arguments())
                .arg(report())
                .args(variable::all().map(flag))
                .after_help(BACKTEST_EXIT_CODES),
        )
        .subcommand(
            Command::new("serve")
                .about("The same cycle for as long as the process lives, for every workload: with leader election, /metrics and a page")
                .args(variable::all().map(flag))
                .after_help(SERVE_EXIT_CODES),
        )
        .subcommand(
            Command::new("check")
                .about("Find every usual mistake, each with its fix. Changes nothing")
                .arg(address::workload())
                .arg(address::all())
                .arg(output())
                .arg(
                    Arg::new("settings")
                        .long("settings")
                        .action(ArgAction::SetTrue)
                        .help("Also show the configuration as it counts; json always has it"),
                )
                .args(variable::all().map(flag))
                .after_help(CHECK_EXIT_CODES),
        )
        .subcommand(
            Command::new("reset")
                .about("Close the circuit breaker and clear what counts toward opening it; budgets and counters stay")
                .arg(address::workload_of_record())
                .args(variable::all().map(flag))
                .after_help(AFTER_HELP),
        )
        .subcommand(answer_command(
            "approve",
            "Approve a proposal (APPROVAL=required): the next run acts by it, if its plan is the same or better",
        ))
        .subcommand(answer_command("reject", "Reject a proposal: the same plan is not proposed again for a while"))
        .subcommand(simulate_command())
        .subcommand(
            Command::new("completions")
                .about("Print a completion script for a shell")
                .arg(Arg::new("shell").required(true).value_parser(value_parser!(Shell))),
        )
        .subcommand(Command::new("manual").about("Print the manual page: rebalancer manual > rebalancer.1"))
}

fn simulate_command() -> Command {
    Command::new("simulate")
        .about("Run cycles on a seeded fleet in memory, without a cluster: before, decisions, after")
        .args(Simulation::arguments())
        .arg(report().conflicts_with_all(["compare", "suite"]))
        .args(
            variable::all().filter(|variable| is_policy(variable)).map(|it| flag(it).hide_short_help(false)),
        )
}

/// The version, with the commit when it was known at build time.
pub(crate) fn version() -> String {
    match option_env!("REBALANCER_COMMIT") {
        Some(commit) if !commit.is_empty() => format!("{} ({commit})", env!("CARGO_PKG_VERSION")),
        Some(_) | None => env!("CARGO_PKG_VERSION").to_owned(),
    }
}

#[cfg(test)]
mod tests;
