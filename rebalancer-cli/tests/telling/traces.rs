//! Traces: each cycle is one, and nothing depends on them.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use crate::collector::{Collector, attributes};
use crate::world::{SECRET, World};

const DOCUMENT: &str = include_str!("../../../docs/observability.md");

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

#[tokio::test]
async fn a_cycle_is_one_trace_whose_id_is_the_cycle_s() {
    let (world, collector) = (World::start().await, Collector::start().await);
    let run = world.cycle(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address)]).await.expect_exit(0);
    let cycle = run.line("cycle_started")["cycle_id"].as_str().unwrap().to_owned();
    let (resource, spans) = collector.trace();
    assert_eq!(resource["service.name"], "pod-rebalancer");
    let [root] = named(&spans, "cycle")[..] else { panic!("{spans:#?}") };
    assert_eq!(attributes(&root.attributes)["cycle_id"], cycle);
    assert_eq!(attributes(&root.attributes)["workload"], "consumer");
    assert_eq!(attributes(&root.attributes)["status"], "rebalanced");
    assert!(root.parent_span_id.is_empty());
    for span in &spans {
        assert_eq!(hex(&span.trace_id), cycle.replace('-', ""), "{}", span.name);
        let inside = root.start_time_unix_nano..=root.end_time_unix_nano;
        assert!(inside.contains(&span.start_time_unix_nano), "{}", span.name);
        assert!(inside.contains(&span.end_time_unix_nano), "{}", span.name);
    }
}

#[tokio::test]
async fn each_thing_that_a_cycle_does_is_a_span_and_each_request_is_below_what_it_is_for() {
    let (world, collector) = (World::start().await, Collector::start().await);
    world.cycle(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address)]).await.expect_exit(0);
    let (_, spans) = collector.trace();
    let names: BTreeSet<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        [
            "acquire_lock",
            "audit_batch",
            "cycle",
            "get_actor",
            "get_controller",
            "get_pod",
            "kubernetes_request",
            "list_autoscalers",
            "list_budgets",
            "list_pods",
            "metrics_query",
            "plan_batch",
            "post_events",
            "push_metrics",
            "release_lock",
            "remove_pod",
            "save_record"
        ]
    );
    let queries = named(&spans, "metrics_query");
    let queries: BTreeSet<String> =
        queries.iter().map(|span| attributes(&span.attributes)["query"].clone()).collect();
    assert_eq!(queries.into_iter().collect::<Vec<_>>(), ["cpu", "hpa_target", "memory"]);
    let removals = named(&spans, "remove_pod");
    let removed: Vec<String> =
        removals.iter().map(|span| attributes(&span.attributes)["pod"].clone()).collect();
    assert_eq!(removed, world.gone());
    for removal in removals {
        let below: Vec<&Span> = spans.iter().filter(|span| span.parent_span_id == removal.span_id).collect();
        let [request] = below[..] else { panic!("{below:?}") };
        let request = attributes(&request.attributes);
        assert_eq!(request["http.request.method"], "POST");
        assert!(request["url.path"].ends_with("/eviction"), "{request:?}");
    }
}

#[tokio::test]
async fn the_document_names_exactly_the_spans_that_the_commands_make() {
    let (world, collector) = (World::start().await, Collector::start().await);
    let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address.as_str())];
    let asked = [endpoint[0], ("NEIGHBORS", "nodes,keda")];
    for command in ["run", "plan", "reset"] {
        // What neighbors do is asked where they are named.
        let environment = if command == "plan" { &asked[..] } else { &endpoint };
        let run = world.rebalancer(&[command], environment).output().await.unwrap();
        assert!(run.status.success(), "{command}: {}", String::from_utf8_lossy(&run.stderr));
    }
    // Nothing was proposed: that is said, after a look at the record.
    let run = world.rebalancer(&["approve", "0123"], &endpoint).output().await.unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stderr));
    let (_, spans) = collector.trace();
    let roots = spans.iter().filter(|span| span.parent_span_id.is_empty());
    assert_eq!(
        roots.map(|span| span.name.as_str()).collect::<Vec<_>>(),
        ["cycle", "plan", "reset", "answer"]
    );
    let section = DOCUMENT.split("\n## Spans\n").nth(1).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: BTreeSet<&str> = rows.map(|row| row.split('`').next().unwrap()).collect();
    assert_eq!(documented, spans.iter().map(|span| span.name.as_str()).collect());
}

#[tokio::test]
async fn the_spans_stand_in_the_order_of_a_cycle() {
    let (world, collector) = (World::start().await, Collector::start().await);
    world.cycle(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address)]).await.expect_exit(0);
    let (_, mut spans) = collector.trace();
    spans.sort_by_key(|span| span.start_time_unix_nano);
    let told = [
        "acquire_lock",
        "plan_batch",
        "audit_batch",
        "save_record",
        "remove_pod",
        "release_lock",
        "post_events",
    ];
    let names = spans.iter().map(|span| span.name.as_str()).filter(|name| told.contains(name));
    assert_eq!(
        names.collect::<Vec<_>>(),
        [
            "acquire_lock",
            "plan_batch",
            "audit_batch",
            "save_record",
            "remove_pod",
            "remove_pod",
            "release_lock",
            "post_events"
        ]
    );
}

#[tokio::test]
async fn the_standard_variables_name_the_service_and_the_headers_and_no_secret_is_told() {
    let (world, collector) = (World::start().await, Collector::start().await);
    let traces = format!("{}/v1/traces", collector.address);
    let header = format!("authorization=Bearer%20{SECRET}");
    let variables = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", header.as_str()),
        ("OTEL_SERVICE_NAME", "balance"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test"),
        ("LOG_LEVEL", "debug"),
    ];
    let run = world.cycle(&variables).await.expect_exit(0);
    assert_eq!(collector.header("authorization"), Some(format!("Bearer {SECRET}")));
    let (resource, spans) = collector.trace();
    assert_eq!(resource["service.name"], "balance");
    assert_eq!(resource["deployment.environment"], "test");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert!(!format!("{resource:?}{spans:?}").contains(SECRET));
    assert!(!run.stderr().contains(SECRET), "{}", run.stderr());
    assert_eq!(run.line("traces_exported")["spans"], spans.len());
}

#[tokio::test]
async fn without_an_endpoint_or_when_turned_off_nobody_is_asked() {
    let collector = Collector::start().await;
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address.as_str());
    for variables in [
        &[("OTEL_TRACES_EXPORTER", "otlp")][..],
        &[endpoint, ("OTEL_TRACES_EXPORTER", "none")],
        &[endpoint, ("OTEL_SDK_DISABLED", "true")],
    ] {
        let run = World::start().await.cycle(variables).await.expect_exit(0);
        assert!(!run.stderr().contains("traces_"), "{}", run.stderr());
    }
    assert_eq!(collector.requests(), 0);
}

#[tokio::test]
async fn a_collector_that_is_dead_or_silent_changes_nothing() {
    for (address, cause) in [
        ("http://127.0.0.1:1".to_owned(), "network error"),
        (Collector::silent().await, "no answer within 5s"),
    ] {
        let world = World::start().await;
        let run = world.cycle(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &address)]).await.expect_exit(0);
        assert_eq!(run.line("cycle_finished")["status"], "rebalanced");
        assert_eq!(world.gone().len(), 2);
        let warning = run.line("traces_not_exported");
        assert!(warning["error"].as_str().unwrap().contains(cause), "{warning}");
        assert_eq!(warning["to"], format!("{address}/"));
    }
}

#[tokio::test]
async fn variables_that_can_not_be_used_are_told_and_change_nothing() {
    let (world, collector) = (World::start().await, Collector::start().await);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ];
    let run = world.cycle(&variables).await.expect_exit(0);
    assert_eq!(run.line("traces_off")["variable"], "OTEL_EXPORTER_OTLP_PROTOCOL");
    assert_eq!((collector.requests(), world.gone().len()), (0, 2));
}

#[tokio::test]
async fn a_cycle_that_fails_is_a_failed_trace() {
    let (world, collector) = (World::start().await, Collector::start().await);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address.as_str()),
        ("PROMETHEUS_ENDPOINT", "http://127.0.0.1:1"),
        ("PROMETHEUS_TIMEOUT", "200ms"),
    ];
    world.cycle(&variables).await.expect_exit(1);
    let (_, spans) = collector.trace();
    let status = |span: &Span| span.status.as_ref().unwrap().code();
    assert_eq!(status(named(&spans, "cycle")[0]), StatusCode::Error);
    assert!(named(&spans, "metrics_query").into_iter().all(|span| status(span) == StatusCode::Error));
}
