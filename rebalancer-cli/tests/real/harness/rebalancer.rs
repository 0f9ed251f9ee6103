//! The built binary, run as a user or a CronJob runs it.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::harness::wait;

/// The binary that was built with the tests, unless `REBALANCER_BINARY` names another build, such as a release to be
/// measured.
fn binary() -> OsString {
    env::var_os("REBALANCER_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_rebalancer").into())
}

/// A run to be: arguments and environment. Nothing of the tests' own environment is passed on.
#[derive(Debug, Default, Clone)]
pub(crate) struct Rebalancer {
    binary: Option<OsString>,
    args: Vec<String>,
    environment: BTreeMap<String, String>,
}

impl Rebalancer {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Runs this build of it.
    pub(crate) fn binary(mut self, binary: &str) -> Self {
        self.binary = Some(binary.into());
        self
    }

    /// Adds arguments.
    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|&arg| arg.to_owned()));
        self
    }

    /// Sets one variable.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves one variable out again.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Sets variables.
    pub(crate) fn envs(mut self, variables: &[(&str, &str)]) -> Self {
        for &(name, value) in variables {
            self = self.env(name, value);
        }
        self
    }

    /// Uses this kubeconfig.
    pub(crate) fn kubeconfig(self, file: &Path) -> Self {
        self.env("KUBECONFIG", file.display().to_string())
    }

    /// Runs it to its end.
    pub(crate) async fn run(self) -> Run {
        self.start().finish().await
    }

    /// Starts it, to do something while it runs.
    pub(crate) fn start(self) -> Running {
        let logs_are_json = self.environment.get("LOG_FORMAT").is_none_or(|format| format == "json");
        let (child, home) = self.spawn();
        Running { child, started: Instant::now(), logs_are_json, _home: home }
    }

    /// The process alone, with its folder.
    pub(crate) fn spawn(self) -> (Child, TempDir) {
        let home = tempfile::tempdir().unwrap();
        let child = Command::new(self.binary.unwrap_or_else(binary))
            .args(&self.args)
            .env_clear()
            .env("HOME", home.path())
            .env("PATH", home.path())
            .envs(&self.environment)
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        (child, home)
    }
}

/// A run under way; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    started: Instant,
    logs_are_json: bool,
    _home: TempDir,
}

impl Running {
    /// Sends SIGTERM, as Kubernetes does.
    pub(crate) async fn terminate(&self) {
        let id = self.child.id().expect("it still runs");
        let kill = Command::new("sh").args(["-c", &format!("kill -TERM {id}")]).status().await.unwrap();
        assert!(kill.success());
    }

    /// Ends it as the kernel does when memory is short, and waits until it is gone.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end; when it logs what is not JSON, except for messages about its command line or
    /// configuration (exit code 2).
    pub(crate) async fn finish(self) -> Run {
        let Self { child, started, logs_are_json, _home } = self;
        let id = child.id().expect("it was not waited for");
        let end = timeout(wait::PATIENCE * 2, child.wait_with_output());
        let (output, (peak_memory, cpu)) = with_peak(id, end).await;
        let elapsed = started.elapsed();
        let output = output.expect("it ends").unwrap();
        let run = Run {
            exit_code: exit_code(output.status),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
            elapsed,
            peak_memory,
            cpu,
        };
        if logs_are_json && run.exit_code != 2 {
            drop(run.log());
        }
        run
    }
}

/// What a run left.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) exit_code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) elapsed: Duration,
    /// The most memory it had resident, in bytes.
    pub(crate) peak_memory: u64,
    /// CPU time that it used, to ten milliseconds.
    pub(crate) cpu: Duration,
}

impl Run {
    /// Its log, one JSON object a line.
    ///
    /// # Panics
    /// With the first line that is none.
    pub(crate) fn log(&self) -> Vec<Value> {
        let lines = self.stderr.lines();
        lines
            .map(|line| match serde_json::from_str(line) {
                Ok(value @ Value::Object(_)) => value,
                _ => panic!("not a JSON object: {line}\nin:\n{}", self.stderr),
            })
            .collect()
    }

    /// What it said to people, whatever the width of its lines.
    pub(crate) fn words(&self) -> String {
        self.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The log's objects whose text contains all of these.
    pub(crate) fn log_with(&self, needles: &[&str]) -> Vec<Value> {
        let lines = self.log().into_iter();
        lines
            .filter(|line| {
                let text = line.to_string();
                needles.iter().all(|needle| text.contains(needle))
            })
            .collect()
    }

    /// Fails with everything it wrote, unless it ended with this code.
    #[track_caller]
    pub(crate) fn expect_exit(self, code: i32) -> Self {
        assert_eq!(self.exit_code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// Awaits the end of a process and tells its peak memory and its CPU time: the kernel's own numbers, read every few
/// milliseconds, as they are gone with the process.
async fn with_peak<T>(id: u32, end: impl Future<Output = T>) -> (T, (u64, Duration)) {
    let (mut peak, mut cpu) = (0, Duration::ZERO);
    let mut end = std::pin::pin!(end);
    loop {
        peak = high_water_mark(id).unwrap_or(peak);
        cpu = cpu_time(id).map_or(cpu, |now| now.max(cpu));
        tokio::select! {
            output = &mut end => return (output, (peak, cpu)),
            () = sleep(Duration::from_millis(2)) => {}
        }
    }
}

/// CPU time that a process has used; `None` when it is gone.
pub(crate) fn cpu_time(id: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<u64> =
        stat.rsplit_once(") ")?.1.split(' ').map(|field| field.parse().unwrap_or(0)).collect();
    // User and system time, in hundredths of a second.
    Some(Duration::from_millis((fields.get(11)? + fields.get(12)?) * 10))
}

fn high_water_mark(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| panic!("ended by signal {:?}", status.signal()))
}
