//! Finding the cluster, and connections that can't be made or break, over real sockets.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the failure")]

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use rebalancer_core::fleet::PodRef;
use rebalancer_core::fleet::Uid;
use rebalancer_core::port::{Inventory, InventoryError, Mode, PodDeleter, RemovalError};
use rebalancer_kube::{
    ConnectError, Connection, ConnectionSettings, InventorySettings, KubeInventory, KubeRemover,
    RemovalMethod, connect,
};
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

fn kubeconfig(server: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         clusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\n\
         contexts: [{{name: here, context: {{cluster: c, user: u}}}}, {{name: there, context: {{cluster: c, user: u}}}}]\n\
         users: [{{name: u, user: {{token: t}}}}]\n"
    );
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn settings(file: &Path, context: Option<&str>) -> ConnectionSettings {
    ConnectionSettings {
        kubeconfig: Some(file.to_owned()),
        context: context.map(str::to_owned),
        timeout: Duration::from_secs(2),
        user_agent: "rebalancer/test".into(),
    }
}

async fn connected(server: &str) -> Connection {
    connect(&settings(kubeconfig(server).path(), None)).await.unwrap()
}

fn inventory(connection: &Connection) -> KubeInventory {
    let settings = InventorySettings {
        namespace: "shop".into(),
        workload: "consumer".into(),
        label_selector: "app=consumer".into(),
        container: "consumer".into(),
    };
    KubeInventory::new(connection, settings)
}

async fn evict(connection: &Connection) -> Result<(), RemovalError> {
    let pod = PodRef { namespace: "shop".into(), name: "a".into(), uid: Uid::new("u") };
    KubeRemover::new(connection, RemovalMethod::Evict).remove(&pod, Mode::Real).await
}

/// A port on which nobody listens.
async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn https_works_without_a_provider_installed_by_the_program() {
    let port = closed_port().await;
    let connection = connected(&format!("https://127.0.0.1:{port}")).await;
    let error = inventory(&connection).pods().await.unwrap_err();
    assert!(
        matches!(&error, InventoryError::Unavailable { message } if message.contains("no connection")),
        "{error}"
    );
}

/// A path or a query may be a secret.
#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named_with_who_names_it_and_no_more_of_its_url() {
    let port = closed_port().await;
    let file = kubeconfig(&format!("https://127.0.0.1:{port}/k8s/hush?token=hush"));
    let connection = connect(&settings(file.path(), Some("there"))).await.unwrap();
    let InventoryError::Unavailable { message } = inventory(&connection).pods().await.unwrap_err() else {
        panic!("it can't be reached")
    };
    let named = format!("(to https://127.0.0.1:{port}, context 'there', cluster 'c' of the kubeconfig ");
    assert!(message.contains(&named) && message.contains(&file.path().display().to_string()), "{message}");
    assert!(!message.contains("hush"), "{message}");
}

#[tokio::test]
async fn a_removal_without_a_connection_surely_did_not_happen() {
    let port = closed_port().await;
    let result = evict(&connected(&format!("http://127.0.0.1:{port}")).await).await;
    assert!(
        matches!(&result, Err(RemovalError::Rejected { message }) if message.contains("no connection")),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_removal_whose_connection_breaks_may_have_happened() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connection = connected(&format!("http://{}", listener.local_addr().unwrap())).await;
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 1024]).await;
    });
    let result = evict(&connection).await;
    assert!(
        matches!(&result, Err(RemovalError::Unknown { message }) if message.contains("broke")),
        "{result:?}"
    );
    server.await.unwrap();
}

#[tokio::test]
async fn the_program_names_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connection = connected(&format!("http://{}", listener.local_addr().unwrap())).await;
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut text = vec![0; 4096];
        let length = socket.read(&mut text).await.unwrap();
        String::from_utf8_lossy(&text[..length]).to_lowercase()
    });
    evict(&connection).await.unwrap_err();
    let request = server.await.unwrap();
    assert!(request.contains("user-agent: rebalancer/test\r\n"), "{request}");
    assert!(request.contains("authorization: bearer t\r\n"), "{request}");
}

#[tokio::test]
async fn a_user_agent_that_is_no_header_is_refused() {
    let file = kubeconfig("https://127.0.0.1:1");
    let settings = ConnectionSettings { user_agent: "a\nb".into(), ..settings(file.path(), None) };
    assert!(matches!(connect(&settings).await.err(), Some(ConnectError::UserAgent(_))));
}
