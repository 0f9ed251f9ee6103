//! Names the commit that is built, for `rebalancer --version`.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=REBALANCER_COMMIT");
    println!("cargo::rerun-if-changed=../.git/HEAD");
    println!("cargo::rerun-if-changed=../.git/logs/HEAD");
    if std::env::var_os("REBALANCER_COMMIT").is_some() {
        return;
    }
    // Outside of a checkout there is no commit to name.
    let described = Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"]).output();
    if let Some(commit) = described.ok().filter(|output| output.status.success()) {
        println!("cargo::rustc-env=REBALANCER_COMMIT={}", String::from_utf8_lossy(&commit.stdout).trim());
    }
}
