//! The published formats of what is posted: CloudEvents 1.0 in JSON, and messages for Slack's incoming webhooks.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use serde_json::Value;

/// By the specification of CloudEvents 1.0.2 (context attributes) and its JSON format.
#[track_caller]
pub(crate) fn is_cloud_event(event: &Value) {
    keep("cloudevents", event);
    let members = event.as_object().expect("an event is an object");
    for name in members.keys().filter(|name| *name != "data" && *name != "data_base64") {
        let is_plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        assert!(is_plain && name.len() <= 20, "'{name}' is no name of an attribute");
    }
    for required in ["id", "source", "specversion", "type"] {
        let value = event[required].as_str().unwrap_or_default();
        assert!(!value.is_empty(), "{required} in {event}");
    }
    assert_eq!(event["specversion"], "1.0");
    let base = url::Url::parse("https://base.example").unwrap();
    base.join(event["source"].as_str().unwrap()).expect("a source is a URI reference");
    event["time"].as_str().unwrap().parse::<Timestamp>().expect("a time is one of RFC 3339");
    assert!(event.get("subject").is_none_or(|subject| subject.as_str().is_some_and(|text| !text.is_empty())));
    assert_eq!(event["datacontenttype"], "application/json");
    assert!(event["data"].is_object() && event.get("data_base64").is_none());
    assert!(event.to_string().len() < 64 << 10, "what is larger may not be forwarded");
}

/// By Slack's reference of messages and of the three kinds of blocks that are used.
#[track_caller]
pub(crate) fn is_slack_message(message: &Value) {
    keep("slack", message);
    let names: Vec<&String> = message.as_object().unwrap().keys().collect();
    assert_eq!(names, ["blocks", "text"]);
    let text = message["text"].as_str().unwrap();
    assert!(!text.is_empty() && text.chars().count() <= 40_000);
    let blocks = message["blocks"].as_array().unwrap();
    assert!((1..=50).contains(&blocks.len()));
    for block in blocks {
        match block["type"].as_str().unwrap() {
            "header" => is_text(&block["text"], &["plain_text"], 150),
            "section" => is_text(&block["text"], &["plain_text", "mrkdwn"], 3_000),
            "context" => {
                let elements = block["elements"].as_array().unwrap();
                assert!((1..=10).contains(&elements.len()));
                elements.iter().for_each(|element| is_text(element, &["plain_text", "mrkdwn"], 3_000));
            }
            other => panic!("{other} is not looked at here"),
        }
    }
}

#[track_caller]
fn is_text(text: &Value, kinds: &[&str], longest: usize) {
    let kind = text["type"].as_str().unwrap();
    assert!(kinds.contains(&kind), "{text}");
    // Each kind has one field that the other must not have.
    let foreign = if kind == "mrkdwn" { "emoji" } else { "verbatim" };
    assert!(text.get(foreign).is_none(), "{text}");
    let length = text["text"].as_str().unwrap().chars().count();
    assert!((1..=longest).contains(&length), "{length} characters: {text}");
}

/// Where somebody wants the bodies, each in a file of its own: `.ci/notifications` shows them to the formats' own libraries.
fn keep(format: &str, body: &Value) {
    static KEPT: AtomicUsize = AtomicUsize::new(0);
    if let Some(folder) = std::env::var_os("KEEP_NOTIFICATIONS") {
        let file = format!("{format}-{}.json", KEPT.fetch_add(1, Ordering::Relaxed));
        std::fs::write(Path::new(&folder).join(file), body.to_string()).unwrap();
    }
}
