//! What the fuzz targets share: a small fleet, a judge of plans, and a way to put several texts into one input.

pub mod fleet;
pub mod folder;
pub mod judge;
pub mod lock;
mod mutate;
pub mod settings;
pub mod story;

pub use mutate::mutate;

use serde_json::Value;

/// The line between two documents of one input.
const BETWEEN: &[u8] = b"\n---\n";

/// The documents of an input, so that those of a corpus stay readable.
#[must_use]
pub fn documents(data: &[u8]) -> Vec<&[u8]> {
    let mut documents = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(BETWEEN.len()).position(|part| part == BETWEEN) {
        documents.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    documents.push(rest);
    documents
}

/// What a general reader makes of JSON. It gives up at what the decoders skip unread, such as deep nesting; and they
/// take a list of all fields, in their order, for an object.
#[must_use]
pub fn general(json: &[u8]) -> Option<Value> {
    serde_json::from_slice(json).ok().filter(Value::is_object)
}

/// Words of ours that an operator reads: text from outside must not forge log lines with them, or fill a disk.
pub fn is_one_short_line(words: &str) {
    assert!(!words.chars().any(char::is_control), "control characters in {words:?}");
    assert!(words.chars().count() < 1_000, "{} characters: {words:.200}", words.chars().count());
}
