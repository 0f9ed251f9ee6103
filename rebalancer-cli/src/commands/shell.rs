//! `rebalancer completions` and `rebalancer manual`: the command line, for a shell and for `man`.

use anyhow::Context as _;
use clap_complete::Shell;
use clap_mangen::Man;

use super::Exit;
use crate::{args, render};

/// A script that completes the command line in this shell.
pub(super) fn completions(shell: Shell) -> Exit {
    // Made in memory: the generator panics where its output can't be written.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "rebalancer", &mut script);
    show(script)
}

/// The manual page, as troff.
pub(super) fn manual() -> Exit {
    let mut page = Vec::new();
    match Man::new(args::command()).render(&mut page) {
        Ok(()) => show(page),
        Err(error) => failed(&error.into()),
    }
}

fn show(text: Vec<u8>) -> Exit {
    let printed = String::from_utf8(text).context("it is not UTF-8").and_then(|text| render::print(&text));
    printed.map_or_else(|error| failed(&error), |()| Exit::Finished)
}

fn failed(error: &anyhow::Error) -> Exit {
    tracing::error!(
        event = "print_failed",
        error = format!("{error:#}"),
        "it could not be written to stdout"
    );
    Exit::Failed
}
