//! As what the program was called.

use std::ffi::OsStr;
use std::path::Path;

use clap::Command;

/// As what the program was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Rebalancer,
    /// By kubectl, which finds its plugins by their names.
    KubectlPlugin,
}

impl Program {
    pub(super) fn called(by: &OsStr) -> Self {
        match Path::new(by).file_stem().and_then(OsStr::to_str) {
            // A file of a release may have its version behind.
            Some(name) if name.starts_with("kubectl-") => Self::KubectlPlugin,
            Some(_) | None => Self::Rebalancer,
        }
    }

    /// The command line under this name. Nobody who only asks kubectl what a plugin is should set off a cycle.
    pub(super) fn command(self, command: Command) -> Command {
        let command = command.bin_name(self.name());
        match self {
            Self::Rebalancer => command,
            Self::KubectlPlugin => command
                .subcommand_required(true)
                .arg_required_else_help(true)
                .override_usage("kubectl rebalancer <COMMAND> [OPTIONS]"),
        }
    }

    /// As it is typed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rebalancer => "rebalancer",
            Self::KubectlPlugin => "kubectl rebalancer",
        }
    }
}
