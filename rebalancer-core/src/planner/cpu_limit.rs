//! From an autoscaler's target to the CPU that one pod may use.

use crate::fleet::{CpuTarget, Target};
use crate::policy::Policy;
use crate::report::{ByRequest, Hold, Limit};
use crate::unit::{Cores, Load, NotAQuantity};

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
/// `target = utilization / 100 * CPU request`, each pod's own, or the autoscaler's average value; hot above
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
    let limit = match target {
        CpuTarget::AverageValue(cores) => limit(cores.get(), policy, None),
        CpuTarget::Utilization(percent) => {
            let requests = request_range(requests)?;
            let share = percent / 100.0;
            requests
                .targets(share)
                .and_then(|by_request| limit(share * requests.mean, policy, Some(by_request)))
        }
    };
    let usable = limit.ok().filter(is_above_zero);
    usable.map(CpuLimit::Target).ok_or_else(|| Hold::UnusableTarget { hpa: hpa.clone() })
}

fn limit(cores: f64, policy: &Policy, by_request: Option<ByRequest>) -> Result<Limit, NotAQuantity> {
    let hot_above = Load::new(cores * policy.balance.tolerance.get())?;
    Ok(Limit::Target { target: Cores::new(cores)?, hot_above, by_request })
}

/// A target of zero is none.
fn is_above_zero(limit: &Limit) -> bool {
    match limit {
        Limit::Target { by_request: Some(by_request), .. } => by_request.lowest_target.get() > 0.0,
        Limit::Target { target, by_request: None, .. } => target.get() > 0.0,
        Limit::Variance { .. } => true,
    }
}

/// CPU requests of the eligible pods, in cores.
struct RequestRange {
    lowest: f64,
    mean: f64,
    highest: f64,
}

impl RequestRange {
    fn targets(&self, share: f64) -> Result<ByRequest, NotAQuantity> {
        Ok(ByRequest {
            mean_request: Cores::new(self.mean)?,
            lowest_target: Cores::new(share * self.lowest)?,
            highest_target: Cores::new(share * self.highest)?,
        })
    }
}

/// The autoscaler itself can't work when a request is missing, and a share of no cores means as little.
fn request_range(requests: impl Iterator<Item = Option<Cores>>) -> Result<RequestRange, Hold> {
    let (mut sum, mut eligible, mut missing) = (0.0, 0_usize, 0_usize);
    let (mut lowest, mut highest) = (f64::INFINITY, 0.0_f64);
    for request in requests {
        eligible += 1;
        match request.map(Cores::get) {
            Some(cores) if cores > 0.0 => {
                sum += cores;
                lowest = lowest.min(cores);
                highest = highest.max(cores);
            }
            Some(_) | None => missing += 1,
        }
    }
    if missing > 0 {
        return Err(Hold::RequestsUnknown { missing, eligible });
    }
    // The mean of equal requests is that request, whatever the rounding of a sum says.
    let mean = (sum / eligible as f64).max(lowest).min(highest);
    Ok(RequestRange { lowest, mean, highest })
}
