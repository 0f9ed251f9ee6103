//! `rebalancer check`: checks one workload after the other, and shows what was found.

use rebalancer_kube::{ConnectError, Connection};

use super::Exit;
use crate::adapters::Connections;
use crate::check;
use crate::check::finding::{Code, Finding, Severity};
use crate::config::WorkloadSettings;
use crate::interrupt::Signals;
use crate::render::{self, Form};

pub(super) async fn run(workloads: Vec<WorkloadSettings>, form: Form) -> Exit {
    match Signals::listen() {
        Ok(signals) => all(workloads, form, &signals).await,
        Err(error) => {
            tracing::error!(event = "check_failed", %error, "no signal handler could be installed");
            Exit::Failed
        }
    }
}

/// One workload after the other; the worst counts.
async fn all(workloads: Vec<WorkloadSettings>, form: Form, signals: &Signals) -> Exit {
    let mut connections = Connections::default();
    let mut worst = Exit::Finished;
    for settings in workloads {
        let connection = connections.to(&settings.adapters.kubernetes).await;
        let exit = tokio::select! {
            exit = one(connection, settings, form) => exit,
            () = signals.wait() => Exit::Failed,
        };
        worst = worst.max(exit);
        if signals.received() {
            tracing::error!(event = "check_failed", error = "stopped by a signal", "not all was checked");
            break;
        }
    }
    worst
}

async fn one(connection: Result<Connection, ConnectError>, settings: WorkloadSettings, form: Form) -> Exit {
    let WorkloadSettings { adapters, run, effective } = settings;
    let findings = check::findings(connection, &adapters, &run).await;
    match render::check(form, &run.subject.workload, &effective, &findings) {
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
