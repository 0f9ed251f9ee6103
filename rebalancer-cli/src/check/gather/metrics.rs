//! Reads the metric server, and looks up what a query that gives nothing could have meant.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::cycle::Observation;
use rebalancer_core::port::{MetricsError, MetricsSource as _};
use rebalancer_prom::{Client, PrometheusSource, Queries, Selector, Unusable, selectors};

use super::super::facts::{Lookup, Metrics, Series};
use super::ahead;

/// A series that ended before is nobody's mistake of today.
const BACK: SignedDuration = SignedDuration::from_hours(6);
/// A query reads few metrics.
const MOST_SELECTORS: usize = 4;

pub(super) async fn of(client: &Client, source: &PrometheusSource, now: Timestamp) -> Metrics {
    let answers = client.probe().await;
    let answered_at = Timestamp::now();
    let clock = answers.as_ref().ok().and_then(|answers| answers.clock);
    let elsewhere = match &answers {
        Err(Unusable::Status { code: 300..=399 | 400 | 404 | 405, .. } | Unusable::Foreign { .. }) => {
            client.elsewhere().await
        }
        Ok(_) | Err(_) => None,
    };
    let readings = if answers.is_ok() { Some(source.read(now).await) } else { None };
    let ahead = clock.map(|clock| ahead(answered_at, clock));
    Metrics { base: client.base(), answers, elsewhere, ahead, readings, lookups: Vec::new() }
}

/// Looks at what each query reads that gives no sample of any of the fleet's pods.
pub(super) async fn lookups(
    client: &Client,
    queries: &Queries,
    metrics: &Metrics,
    fleet: Option<&Observation>,
    now: Timestamp,
) -> Vec<Lookup> {
    let mut found = Vec::new();
    for (name, query) in queries.of_loads() {
        if !gives_nothing(metrics, fleet, name) {
            continue;
        }
        for selector in selectors(query).iter().take(MOST_SELECTORS) {
            found.push(lookup(client, name, selector, now).await);
        }
    }
    found
}

fn gives_nothing(metrics: &Metrics, fleet: Option<&Observation>, name: &str) -> bool {
    let Some(readings) = &metrics.readings else { return false };
    let load = readings.loads.iter().find(|(indicator, _)| indicator.name() == name);
    let seen: BTreeSet<&str> = match (load, &readings.partitions) {
        (Some((_, Ok(samples))), _) => samples.keys().map(String::as_str).collect(),
        (None, Some(Ok(partitions))) => partitions.iter().map(|load| load.pod.as_str()).collect(),
        (Some((_, Err(_))), _) | (None, Some(Err(_)) | None) => return false,
    };
    let pods = fleet.map(|fleet| fleet.snapshot.pods.as_slice()).unwrap_or_default();
    if pods.is_empty() {
        seen.is_empty()
    } else {
        !pods.iter().any(|pod| seen.contains(pod.pod.name.as_str()))
    }
}

async fn lookup(client: &Client, query: &str, selector: &Selector, now: Timestamp) -> Lookup {
    Lookup {
        query: query.to_owned(),
        metric: selector.metric().to_owned(),
        selector: selector.to_string(),
        series: series(client, selector, now).await,
    }
}

/// Asks as little as tells something: each question reads more series than the one before.
///
/// # Errors
/// When a question is not answered.
async fn series(client: &Client, selector: &Selector, now: Timestamp) -> Result<Series, MetricsError> {
    let pods = named(client.values(selector, "pod", now).await?);
    if !pods.is_empty() {
        return Ok(Series { pods, ..Series::default() });
    }
    let newest = client.newest(selector, now, BACK).await?;
    let containers = match selector.asks_for("container") {
        true => named(client.values(&selector.without("container"), "container", now).await?),
        false => BTreeSet::new(),
    };
    let namespaces = match newest.is_none() && containers.is_empty() {
        true => namespaces(client, selector, now).await?,
        false => BTreeSet::new(),
    };
    Ok(Series { pods, containers, namespaces, newest })
}

/// All series of a metric are read only when none is in the requested namespace.
async fn namespaces(
    client: &Client,
    selector: &Selector,
    now: Timestamp,
) -> Result<BTreeSet<String>, MetricsError> {
    if selector.asks_for("namespace") {
        let here = named(client.values(&selector.only("namespace"), "namespace", now).await?);
        if !here.is_empty() {
            return Ok(here);
        }
    }
    Ok(named(client.values(&selector.of_any_label(), "namespace", now).await?))
}

/// Without those that have no such label. Names come from elsewhere: only those that can be names are shown.
fn named(values: BTreeSet<String>) -> BTreeSet<String> {
    let plain = |value: &String| !value.is_empty() && !value.chars().any(char::is_control);
    values.into_iter().filter(plain).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::post;
    use rebalancer_prom::query::{Placeholders, Window, fill};

    use super::*;

    const NOTHING: &str = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    const SHOP: &str = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"namespace":"shop"},"value":[0,"1"]}]}}"#;

    /// Looks up `m{namespace="shop", container="app"}`, and gives the queries that were asked for that.
    async fn looked_up(
        answer: fn(&str) -> (StatusCode, &'static str),
    ) -> (Result<Series, MetricsError>, Vec<String>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let also = Arc::clone(&asked);
        let handler = async move |form: String| {
            let mut form = url::form_urlencoded::parse(form.as_bytes());
            let query = form.find(|(name, _)| name == "query").unwrap().1.into_owned();
            let answer = answer(&query);
            also.lock().unwrap().push(query);
            answer
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = axum::serve(listener, Router::new().route("/api/v1/query", post(handler)));
        let client = Client::new(&rebalancer_prom::Settings::new(base.parse().unwrap())).unwrap();
        let names = Placeholders {
            namespace: "shop".to_owned(),
            container: "app".to_owned(),
            workload: "orders".to_owned(),
            window: Window::new(std::time::Duration::from_mins(5)).unwrap(),
        };
        let query = fill(r#"m{namespace="{{namespace}}", container="{{container}}"}"#, &names).unwrap();
        let selector = selectors(&query).remove(0);
        let found = tokio::select! {
            found = series(&client, &selector, Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24)) => found,
            _ = server.into_future() => panic!("the server ended"),
        };
        let asked = asked.lock().unwrap().clone();
        (found, asked)
    }

    #[tokio::test]
    async fn all_series_of_a_metric_are_read_only_when_nothing_else_tells_more() {
        let all = "group by (namespace) (m)".to_owned();
        let (found, asked) = looked_up(|_| (StatusCode::OK, NOTHING)).await;
        assert_eq!(found, Ok(Series::default()));
        assert_eq!(asked.last(), Some(&all));
        let here = |query: &str| match query {
            r#"group by (namespace) (m{namespace="shop"})"# => (StatusCode::OK, SHOP),
            _ => (StatusCode::OK, NOTHING),
        };
        let (found, asked) = looked_up(here).await;
        assert_eq!(found, Ok(Series { namespaces: ["shop".to_owned()].into(), ..Series::default() }));
        assert!(!asked.contains(&all), "{asked:?}");
    }

    #[tokio::test]
    async fn a_look_up_that_fails_is_not_taken_for_one_that_finds_nothing() {
        let fails = |query: &str| match query.contains("timestamp(") {
            true => (StatusCode::UNPROCESSABLE_ENTITY, "too many samples"),
            false => (StatusCode::OK, NOTHING),
        };
        let error = looked_up(fails).await.0.unwrap_err().to_string();
        assert!(error.contains("too many samples"), "{error}");
    }
}
