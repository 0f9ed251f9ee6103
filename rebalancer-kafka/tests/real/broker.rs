//! A real broker: KRaft, one JVM, with a listener for each way of access.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rebalancer_kafka::{Address, Settings};
use tempfile::TempDir;

use crate::authority::Authority;
use crate::wait::PATIENCE;

/// Secrets of the tests. No message may contain one.
pub(crate) const PASSWORD: &str = "canary-password-7f3a";
pub(crate) const WRONG_PASSWORD: &str = "canary-wrong-b21c";
/// Who may do what its ACLs say; anybody on the listeners without authentication may do everything.
pub(crate) const USER: &str = "rebalancer";

/// Listeners by Kafka's own name for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Listener {
    Plaintext,
    Ssl,
    /// Asks clients for a certificate.
    Mtls,
    SaslPlaintext,
    SaslSsl,
    /// SASL without PLAIN.
    Scram,
    /// Advertises an address where nobody listens.
    Hidden,
    Controller,
}

const LISTENERS: [(Listener, &str, &str); 8] = [
    (Listener::Plaintext, "OPEN", "PLAINTEXT"),
    (Listener::Ssl, "TLS", "SSL"),
    (Listener::Mtls, "MTLS", "SSL"),
    (Listener::SaslPlaintext, "SASL", "SASL_PLAINTEXT"),
    (Listener::SaslSsl, "SASLTLS", "SASL_SSL"),
    (Listener::Scram, "SCRAM", "SASL_PLAINTEXT"),
    (Listener::Hidden, "HIDDEN", "PLAINTEXT"),
    (Listener::Controller, "CONTROLLER", "PLAINTEXT"),
];

/// A broker that runs until the test binary ends, or it is dropped: its standard input is its life line.
pub(crate) struct Broker {
    ports: BTreeMap<Listener, u16>,
    /// Where nobody listens.
    pub(crate) dead: u16,
    child: Child,
    _lifeline: Option<ChildStdin>,
    pub(crate) authority: Authority,
    pub(crate) folder: TempDir,
}

impl Broker {
    /// The one that all tests share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(&folder.path().join("authority"));
        let ports: BTreeMap<Listener, u16> =
            LISTENERS.iter().map(|(listener, ..)| *listener).zip(free_ports(LISTENERS.len())).collect();
        let dead = free_ports(1)[0];
        let properties = folder.path().join("broker.properties");
        fs::write(&properties, settings(folder.path(), &ports, dead, &authority)).unwrap();
        let log = File::create(folder.path().join("broker.log")).unwrap();
        let scram =
            |hash: &str| format!("SCRAM-SHA-{hash}=[name={USER},password={PASSWORD},iterations=4096]");
        let mut child = java("Broker", "512m")
            .arg(&properties)
            .args([scram("256"), scram("512")])
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let lifeline = child.stdin.take();
        let mut broker = Self { ports, dead, child, _lifeline: lifeline, authority, folder };
        broker.wait();
        broker
    }

    fn wait(&mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let gone = self.child.try_wait().unwrap();
            let log = || fs::read_to_string(self.folder.path().join("broker.log")).unwrap();
            assert!(gone.is_none(), "the broker ended: {gone:?}\n{}", log());
            let open = |port: &u16| TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], *port))).is_ok();
            if self.ports.values().all(open) {
                return;
            }
            assert!(Instant::now() < end, "the broker was not ready in time\n{}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub(crate) fn address(&self, listener: Listener) -> Address {
        Address { host: "127.0.0.1".to_owned(), port: self.ports[&listener] }
    }

    /// Nobody listens there.
    pub(crate) fn dead(&self) -> Address {
        Address { host: "127.0.0.1".to_owned(), port: self.dead }
    }

    pub(crate) fn settings(&self, listener: Listener, group: &str) -> Settings {
        Settings::new([self.address(listener)], group).unwrap().timeout(Duration::from_secs(20))
    }

    /// Puts a secret into a file.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// One more broker of the same cluster, with the number 2.
    pub(crate) fn second(&self) -> Second {
        let folder = tempfile::tempdir().unwrap();
        let port = free_ports(1)[0];
        let properties = folder.path().join("broker.properties");
        let settings = format!(
            "process.roles=broker
node.id=2
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=OPEN
listeners=OPEN://127.0.0.1:{port}
listener.security.protocol.map=OPEN:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={logs}
broker.rack=rack-b
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
",
            controller = self.ports[&Listener::Controller],
            logs = folder.path().join("data").display(),
        );
        fs::write(&properties, settings).unwrap();
        let log = File::create(folder.path().join("broker.log")).unwrap();
        let mut child = java("Broker", "384m")
            .arg(&properties)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let lifeline = child.stdin.take();
        Second { child, _lifeline: lifeline, _folder: folder }
    }

    pub(crate) fn rss_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// It ends, as by a crash, when it is dropped.
pub(crate) struct Second {
    child: Child,
    _lifeline: Option<ChildStdin>,
    _folder: TempDir,
}

impl Drop for Second {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A class of the harness in a small JVM.
pub(crate) fn java(class: &str, heap: &str) -> Command {
    let assets = std::env::var("KAFKA_ASSETS").expect("KAFKA_ASSETS=\"$(.ci/kafka)\"");
    let mut command = Command::new("java");
    command
        .args([&format!("-Xmx{heap}"), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k"])
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=error")
        .args(["-cp", &format!("{assets}:{assets}/*"), &format!("harness.{class}")]);
    command
}

/// Ports that were free just now, all different.
fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

fn settings(folder: &Path, ports: &BTreeMap<Listener, u16>, dead: u16, authority: &Authority) -> String {
    let at = |listener: &Listener| ports[listener];
    let listeners: Vec<String> =
        LISTENERS.iter().map(|(listener, name, _)| format!("{name}://127.0.0.1:{}", at(listener))).collect();
    let advertised: Vec<String> = LISTENERS
        .iter()
        .filter(|(listener, ..)| *listener != Listener::Controller)
        .map(|(listener, name, _)| {
            let port = if *listener == Listener::Hidden { dead } else { at(listener) };
            format!("{name}://127.0.0.1:{port}")
        })
        .collect();
    let protocols: Vec<String> =
        LISTENERS.iter().map(|(_, name, protocol)| format!("{name}:{protocol}")).collect();
    let [certificate, key] = authority.sign("broker", &["127.0.0.1"]);
    let keystore = folder.join("keystore.pem");
    fs::write(
        &keystore,
        [fs::read_to_string(key).unwrap(), fs::read_to_string(certificate).unwrap()].concat(),
    )
    .unwrap();
    let login = "org.apache.kafka.common.security";
    let plain = format!("{login}.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";");
    let scram = format!("{login}.scram.ScramLoginModule required;");
    let bearer = format!(
        "{login}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";"
    );
    let sasl = |name: &str| {
        format!(
            "listener.name.{name}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
listener.name.{name}.plain.sasl.jaas.config={plain}
listener.name.{name}.scram-sha-256.sasl.jaas.config={scram}
listener.name.{name}.scram-sha-512.sasl.jaas.config={scram}
listener.name.{name}.oauthbearer.sasl.jaas.config={bearer}"
        )
    };
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=OPEN
listeners={listeners}
advertised.listeners={advertised}
listener.security.protocol.map={protocols}
log.dirs={logs}
broker.rack=rack-a
auto.create.topics.enable=true
offsets.topic.num.partitions=8
log.index.size.max.bytes=4096
log.segment.bytes=1048576
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=1000
group.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=500
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:CN=trusted
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
listener.name.mtls.ssl.client.auth=required
{sasl}
{sasltls}
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.scram.scram-sha-512.sasl.jaas.config={scram}
",
        controller = at(&Listener::Controller),
        listeners = listeners.join(","),
        advertised = advertised.join(","),
        protocols = protocols.join(","),
        logs = folder.join("data").display(),
        keystore = keystore.display(),
        truststore = authority.file().display(),
        sasl = sasl("sasl"),
        sasltls = sasl("sasltls"),
    )
}
