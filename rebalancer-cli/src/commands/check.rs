//! `rebalancer check`: checks each workload, and shows what was found.

use rebalancer_kube::{ConnectError, Connection};

use super::Exit;
use super::each::{Begun, each};
use crate::check;
use crate::check::finding::{Code, Finding, Severity};
use crate::config::{Several, WorkloadSettings};
use crate::interrupt::Signals;
use crate::render::{self, Checked, Form};

pub(super) async fn run(several: Several, form: Form, settings: bool) -> Exit {
    match Signals::listen() {
        Ok(signals) => all(several, (form, settings), &signals).await,
        Err(error) => {
            tracing::error!(event = "check_failed", %error, "no signal handler could be installed");
            Exit::Failed
        }
    }
}

/// Each workload; the worst counts.
async fn all(several: Several, shape: (Form, bool), signals: &Signals) -> Exit {
    let until_a_signal = async |connection, settings, begun: &Begun<'_>| {
        tokio::select! {
            exit = one(connection, settings, shape, begun) => exit,
            () = signals.wait() => Exit::Failed,
        }
    };
    let exits = each(several, signals, until_a_signal).await;
    if signals.received() {
        tracing::error!(event = "check_failed", error = "stopped by a signal", "not all was checked");
    }
    exits.into_iter().map(|exit| exit.unwrap_or(Exit::Failed)).max().unwrap_or(Exit::Finished)
}

async fn one(
    connection: Result<Connection, ConnectError>,
    settings: WorkloadSettings,
    (form, with_settings): (Form, bool),
    begun: &Begun<'_>,
) -> Exit {
    let WorkloadSettings { adapters, run, effective } = settings;
    let findings = check::findings(connection, &adapters, &run).await;
    begun.in_turn().await;
    let checked = Checked {
        workload: &run.subject.workload,
        effective: &effective,
        settings: with_settings,
        findings: &findings,
    };
    match render::check(form, &checked) {
        Ok(()) => exit(&findings),
        Err(error) => {
            tracing::error!(
                event = "check_failed",
                error = format!("{error:#}"),
                "the findings can't be shown"
            );
            Exit::Failed
        }
    }
}

fn exit(findings: &[Finding]) -> Exit {
    let no_way = [Code::ClusterNotConfigured, Code::KubeconfigUnusable];
    if findings.iter().any(|finding| no_way.contains(&finding.code)) {
        return Exit::Misconfigured;
    }
    match findings.iter().map(|finding| finding.severity).max() {
        Some(Severity::Error) => Exit::Failed,
        Some(Severity::Ok | Severity::Note | Severity::Warning) | None => Exit::Finished,
    }
}
