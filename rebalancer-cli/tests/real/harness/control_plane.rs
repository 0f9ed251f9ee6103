//! A real control plane, shared by all scenarios: etcd, kube-apiserver with RBAC and
//! kube-controller-manager, and a fake kubelet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;

use crate::harness::process::Daemon;
use crate::harness::{kubelet, wait};

/// May do everything: in the group `system:masters`.
pub(crate) const ADMIN_TOKEN: &str = "admin-token";
/// A user that exists and has no rights: 403 where an unknown token gets 401.
pub(crate) const STRANGER_TOKEN: &str = "stranger-token";

const CONTROLLERS: &str = "deployment-controller,replicaset-controller,statefulset-controller,\
    replicationcontroller-controller,\
    disruption-controller,serviceaccount-controller,serviceaccount-token-controller,\
    namespace-controller,garbage-collector-controller,job-controller,validatingadmissionpolicy-status-controller";

/// Plain data and processes: clients belong to the runtime of the test that makes them.
#[derive(Debug)]
pub(crate) struct ControlPlane {
    /// `https://127.0.0.1:<port>`.
    pub(crate) url: String,
    dir: PathBuf,
    api_server: tokio::sync::Mutex<Daemon>,
    _others: [Daemon; 2],
}

impl ControlPlane {
    /// The one of this test binary, started by whoever asks first; the others wait.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: LazyLock<ControlPlane> = LazyLock::new(|| {
            // A thread of its own: the caller's runtime may not be blocked on from inside.
            let starter = thread::spawn(|| runtime().block_on(ControlPlane::start()));
            starter.join().expect("the control plane starts")
        });
        &SHARED
    }

    /// One of a scenario's own, whose API server may be stopped.
    pub(crate) async fn own() -> &'static Self {
        Box::leak(Box::new(Self::start().await))
    }

    /// Ends the API server at once. What it has stored stays in etcd.
    pub(crate) async fn stop_api_server(&self) {
        self.api_server.lock().await.stop();
    }

    /// Starts the API server again, on the same port.
    pub(crate) async fn restart_api_server(&self) {
        let ready = ready(&self.dir);
        self.api_server.lock().await.restart(ready).await;
    }

    async fn start() -> Self {
        let dir = folder();
        write_certificates(&dir);
        let tokens = format!("{ADMIN_TOKEN},admin,1,system:masters\n{STRANGER_TOKEN},stranger,2\n");
        fs::write(dir.join("tokens.csv"), tokens).unwrap();

        let etcd = start_etcd(&dir).await;
        let api_server = start_api_server(&dir, etcd.port).await;
        let url = format!("https://127.0.0.1:{}", api_server.port);
        let admin = write_kubeconfig(&dir.join("admin.kubeconfig"), &dir, &url, ADMIN_TOKEN);
        let controllers = start_controllers(&dir, &admin).await;

        let api_server = tokio::sync::Mutex::new(api_server);
        let plane = Self { url, dir, api_server, _others: [etcd, controllers] };
        kubelet::start(&admin).await;
        plane
    }

    /// A client with all rights, for the runtime of the caller. It repeats nothing: a refusal is an answer.
    pub(crate) async fn admin(&self) -> Client {
        client(&self.admin_kubeconfig(), false).await
    }

    /// A kubeconfig with all rights, for helm and kubectl.
    pub(crate) fn admin_kubeconfig(&self) -> PathBuf {
        self.dir.join("admin.kubeconfig")
    }

    /// The certificate authority that signed the API server's certificate.
    pub(crate) fn certificate_authority(&self) -> Vec<u8> {
        fs::read(self.dir.join("ca.crt")).unwrap()
    }

    /// Writes a kubeconfig for a token; `server` may be a proxy's URL instead of [`Self::url`].
    pub(crate) fn kubeconfig(&self, file: &Path, server: &str, token: &str) -> PathBuf {
        write_kubeconfig(file, &self.dir, server, token)
    }

    /// Creates a namespace of its own for a scenario, `<name>-<number>`, ready to hold pods.
    pub(crate) async fn namespace(&self, client: &Client, name: &str) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("{name}-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let object = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
        let namespaces: Api<Namespace> = Api::all(client.clone());
        namespaces.create(&PostParams::default(), &object).await.unwrap();
        default_service_account(client, &name).await;
        name
    }

    /// A token of a service account, from its `token` subresource.
    pub(crate) async fn token(&self, client: &Client, namespace: &str, service_account: &str) -> String {
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
        let request: TokenRequest = serde_json::from_value(json!({"spec": {"audiences": []}})).unwrap();
        let answer = accounts.create_token_request(service_account, &PostParams::default(), &request).await;
        answer.unwrap().status.expect("the API server fills the token in").token
    }
}

/// A client from a kubeconfig. With `patient`, answers 429, 503 and 504 are repeated.
pub(crate) async fn client(kubeconfig: &Path, patient: bool) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    config.default_retry = patient;
    Client::try_from(config).unwrap()
}

/// A runtime for a thread that serves all tests.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn start_etcd(dir: &Path) -> Daemon {
    let args = |port| {
        let url = format!("http://127.0.0.1:{port}");
        vec![
            format!("--data-dir={}", dir.join("etcd").display()),
            format!("--listen-client-urls={url}"),
            format!("--advertise-client-urls={url}"),
            "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
        ]
    };
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready = async |port| answers(&http, &format!("http://127.0.0.1:{port}/health")).await;
    Daemon::start("etcd", dir, args, ready).await
}

async fn start_api_server(dir: &Path, etcd_port: u16) -> Daemon {
    let file = |name: &str| dir.join(name).display().to_string();
    let args = |port| {
        vec![
            format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--cert-dir={}", file("apiserver")),
            format!("--tls-cert-file={}", file("server.crt")),
            format!("--tls-private-key-file={}", file("server.key")),
            format!("--client-ca-file={}", file("ca.crt")),
            "--authorization-mode=Node,RBAC".to_owned(),
            format!("--token-auth-file={}", file("tokens.csv")),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", file("accounts.pub")),
            format!("--service-account-signing-key-file={}", file("accounts.key")),
            "--endpoint-reconciler-type=none".to_owned(),
            "--allow-privileged=true".to_owned(),
        ]
    };
    Daemon::start("kube-apiserver", dir, args, ready(dir)).await
}

/// The API server on a port is ready.
fn ready(dir: &Path) -> impl AsyncFn(u16) -> bool {
    let authority = reqwest::Certificate::from_pem(&fs::read(dir.join("ca.crt")).unwrap()).unwrap();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([authority]).build().unwrap();
    async move |port| answers(&http, &format!("https://127.0.0.1:{port}/readyz")).await
}

async fn start_controllers(dir: &Path, kubeconfig: &Path) -> Daemon {
    let args = |_| {
        vec![
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--controllers={CONTROLLERS}"),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
            format!("--service-account-private-key-file={}", dir.join("accounts.key").display()),
            format!("--root-ca-file={}", dir.join("ca.crt").display()),
            "--kube-api-qps=500".to_owned(),
            "--kube-api-burst=1000".to_owned(),
        ]
    };
    // It listens nowhere: its work tells that it runs.
    let client = client(kubeconfig, true).await;
    let accounts: Api<ServiceAccount> = Api::namespaced(client, "default");
    let ready = async |_| accounts.get_opt("default").await.is_ok_and(|account| account.is_some());
    Daemon::start("kube-controller-manager", dir, args, ready).await
}

async fn answers(http: &reqwest::Client, url: &str) -> bool {
    let answer = http.get(url).bearer_auth(ADMIN_TOKEN).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

async fn default_service_account(client: &Client, namespace: &str) {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    wait::until("the namespace's service account", async || match accounts.get_opt("default").await {
        Ok(Some(_)) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

/// A folder in the build folder, since nothing is dropped at the exit of a test binary; those of binaries
/// that have ended are removed.
fn folder() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    static PROCESS: LazyLock<PathBuf> = LazyLock::new(process_folder);
    let dir = PROCESS.join(NUMBER.fetch_add(1, Ordering::Relaxed).to_string());
    fs::create_dir(&dir).unwrap();
    dir
}

fn process_folder() -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("control-plane");
    fs::create_dir_all(&parent).unwrap();
    for entry in fs::read_dir(&parent).unwrap().flatten() {
        if !Path::new("/proc").join(entry.file_name()).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let dir = parent.join(process::id().to_string());
    let _ = fs::remove_dir_all(&dir); // of an earlier process with the same id
    fs::create_dir(&dir).unwrap();
    dir
}

fn write_certificates(dir: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "test control plane");
    let authority_key = KeyPair::generate().unwrap();
    fs::write(dir.join("ca.crt"), authority.self_signed(&authority_key).unwrap().pem()).unwrap();

    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    fs::write(dir.join("server.crt"), certificate.pem()).unwrap();
    fs::write(dir.join("server.key"), key.serialize_pem()).unwrap();
    let accounts = KeyPair::generate().unwrap();
    fs::write(dir.join("accounts.key"), accounts.serialize_pem()).unwrap();
    fs::write(dir.join("accounts.pub"), accounts.public_key_pem()).unwrap();
}

fn write_kubeconfig(file: &Path, dir: &Path, server: &str, token: &str) -> PathBuf {
    let mut cluster = json!({"server": server});
    if server.starts_with("https:") {
        cluster["certificate-authority"] = json!(dir.join("ca.crt"));
    }
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    });
    fs::write(file, config.to_string()).unwrap(); // JSON is YAML
    file.to_owned()
}
