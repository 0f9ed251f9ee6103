//! `rebalancer check` with a wrong address of the metric server: it tells what is wrong, and all the rest.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use serde_json::json;
use tokio::net::TcpListener;

use crate::harness::broken::{Broken, Fault};
use crate::harness::check::{Findings, check, six};
use crate::harness::fleet::Fleet;
use crate::harness::metrics::Server;

/// What is found with this endpoint. The cluster's part is whole all the same.
async fn found(fleet: &Fleet, endpoint: impl AsRef<str>, variables: &[(&str, &str)]) -> Findings {
    let (findings, run) = check(fleet.rebalancer(endpoint).envs(variables)).await;
    assert_eq!(run.exit_code, 1, "{findings:#?}");
    findings.expect("ok", "permissions", &[]).expect("ok", "selector", &["6 pods"]).expect(
        "note",
        "not_checked",
        &["samples"],
    );
    findings
}

/// A server that answers every request like this.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

#[tokio::test]
#[ignore]
async fn an_address_where_nobody_answers_is_told_apart_from_one_that_does_not_exist() {
    let fleet = six("check-address").start().await;
    let nobody = Broken::start(Fault::Down).await;
    found(&fleet, &nobody, &[]).await.expect(
        "error",
        "endpoint_unreachable",
        &["Connection refused", "PROMETHEUS_ENDPOINT"],
    );
    found(&fleet, "http://no-such-host.invalid:9090", &[]).await.expect(
        "error",
        "endpoint_unknown_host",
        &["PROMETHEUS_ENDPOINT"],
    );
    let slow = Broken::start(Fault::Slow).await;
    found(&fleet, &slow, &[("PROMETHEUS_TIMEOUT", "1s")]).await.expect(
        "error",
        "endpoint_unreachable",
        &["no answer within"],
    );
    let down = Broken::start(Fault::Status(503)).await;
    found(&fleet, &down, &[]).await.expect("error", "endpoint_failing", &["503"]);
}

#[tokio::test]
#[ignore]
async fn tls_that_does_not_fit_says_which_side_is_wrong() {
    let fleet = six("check-tls").start().await;
    let metrics = fleet.history(&fleet.pods().await).serve(Server::Prometheus).await;
    // The API server has a certificate that no system trusts.
    found(&fleet, &fleet.plane.url, &[]).await.expect(
        "error",
        "endpoint_tls",
        &["certificate", "PROMETHEUS_CA_FILE"],
    );
    let plain = metrics.url.replace("http://", "https://");
    found(&fleet, &plain, &[]).await.expect("error", "endpoint_tls", &["speaks no TLS", "http://"]);
    let encrypted = fleet.plane.url.replace("https://", "http://");
    found(&fleet, &encrypted, &[]).await.expect("error", "endpoint_tls", &["https://"]);
}

#[tokio::test]
#[ignore]
async fn a_wrong_path_names_the_one_that_answers() {
    let fleet = six("check-path").start().await;
    let pods = fleet.pods().await;
    for server in Server::BOTH {
        let metrics = fleet.history(&pods).serve(server).await;
        let fix = format!("PROMETHEUS_ENDPOINT={}", metrics.url);
        for path in ["/graph", "/wrong/prefix"] {
            let endpoint = format!("{}{path}", metrics.url);
            found(&fleet, &endpoint, &[]).await.expect("error", "endpoint_wrong_path", &[&fix]);
        }
    }
}

#[tokio::test]
#[ignore]
async fn a_page_for_people_is_no_metric_server() {
    let fleet = six("check-page").start().await;
    let page = || async { ([("content-type", "text/html")], "<html>Welcome</html>") };
    let answer =
        || async { axum::Json(json!({"status": "success", "data": {"resultType": "vector", "result": []}})) };
    let only_pages = serve(Router::new().fallback(any(page))).await;
    found(&fleet, &only_pages, &[]).await.expect(
        "error",
        "endpoint_wrong_path",
        &["/select/0/prometheus", "without /api/v1"],
    );
    let below = Router::new().route("/select/0/prometheus/api/v1/query", any(answer)).fallback(any(page));
    let url = serve(below).await;
    let fix = format!("PROMETHEUS_ENDPOINT={url}/select/0/prometheus");
    found(&fleet, &url, &[]).await.expect("error", "endpoint_wrong_path", &[&fix]);
    found(&fleet, format!("{url}/select/0/vmui"), &[]).await.expect("error", "endpoint_wrong_path", &[&fix]);
}

#[tokio::test]
#[ignore]
async fn missing_credentials_and_a_missing_tenant_are_told_with_the_variable_to_set() {
    let fleet = six("check-credentials").start().await;
    for status in [401, 403] {
        let server = Broken::start(Fault::Status(status)).await;
        let code = status.to_string();
        found(&fleet, &server, &[]).await.expect(
            "error",
            "endpoint_unauthorized",
            &[&code, "PROMETHEUS_BEARER_TOKEN_FILE"],
        );
    }
    let no_tenant = || async { (StatusCode::UNAUTHORIZED, "no org id") };
    let url = serve(Router::new().fallback(any(no_tenant))).await;
    found(&fleet, &url, &[]).await.expect(
        "error",
        "endpoint_tenant_missing",
        &["PROMETHEUS_HEADERS=X-Scope-OrgID"],
    );
}
