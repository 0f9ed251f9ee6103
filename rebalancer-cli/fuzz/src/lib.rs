//! What the fuzz targets share: a small fleet, a judge of plans, and a way to put several texts into one input.

pub mod fleet;
pub mod folder;
pub mod judge;
pub mod lock;
pub mod settings;
pub mod story;

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

/// Words of ours that an operator reads: text from outside must not forge log lines with them, or fill a disk.
pub fn is_one_short_line(words: &str) {
    assert!(!words.chars().any(char::is_control), "control characters in {words:?}");
    assert!(words.chars().count() < 1_000, "{} characters: {words:.200}", words.chars().count());
}
