//! Reading a file of plans.

use std::fs;
use std::io;
use std::path::Path;

use rebalancer_core::fleet::Uid;
use rebalancer_core::history::{Constraints, Rotation};
use rebalancer_core::policy::Policy;
use rebalancer_core::snapshot::Snapshot;
use rebalancer_prom::Usage;
use serde::Deserialize;
use serde_json::error::Category;

use super::VERSION;

/// One workload's plan, and what it was made on.
#[derive(Debug, Deserialize)]
pub(crate) struct Saved {
    /// The version of the program that made it.
    pub(crate) program: String,
    pub(crate) snapshot: Snapshot,
    pub(crate) policy: Policy,
    pub(crate) constraints: Constraints,
    pub(crate) plan: SavedPlan,
}

/// What is shown or compared of the plan. The rest of it may have another shape, by another version of the program.
#[derive(Debug, Deserialize)]
pub(crate) struct SavedPlan {
    pub(crate) summary: String,
    pub(super) decision: serde_json::Value,
    pub(super) pods: Vec<SavedPod>,
    pub(crate) last_rotation: Option<Rotation>,
    pub(crate) metrics_usage: Usage,
    /// Not in files of versions that could not ask Kafka.
    #[serde(default)]
    pub(crate) kafka_usage: Option<rebalancer_kafka::Usage>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SavedPod {
    pub(super) name: String,
    pub(super) uid: Uid,
    pub(super) verdict: serde_json::Value,
}

/// Why a file can't be replayed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReadable {
    /// It can't be read at all.
    #[error("it can't be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else. What stands in it may be anything, so it is not quoted.
    #[error("it is no file of `rebalancer plan --save`: {what} at line {line} column {column}")]
    Other {
        /// What is wrong with it.
        what: &'static str,
        line: usize,
        column: usize,
    },
    /// It has no plan.
    #[error("it is empty")]
    Empty,
    /// A later version wrote it.
    #[error(
        "it is of format {version}, and this program reads format {VERSION}: use the version that wrote it"
    )]
    OtherFormat { version: u32 },
    /// It is no file, or too large for one.
    #[error("it is no file, or larger than {} MiB", MOST_BYTES / (1024 * 1024))]
    NoFile,
    /// A value is missing or wrong.
    #[error("at {path}: {error}")]
    Wrong {
        /// Where, by the names of fields.
        path: String,
        /// What is wrong, and in which line.
        error: serde_json::Error,
    },
}

/// What every version has.
#[derive(Deserialize)]
struct Header {
    version: u32,
}

/// More than a plan of 100,000 pods has.
const MOST_BYTES: u64 = 1024 * 1024 * 1024;

/// Reads every plan of a file.
///
/// # Errors
/// What is wrong with it, and where.
pub(crate) fn read(path: &Path) -> Result<Vec<Saved>, NotReadable> {
    let file = fs::metadata(path)?;
    if !file.is_file() || file.len() > MOST_BYTES {
        return Err(NotReadable::NoFile);
    }
    parse(&fs::read(path)?)
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Saved>, NotReadable> {
    for header in serde_json::Deserializer::from_slice(bytes).into_iter::<Header>() {
        let Header { version } = header.map_err(|error| other(&error))?;
        if version != VERSION {
            return Err(NotReadable::OtherFormat { version });
        }
    }
    let mut plans = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    while reader.end().is_err() {
        let plan = serde_path_to_error::deserialize(&mut reader);
        plans.push(plan.map_err(|error| NotReadable::Wrong {
            path: match error.path().to_string().as_str() {
                "." => "the top".to_owned(),
                path => path.to_owned(),
            },
            error: error.into_inner(),
        })?);
    }
    if plans.is_empty() { Err(NotReadable::Empty) } else { Ok(plans) }
}

fn other(error: &serde_json::Error) -> NotReadable {
    let what = match error.classify() {
        Category::Syntax => "no JSON",
        Category::Eof => "it ends too early,",
        Category::Data | Category::Io => "other fields",
    };
    NotReadable::Other { what, line: error.line(), column: error.column() }
}
