//! The pod rebalancer as a program: one cycle and out, as a CronJob needs it, or cycles for as long as it lives.

mod adapters;
mod advice;
mod args;
mod atomic_file;
mod check;
mod clock;
mod commands;
mod config;
mod discovery;
mod interrupt;
mod journal;
mod letters;
mod notify;
mod render;
mod saved;
#[cfg(test)]
mod schema;
mod serve;
mod target;
mod telemetry;

use std::process::ExitCode;

fn main() -> ExitCode {
    let invocation = match args::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(usage) => return args::explain(&usage),
    };
    commands::dispatch(invocation, |name| std::env::var_os(name)).into()
}
