//! What a check finds: a stable code, its severity, a message, and a fix.

use serde::Serialize;

/// How bad it is, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// Cycles go on, but not as somebody may think.
    Warning,
    /// A cycle would fail, or hold forever.
    Error,
}

impl Severity {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Finding {
    /// A short stable name; docs/check.md has a row for each.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) code: Code,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// What was found, in words.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) fix: Option<String>,
}

impl Finding {
    pub(super) fn ok(code: Code, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Ok, message: message.into(), fix: None }
    }

    pub(super) fn note(code: Code, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Note, message: message.into(), fix: None }
    }

    pub(super) fn warning(code: Code, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { code, severity: Severity::Warning, message: message.into(), fix: Some(fix.into()) }
    }

    pub(super) fn error(code: Code, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), fix: Some(fix.into()) }
    }

    /// What was not looked at, and since when it makes no sense.
    pub(super) fn not_checked(what: &str, because: &str) -> Self {
        Self::note(Code::NotChecked, format!("{what}: not checked, since {because}"))
    }
}

/// The codes with their names; docs/check.md has a row for each.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What is found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$variant,)*];

            /// A short stable name.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

codes! {
    NotChecked = "not_checked",
    MetricServer = "metric_server",
    EndpointUnreachable = "endpoint_unreachable",
    EndpointUnknownHost = "endpoint_unknown_host",
    EndpointTls = "endpoint_tls",
    EndpointWrongPath = "endpoint_wrong_path",
    EndpointUnauthorized = "endpoint_unauthorized",
    EndpointTenantMissing = "endpoint_tenant_missing",
    EndpointFailing = "endpoint_failing",
    EndpointSecret = "endpoint_secret",
    Kafka = "kafka",
    KafkaUnreachable = "kafka_unreachable",
    KafkaBrokerDown = "kafka_broker_down",
    KafkaAdvertisedListeners = "kafka_advertised_listeners",
    KafkaTls = "kafka_tls",
    KafkaSasl = "kafka_sasl",
    KafkaCredentials = "kafka_credentials",
    KafkaFile = "kafka_file",
    KafkaUnsupported = "kafka_unsupported",
    KafkaAclMissing = "kafka_acl_missing",
    KafkaGroupMissing = "kafka_group_missing",
    KafkaGroupKind = "kafka_group_kind",
    KafkaGroupEmpty = "kafka_group_empty",
    KafkaGroupInMotion = "kafka_group_in_motion",
    KafkaTopicMissing = "kafka_topic_missing",
    KafkaTopicCompacted = "kafka_topic_compacted",
    KafkaOffsetsUnread = "kafka_offsets_unread",
    KafkaOffsetsUnusable = "kafka_offsets_unusable",
    KafkaMembers = "kafka_members",
    KafkaMembersUnmatched = "kafka_members_unmatched",
    KafkaMembersElsewhere = "kafka_members_elsewhere",
    KafkaMembersContradictory = "kafka_members_contradictory",
    KafkaPodsWithoutMember = "kafka_pods_without_member",
    KafkaLagWithoutPast = "kafka_lag_without_past",
    KafkaUnreadable = "kafka_unreadable",
    CruiseControl = "cruise_control",
    CruiseControlExecuting = "cruise_control_executing",
    CruiseControlUnread = "cruise_control_unread",
    KubernetesApi = "kubernetes_api",
    ClusterNotConfigured = "cluster_not_configured",
    KubeconfigUnusable = "kubeconfig_unusable",
    KubernetesUnreachable = "kubernetes_unreachable",
    KubernetesUnauthorized = "kubernetes_unauthorized",
    Permissions = "permissions",
    PermissionMissing = "permission_missing",
    PermissionsUnknown = "permissions_unknown",
    NamespaceMissing = "namespace_missing",
    NamespaceEmpty = "namespace_empty",
    Workload = "workload",
    WorkloadMissing = "workload_missing",
    WorkloadKind = "workload_kind",
    WorkloadWithoutPods = "workload_without_pods",
    OwnerByName = "owner_by_name",
    OwnerNotRead = "owner_not_read",
    SeveralOwners = "several_owners",
    PodCountDisagrees = "pod_count_disagrees",
    WorkloadOptedOut = "workload_opted_out",
    Selector = "selector",
    SelectorMatchesNothing = "selector_matches_nothing",
    SelectorMatchesOthers = "selector_matches_others",
    Container = "container",
    ContainerMissing = "container_missing",
    Pods = "pods",
    PodsExcluded = "pods_excluded",
    OptInMissing = "opt_in_missing",
    TooFewPods = "too_few_pods",
    ShareTooSmall = "share_too_small",
    Hpa = "hpa",
    NeighborNotAsked = "neighbor_not_asked",
    RestartsDue = "restarts_due",
    HpaMissing = "hpa_missing",
    HpaAmbiguous = "hpa_ambiguous",
    HpaNotByCpu = "hpa_not_by_cpu",
    HpaUnreadable = "hpa_unreadable",
    RequestsMissing = "requests_missing",
    Budgets = "disruption_budgets",
    BudgetNever = "budget_never",
    BudgetTooTight = "budget_too_tight",
    BudgetsOverlap = "budgets_overlap",
    Samples = "samples",
    SamplesMissing = "samples_missing",
    SamplesFew = "samples_few",
    SamplesStale = "samples_stale",
    SamplesLate = "samples_late",
    WindowTooShort = "window_too_short",
    SeriesAmbiguous = "series_ambiguous",
    QueryRefused = "query_refused",
    QueryUnusable = "query_unusable",
    QueryFailed = "query_failed",
    Clocks = "clocks",
    ClockSkew = "clock_skew",
    Record = "record",
    RecordOff = "record_off",
    RecordNewer = "record_newer",
    RecordUnreadable = "record_unreadable",
    RecordUnusable = "record_unusable",
    LockHeld = "lock_held",
    GroupLock = "group_lock",
    GroupLockUnusable = "group_lock_unusable",
    BreakerOpen = "breaker_open",
    RemovalBudgetZero = "removal_budget_zero",
    NeverRotates = "never_rotates",
    DryRun = "dry_run",
    Outlook = "outlook",
    Unreadable = "unreadable",
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The first of some names, and how many more there are.
pub(super) fn some(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    const MOST: usize = 8;
    let names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(MOST) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        Some(0) | None => shown,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const GUIDE: &str = include_str!("../../../docs/check.md");

    #[test]
    fn every_code_has_its_row_in_the_guide_and_every_row_its_code() {
        let rows =
            GUIDE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name));
        let rows: Vec<&str> = rows.collect();
        let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(codes.len(), Code::ALL.len(), "each name is there once");
        assert_eq!(rows.iter().copied().collect::<BTreeSet<_>>(), codes);
        assert_eq!(rows.len(), codes.len(), "each row is there once");
    }

    #[test]
    fn of_many_names_the_first_are_shown() {
        assert_eq!(some(["a", "b"]), "a, b");
        let many: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        assert_eq!(some(many), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
    }
}
