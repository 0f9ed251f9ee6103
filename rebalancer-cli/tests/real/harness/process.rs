//! Servers as child processes that never outlive the tests.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::harness::{assets, wait};

/// A port that looked free may be taken before the server binds it.
const ATTEMPTS: usize = 3;
const LOG_TAIL_LINES: usize = 25;

/// A running server; ends when dropped, and with the test binary if that ends first.
#[derive(Debug)]
pub(crate) struct Daemon {
    name: String,
    child: Child,
    dir: PathBuf,
    variables: Vec<(String, String)>,
    args: Vec<String>,
    log: PathBuf,
    /// The port it was told to take.
    pub(crate) port: u16,
}

impl Daemon {
    /// Starts `name` with the arguments that `args` makes for a free port, and waits until `ready`
    /// says so for that port. The log is `<dir>/<name>.log`.
    ///
    /// # Panics
    /// With the end of the log, when the server does not become ready.
    pub(crate) async fn start(
        name: &str,
        dir: &Path,
        args: impl Fn(u16) -> Vec<String>,
        ready: impl AsyncFn(u16) -> bool,
    ) -> Self {
        Self::start_with(name, dir, |port| (Vec::new(), args(port)), ready).await
    }

    /// The same with variables of its environment, which `configure` gives before the arguments.
    pub(crate) async fn start_with(
        name: &str,
        dir: &Path,
        configure: impl Fn(u16) -> (Vec<(String, String)>, Vec<String>),
        ready: impl AsyncFn(u16) -> bool,
    ) -> Self {
        let mut failures = Vec::new();
        for _ in 0..ATTEMPTS {
            let port = free_port();
            let mut daemon = Self::spawn(name, dir, port, configure(port));
            match daemon.readiness(&ready).await {
                Ok(()) => return daemon,
                Err(why) => failures.push(format!("{why}\n{}", daemon.log_tail())),
            }
        }
        panic!("{name} did not start:\n{}", failures.join("\n"));
    }

    fn spawn(
        name: &str,
        dir: &Path,
        port: u16,
        (variables, args): (Vec<(String, String)>, Vec<String>),
    ) -> Self {
        let log = dir.join(format!("{name}.log"));
        let output = File::create(&log).expect("the log can be created");
        // The kernel ends the server when the thread that started it ends.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(assets::find(name))
            .args(&args)
            .envs(variables.iter().cloned())
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("the log can be shared"))
            .stderr(output);
        let child = spawn_from_lasting_thread(command)
            .unwrap_or_else(|error| panic!("{name} can't be started by setpriv (util-linux): {error}"));
        Self { name: name.to_owned(), child, dir: dir.to_owned(), variables, args, log, port }
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn stop(&mut self) {
        // Already ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same port, with what it had written; waits until it is ready.
    ///
    /// # Panics
    /// With the end of the log, when it does not become ready.
    pub(crate) async fn restart(&mut self, ready: impl AsyncFn(u16) -> bool) {
        self.stop();
        *self = Self::spawn(&self.name, &self.dir, self.port, (self.variables.clone(), self.args.clone()));
        if let Err(why) = self.readiness(&ready).await {
            panic!("{why}\n{}", self.log_tail());
        }
    }

    async fn readiness(&mut self, ready: &impl AsyncFn(u16) -> bool) -> Result<(), String> {
        let deadline = Instant::now() + wait::PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be asked") {
                return Err(format!("{} ended before it was ready: {status}", self.name));
            }
            if ready(self.port).await {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("{} was not ready in {}s", self.name, wait::PATIENCE.as_secs()));
            }
            sleep(Duration::from_millis(25)).await;
        }
    }

    fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether the server on a port answers below this path that all is well.
pub(crate) fn answers(path: &str) -> impl AsyncFn(u16) -> bool {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    async move |port| {
        let answer = http.get(format!("http://127.0.0.1:{port}{path}")).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

/// A loopback port that nobody listens on, and that was not handed out before.
pub(crate) fn free_port() -> u16 {
    static HANDED_OUT: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        if HANDED_OUT.lock().expect("no panic while held").insert(port) {
            return port;
        }
    }
}

struct Order {
    command: Command,
    reply: mpsc::Sender<io::Result<Child>>,
}

/// The parent-death signal is about the starting *thread*, and a test's thread ends with the test,
/// while the control plane is for all tests: so one thread that lasts starts every server.
fn spawn_from_lasting_thread(command: Command) -> io::Result<Child> {
    static SPAWNER: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for mut order in inbox {
                let _ = order.reply.send(order.command.spawn());
            }
        });
        orders
    });
    let (reply, answer) = mpsc::channel();
    SPAWNER.send(Order { command, reply }).expect("the spawner lasts");
    answer.recv().expect("the spawner answers")
}
