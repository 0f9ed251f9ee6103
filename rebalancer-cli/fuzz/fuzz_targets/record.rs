//! What is kept in the Lease: the record, or a whole Lease, and then what happens to the record, as two documents of one
//! input.
//!
//! No text is read as a record of another version, no step and no time makes it panic, what is written is read back
//! equal and fits into its annotation, no counter falls, and two runs never hold the lock at a time.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rebalancer_core::history::{Header, Record, StateError};
use rebalancer_fuzz::story::{tell, time};
use rebalancer_fuzz::{documents, general, is_one_short_line, lock};
use rebalancer_kube::fuzzing;
use serde_json::{Value, json};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    rebalancer_fuzz::mutate(data, size, max_size, seed)
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let documents = documents(text.as_bytes());
    let [stored, story] = [0, 1].map(|at| text_of(documents.get(at)));
    let now = time(story.split_ascii_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0));
    let mut record = read(stored).unwrap_or_default();
    lock::check(stored, now);
    lock::check(&lease_with(stored).to_string(), now);
    tell(&mut record, story);
});

fn text_of<'a>(document: Option<&&'a [u8]>) -> &'a str {
    document.and_then(|document| std::str::from_utf8(document).ok()).unwrap_or_default()
}

fn read(text: &str) -> Option<Record> {
    let version = general(text.as_bytes()).map(|raw| raw["version"].clone());
    match fuzzing::record(text) {
        Ok(record) => {
            assert!(version.is_none_or(|version| version == 1));
            Some(record)
        }
        Err(StateError::Newer { version: found, .. }) => {
            assert!(found > 1 && version.is_none_or(|version| version == found));
            None
        }
        Err(StateError::Unreadable { message, .. }) => {
            is_one_short_line(&message);
            let header = serde_json::from_str::<Header>(text);
            assert!(!header.is_ok_and(Header::is_newer), "the version is looked at first");
            None
        }
        Err(other) => panic!("no reason not to read a record: {other}"),
    }
}

/// A Lease that nobody holds, with this text for its record.
fn lease_with(record: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {
            "name": "pod-rebalancer-consumer", "namespace": "streams", "resourceVersion": "7",
            "annotations": {rebalancer_kube::ANNOTATION: record},
        },
        "spec": {"leaseTransitions": 3},
    })
}
