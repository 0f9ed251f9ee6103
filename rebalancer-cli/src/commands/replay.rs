//! `rebalancer plan --replay`: makes saved decisions again. Contacts nobody, and needs no setting.

use std::path::Path;

use rebalancer_core::plan;

use super::Exit;
use crate::render::{self, Approval, Form, Pods, Shown};
use crate::saved::{self, Comparison, Saved};
use crate::target::Target;
use crate::telemetry;

pub(super) fn run(file: &Path, json: bool, pods: Pods) -> Exit {
    each(file, json, |saved, form| one(file, saved, (form, pods)))
}

/// For each plan of a file, in the form that fits how many there are; the worst of all ends.
pub(super) fn each(file: &Path, json: bool, each: impl Fn(&Saved, Form) -> Exit) -> Exit {
    let plans = match saved::read(file) {
        Ok(plans) => plans,
        Err(error) => {
            let file = file.display();
            tracing::error!(event = "replay_failed", %file, %error, "the file can't be replayed");
            return Exit::Misconfigured;
        }
    };
    let form = match (json, plans.len()) {
        (false, 1) => Form::Table,
        (false, _) => Form::Tables,
        (true, 1) => Form::Json,
        (true, _) => Form::JsonLine,
    };
    plans.iter().map(|saved| each(saved, form)).max().unwrap_or(Exit::Finished)
}

fn one(file: &Path, saved: &Saved, (form, pods): (Form, Pods)) -> Exit {
    let span = telemetry::plan(&Target { cluster: None, workload: saved.snapshot.workload.clone() });
    span.in_scope(|| match replay(saved, form, pods) {
        Ok(exit) => exit,
        Err(error) => {
            let file = file.display();
            tracing::error!(event = "replay_failed", %file, error = format!("{error:#}"), "the plan can't be shown");
            Exit::Failed
        }
    })
}

fn replay(saved: &Saved, form: Form, pods: Pods) -> anyhow::Result<Exit> {
    let report = plan(&saved.snapshot, &saved.policy, &saved.constraints);
    let compared = Comparison::of(saved, &report)?;
    let shown = Shown {
        cluster: None,
        report: &report,
        names: None,
        last: saved.plan.last_rotation.as_ref(),
        usage: saved.plan.metrics_usage,
        kafka: saved.plan.kafka_usage,
        approval: Approval::default(),
        replayed: Some(&compared),
    };
    render::plan(form, pods, &shown)?;
    if compared.same {
        return Ok(Exit::Finished);
    }
    tracing::warn!(
        event = "replay_differs",
        saved_by = compared.saved_by,
        saved = compared.saved_summary,
        now = crate::advice::decision(&report.decision),
        pods = compared.other_pods.len(),
        "this version decides otherwise than the one that saved the file"
    );
    Ok(Exit::Differs)
}
