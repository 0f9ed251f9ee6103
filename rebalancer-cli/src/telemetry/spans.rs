//! The spans that say whose work it is: log lines have their fields, and each is the root of a trace.

use tracing::field::Empty;
use tracing::{Metadata, Span, info_span};
use uuid::Uuid;

use super::traces;
use crate::target::Target;

/// The names of these spans.
const NAMES: [&str; 4] = ["cycle", "plan", "reset", "answer"];

/// Lines of the log have the fields of this span.
pub(super) fn is_of_lines(metadata: &Metadata<'_>) -> bool {
    metadata.target() == module_path!() && NAMES.contains(&metadata.name())
}

/// One cycle of this workload, and the cycle's id: a UUID of version 7, so that ids sort by time. The id of its trace
/// has the same digits.
pub(crate) fn cycle(Target { cluster, workload }: &Target) -> (Span, String) {
    let (namespace, name) = (&workload.namespace, &workload.name);
    let span = info_span!("cycle", cluster, namespace, workload = name, cycle_id = Empty);
    let id = traces::id(&span).unwrap_or_else(Uuid::now_v7).to_string();
    span.record("cycle_id", &id);
    (span, id)
}

/// One plan for this workload.
pub(crate) fn plan(Target { cluster, workload }: &Target) -> Span {
    info_span!("plan", cluster, namespace = workload.namespace, workload = workload.name)
}

/// One reset of this workload's record.
pub(crate) fn reset(Target { cluster, workload }: &Target) -> Span {
    info_span!("reset", cluster, namespace = workload.namespace, workload = workload.name)
}

/// One answer to a proposal of this workload.
pub(crate) fn answer(Target { cluster, workload }: &Target) -> Span {
    info_span!("answer", cluster, namespace = workload.namespace, workload = workload.name)
}

/// How the work of a span ended, for its trace.
pub(crate) fn concluded(span: &Span, status: &'static str, failed: bool) {
    traces::conclude(span, status, failed);
}
