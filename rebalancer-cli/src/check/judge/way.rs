//! The way to a cluster: none is configured, or it can't be used.

use rebalancer_kube::ConnectError;

use super::super::finding::{Code, Finding};

pub(super) fn judge(why: &ConnectError) -> Finding {
    let code = match why.nothing_configured() {
        true => Code::ClusterNotConfigured,
        false => Code::KubeconfigUnusable,
    };
    Finding::error(code, why.to_string(), fix(why))
}

fn fix(why: &ConnectError) -> &'static str {
    match why {
        ConnectError::NoCluster { .. } => {
            "set KUBECONFIG (and KUBE_CONTEXT), or run in a pod with a service account token"
        }
        ConnectError::Unreadable { .. } | ConnectError::Malformed { .. } => {
            "correct the file, or name another one in KUBECONFIG"
        }
        ConnectError::NoContext { .. } | ConnectError::UnknownContext { .. } => {
            "set KUBE_CONTEXT to one of these, or KUBECONFIG to the files that have it"
        }
        ConnectError::NoKubeconfig { .. } => {
            "set KUBECONFIG to the file that has this context, or unset KUBE_CONTEXT"
        }
        ConnectError::UnknownCluster { .. } => {
            "name all files of the kubeconfig in KUBECONFIG, or another KUBE_CONTEXT"
        }
        ConnectError::Unusable { .. } => {
            "correct the entry; docs/install.md has the rules, which are kubectl's"
        }
        ConnectError::ServiceAccount { .. } => {
            "mount the service account's token (automountServiceAccountToken), or set KUBECONFIG"
        }
        ConnectError::PluginTimeUp { .. } => "run the plugin by hand to see its error, or use a token",
        ConnectError::UserAgent(_) => "please report it: this is a bug",
    }
}
