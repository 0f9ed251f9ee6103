//! What is answered, and to whom.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use rebalancer_kube::Leadership;
use serde_json::Value;
use tokio::sync::watch;

use super::*;
use crate::render::golden::golden;
use crate::serve::board::{Last, Terms};
use crate::serve::scripted::{HOSTILE, board, workload};

const MINUTE: Duration = Duration::from_secs(60);

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: String,
}

struct Served(TowerToHyperService<Router>);

impl Served {
    fn of(board: Arc<Board>) -> Self {
        Self(TowerToHyperService::new(routes(board, "127.0.0.1:8080".parse().unwrap(), MINUTE)))
    }

    async fn start() -> Self {
        let (board, _) = board().await;
        Self::of(Arc::new(board))
    }

    async fn ask(&self, method: Method, path: &str, host: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, host)
            .body(Body::empty())
            .unwrap();
        let answer = self.0.call(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, "localhost:8080").await
    }
}

const PATHS: [&str; 10] = [
    "/",
    "/workloads/shop/orders-consumer",
    "/workloads/shop/nobody",
    "/api/v1/workloads",
    "/api/v1/workloads/shop/orders-consumer",
    "/style.css",
    "/live.js",
    "/healthz",
    "/readyz",
    "/nowhere",
];

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_others_out() {
    let served = Served::start().await;
    for path in PATHS {
        for (method, host) in [
            (Method::GET, "localhost"),
            (Method::HEAD, "[::1]:8080"),
            (Method::POST, "127.0.0.1"),
            (Method::GET, "evil.example"),
        ] {
            let answer = served.ask(method.clone(), path, host).await;
            let header =
                |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            let policy = header("content-security-policy").unwrap();
            for part in [
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "connect-src 'self'",
                "frame-ancestors 'none'",
            ] {
                assert!(policy.contains(part), "{method} {path}: {policy}");
            }
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(header(name).as_deref(), Some(value), "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_served_is_read_only() {
    let served = Served::start().await;
    for path in PATHS {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let answer = served.ask(method.clone(), path, "localhost").await;
            let expected =
                if path == "/nowhere" { StatusCode::NOT_FOUND } else { StatusCode::METHOD_NOT_ALLOWED };
            assert_eq!(answer.status, expected, "{method} {path}");
        }
        let (get, head) = (served.get(path).await, served.ask(Method::HEAD, path, "localhost").await);
        assert_eq!((get.status, head.body.as_str()), (head.status, ""), "{path}");
    }
}

#[tokio::test]
async fn a_name_that_somebody_made_lead_here_is_refused() {
    let served = Served::start().await;
    for path in PATHS {
        let answer = served.ask(Method::GET, path, "rebound.example:8080").await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{path}");
        assert!(!answer.body.contains("orders"), "{}", answer.body);
    }
    let absolute = served.ask(Method::GET, "http://rebound.example/", "localhost").await;
    assert_eq!(absolute.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn who_is_not_known_is_not_found_and_stays_text() {
    let served = Served::start().await;
    let answer = served.get("/workloads/shop/%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.body.contains("&lt;script&gt;alert(1)") && !answer.body.contains("<script>"));
    let answer = served.get("/api/v1/workloads/shop/nobody").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::NOT_FOUND, "{\"error\":\"there is no workload shop/nobody\"}\n")
    );
    assert_eq!(answer.headers.get("content-type").unwrap(), "application/json");
}

/// As docs/schema has it.
fn has_the_shape_of(schema: &str, document: &Value) {
    let path = format!("{}/../docs/schema/{schema}", env!("CARGO_MANIFEST_DIR"));
    let text: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for key in document.as_object().unwrap().keys() {
        assert!(text["properties"].get(key).is_some(), "{schema} has no {key}");
    }
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource(schema, text).unwrap();
    let compiled = compiler.compile(schema, &mut schemas).unwrap();
    schemas.validate(document, compiled).unwrap_or_else(|error| panic!("{schema}: {error:#}"));
}

#[tokio::test]
async fn the_api_has_the_shape_that_is_documented() {
    let served = Served::start().await;
    let fleet: Value = serde_json::from_str(&served.get("/api/v1/workloads").await.body).unwrap();
    has_the_shape_of("workloads.json", &fleet);
    let names: Vec<&str> = fleet["workloads"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["workload"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["orders-consumer", "payments-consumer", "search-indexer", HOSTILE, "not-yet"]);
    for path in ["shop/orders-consumer", "shop/search-indexer", "stock/not-yet"] {
        let one: Value =
            serde_json::from_str(&served.get(&format!("/api/v1/workloads/{path}")).await.body).unwrap();
        has_the_shape_of("workload.json", &one);
    }
}

#[tokio::test]
async fn the_api_is_shown_to_the_last_letter() {
    let (board, at) = board().await;
    let view = View::of(&board, at);
    golden("../serve/http/tests/workloads.json", &serde_json::to_string_pretty(&view.workloads()).unwrap());
    let view = View::of_one(&board, at, &workload("shop", "payments-consumer")).unwrap();
    golden(
        "../serve/http/tests/workload.json",
        &serde_json::to_string_pretty(&view.workload().unwrap()).unwrap(),
    );
}

#[tokio::test]
async fn what_is_drawn_waits_for_no_cycle() {
    let (board, _) = board().await;
    let board = Arc::new(board);
    let served = Served::of(Arc::clone(&board));
    let first = board.places().remove(0).target();
    board.change(&first, |place| (place.running, place.next) = (true, None));
    let answer = served.get("/workloads/shop/orders-consumer").await;
    assert!(answer.body.contains("under way"), "{}", answer.body);
}

/// One that has led before knows counters of then: two replicas that tell of one workload would be counted twice.
#[tokio::test]
async fn only_the_replica_that_leads_tells_metrics_of_workloads() {
    let (told, leadership) = watch::channel(Leadership::default());
    let board = Arc::new(Board::new(Some(leadership)));
    let target = workload("shop", "orders-consumer");
    board.enter(&target, Terms::default());
    let mut families = telemetry::live(std::iter::once(&target), true, MINUTE);
    families.iter_mut().for_each(|family| family.set_name("rebalancer_cycles_total".to_owned()));
    board.ended(&target, Last { families, ..Last::failed(String::new()) }, None);
    let served = Served::of(board);
    let series = r#"{namespace="shop",workload="orders-consumer"}"#;
    let text = served.get("/metrics").await.body;
    assert!(
        text.contains(&format!("rebalancer_leader{series} 0")) && !text.contains("cycles_total"),
        "{text}"
    );
    assert!(text.contains(&format!("rebalancer_interval_seconds{series} 60")), "{text}");
    let until = Some(tokio::time::Instant::now() + Duration::from_secs(600));
    told.send_replace(Leadership { until, ..Leadership::default() });
    let text = served.get("/metrics").await.body;
    for told in ["rebalancer_leader", "rebalancer_cycles_total"] {
        assert!(text.contains(&format!("{told}{series} 1")), "{text}");
    }
}
