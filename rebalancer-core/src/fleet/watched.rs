//! How a fleet is known that is watched.

use jiff::Timestamp;

/// How current the objects are that watches keep.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Watched {
    /// When the API server was heard of last, on the watch that has been silent for the longest: what is known is no older.
    /// `None` while a first list is not there.
    pub heard_at: Option<Timestamp>,
    /// Why a watch is broken, as far as that is known.
    pub error: Option<String>,
}
