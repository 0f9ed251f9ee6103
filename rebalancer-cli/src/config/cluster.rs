//! Settings of the way to the cluster.

use std::path::PathBuf;
use std::time::Duration;

use rebalancer_kube::ConnectionSettings;

use super::layers::{Raw, Source};
use super::parse::{self, Reader};
use super::problem::Problem;

/// Bounds of the time for one request.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(600);

/// How the cluster is reached.
///
/// # Errors
/// The variables of it with a value that can't be used.
pub(crate) fn cluster(raw: &Raw) -> Result<ConnectionSettings, Vec<Problem>> {
    let mut reader = Reader::new(raw);
    let settings = connection(&mut reader);
    reader.finish(settings)
}

pub(super) fn connection(reader: &mut Reader<'_>) -> Option<ConnectionSettings> {
    let timeout = reader.required("KUBE_TIMEOUT", parse::duration_within(SHORTEST, LONGEST))?;
    Some(ConnectionSettings {
        kubeconfig: read_kubeconfig(reader),
        context: reader.optional("KUBE_CONTEXT", parse::text),
        timeout,
        user_agent: format!("pod-rebalancer/{}", env!("CARGO_PKG_VERSION")),
    })
}

/// The one file that an entry or a flag names. What the environment names is a list, which `rebalancer_kube` reads as
/// kubectl does.
fn read_kubeconfig(reader: &mut Reader<'_>) -> Option<PathBuf> {
    match reader.source("KUBECONFIG")? {
        Source::WorkloadsFile | Source::Flag => reader.optional("KUBECONFIG", parse::text).map(PathBuf::from),
        Source::Environment | Source::Default | Source::Argument | Source::Workload | Source::Context => None,
    }
}
