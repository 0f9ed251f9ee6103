//! The decision that was saved against the one that is made from the same facts now.

use rebalancer_core::fleet::Uid;
use rebalancer_core::report::Report;
use serde::Serialize;
use serde_json::Value;

use super::Saved;

/// How a decision that was made again compares with the saved one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Comparison {
    /// The version of the program that saved it.
    pub(crate) saved_by: String,
    /// The decision, and what was decided about each pod, is the same.
    pub(crate) same: bool,
    /// The saved decision in words.
    pub(crate) saved_summary: String,
    /// Pods about which something else was decided.
    pub(crate) other_pods: Vec<String>,
}

impl Comparison {
    /// Compares a saved plan with the report that its facts give now.
    ///
    /// # Errors
    /// When the report is no JSON.
    pub(crate) fn of(saved: &Saved, now: &Report) -> serde_json::Result<Self> {
        let mut other_pods = Vec::new();
        for pod in &now.pods {
            let verdict = serde_json::to_value(pod.verdict)?;
            let before = saved.plan.pods.iter().find(|before| before.uid == pod.pod.uid);
            if !before.is_some_and(|before| has(&verdict, &before.verdict)) {
                other_pods.push(pod.pod.name.clone());
            }
        }
        let is_known = |uid: &Uid| now.pods.iter().any(|pod| pod.pod.uid == *uid);
        let gone = saved.plan.pods.iter().filter(|before| !is_known(&before.uid));
        other_pods.extend(gone.map(|before| before.name.clone()));
        let decision = serde_json::to_value(&now.decision)?;
        Ok(Self {
            saved_by: saved.program.clone(),
            same: has(&decision, &saved.plan.decision) && other_pods.is_empty(),
            saved_summary: saved.plan.summary.clone(),
            other_pods,
        })
    }
}

/// Whether everything that was there before is there now. Later versions add fields.
fn has(now: &Value, before: &Value) -> bool {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => {
            before.iter().all(|(key, value)| now.get(key).is_some_and(|now| has(now, value)))
        }
        (Value::Array(now), Value::Array(before)) => {
            now.len() == before.len() && now.iter().zip(before).all(|(now, before)| has(now, before))
        }
        _ => now == before,
    }
}
