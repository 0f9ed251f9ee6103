//! Files for node exporter's textfile collector, which reads all of a folder whose names end in `.prom`.

use std::io;
use std::path::Path;

use rebalancer_core::fleet::Workload;

use crate::atomic_file;
use crate::target::Target;

/// The name of a part's file. No name in it has an underscore, so no two workloads share one.
pub(super) fn name(Target { cluster, workload }: &Target, part: &str) -> String {
    let Workload { namespace, name } = workload;
    let cluster = cluster.iter().map(|cluster| format!("{cluster}_")).collect::<String>();
    format!("pod-rebalancer_{cluster}{namespace}_{name}_{part}.prom")
}

/// Writes the file whole or not at all: a reader sees the one of before, or this one.
///
/// # Errors
/// When it was not written. The one of before is as it was.
pub(super) fn replace(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    atomic_file::replace(&folder.join(name), text, 0o666)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        replace(folder.path(), "a.prom", "first").unwrap();
        replace(folder.path(), "a.prom", "second").unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("a.prom")).unwrap(), "second");
        assert_eq!(names(folder.path()), ["a.prom"]);
    }

    #[test]
    fn a_file_that_can_not_be_replaced_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a.prom/full")).unwrap();
        assert!(replace(folder.path(), "a.prom", "text").is_err());
        assert_eq!(names(folder.path()), ["a.prom"]);
    }
}
