//! Fields of the audit trail: of what is about to be done to a pod, and of what came of it.

pub(super) const INTENT: &[&str] = &[
    "audit_schema",
    "pod",
    "uid",
    "node",
    "owner",
    "actor",
    "role",
    "indicator",
    "load",
    "unit",
    "reason",
    "dry_run",
];
pub(super) const OUTCOME: &[&str] = &[
    "audit_schema",
    "outcome",
    "detail",
    "pod",
    "uid",
    "node",
    "owner",
    "actor",
    "role",
    "indicator",
    "load",
    "unit",
    "reason",
    "dry_run",
];
