//! A real broker: KRaft, one JVM, plaintext on loopback.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use rebalancer_kafka::{Address, KafkaGroupSource, Settings};
use tempfile::TempDir;

use crate::harness::process::free_port;
use crate::harness::wait;

/// A running broker. Its standard input is its life line: it ends with the test binary, and takes its data along.
#[derive(Debug)]
pub(crate) struct Broker {
    port: u16,
    child: Mutex<Child>,
    _lifeline: Option<ChildStdin>,
    folder: TempDir,
}

impl Broker {
    /// The one of this test binary, started by whoever asks first; the others wait.
    pub(crate) async fn shared() -> &'static Self {
        tokio::task::spawn_blocking(Self::shared_now).await.expect("the broker starts")
    }

    /// The same from where nothing can be awaited.
    pub(crate) fn shared_now() -> &'static Self {
        static SHARED: LazyLock<Broker> = LazyLock::new(Broker::start);
        &SHARED
    }

    /// One of a scenario's own, to be stopped, or as another cluster. It ends with the test binary too.
    pub(crate) async fn another() -> &'static Self {
        let start = || -> &'static Self { Box::leak(Box::new(Self::start())) };
        tokio::task::spawn_blocking(start).await.expect("the broker starts")
    }

    /// Ends it at once, as a machine does that fails.
    pub(crate) fn fail(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Host and port, as `KAFKA_BOOTSTRAP_SERVERS` takes them.
    pub(crate) fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Reads this group.
    pub(crate) fn source(&self, group: &str) -> KafkaGroupSource {
        let address = Address { host: "127.0.0.1".to_owned(), port: self.port };
        KafkaGroupSource::new(Settings::new([address], group).unwrap().timeout(Duration::from_secs(20)))
    }

    /// A name for a topic or group that no other scenario has.
    pub(crate) fn name(&self, name: &str) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        format!("{name}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
    }

    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, controller) = (free_port(), free_port());
        let properties = folder.path().join("broker.properties");
        fs::write(&properties, settings(folder.path(), port, controller)).unwrap();
        let log = File::create(folder.path().join("broker.log")).unwrap();
        let mut child = java("Broker", "512m")
            .arg(&properties)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("java starts");
        let lifeline = child.stdin.take();
        let broker = Self { port, child: Mutex::new(child), _lifeline: lifeline, folder };
        broker.wait();
        broker
    }

    fn wait(&self) {
        let end = Instant::now() + wait::PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let gone = self.child.lock().unwrap().try_wait().unwrap();
            let log = || fs::read_to_string(self.folder.path().join("broker.log")).unwrap();
            assert!(gone.is_none(), "the broker ended: {gone:?}\n{}", log());
            assert!(Instant::now() < end, "the broker was not ready in time\n{}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Already ended is as good.
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The folder that `.ci/kafka` prints.
///
/// # Panics
/// Says how to get it when it is not given.
pub(crate) fn assets() -> String {
    std::env::var("KAFKA_ASSETS").expect("these scenarios need KAFKA_ASSETS=\"$(.ci/kafka)\"")
}

/// A class of the harness in a small JVM.
pub(crate) fn java(class: &str, heap: &str) -> Command {
    let assets = assets();
    let mut command = Command::new("java");
    command
        .args([&format!("-Xmx{heap}"), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k"])
        .args(["-Djava.nio.channels.spi.SelectorProvider=harness.Bound"])
        .args(["--add-exports=java.base/sun.nio.ch=ALL-UNNAMED"])
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=error")
        .args(["-cp", &format!("{assets}:{assets}/*"), &format!("harness.{class}")]);
    command
}

/// Groups come to rest within a second or two: no settled group waits for members that may come.
fn settings(folder: &Path, port: u16, controller: u16) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=OPEN
listeners=OPEN://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=OPEN://127.0.0.1:{port}
listener.security.protocol.map=OPEN:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={logs}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.index.size.max.bytes=4096
log.segment.bytes=1048576
log.message.timestamp.before.max.ms=9223372036854775807
group.initial.rebalance.delay.ms=500
group.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=500
",
        logs = folder.join("data").display(),
    )
}
