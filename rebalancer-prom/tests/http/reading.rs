//! What goes over the wire, and what each answer leads to.

use rebalancer_core::fleet::{CpuTarget, Indicator, Samples};
use rebalancer_core::port::{MetricsError, MetricsSource as _};
use wiremock::matchers::body_string_contains;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::world::{
    AT, EMPTY, ONE_POD, cpu, field, header, json, one_pod, requests_for, server, settings, source,
};

#[tokio::test]
async fn a_query_is_a_form_below_the_path_prefix() {
    let server = server(json(200, ONE_POD)).await;
    let settings =
        settings(&format!("{}/select/0/prometheus", server.uri())).header("X-Scope-OrgID", "team-a".into());
    assert_eq!(cpu(&settings).await, one_pod());

    let requests = requests_for(&server, "cpu").await;
    let request = &requests[0];
    assert_eq!((request.method.as_str(), request.url.path()), ("POST", "/select/0/prometheus/api/v1/query"));
    assert_eq!(field(request, "time").as_deref(), Some("1767323045.678"));
    let timeout: u64 = field(request, "timeout").unwrap().strip_suffix("ms").unwrap().parse().unwrap();
    assert!((1..=10_000).contains(&timeout), "{timeout}");
    assert_eq!(field(request, "limit"), None);
    assert_eq!(header(request, "content-type").as_deref(), Some("application/x-www-form-urlencoded"));
    assert_eq!(header(request, "x-scope-orgid").as_deref(), Some("team-a"));
    assert_eq!(header(request, "accept-encoding").as_deref(), Some("gzip"));
    assert!(header(request, "user-agent").unwrap().starts_with("pod-rebalancer/"));
    assert_eq!(header(request, "authorization"), None);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_not_read_to_its_end() {
    let server = server(json(200, &format!("{ONE_POD}{}", " ".repeat(1 << 20)))).await;
    let error = cpu(&settings(&server.uri()).response_limit(1000)).await.unwrap_err();
    assert!(matches!(error, MetricsError::Malformed { .. }), "{error}");
    assert!(error.to_string().contains("more than the 1000 bytes that are accepted"), "{error}");
    assert_eq!(requests_for(&server, "cpu").await.len(), 1);

    let whole = settings(&server.uri()).response_limit(ONE_POD.len() + (1 << 20));
    assert_eq!(cpu(&whole).await, one_pod());
}

#[tokio::test]
async fn an_answer_that_is_not_whole_or_not_an_answer_is_sorted() {
    let partial = server(json(200, &EMPTY.replace("\"data\"", "\"isPartial\":true,\"data\""))).await;
    assert!(matches!(cpu(&settings(&partial.uri())).await, Err(MetricsError::Incomplete { .. })));
    let page = server(ResponseTemplate::new(200).set_body_string("<html>Sign in</html>")).await;
    let error = cpu(&settings(&page.uri())).await.unwrap_err();
    assert!(
        matches!(error, MetricsError::Malformed { .. }) && error.to_string().contains("<html>Sign in"),
        "{error}"
    );
}

#[tokio::test]
async fn each_part_of_a_reading_fails_by_itself() {
    let server = MockServer::start().await;
    let hpa = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"horizontalpodautoscaler":"orders","metric_target_type":"utilization"},"value":[1,"70"]}]}}"#;
    for (query, answer) in
        [("kube_pod", json(200, ONE_POD)), ("kube_horizontal", json(200, hpa)), ("cpu", json(400, ""))]
    {
        Mock::given(body_string_contains(query)).respond_with(answer).mount(&server).await;
    }
    let source = source(&settings(&server.uri()));
    let readings = source.read(AT.parse().unwrap()).await;
    assert!(matches!(readings.loads[&Indicator::Cpu], Err(MetricsError::Refused { .. })));
    assert_eq!(readings.cpu_requests, Ok(Samples::new()), "the specifications of pods tell them");
    assert_eq!(source.cpu_requests(AT.parse().unwrap()).await, one_pod());
    let hpas = readings.hpas.unwrap();
    assert_eq!((hpas[0].name.as_str(), hpas[0].cpu), ("orders", Some(CpuTarget::Utilization(70.0))));
    assert_eq!(readings.partitions, None);
}
