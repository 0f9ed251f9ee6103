//! Metric servers of both kinds that scrape a Pushgateway and exporters once a second.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::metrics::Server;
use crate::harness::process::{Daemon, answers};

/// A metric server that scrapes.
#[derive(Debug)]
pub(crate) struct Monitor {
    /// Its base URL.
    pub(crate) url: String,
    pub(crate) server: Server,
    http: reqwest::Client,
    _daemon: Daemon,
    _dir: TempDir,
}

impl AsRef<str> for Monitor {
    fn as_ref(&self) -> &str {
        &self.url
    }
}

/// What a server says of a time, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) step: f64,
}

impl Monitor {
    /// Scrapes these targets (host and port), as README.md says: with the labels that they tell.
    pub(crate) async fn start(server: Server, targets: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let config = format!(
            "global: {{scrape_interval: 1s}}\n\
             scrape_configs: [{{job_name: all, honor_labels: true, static_configs: [{{targets: {targets:?}}}]}}]\n"
        );
        fs::write(path("scrape.yml"), config).unwrap();
        let (config, data) = (path("scrape.yml"), path("data"));
        let daemon = match server {
            Server::Prometheus => {
                let args = |port| {
                    vec![
                        format!("--config.file={config}"),
                        format!("--storage.tsdb.path={data}"),
                        format!("--web.listen-address=127.0.0.1:{port}"),
                    ]
                };
                Daemon::start("prometheus", dir.path(), args, answers("/-/ready")).await
            }
            Server::VictoriaMetrics => {
                let args = |port| {
                    vec![
                        format!("-promscrape.config={config}"),
                        format!("-storageDataPath={data}"),
                        format!("-httpListenAddr=127.0.0.1:{port}"),
                        "-search.latencyOffset=0s".to_owned(),
                        "-memory.allowedBytes=512MB".to_owned(),
                    ]
                };
                Daemon::start("victoria-metrics", dir.path(), args, answers("/health")).await
            }
        };
        let url = format!("http://127.0.0.1:{}", daemon.port);
        Self { url, server, http: client(), _daemon: daemon, _dir: dir }
    }

    /// Values now.
    pub(crate) async fn instant(&self, query: &str) -> Vec<Value> {
        self.elements("query", &[("query", query.to_owned())]).await
    }

    /// Values over a time.
    pub(crate) async fn range(&self, query: &str, span: Span) -> Vec<Value> {
        let Span { from, to, step } = span;
        let times = [("start", from.to_string()), ("end", to.to_string()), ("step", step.to_string())];
        let params = [[("query", query.to_owned())].as_slice(), &times].concat();
        self.elements("query_range", &params).await
    }

    /// Values of a label of the series that this selects, over a time.
    pub(crate) async fn label_values(&self, selector: &str, label: &str, span: Span) -> Vec<String> {
        let times = [("start", span.from.to_string()), ("end", span.to.to_string())];
        let params = [[("match[]", selector.to_owned())].as_slice(), &times].concat();
        let data = self.ask(&format!("label/{label}/values"), &params).await;
        serde_json::from_value(data).unwrap()
    }

    async fn elements(&self, path: &str, params: &[(&str, String)]) -> Vec<Value> {
        self.ask(path, params).await["result"].as_array().unwrap().clone()
    }

    async fn ask(&self, path: &str, params: &[(&str, String)]) -> Value {
        let mut url = url::Url::parse(&format!("{}/api/v1/{path}", self.url)).unwrap();
        url.query_pairs_mut().extend_pairs(params);
        let answer = self.http.get(url).send().await.unwrap().text().await.unwrap();
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "success", "{:?}: {params:?}: {answer}", self.server);
        answer["data"].take()
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
