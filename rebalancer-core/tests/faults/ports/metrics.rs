//! Loads, which may be missing, partial, old or wrong.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rand::RngExt as _;
use rebalancer_core::fleet::{Indicator, PartitionLoad, Samples};
use rebalancer_core::policy::Strategy;
use rebalancer_core::port::{MetricsError, MetricsSource, PastReading, Readings};
use rebalancer_core::unit::Load;

use super::{Call, Port, call};
use crate::event::What;
use crate::fault::Fault;
use crate::sim::Sim;
use crate::world::is_own;

#[async_trait]
impl MetricsSource for Port {
    async fn read(&self, at: Timestamp) -> Readings {
        self.call(call!("reading loads"), |sim| {
            self.tell(sim, What::Measured { at });
            let partitions =
                (sim.setup.policy.selection.strategy == Strategy::Predict).then(|| partitions(sim, at));
            let mut all = BTreeMap::from([(Indicator::Cpu, loads(sim, at))]);
            if sim.setup.lag {
                all.insert(Indicator::Lag, loads(sim, at));
            }
            Readings { loads: all, partitions, ..Readings::none() }
        })
        .await
    }

    async fn past(
        &self,
        _: Indicator,
        at: Timestamp,
        step: SignedDuration,
        count: usize,
    ) -> Result<Vec<PastReading>, MetricsError> {
        self.call(call!("reading earlier loads"), |sim| {
            if sim.fault(Fault::PastUnavailable) {
                return Err(MetricsError::Unavailable { message: "injected".to_owned() });
            }
            let count = if sim.fault(Fault::PastShort) { count / 2 } else { count };
            let times = (1..=count).map(|back| at - step * i32::try_from(back).unwrap_or(i32::MAX));
            Ok(times.map(|at| as_of(sim, at).into()).collect())
        })
        .await
    }
}

/// What a stranger uses, in cores: far more than any limit.
const STRANGER: f64 = 5.0;

/// The query knows no owners, so that strangers' loads come too.
fn as_of(sim: &Sim, at: Timestamp) -> Samples {
    let Some(reading) = sim.world.reading(at) else { return Samples::new() };
    let strangers = sim.world.listed().into_iter().filter(|pod| !is_own(pod));
    let strangers = strangers.map(|pod| (pod.name, Load::new(STRANGER).unwrap()));
    reading.loads.clone().into_iter().chain(strangers).collect()
}

fn loads(sim: &mut Sim, at: Timestamp) -> Result<Samples, MetricsError> {
    if sim.fault(Fault::MetricsUnavailable) {
        return Err(MetricsError::Unavailable { message: "injected".to_owned() });
    }
    if sim.fault(Fault::MetricsIncomplete) {
        return Err(MetricsError::Incomplete { message: "injected".to_owned() });
    }
    let stale = sim.fault(Fault::SamplesStale);
    let at = if stale { at - SignedDuration::from_mins(sim.random.random_range(1..30)) } else { at };
    let mut samples = as_of(sim, at);
    if sim.fault(Fault::SamplesPartial) {
        let share = sim.random.random_range(0.0..0.6);
        samples.retain(|_, _| !sim.random.random_bool(share));
    }
    if sim.fault(Fault::SamplesNoisy) {
        for load in samples.values_mut() {
            *load = Load::new(load.get() * sim.random.random_range(0.5..2.0)).unwrap();
        }
    }
    Ok(samples)
}

fn partitions(sim: &mut Sim, at: Timestamp) -> Result<Vec<PartitionLoad>, MetricsError> {
    if sim.fault(Fault::PartitionsMissing) {
        return Err(MetricsError::Unavailable { message: "injected".to_owned() });
    }
    Ok(sim.world.reading(at).map_or_else(Vec::new, |reading| reading.partitions.clone()))
}
