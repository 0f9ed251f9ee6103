//! A machine with its files and its environment, and a server that sees what is sent.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rebalancer_core::port::Inventory;
use rebalancer_kube::{
    ConnectError, Connection, ConnectionSettings, Environment, InventorySettings, KubeInventory, connect_in,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A machine: files in a folder, and what its environment says.
pub(crate) struct Machine {
    folder: TempDir,
    pub(crate) environment: Environment,
    pub(crate) settings: ConnectionSettings,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let settings = ConnectionSettings {
            kubeconfig: None,
            context: None,
            timeout: Duration::from_secs(5),
            user_agent: "rebalancer/test".into(),
        };
        let environment =
            Environment { service_account: folder.path().join("account"), ..Environment::empty() };
        Self { folder, environment, settings }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn plugin(self, name: &str, script: &str) -> Self {
        let machine = self.file(name, format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(machine.path(name), fs::Permissions::from_mode(0o755)).unwrap();
        machine
    }

    /// `KUBECONFIG` with these files of the folder; an empty name stays empty.
    pub(crate) fn listing(mut self, names: &[&str]) -> Self {
        let path = |name: &&str| if name.is_empty() { OsString::new() } else { self.path(name).into() };
        let paths: Vec<OsString> = names.iter().map(path).collect();
        self.environment.kubeconfig = Some(paths.join(OsStr::new(":")));
        self
    }

    pub(crate) fn context(mut self, name: &str) -> Self {
        self.settings.context = Some(name.into());
        self
    }

    /// As in a pod of the cluster at this port, whose certificate does not matter here.
    pub(crate) fn in_pod(mut self, port: u16) -> Self {
        self.environment.service_host = Some("127.0.0.1".into());
        self.environment.service_port = Some(port.to_string());
        self
    }

    pub(crate) async fn connect(&self) -> Result<Connection, ConnectError> {
        connect_in(&self.settings, &self.environment).await
    }

    pub(crate) async fn error(&self) -> ConnectError {
        self.connect().await.err().unwrap()
    }

    /// The first request that the program sends, in lower case.
    pub(crate) async fn sends(&self, server: Server) -> String {
        let connection = self.connect().await.unwrap();
        let inventory = KubeInventory::new(
            &connection,
            InventorySettings {
                namespace: "shop".into(),
                workload: "consumer".into(),
                label_selector: "app=consumer".into(),
                container: "consumer".into(),
            },
        );
        let (_, request) = tokio::join!(inventory.pods(), server.request());
        request
    }
}

/// A server that reads one request and refuses it.
pub(crate) struct Server(TcpListener);

impl Server {
    pub(crate) async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub(crate) async fn request(self) -> String {
        let (mut socket, _) = self.0.accept().await.unwrap();
        let mut text = vec![0; 8192];
        let length = socket.read(&mut text).await.unwrap();
        socket.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&text[..length]).to_lowercase()
    }
}

/// A whole kubeconfig: context `here`, cluster `c` with these fields, user `u` with these.
pub(crate) fn config(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         contexts: [{{name: here, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{{cluster}}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\n"
    )
}

pub(crate) fn at(server: &Server) -> String {
    format!("server: '{}'", server.url())
}
