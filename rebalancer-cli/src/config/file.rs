//! Files that settings name.

use std::fs::{self, File};
use std::io::{self, Read as _};

/// No Secret and no ConfigMap is larger.
const LARGEST: u64 = 1 << 20;

/// What is in a file. A pipe would wait for a writer and a device may have no end, so neither is opened.
///
/// # Errors
/// When it can't be read, is no regular file, or is too large.
pub(super) fn read(path: &str) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(bytes)
}
