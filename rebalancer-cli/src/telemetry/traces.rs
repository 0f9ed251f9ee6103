//! Spans as OpenTelemetry traces: kept while the program works, and sent at its end, by OTLP over HTTP. Off unless the
//! standard variables name a collector. Whatever becomes of them, nothing else depends on it.

mod collector;
mod kept;

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::{Status, TraceContextExt as _, TraceId, TracerProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracerProvider, SpanExporter as _};
use rebalancer_core::unit::Elapsed;
use tokio::time::{Instant, timeout};
use tracing::{Span, Subscriber, debug, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;
use uuid::Uuid;

pub(super) use collector::Unusable;

use collector::Collector;
use kept::{Keep, Kept};

/// For how long the end of the program may wait for its traces.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many spans are sent in one request.
const BATCH: usize = 512;

/// The traces of this process.
pub(crate) struct Traces(Option<Export>);

struct Export {
    collector: Collector,
    provider: SdkTracerProvider,
    kept: Arc<Kept>,
}

impl Traces {
    /// None.
    pub(super) const fn off() -> Self {
        Self(None)
    }

    /// As the standard variables say. Contacts no server.
    ///
    /// # Errors
    /// When one of them can't be used.
    pub(super) fn by(environment: impl Fn(&str) -> Option<OsString>) -> Result<Self, Unusable> {
        let resource = resource();
        let Some(collector) = Collector::by(environment, &resource)? else { return Ok(Self::off()) };
        let kept = Arc::new(Kept::default());
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_id_generator(Ids)
            .with_span_processor(Keep(Arc::clone(&kept)))
            .build();
        Ok(Self(Some(Export { collector, provider, kept })))
    }

    /// Keeps this project's own spans.
    pub(super) fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    {
        let tracer = self.0.as_ref()?.provider.tracer("pod-rebalancer");
        let own = filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with("rebalancer"));
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        let layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false);
        Some(layer.with_filter(own.with_max_level_hint(LevelFilter::INFO)))
    }

    /// Sends what was kept, within a time of its own.
    pub(crate) async fn send(self) {
        let Some(Export { collector, kept, .. }) = self.0 else { return };
        let (spans, lost) = kept.take();
        if spans.is_empty() {
            return;
        }
        let (started, count) = (Instant::now(), spans.len());
        let sending = async {
            for batch in spans.chunks(BATCH) {
                collector.exporter.export(batch.to_vec()).await.map_err(|error| error.to_string())?;
            }
            Ok(())
        };
        let late = |_| Err(format!("no answer within {}", Elapsed::from(PATIENCE)));
        let sent: Result<(), String> = timeout(PATIENCE, sending).await.unwrap_or_else(late);
        let seconds = started.elapsed().as_secs_f64();
        match sent {
            Ok(()) => debug!(event = "traces_exported", spans = count, lost, seconds, "traces were exported"),
            Err(error) => warn!(
                event = "traces_not_exported",
                spans = count,
                lost,
                to = collector.address,
                error,
                seconds,
                "traces could not be exported, and nothing else depends on them; is there a collector for OTLP over HTTP?"
            ),
        }
    }
}

/// What the traces are of. The variables come first.
fn resource() -> Resource {
    let named = Resource::builder().build();
    let name = named.get(&opentelemetry::Key::from_static_str("service.name"));
    let unnamed = name.is_none_or(|name| name.as_str().starts_with("unknown_service"));
    let own = Resource::builder_empty()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attributes(unnamed.then(|| KeyValue::new("service.name", "pod-rebalancer")));
    Resource::builder()
        .with_attributes(own.build().iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())))
        .build()
}

/// A trace's id sorts by time, as a cycle's does, since they are the same.
#[derive(Debug)]
struct Ids;

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from(Uuid::now_v7().as_u128())
    }

    fn new_span_id(&self) -> opentelemetry::trace::SpanId {
        RandomIdGenerator::default().new_span_id()
    }
}

/// The id of the trace that this span belongs to, when there is one.
pub(super) fn id(span: &Span) -> Option<Uuid> {
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| Uuid::from_bytes(context.trace_id().to_bytes()))
}

/// How the work of a span ended.
pub(super) fn conclude(span: &Span, status: &'static str, failed: bool) {
    span.set_attribute("status", status);
    if failed {
        span.set_status(Status::error(status));
    }
}
