//! `rebalancer serve`, as a Deployment runs it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::harness::rebalancer::Rebalancer;
use crate::harness::wait;

/// A replica; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    log: Arc<Mutex<Vec<Value>>>,
    url: String,
    _home: TempDir,
}

impl Serving {
    /// Starts one, whose arguments say so, on a free port, and waits until it answers.
    pub(crate) async fn start(rebalancer: Rebalancer) -> Self {
        let (mut child, home) = rebalancer.env("LISTEN_ADDRESS", "127.0.0.1:0").spawn();
        let log: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (lines, kept) = (child.stderr.take().unwrap(), Arc::clone(&log));
        tokio::spawn(async move {
            let mut lines = BufReader::new(lines).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                kept.lock().unwrap().push(line);
            }
        });
        let mut serving = Self { child, log, url: String::new(), _home: home };
        let begun = wait::until("it serves", async || {
            serving.events("serving").pop().ok_or_else(|| format!("{:#?}", serving.log()))
        });
        let begun = begun.await;
        serving.url = format!("http://{}", begun["address"].as_str().unwrap());
        serving
    }

    /// Everything that it has logged.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }

    /// The lines with this event.
    pub(crate) fn events(&self, event: &str) -> Vec<Value> {
        self.log().into_iter().filter(|line| line["event"] == event).collect()
    }

    /// Waits until it has logged at least so many lines with this event, and returns them.
    pub(crate) async fn until(&self, event: &str, count: usize) -> Vec<Value> {
        wait::until(event, async || {
            let events = self.events(event);
            if events.len() >= count { Ok(events) } else { Err(format!("{:#?}", self.log())) }
        })
        .await
    }

    /// The address of what it serves at this path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Status and text of what it serves at this path.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(self.url(path)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// CPU time that it has used, and its memory that is resident, in bytes.
    pub(crate) fn usage(&self) -> (Duration, u64) {
        let id = self.child.id().expect("it still runs");
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kibibytes: u64 = resident.trim().split(' ').next().unwrap().parse().unwrap();
        (Duration::from_millis(ticks * 10), kibibytes << 10)
    }

    /// Sends a signal by its name, such as `STOP`.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it still runs").to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().await.unwrap().success());
    }

    /// Ends it as the kernel does when memory is short.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, and waits until it has. Returns its exit code.
    pub(crate) async fn terminated(&mut self) -> i32 {
        self.signal("TERM").await;
        let ended = timeout(wait::PATIENCE, self.child.wait()).await.expect("it ends").unwrap();
        ended.code().expect("it ends by itself")
    }
}
