//! From an autoscaler's target to the CPU that one pod may use.

use crate::fleet::{CpuTarget, Target};
use crate::policy::Policy;
use crate::report::{Hold, Limit};
use crate::unit::{Cores, Load};

/// What CPU is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum CpuLimit {
    /// An autoscaler's target.
    Target(Limit),
    /// No target is known: how much the pods differ.
    Variance,
}

/// Finds what CPU is compared with. `requests` are those of the eligible pods.
///
/// `target = utilization / 100 * mean CPU request`, or the autoscaler's average value; hot above
/// `target * tolerance`.
pub(crate) fn cpu_limit(
    target: &Target,
    policy: &Policy,
    requests: impl Iterator<Item = Option<Cores>>,
) -> Result<CpuLimit, Hold> {
    let (hpa, target) = match target {
        Target::Ambiguous { hpas } => return Err(Hold::AmbiguousTarget { hpas: hpas.clone() }),
        Target::None | Target::NotByCpu { .. } => return Ok(CpuLimit::Variance),
        Target::Known { hpa, target } => (hpa, target),
    };
    let cores = match target {
        CpuTarget::AverageValue(cores) => cores.get(),
        CpuTarget::Utilization(percent) => percent / 100.0 * mean_request(requests)?,
    };
    let limit = Cores::new(cores)
        .and_then(|target| Ok((target, Load::new(cores * policy.tolerance.get())?)))
        .ok()
        .filter(|_| cores > 0.0)
        .map(|(target, hot_above)| Limit::Target { target, hot_above });
    limit.map(CpuLimit::Target).ok_or_else(|| Hold::UnusableTarget { hpa: hpa.clone() })
}

/// The mean CPU request; the autoscaler itself can't work when one is missing.
fn mean_request(requests: impl Iterator<Item = Option<Cores>>) -> Result<f64, Hold> {
    let (mut sum, mut eligible, mut missing) = (0.0, 0_usize, 0_usize);
    for request in requests {
        eligible += 1;
        match request {
            Some(cores) => sum += cores.get(),
            None => missing += 1,
        }
    }
    if missing > 0 {
        return Err(Hold::RequestsUnknown { missing, eligible });
    }
    Ok(sum / eligible as f64)
}
