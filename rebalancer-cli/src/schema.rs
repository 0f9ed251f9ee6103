//! The JSON Schemas of what is written for machines, made from the types that are written. docs/schema has them as files.

use std::fs;
use std::path::PathBuf;

use rebalancer_core::jiff::Timestamp;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::journal::AUDIT_SCHEMA;
use crate::render::advise::{AdviceDocument, VERSION as ADVICE_VERSION};
use crate::render::backtest::{BacktestDocument, VERSION as BACKTEST_VERSION};
use crate::render::discovery::{DiscoveryDocument, VERSION as DISCOVERY_VERSION};
use crate::render::{CHECK_VERSION, CheckDocument, PLAN_VERSION, PlanDocument};
use crate::serve::{API_VERSION, WorkloadDocument, WorkloadsDocument};

/// One line of the audit trail. It is written by the logger, so this is a description: tests/telling compares it with
/// lines of the program.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct AuditLine {
    /// What happened.
    event: AuditEvent,
    /// The version of these fields.
    audit_schema: u32,
    /// When.
    timestamp: Timestamp,
    /// The run; sorts by time.
    cycle_id: String,
    /// The cluster's name; absent where none is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    /// The workload's namespace.
    namespace: String,
    /// The workload.
    workload: String,
    /// The pod's name.
    pod: String,
    /// The pod's identity.
    uid: String,
    /// Where it ran; absent when not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    /// Who replaces it, as `kind/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    /// Who asked, as the API server knows us; absent when it does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    /// The proposal by which it was done; absent where nobody has to approve.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<String>,
    /// Who approved it: an account, or the field manager of an annotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<String>,
    /// The role for which it was selected.
    role: rebalancer_core::history::Role,
    /// By what it was chosen.
    indicator: rebalancer_core::Indicator,
    /// Its load by that indicator.
    load: f64,
    /// The unit of the load.
    unit: String,
    /// Why it was chosen, in words.
    reason: String,
    /// Nothing was changed.
    dry_run: bool,
    /// What became of it; only of a removal that is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<AuditOutcome>,
    /// Why, in words; only of a removal that is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Of the logger.
    level: String,
    /// Of the logger.
    target: String,
    /// Of the logger.
    name: String,
    /// Of the logger.
    message: String,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum AuditEvent {
    RemovalIntended,
    RemovalFinished,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum AuditOutcome {
    Removed,
    WouldBeRemoved,
    Spared,
    Refused,
    Failed,
    Unknown,
    NotAttempted,
}

/// The schema of a type, with its title, and with the version that it describes.
fn schema<T: JsonSchema>(title: &str, version_field: &str, version: u32) -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    schema["title"] = json!(format!("{title}, version {version}"));
    schema["properties"][version_field]["const"] = json!(version);
    schema
}

/// Each file with what belongs in it.
fn files() -> [(&'static str, Value); 8] {
    [
        ("plan.json", schema::<PlanDocument<'_>>("rebalancer plan --output json", "version", PLAN_VERSION)),
        (
            "check.json",
            schema::<CheckDocument<'_>>("rebalancer check --output json", "version", CHECK_VERSION),
        ),
        (
            "discovery.json",
            schema::<DiscoveryDocument<'_>>(
                "rebalancer plan --output json without a workload",
                "version",
                DISCOVERY_VERSION,
            ),
        ),
        (
            "advise.json",
            schema::<AdviceDocument<'_>>("rebalancer advise --output json", "version", ADVICE_VERSION),
        ),
        (
            "backtest.json",
            schema::<BacktestDocument<'_>>("rebalancer backtest --output json", "version", BACKTEST_VERSION),
        ),
        (
            "workloads.json",
            schema::<WorkloadsDocument<'_>>("/api/v1/workloads of rebalancer serve", "version", API_VERSION),
        ),
        (
            "workload.json",
            schema::<WorkloadDocument<'_>>(
                "/api/v1/workloads/{namespace}/{name} of rebalancer serve",
                "version",
                API_VERSION,
            ),
        ),
        ("audit.json", schema::<AuditLine>("A line of the audit trail", "audit_schema", AUDIT_SCHEMA)),
    ]
}

/// With UPDATE_SCHEMAS=1 they are written anew.
#[test]
fn docs_schema_has_the_shape_of_everything_that_is_written_for_machines() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/schema");
    for (name, schema) in files() {
        let (path, text) = (folder.join(name), format!("{schema:#}\n"));
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == text,
            "docs/schema/{name} is out of date: UPDATE_SCHEMAS=1 cargo test -p rebalancer-cli schema"
        );
    }
}
