//! The record as an annotation's text.

use rebalancer_core::history::{Header, MOST_BYTES, Record, StateError};

use crate::text::excerpt;

/// The annotation of the Lease that holds the record, as JSON. Removing it makes the next cycle begin without memory.
pub const ANNOTATION: &str = "pod-rebalancer.io/record";

pub(super) fn encode(record: &Record) -> Result<String, StateError> {
    let text = serde_json::to_string(record)
        .map_err(|error| StateError::Rejected { message: format!("it can't be made JSON: {error}") })?;
    if text.len() > MOST_BYTES {
        return Err(StateError::Rejected { message: format!("it takes {} bytes", text.len()) });
    }
    Ok(text)
}

/// The version is looked at first: a later one may have another shape.
pub(super) fn decode(text: &str, place: &str) -> Result<Record, StateError> {
    let unreadable = |error: serde_json::Error| StateError::Unreadable {
        message: excerpt(&error.to_string()),
        place: place.to_owned(),
    };
    let header: Header = serde_json::from_str(text).map_err(unreadable)?;
    if header.is_newer() {
        return Err(StateError::Newer { version: header.version, place: place.to_owned() });
    }
    serde_json::from_str(text).map_err(unreadable)
}
