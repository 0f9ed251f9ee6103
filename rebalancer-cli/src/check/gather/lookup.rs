//! Looks up what a query that gives nothing could have meant: which of the series that it reads there are, and what is
//! there in their place. Each question reads more series than the one before, so it is asked only when those before tell
//! too little.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::port::MetricsError;
use rebalancer_prom::query::Matchers;
use rebalancer_prom::{Client, Selector};

use super::super::facts::{Lookup, Sampling, Series};

/// A series that ended before is nobody's mistake of today.
const BACK: SignedDuration = SignedDuration::from_hours(6);
/// For so long it is looked at how samples come.
const SAMPLED: SignedDuration = SignedDuration::from_hours(1);
/// A metric of nearly the same name has so many of its words, in percent.
const NEARLY: usize = 60;
/// Metrics of nearly the same name that are told.
const MOST_SIMILAR: usize = 5;

/// Where to look, and for whom.
pub(super) struct Look<'a> {
    pub(super) client: &'a Client,
    pub(super) namespace: &'a str,
    pub(super) matchers: &'a Matchers,
    /// Pods of the fleet of which the query gives nothing; empty when the fleet is not known.
    pub(super) lacking: &'a [&'a str],
    pub(super) now: Timestamp,
}

impl Look<'_> {
    /// What there is of what a query reads.
    pub(super) async fn at(&self, query: &str, selector: &Selector) -> Lookup {
        Lookup {
            query: query.to_owned(),
            metric: selector.metric().to_owned(),
            selector: selector.to_string(),
            series: self.series(selector).await,
        }
    }

    /// # Errors
    /// When a question is not answered.
    async fn series(&self, selector: &Selector) -> Result<Series, MetricsError> {
        let pods = named(self.values(selector, "pod").await?);
        if !pods.is_empty() {
            let sampling = self.sampling(selector, &pods).await?;
            let newest_up = match sampling {
                Some(sampling) if sampling.is_late() => self.newest(&Selector::of_metric("up")).await?,
                Some(_) | None => None,
            };
            return Ok(Series { pods, sampling, newest_up, ..Series::default() });
        }
        let mut found = Series { newest: self.newest(selector).await?, ..Series::default() };
        if found.newest.is_some() {
            found.newest_up = self.newest(&Selector::of_metric("up")).await?;
        }
        found.unmatched = self.unmatched(selector).await?;
        if found.unmatched.is_none() {
            self.in_other_labels(selector, &mut found).await?;
        }
        Ok(found)
    }

    /// What is there under other containers, labels, namespaces or names.
    async fn in_other_labels(&self, selector: &Selector, found: &mut Series) -> Result<(), MetricsError> {
        if selector.asks_for("container") {
            found.containers = named(self.values(&selector.without("container"), "container").await?);
        }
        if !found.containers.is_empty() || found.newest.is_some() {
            return Ok(());
        }
        found.labels = self.labels(selector).await?;
        if found.labels.is_empty() {
            found.namespaces = self.namespaces(selector).await?;
        }
        if found.labels.is_empty() && found.namespaces.is_empty() {
            // Series without a namespace at all.
            found.labels = self.labels_of(&selector.of_any_label()).await?;
        }
        if let Some(pod) = self.lacking.first()
            && found.labels.is_empty()
            && found.namespaces.is_empty()
        {
            let there = self.client.metrics_of(self.namespace, pod, self.now).await?;
            found.similar = similar(selector.metric(), named(there));
        }
        Ok(())
    }

    /// A label of the matchers without which there are series, with its values.
    async fn unmatched(
        &self,
        selector: &Selector,
    ) -> Result<Option<(String, BTreeSet<String>)>, MetricsError> {
        for label in self.matchers.labels().filter(|label| selector.asks_for(label)) {
            let values = self.values(&selector.without(label), label).await?;
            if !values.is_empty() {
                return Ok(Some((label.to_owned(), values)));
            }
        }
        Ok(None)
    }

    /// The labels of series that have not those that name pod and container, or have them under the names that a scrape
    /// gives to what it must not overwrite.
    async fn labels(&self, selector: &Selector) -> Result<BTreeSet<String>, MetricsError> {
        let any = selector.without("container").without("pod");
        let exported = any.without("namespace").with("exported_namespace", self.namespace);
        for selector in [
            any.with("container", "").with("pod", ""),
            selector.without("container").with("container", ""),
            exported,
        ] {
            let labels = self.labels_of(&selector).await?;
            if !labels.is_empty() {
                return Ok(labels);
            }
        }
        Ok(BTreeSet::new())
    }

    async fn labels_of(&self, selector: &Selector) -> Result<BTreeSet<String>, MetricsError> {
        let mut labels = self.client.labels(selector, self.now).await?;
        labels.remove("__name__");
        Ok(named(labels))
    }

    /// All series of a metric are read only when none is in the namespace that is asked for.
    async fn namespaces(&self, selector: &Selector) -> Result<BTreeSet<String>, MetricsError> {
        if selector.asks_for("namespace") {
            let here = named(self.values(&selector.only("namespace"), "namespace").await?);
            if !here.is_empty() {
                return Ok(here);
            }
        }
        Ok(named(self.values(&selector.of_any_label(), "namespace").await?))
    }

    /// How the samples come of a pod that the query gives nothing of.
    async fn sampling(
        &self,
        selector: &Selector,
        pods: &BTreeSet<String>,
    ) -> Result<Option<Sampling>, MetricsError> {
        let of_fleet = self.lacking.iter().copied().find(|pod| pods.contains(*pod));
        let any = || pods.iter().next().map(String::as_str).filter(|_| self.lacking.is_empty());
        let Some(pod) = of_fleet.or_else(any) else { return Ok(None) };
        let times = self.client.sampled(&selector.with("pod", pod), self.now, SAMPLED).await?;
        let window = selector.range().and_then(|range| SignedDuration::try_from(range).ok());
        Ok(sampling(&times, window, self.now))
    }

    async fn values(&self, selector: &Selector, label: &str) -> Result<BTreeSet<String>, MetricsError> {
        self.client.values(selector, label, self.now).await
    }

    async fn newest(&self, selector: &Selector) -> Result<Option<Timestamp>, MetricsError> {
        self.client.newest(selector, self.now, BACK).await
    }
}

fn sampling(times: &[Timestamp], window: Option<SignedDuration>, now: Timestamp) -> Option<Sampling> {
    let age = now.duration_since(*times.last()?);
    let within =
        window.map_or(0, |window| times.iter().filter(|&&time| now.duration_since(time) < window).count());
    let mut between: Vec<SignedDuration> =
        times.windows(2).filter_map(|pair| Some(pair.last()?.duration_since(*pair.first()?))).collect();
    between.sort_unstable();
    let interval = between.get(between.len() / 2).copied();
    Some(Sampling { window, within, interval, age })
}

/// Those of these metrics whose names have most of the words of this one, the nearest first.
fn similar(metric: &str, there: BTreeSet<String>) -> BTreeSet<String> {
    let words = |name: &str| name.split('_').map(str::to_owned).collect::<BTreeSet<String>>();
    let wanted = words(metric);
    let shared = |name: &String| words(name).intersection(&wanted).count();
    let mut similar: Vec<String> =
        there.into_iter().filter(|name| shared(name) * 100 >= wanted.len() * NEARLY).collect();
    similar.sort_by_key(|name| std::cmp::Reverse(shared(name)));
    similar.into_iter().take(MOST_SIMILAR).collect()
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
    use rebalancer_prom::selectors;

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
        let client = Client::new(&rebalancer_prom::ClientSettings::new(base.parse().unwrap())).unwrap();
        let names = Placeholders {
            namespace: "shop".to_owned(),
            container: "app".to_owned(),
            workload: "orders".to_owned(),
            window: Window::new(std::time::Duration::from_mins(5)).unwrap(),
            matchers: Matchers::default(),
        };
        let query = fill(r#"m{namespace="{{namespace}}", container="{{container}}"}"#, &names).unwrap();
        let selector = selectors(&query).remove(0);
        let look = Look {
            client: &client,
            namespace: "shop",
            matchers: &Matchers::default(),
            lacking: &[],
            now: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24),
        };
        let found = tokio::select! {
            found = look.series(&selector) => found,
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
        assert_eq!(asked.iter().filter(|query| **query == all).count(), 1, "{asked:?}");
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

    #[test]
    fn the_interval_is_the_usual_one_and_a_gap_does_not_change_it() {
        let at = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
        let seconds = SignedDuration::from_secs;
        let of = |times: &[i64], window| {
            let times: Vec<Timestamp> = times.iter().map(|&second| at(second)).collect();
            sampling(&times, Some(seconds(window)), at(0))
        };
        let found = |within, interval: Option<i64>, age| {
            let interval = interval.map(seconds);
            Some(Sampling { window: Some(seconds(60)), within, interval, age: seconds(age) })
        };
        assert_eq!(of(&[-300, -240, -180, -61, -1], 60), found(1, Some(60), 1));
        assert_eq!(of(&[-50, -35, -20, -5], 60), found(4, Some(15), 5));
        assert_eq!(of(&[-20], 60), found(1, None, 20));
        assert_eq!(of(&[], 60), None);
    }

    #[test]
    fn a_metric_is_similar_when_most_of_its_words_are_the_same() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        let there = names(&[
            "kafka_consumer_fetch_manager_records_lag",
            "kafka_consumer_coordinator_commit_rate",
            "jvm_memory_used_bytes",
            "up",
        ]);
        let wanted = "kafka_consumer_consumer_fetch_manager_metrics_records_lag";
        assert_eq!(similar(wanted, there), names(&["kafka_consumer_fetch_manager_records_lag"]));
    }
}
