//! A notice as a CloudEvent 1.0, in the JSON format and the structured mode of HTTP.

use rebalancer_core::history::Notice;
use serde_json::{Value, json};

use super::words::{Message, message};
use super::{Body, Told};
use crate::target::Target;

/// In small letters: the JavaScript library of the format's authors compares the whole value by its letters.
const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// `source` and `id` together are unique: one cycle gives each of its notices once. A receiver that gets one twice, after an
/// answer that was lost, knows it by them.
pub(super) fn body(told: Told<'_>, notice: &Notice) -> Body {
    let Message { what, title, text, facts } = message(told, notice);
    let Told { target: Target { cluster, workload }, cycle, at } = told;
    let place = cluster.as_ref().map(|cluster| format!("{cluster}/")).unwrap_or_default();
    let mut event = json!({
        "specversion": "1.0",
        "id": format!("{cycle}-{what}"),
        "source": format!("/pod-rebalancer/{place}{}/{}", workload.namespace, workload.name),
        "type": format!("io.pod-rebalancer.{what}"),
        "subject": told.target.to_string(),
        "time": at,
        "datacontenttype": "application/json",
        "data": {
            "namespace": workload.namespace,
            "workload": workload.name,
            "cycle": cycle,
            "title": title,
            "text": text,
            "facts": facts,
        },
    });
    if let (Some(cluster), Some(data)) = (cluster, event.get_mut("data").and_then(Value::as_object_mut)) {
        data.insert("cluster".to_owned(), cluster.as_str().into());
    }
    Body { content_type: CONTENT_TYPE, text: event.to_string() }
}
