//! Every span of a trace, once: its name, its attributes and what it covers.

/// One span.
#[derive(Debug, Clone, Copy)]
pub(super) struct Described {
    pub(super) name: &'static str,
    /// Beside those of a failure.
    pub(super) attributes: &'static [&'static str],
    /// What takes its time.
    pub(super) covers: &'static str,
}

const fn span(name: &'static str, attributes: &'static [&'static str], covers: &'static str) -> Described {
    Described { name, attributes, covers }
}

/// All of them, in the order of a cycle.
pub(super) const SPANS: &[Described] = &[
    span(
        "cycle",
        &["cluster", "namespace", "workload", "cycle_id", "status"],
        "one cycle: the root of its trace",
    ),
    span("plan", &["cluster", "namespace", "workload"], "`rebalancer plan`: the root of its trace"),
    span("reset", &["cluster", "namespace", "workload"], "`rebalancer reset`: the root of its trace"),
    span(
        "answer",
        &["cluster", "namespace", "workload"],
        "`rebalancer approve` and `reject`: the root of its trace",
    ),
    span("acquire_lock", &["lease"], "reading the record and taking its lock"),
    span("read_record", &["lease"], "reading the record only, as dry runs and `plan` do"),
    span(
        "metrics_query",
        &["query", "promql", "at", "bytes", "values", "left_out"],
        "one query: the wait for its turn, all its attempts and the decoding of its answer",
    ),
    span("list_autoscalers", &[], "all pages of the autoscalers"),
    span(
        "get_controller",
        &[],
        "one object that owns pods, or owns their owner, or its scale subresource; the workload's own before each removal too",
    ),
    span("list_neighbors", &["resource"], "the objects of a neighbor that NEIGHBORS names"),
    span("read_nodes", &[], "the nodes of the fleet, where NEIGHBORS names them"),
    span("list_budgets", &[], "all pages of the disruption budgets"),
    span("list_pods", &[], "all pages of the pods; before each removal too"),
    span("plan_batch", &[], "deciding; no request is made"),
    span("audit_batch", &[], "the audit of the plan, before the intent is written; no request is made"),
    span("save_record", &["lease"], "writing the intent"),
    span("get_actor", &[], "asking the API server which account this is"),
    span("get_pod", &["pod"], "reading a pod again right before its removal"),
    span("remove_pod", &["pod", "uid", "method", "dry_run"], "one removal"),
    span("release_lock", &["lease"], "recording how the cycle ended, and releasing the lock"),
    span("post_events", &["events"], "posting the Kubernetes Events"),
    span("push_metrics", &[], "pushing the metrics, with all attempts"),
    span(
        "kubernetes_request",
        &["http.request.method", "url.path", "http.response.status_code", "http.response.body.size"],
        "one request to the API server; its parent is the span that needed it",
    ),
];
