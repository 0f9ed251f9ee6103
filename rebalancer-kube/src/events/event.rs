//! An Event as the API server accepts it (its `pkg/apis/core/validation/events.go`). Pure.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};

use super::{EventType, Note, Regarding};

const REPORTING_CONTROLLER: &str = "pod-rebalancer.io/rebalancer";

/// The limits of the server, in bytes.
const LONGEST_NAME: usize = 253;
const LONGEST_WORD: usize = 128;
const LONGEST_NOTE: usize = 1024;

/// The Event; `number` distinguishes it from others of the same object and time.
pub(super) fn event(note: &Note, instance: &str, number: u64) -> Event {
    let Note { regarding, event_type, reason, action, text, at } = note;
    let Regarding { api_version, kind, namespace, name, uid } = regarding;
    let word = |word: &str| Some(cut(word, LONGEST_WORD).to_owned());
    Event {
        metadata: ObjectMeta {
            name: Some(unique(name, at.as_nanosecond(), number)),
            namespace: Some(namespace.clone()),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(*at)),
        type_: Some(type_name(*event_type).to_owned()),
        reason: word(reason),
        action: word(action),
        note: Some(cut(text, LONGEST_NOTE).to_owned()),
        regarding: Some(ObjectReference {
            api_version: Some(api_version.clone()),
            kind: Some(kind.clone()),
            namespace: Some(namespace.clone()),
            name: Some(name.clone()),
            uid: Some(uid.to_string()),
            ..ObjectReference::default()
        }),
        reporting_controller: Some(REPORTING_CONTROLLER.to_owned()),
        reporting_instance: word(instance),
        ..Event::default()
    }
}

const fn type_name(event_type: EventType) -> &'static str {
    match event_type {
        EventType::Normal => "Normal",
        EventType::Warning => "Warning",
    }
}

/// As client-go names Events, and with a number, since the time may be the same for all of a cycle.
fn unique(object: &str, nanosecond: i128, number: u64) -> String {
    let suffix = format!(".{nanosecond:x}-{number:x}");
    let kept = cut(object, LONGEST_NAME.saturating_sub(suffix.len()));
    // What stands before a dot must end as a name does.
    format!("{}{suffix}", kept.trim_end_matches(['-', '.']))
}

/// As much of the text as fits into this many bytes, in whole characters.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;
    use rebalancer_core::fleet::Uid;
    use serde_json::{Value, json};

    use super::*;

    fn note() -> Note {
        Note {
            regarding: Regarding {
                api_version: "v1".into(),
                kind: "Pod".into(),
                namespace: "shop".into(),
                name: "consumer-0".into(),
                uid: Uid::new("u0"),
            },
            event_type: EventType::Normal,
            reason: "Rebalanced".into(),
            action: "Evict".into(),
            text: "its load was 93 % above the limit".into(),
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
        }
    }

    fn body(note: &Note, instance: &str) -> Value {
        serde_json::to_value(event(note, instance, 10)).unwrap()
    }

    #[test]
    fn an_event_has_every_field_that_the_server_asks_for_and_no_other() {
        let expected = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": {"name": "consumer-0.1886caf21c963200-a", "namespace": "shop"},
            "eventTime": "2026-01-02T03:04:05.000000Z",
            "type": "Normal", "reason": "Rebalanced", "action": "Evict",
            "note": "its load was 93 % above the limit",
            "regarding": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "consumer-0", "uid": "u0"},
            "reportingController": "pod-rebalancer.io/rebalancer", "reportingInstance": "cycle-7",
        });
        assert_eq!(body(&note(), "cycle-7"), expected);
        let warning = Note { event_type: EventType::Warning, ..note() };
        assert_eq!(body(&warning, "cycle-7")["type"], "Warning");
    }

    #[test]
    fn a_time_has_six_digits_after_the_second() {
        for (at, expected) in [
            ("2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.500000Z"),
            ("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456Z"),
        ] {
            let note = Note { at: at.parse().unwrap(), ..note() };
            assert_eq!(body(&note, "c")["eventTime"], expected);
        }
    }

    #[test]
    fn what_is_too_long_is_cut_between_two_characters() {
        let note = Note { reason: "R".repeat(129), text: format!("a{}", "é".repeat(600)), ..note() };
        let body = body(&note, &"i".repeat(500));
        assert_eq!(body["reason"], "R".repeat(128));
        assert_eq!(body["reportingInstance"], "i".repeat(128));
        // The last one would reach beyond the limit by one byte.
        assert_eq!(body["note"], format!("a{}", "é".repeat(511)));
    }

    #[test]
    fn a_name_that_is_cut_stays_one() {
        let time = 0x1234_5678_9abc_def0;
        let most = LONGEST_NAME - ".123456789abcdef0-1".len();
        for (end, kept) in [("bcd", "b"), ("-cd", ""), (".cd", ""), ("--d", "")] {
            let object = format!("{}{end}", "a".repeat(most - 1));
            let expected = format!("{}{kept}.123456789abcdef0-1", "a".repeat(most - 1));
            assert_eq!(unique(&object, time, 1), expected);
        }
    }

    #[test]
    fn events_of_one_object_and_time_have_names_of_their_own() {
        assert_ne!(unique("a", 5, 0), unique("a", 5, 1));
        assert_ne!(unique("a", 5, 0), unique("a", 6, 0));
    }

    proptest! {
        #[test]
        fn no_field_is_ever_beyond_the_limits_and_every_name_is_one(
            text in "\\PC{0,400}",
            object in "([a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?\\.){0,40}[a-z0-9]",
            seconds in -99_999_i64..99_999,
            number: u64,
        ) {
            let (regarding, at) = (note().regarding, Timestamp::from_second(seconds).unwrap());
            let regarding = Regarding { name: object, ..regarding };
            let event = event(&Note { regarding, text, reason: "r".repeat(300), at, ..note() }, "i", number);
            prop_assert!(event.note.unwrap().len() <= LONGEST_NOTE);
            prop_assert!(event.reason.unwrap().len() <= LONGEST_WORD);
            let name = event.metadata.name.unwrap();
            prop_assert!(name.len() <= LONGEST_NAME && is_subdomain(&name), "{}", name);
        }
    }

    /// Each part between dots begins and ends with a letter or a digit.
    fn is_subdomain(name: &str) -> bool {
        let ends = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let plain = |b: &u8| ends(Some(b)) || *b == b'-';
        let part = |part: &[u8]| ends(part.first()) && ends(part.last()) && part.iter().all(plain);
        name.split('.').all(|text| part(text.as_bytes()))
    }
}
