//! Files that are there whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes the file whole or not at all, with these permissions: a reader sees the one of before, or this one.
///
/// # Errors
/// When it was not written. The one of before is as it was.
pub(crate) fn replace(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no name of a file"));
    };
    // A device or a pipe would be replaced by a file.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "what is there is no regular file"));
    }
    // Runs of several containers may write at once, and each of them is process 1.
    let new = folder.join(format!(".{}.{}", name.display(), uuid::Uuid::now_v7()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&new)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // What is left of it disturbs nobody.
        let _ = fs::remove_file(&new);
    }
    written
}
