//! A notice as a CloudEvent 1.0, in the JSON format and the structured mode of HTTP.

use rebalancer_core::history::Notice;
use serde_json::json;

use super::words::{Message, message};
use super::{Body, Told};

const CONTENT_TYPE: &str = "application/cloudevents+json; charset=UTF-8";

/// `source` and `id` together are unique: one cycle gives each of its notices once. A receiver that gets one twice, after an
/// answer that was lost, knows it by them.
pub(super) fn body(told: Told<'_>, notice: &Notice) -> Body {
    let Message { what, title, text, facts } = message(told, notice);
    let Told { workload, cycle, at } = told;
    let event = json!({
        "specversion": "1.0",
        "id": format!("{cycle}-{what}"),
        "source": format!("/pod-rebalancer/{}/{}", workload.namespace, workload.name),
        "type": format!("io.pod-rebalancer.{what}"),
        "subject": workload.to_string(),
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
    Body { content_type: CONTENT_TYPE, text: event.to_string() }
}
