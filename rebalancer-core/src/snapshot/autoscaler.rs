//! Which autoscaler is the workload's.

use crate::fleet::{Hpa, Target};
use crate::port::{InventoryError, MetricsError};
use crate::snapshot::Surroundings;

use super::ObserveError;

/// Finds the autoscaler of a workload: its CPU target, and what it is doing and scales by, as far as the API reports
/// it.
///
/// One matches when its name is the workload's, with or without the prefix, or when it says that it scales the
/// workload. The API is asked first; kube-state-metrics counts when the API gives none or can't be asked.
///
/// When the API can't be asked and kube-state-metrics knows no autoscaler either, there may be one: an error.
pub(super) fn resolve(
    workload: &str,
    prefix: &str,
    api: Result<Vec<Hpa>, InventoryError>,
    metrics: Result<Vec<Hpa>, MetricsError>,
) -> Result<(Target, Surroundings), ObserveError> {
    let prefixed = format!("{prefix}{workload}");
    let matches =
        |hpa: &Hpa| hpa.name == workload || hpa.name == prefixed || hpa.scales.as_deref() == Some(workload);
    let found = |hpas: Vec<Hpa>| pick(hpas.into_iter().filter(matches).collect());
    match (api.map(found), metrics.map(found)) {
        (Ok((Target::None, _)), Ok(measured)) => Ok(measured),
        (Ok(from_api), _) => Ok(from_api),
        (Err(api), Ok((Target::None, _))) => {
            Err(ObserveError::Target { api, metrics: "it shows none".to_owned() })
        }
        (Err(_), Ok(measured)) => Ok(measured),
        (Err(api), Err(missing)) => Err(ObserveError::Target { api, metrics: missing.to_string() }),
    }
}

fn pick(mut hpas: Vec<Hpa>) -> (Target, Surroundings) {
    hpas.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    match hpas.as_slice() {
        [] => (Target::None, Surroundings::default()),
        [hpa] => {
            let by_something_else = || Target::NotByCpu { hpa: hpa.name.clone() };
            let known = |target| Target::Known { hpa: hpa.name.clone(), target };
            let (scaling, scales_by) = (hpa.scaling, hpa.scales_by.clone());
            let surroundings = Surroundings { scaling, scales_by, ..Surroundings::default() };
            (hpa.cpu.map_or_else(by_something_else, known), surroundings)
        }
        // Which of them rules can't be known.
        many => {
            let hpas = many.iter().map(|hpa| hpa.name.clone()).collect();
            (Target::Ambiguous { hpas }, Surroundings::default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::hpa;
    use crate::fleet::CpuTarget;
    use crate::fleet::{Level, Measured, ScalingMetric};
    use crate::unit::Amount;

    fn resolve_target(
        workload: &str,
        prefix: &str,
        api: Result<Vec<Hpa>, InventoryError>,
        metrics: Result<Vec<Hpa>, MetricsError>,
    ) -> Result<Target, ObserveError> {
        resolve(workload, prefix, api, metrics).map(|(target, _)| target)
    }

    fn named(name: &str, scales: &str) -> Hpa {
        Hpa {
            name: name.to_owned(),
            scales: Some(scales.to_owned()),
            cpu: Some(CpuTarget::Utilization(70.0)),
            scaling: None,
            scales_by: Vec::new(),
        }
    }

    #[test]
    fn an_autoscaler_is_found_by_name_by_prefix_and_by_what_it_scales() {
        for (name, scales, prefix, found) in [
            ("consumer", "elsewhere", "", true),
            ("keda-hpa-consumer", "elsewhere", "keda-hpa-", true),
            ("keda-hpa-consumer", "elsewhere", "", false),
            ("anything", "consumer", "", true),
            ("consumer-2", "consumer-2", "", false),
        ] {
            let target =
                resolve_target("consumer", prefix, Ok(vec![named(name, scales)]), Ok(Vec::new())).unwrap();
            assert_eq!(matches!(target, Target::Known { .. }), found, "{name} {scales} {prefix}");
        }
    }

    #[test]
    fn two_matching_autoscalers_are_ambiguous_whatever_their_order() {
        let both = vec![named("keda-hpa-consumer", "consumer"), named("consumer", "consumer")];
        let target = resolve_target("consumer", "keda-hpa-", Ok(both), Ok(Vec::new())).unwrap();
        assert_eq!(target, Target::Ambiguous { hpas: vec!["consumer".into(), "keda-hpa-consumer".into()] });
    }

    #[test]
    fn kube_state_metrics_counts_only_when_the_api_gives_none() {
        let mut without_cpu = hpa(70.0);
        without_cpu.cpu = None;
        let measured = || Ok(vec![hpa(50.0)]);
        let of = |api| resolve_target("consumer", "", api, measured()).unwrap();
        let known =
            |percent| Target::Known { hpa: "consumer".into(), target: CpuTarget::Utilization(percent) };
        let denied = InventoryError::Unauthorized { message: "no".into() };
        assert_eq!(of(Ok(vec![hpa(70.0)])), known(70.0));
        assert_eq!(of(Ok(vec![])), known(50.0));
        assert_eq!(of(Err(denied.clone())), known(50.0));
        assert_eq!(of(Ok(vec![without_cpu])), Target::NotByCpu { hpa: "consumer".into() });
        assert!(resolve_target("consumer", "", Err(denied), Ok(vec![])).is_err());
    }

    #[test]
    fn what_it_scales_by_comes_with_it_unless_several_match() {
        let by_lag = ScalingMetric {
            measured: Measured::External { name: "lag".to_owned() },
            target: Some(Level::AverageValue(Amount::new(100.0).unwrap())),
            current: None,
        };
        let keda =
            || Hpa { cpu: None, scales_by: vec![by_lag.clone()], ..named("keda-hpa-consumer", "consumer") };
        let of = |hpas| resolve("consumer", "keda-hpa-", Ok(hpas), Ok(Vec::new())).unwrap();
        let (target, surroundings) = of(vec![keda(), named("other", "other")]);
        assert_eq!(target, Target::NotByCpu { hpa: "keda-hpa-consumer".to_owned() });
        assert_eq!(surroundings.scales_by, keda().scales_by);
        assert_eq!(of(vec![keda(), named("consumer", "consumer")]).1, Surroundings::default());
    }
}
