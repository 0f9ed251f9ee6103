//! A collector of traces: OTLP over HTTP, decoded by the protocol's own types.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::world::serve;

/// What came.
#[derive(Default)]
pub(crate) struct Received {
    pub(crate) headers: Vec<HeaderMap>,
    pub(crate) bodies: Vec<Bytes>,
}

/// It keeps whatever it gets.
pub(crate) struct Collector {
    received: Arc<Mutex<Received>>,
    pub(crate) address: String,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let received = Arc::<Mutex<Received>>::default();
        let router = Router::new().route("/v1/traces", post(keep)).with_state(Arc::clone(&received));
        Self { address: serve(router).await, received }
    }

    /// Takes requests, and never answers one.
    pub(crate) async fn silent() -> String {
        serve(Router::new().fallback(std::future::pending::<()>)).await
    }

    pub(crate) fn requests(&self) -> usize {
        self.received.lock().unwrap().bodies.len()
    }

    /// The value of this header in the first request.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let received = self.received.lock().unwrap();
        received.headers[0].get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    /// The attributes of what the spans are of, and the spans.
    pub(crate) fn trace(&self) -> (BTreeMap<String, String>, Vec<Span>) {
        let received = self.received.lock().unwrap();
        let mut resource = BTreeMap::new();
        let mut spans = Vec::new();
        for body in &received.bodies {
            for of_one in ExportTraceServiceRequest::decode(&body[..]).unwrap().resource_spans {
                resource.extend(attributes(&of_one.resource.unwrap().attributes));
                spans.extend(of_one.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        }
        (resource, spans)
    }
}

async fn keep(
    State(received): State<Arc<Mutex<Received>>>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let mut received = received.lock().unwrap();
    received.headers.push(headers);
    received.bodies.push(body);
    ([(CONTENT_TYPE, "application/x-protobuf")], Vec::new())
}

/// As text, by name.
pub(crate) fn attributes(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &KeyValue| match value.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|attribute| (attribute.key.clone(), text(attribute))).collect()
}
