//! Servers that metrics are pushed to, and a Prometheus that scrapes a Pushgateway.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::process::{Daemon, answers};
use crate::harness::wait;

/// A real Pushgateway; ends when dropped.
#[derive(Debug)]
pub(crate) struct Pushgateway {
    /// Its base URL.
    pub(crate) url: String,
    http: reqwest::Client,
    daemon: Daemon,
    _dir: TempDir,
}

impl Pushgateway {
    pub(crate) async fn start() -> Self {
        let (dir, http) = (tempfile::tempdir().unwrap(), client());
        // Debian's build keeps what was pushed in a file of the machine, for the next that starts.
        let args =
            |port| vec![format!("--web.listen-address=127.0.0.1:{port}"), "--persistence.file=".to_owned()];
        let daemon = Daemon::start("prometheus-pushgateway", dir.path(), args, answers("/-/ready")).await;
        Self { url: format!("http://127.0.0.1:{}", daemon.port), http, daemon, _dir: dir }
    }

    /// From now on nobody listens.
    pub(crate) fn stop(&mut self) {
        self.daemon.stop();
    }

    /// All series of the rebalancer, by name and labels as text, without those of the Pushgateway itself.
    pub(crate) async fn series(&self) -> BTreeMap<String, f64> {
        let text = self.http.get(format!("{}/metrics", self.url)).send().await.unwrap().text().await.unwrap();
        let lines = text.lines().filter(|line| line.starts_with("rebalancer_"));
        let parsed = lines.map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            (series.to_owned(), value.parse().expect("a number"))
        });
        parsed.collect()
    }

    /// A Prometheus that scrapes it several times a second, as it should be scraped.
    pub(crate) async fn scraped(&self) -> Prometheus {
        let (dir, http) = (tempfile::tempdir().unwrap(), client());
        let path = |name: &str| dir.path().join(name).display().to_string();
        let target = self.url.trim_start_matches("http://");
        let config = format!(
            "scrape_configs:\n- job_name: pushgateway\n  honor_labels: true\n  scrape_interval: 250ms\n  \
             scrape_timeout: 250ms\n  static_configs:\n  - targets: ['{target}']\n"
        );
        fs::write(path("prometheus.yml"), config).unwrap();
        let args = |port| {
            vec![
                format!("--config.file={}", path("prometheus.yml")),
                format!("--storage.tsdb.path={}", path("data")),
                format!("--web.listen-address=127.0.0.1:{port}"),
            ]
        };
        let daemon = Daemon::start("prometheus", dir.path(), args, answers("/-/ready")).await;
        Prometheus { url: format!("http://127.0.0.1:{}", daemon.port), http, _daemon: daemon, _dir: dir }
    }
}

/// A running Prometheus; ends when dropped.
#[derive(Debug)]
pub(crate) struct Prometheus {
    url: String,
    http: reqwest::Client,
    _daemon: Daemon,
    _dir: TempDir,
}

impl Prometheus {
    /// An instant query that gives one number, or nothing; at this Unix time, or now.
    pub(crate) async fn number(&self, query: &str, at: Option<f64>) -> Option<f64> {
        let at = at.map(|at| ("time", at.to_string()));
        let form: Vec<(&str, String)> = [("query", query.to_owned())].into_iter().chain(at).collect();
        let request = self.http.post(format!("{}/api/v1/query", self.url)).form(&form);
        let answer = request.send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let elements = answer["data"]["result"].as_array().expect("a vector");
        assert!(elements.len() < 2, "{query}: {answer}");
        Some(elements.first()?["value"][1].as_str().unwrap().parse().unwrap())
    }

    /// Waits until it has scraped what was pushed after this Unix time.
    pub(crate) async fn has_scraped_since(&self, pushed_after: f64) {
        wait::until("the push to be scraped", async || {
            match self.number("max(push_time_seconds)", None).await {
                Some(time) if time >= pushed_after => Ok(()),
                time => Err(format!("the last one was at {time:?}")),
            }
        })
        .await;
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
