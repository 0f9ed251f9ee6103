//! `rebalancer check`: every usual mistake in one run, each with its fix. Changes nothing.
//!
//! ```text
//!   gather (reads) ─> Facts ─> judge (pure) ─> Findings ─> render
//! ```

mod facts;
pub(crate) mod finding;
mod gather;
mod judge;
mod needs;

use rebalancer_kube::Connection;

use super::Exit;
use super::turns::Connections;
use crate::config::Settings;
use crate::interrupt::Signals;
use crate::render::{self, Form};
use finding::{Code, Finding, Severity};

pub(super) async fn run(workloads: Vec<Settings>, form: Form) -> Exit {
    match Signals::listen() {
        Ok(signals) => all(workloads, form, &signals).await,
        Err(error) => {
            tracing::error!(event = "check_failed", %error, "signals can't be listened to");
            Exit::Failed
        }
    }
}

/// One workload after the other; the worst counts.
async fn all(workloads: Vec<Settings>, form: Form, signals: &Signals) -> Exit {
    let mut connections = Connections::default();
    let mut worst = Exit::Finished;
    for settings in workloads {
        let connection = connections.to(&settings.sight.kubernetes).await;
        let exit = tokio::select! {
            exit = one(connection, settings, form) => exit,
            () = signals.wait() => Exit::Failed,
        };
        worst = worst.max(exit);
        if signals.received() {
            tracing::error!(event = "check_failed", error = "asked to end", "not all was checked");
            break;
        }
    }
    worst
}

async fn one(
    connection: Result<Connection, rebalancer_kube::ConnectError>,
    settings: Settings,
    form: Form,
) -> Exit {
    let Settings { sight, task, effective } = settings;
    let findings = judge::judge(&gather::facts(connection, &sight, &task).await);
    match render::check(form, &task.subject.workload, &effective, &findings) {
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
