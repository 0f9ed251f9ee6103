//! helm and kubectl, with all rights, in the namespace of a fleet.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::harness::fleet::Fleet;
use crate::harness::{assets, wait};

/// The folder deploy/ of the repository.
pub(crate) fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").canonicalize().unwrap()
}

/// The Helm chart.
pub(crate) fn chart() -> String {
    deploy().join("helm/pod-rebalancer").display().to_string()
}

/// What a tool said.
#[derive(Debug)]
pub(crate) struct Said {
    command: String,
    pub(crate) succeeded: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// Fails with everything it said, unless it succeeded.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert!(self.succeeded, "{}\n{}\n{}", self.command, self.stdout, self.stderr);
        self
    }

    /// Fails, unless it failed with this text.
    #[track_caller]
    pub(crate) fn failed_with(&self, text: &str) {
        assert!(!self.succeeded && self.stderr.contains(text), "{self:#?}");
    }
}

impl Fleet {
    pub(crate) async fn helm(&self, args: &[&str]) -> Said {
        self.tool("helm", args).await
    }

    pub(crate) async fn kubectl(&self, args: &[&str]) -> Said {
        self.tool("kubectl", args).await
    }

    /// Objects that name their namespaces, or have this one, must be accepted to the last field. Nothing is stored.
    pub(crate) async fn accepts(&self, manifest: &str, namespace: Option<&str>) {
        let mut args = vec!["apply", "--dry-run=server", "--validate=strict", "--filename", manifest];
        args.extend(namespace.iter().flat_map(|namespace| ["--namespace", namespace]));
        self.kubectl_anywhere(&args).await.succeeded();
    }

    /// kubectl for objects that name their namespaces themselves.
    pub(crate) async fn kubectl_anywhere(&self, args: &[&str]) -> Said {
        self.run("kubectl", args).await
    }

    async fn tool(&self, name: &str, args: &[&str]) -> Said {
        let mut args = args.to_vec();
        args.extend(["--namespace", &self.namespace]);
        self.run(name, &args).await
    }

    async fn run(&self, name: &str, args: &[&str]) -> Said {
        let home = self.dir.path();
        let output = Command::new(assets::find(name))
            .args(args)
            .env_clear()
            .env("HOME", home)
            .env("PATH", home)
            .env("KUBECONFIG", self.plane.admin_kubeconfig())
            .current_dir(home)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(wait::PATIENCE * 2, output).await.expect("it ends").unwrap();
        Said {
            command: format!("{name} {}", args.join(" ")),
            succeeded: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Writes a file of the fleet's own folder, and tells its path. JSON is YAML.
    pub(crate) fn write(&self, name: &str, content: &Value) -> String {
        let file = self.file(name);
        std::fs::write(&file, content.to_string()).unwrap();
        file.display().to_string()
    }
}
