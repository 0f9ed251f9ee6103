//! Names the commit that is built, for `rebalancer --version`.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=REBALANCER_COMMIT");
    // Given where there is no checkout, as in the image's build; empty means unknown.
    if std::env::var_os("REBALANCER_COMMIT").is_some() {
        return;
    }
    if let Some(commit) = packaged().or_else(checked_out) {
        println!("cargo::rustc-env=REBALANCER_COMMIT={commit}");
    }
}

/// The commit that cargo wrote into the package, when this is one. Whatever repository it is unpacked in, it is not ours.
fn packaged() -> Option<String> {
    let text = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, after) = text.split_once("\"sha1\": \"")?;
    let dirty = if text.contains("\"dirty\": true") { "-dirty" } else { "" };
    Some(format!("{}{dirty}", after.get(..12)?))
}

/// The commit of the checkout, when this folder is the one that it has in our repository.
fn checked_out() -> Option<String> {
    if git(&["rev-parse", "--show-prefix"])? != "rebalancer-cli/" {
        return None;
    }
    // Asked for, because in a second work tree they are not in `../.git`; a missing file would compile this anew each time.
    for changing in ["HEAD", "logs/HEAD"] {
        println!("cargo::rerun-if-changed={}", git(&["rev-parse", "--git-path", changing])?);
    }
    // Never the name of a tag: a release is asked for its commit, too.
    git(&["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
