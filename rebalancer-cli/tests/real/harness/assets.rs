//! Finds the servers: in the folder `KUBEBUILDER_ASSETS`, then in `PATH`.

use std::env;
use std::path::{self, PathBuf};

/// The path of a server's binary.
///
/// # Panics
/// Says how to get it when it is in neither place.
pub(crate) fn find(name: &str) -> PathBuf {
    let assets = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    assets
        .into_iter()
        .chain(env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
        // Servers run in folders of their own.
        .map(|found| path::absolute(found).unwrap())
        .unwrap_or_else(|| {
            panic!(
                "`{name}` is neither in KUBEBUILDER_ASSETS nor in PATH; \
                 install or compile the servers and run these tests by \
                 KUBEBUILDER_ASSETS=\"$(.ci/real-servers)\" cargo test -p rebalancer-cli --test real -- --ignored"
            )
        })
}
