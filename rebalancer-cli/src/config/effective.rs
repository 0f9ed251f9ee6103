//! The configuration as it counts: every variable with its value and where that comes from.

use super::layers::{Raw, Source};
use super::problem::Given;
use super::shown::showable;
use super::variable;

/// One variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Effective {
    pub(crate) variable: &'static str,
    /// As far as it may be shown.
    pub(crate) value: Given,
    /// `None` when it is not set.
    pub(crate) source: Option<Source>,
}

/// Every variable, in the order of the documentation.
pub(super) fn effective(raw: &Raw) -> Vec<Effective> {
    let of = |variable: &'static str| match raw.get(variable) {
        Some(given) => Effective { variable, value: showable(variable, given), source: raw.source(variable) },
        None => Effective { variable, value: Given::Nothing, source: None },
    };
    variable::all().map(|variable| of(variable.name)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsString;

    use super::*;
    use crate::config::layers::gather;

    fn shown(raw: &Raw, name: &str) -> (Given, Option<Source>) {
        let found = effective(raw).into_iter().find(|found| found.variable == name).unwrap();
        (found.value, found.source)
    }

    #[test]
    fn each_value_tells_where_it_comes_from_and_no_secret_is_shown() {
        let environment = |name: &str| {
            let value = match name {
                "KUBE_NAMESPACE" => "streams",
                "DEPLOYMENT_NAME" => "consumer",
                "PROMETHEUS_ENDPOINT" => "http://m/?key=hush",
                "PROMETHEUS_HEADERS" => "X-Key=hush",
                "TOLERANCE_MULTIPLIER" => "  ",
                _ => return None,
            };
            Some(OsString::from(value))
        };
        let flags = [("DEPLOYMENT_NAME".to_owned(), OsString::from("by-flag"))].into();
        let (raw, problems) = gather(flags, environment);
        assert!(problems.is_empty());
        let own: BTreeMap<String, String> = [("DEPLOYMENT_NAME", "listed"), ("CONTAINER_NAME", "app")]
            .map(|(a, b)| (a.into(), b.into()))
            .into();
        let raw = raw.below(&own);
        let value = |value: &str| Given::Value(value.to_owned());
        for (name, expected) in [
            ("KUBE_NAMESPACE", (value("streams"), Some(Source::Environment))),
            ("DEPLOYMENT_NAME", (value("by-flag"), Some(Source::Flag))),
            ("CONTAINER_NAME", (value("app"), Some(Source::WorkloadsFile))),
            ("TOLERANCE_MULTIPLIER", (value("1.5"), Some(Source::Default))),
            ("PROMETHEUS_ENDPOINT", (Given::Hidden, Some(Source::Environment))),
            ("PROMETHEUS_HEADERS", (Given::Hidden, Some(Source::Environment))),
            ("HPA_PREFIX", (Given::Nothing, None)),
        ] {
            assert_eq!(shown(&raw, name), expected, "{name}");
        }
        assert!(!format!("{:?}", effective(&raw)).contains("hush"));
    }
}
