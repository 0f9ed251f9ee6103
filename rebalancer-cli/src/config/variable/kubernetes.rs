//! Settings of where the fleet is.

use super::Variable;

const HEADING: &str = "Kubernetes";

pub(super) const SETTINGS: &[Variable] = &[
    Variable::new(HEADING, "KUBE_NAMESPACE", None, "Namespace of the pods; required"),
    Variable::new(
        HEADING,
        "DEPLOYMENT_NAME",
        None,
        "Name of the workload; required, here or as the argument of a command",
    ),
    Variable::new(
        HEADING,
        "CONTAINER_NAME",
        None,
        "Name of the container that is measured; default: DEPLOYMENT_NAME",
    ),
    Variable::new(HEADING, "KUBE_LABEL_SELECTOR", Some("app=consumer"), "Which pods belong to the fleet"),
    Variable::new(
        HEADING,
        "HPA_PREFIX",
        None,
        "The autoscaler may be called <prefix><workload>, such as keda-hpa-",
    ),
    Variable::new(
        HEADING,
        "KUBECONFIG",
        None,
        "Kubeconfig file; in the environment a list of files, as kubectl reads it; default: ~/.kube/config",
    ),
    Variable::new(
        HEADING,
        "KUBE_CONTEXT",
        None,
        "Context of the kubeconfig; default: its current context, or the pod's service account without a kubeconfig",
    ),
    Variable::new(
        HEADING,
        "CLUSTER_NAME",
        None,
        "What the cluster is called in metrics, logs and traces; needed where two clusters have a workload of one name",
    ),
    Variable::new(HEADING, "KUBE_TIMEOUT", Some("10s"), "Time for one request, all retries together"),
];
