//! The one folder that settings may name files of: good ones, bad ones, and some that never end.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

/// Stands for every secret. No message may show it.
pub const SECRET: &str = "s3cr3t";

static FOLDER: LazyLock<TempDir> =
    LazyLock::new(|| made().expect("a folder for the files that settings name"));

/// The path of a file in the folder: whatever is asked for, nothing outside of it is named.
#[must_use]
pub fn path(name: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let name: String = name.chars().filter(plain).take(40).collect();
    format!("{}/{name}", FOLDER.path().display())
}

/// `token`, `authorities`, `not-pem`, `empty`, `binary`, `large`, `workloads`, `folder`, `pipe`, `zeros`, `loop`.
fn made() -> std::io::Result<TempDir> {
    let folder = TempDir::new()?;
    let at = |name: &str| folder.path().join(name);
    fs::write(at("token"), SECRET)?;
    fs::write(at("authorities"), include_str!("authority.pem"))?;
    fs::write(at("not-pem"), format!("-----BEGIN CERTIFICATE-----\n{SECRET}\n-----END CERTIFICATE-----\n"))?;
    fs::write(at("empty"), "")?;
    fs::write(at("binary"), [0xff, 0x00, b'\n'])?;
    fs::write(at("large"), vec![b'x'; 2 << 20])?;
    fs::write(
        at("workloads"),
        format!("workloads: [{{DEPLOYMENT_NAME: a, X: {SECRET}}}, {{DEPLOYMENT_NAME: b}}]"),
    )?;
    fs::create_dir(at("folder"))?;
    pipe(&at("pipe"))?;
    symlink("/dev/zero", at("zeros"))?;
    symlink(at("loop"), at("loop"))?;
    Ok(folder)
}

/// A pipe that nobody writes to.
fn pipe(path: &Path) -> std::io::Result<()> {
    let made = Command::new("mkfifo").arg(path).status()?;
    if made.success() { Ok(()) } else { Err(std::io::Error::other("mkfifo failed")) }
}
