//! How a pod of a report is written down: less of it than the snapshot knows.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Judged, PodReport, PodReports};
use crate::fleet::{Owner, Phase, Pod, PodRef, Requests, Text};
use crate::report::Verdict;
use crate::snapshot::{Loads, ObservedPod};
use crate::unit::{Cores, Ratio};

/// One pod: what was seen of it, and what was decided.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PodReport"))]
struct Line {
    /// Which pod.
    #[serde(flatten)]
    pod: PodRef,
    /// The node it runs on.
    node: Option<String>,
    /// The controlling owner.
    owner: Option<Owner>,
    /// Where it is in its life.
    phase: Phase,
    /// The Ready condition is True.
    ready: bool,
    /// Since when the Ready condition is what it is.
    ready_since: Option<Timestamp>,
    /// It is on its way out.
    terminating: bool,
    /// It is one of the workload's own.
    own: bool,
    /// It has a container of the configured name.
    has_container: bool,
    /// Its CPU request.
    cpu_request: Option<Cores>,
    /// Its load by each indicator; `None` is missing, never zero.
    loads: Loads,
    /// Partitions that it holds; `None` when partitions are not known.
    partitions: Option<usize>,
    /// Its score, where several indicators rank the pods: each of its loads by the mean of that indicator, weighted. 1 is
    /// as loaded as the mean pod; `None` is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<Ratio>,
    /// What was decided about it.
    verdict: Verdict,
}

impl From<PodReport<'_>> for Line {
    fn from(report: PodReport<'_>) -> Self {
        let has_container = report.has_container();
        let PodReport { pod, own, cpu_request, loads, partitions, score, verdict } = report;
        Self {
            pod: PodRef::from(pod),
            node: pod.node.clone().map(String::from),
            owner: pod.owner.clone(),
            phase: pod.phase,
            ready: pod.ready,
            ready_since: pod.ready_since,
            terminating: pod.terminating,
            own,
            has_container,
            cpu_request,
            loads: *loads,
            partitions,
            score,
            verdict: verdict.clone(),
        }
    }
}

impl From<Line> for (ObservedPod, Judged) {
    fn from(line: Line) -> Self {
        let PodRef { namespace, name, uid } = line.pod;
        let pod = Pod {
            namespace: namespace.into(),
            uid,
            node: line.node.map(Text::from),
            owner: line.owner,
            phase: line.phase,
            ready: line.ready,
            ready_since: line.ready_since,
            terminating: line.terminating,
            container: line.has_container.then(Requests::default),
            ..Pod::new(name, "")
        };
        let Line { own, cpu_request, loads, partitions, score, verdict, .. } = line;
        (ObservedPod { pod, own, cpu_request, loads, partitions }, Judged { score, verdict })
    }
}

impl Serialize for PodReport<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Line::from(*self).serialize(to)
    }
}

impl Serialize for PodReports {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self)
    }
}

impl<'de> Deserialize<'de> for PodReports {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let lines = Vec::<Line>::deserialize(from)?;
        let (pods, judged): (Vec<_>, Vec<_>) = lines.into_iter().map(<(ObservedPod, Judged)>::from).unzip();
        Ok(Self::new(pods.into(), judged))
    }
}

#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator};

    use super::{Line, PodReport, PodReports};

    impl JsonSchema for PodReport<'_> {
        fn schema_name() -> Cow<'static, str> {
            Line::schema_name()
        }

        fn schema_id() -> Cow<'static, str> {
            Line::schema_id()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            Line::json_schema(generator)
        }
    }

    impl JsonSchema for PodReports {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            Vec::<Line>::schema_name()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            Vec::<Line>::json_schema(generator)
        }
    }
}
