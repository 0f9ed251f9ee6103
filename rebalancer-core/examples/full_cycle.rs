//! A whole cycle, with ports of one's own. What a port does not implement has a safe default.
#![allow(clippy::print_stdout, reason = "an example shows its result")]

use rebalancer_core::fleet::{Owner, PodRef, Samples};
use rebalancer_core::jiff::{SignedDuration, Timestamp};
use rebalancer_core::port::{
    Clock, Inventory, InventoryError, MetricsSource, Mode, PodDeleter, Readings, RemovalError,
};
use rebalancer_core::unit::Load;
use rebalancer_core::{CycleSpec, Indicator, Pod, Ports, Workload, async_trait, cycle};

/// Eight pods and their lag, where another program would ask its own servers.
struct World(Vec<(Pod, f64)>);

#[async_trait]
impl MetricsSource for World {
    async fn read(&self, _at: Timestamp) -> Readings {
        let lag = self.0.iter().filter_map(|(pod, lag)| Some((pod.name.clone(), Load::new(*lag).ok()?)));
        Readings::none().with_loads(Indicator::Lag, lag.collect::<Samples>())
    }
}

#[async_trait]
impl Inventory for World {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        Ok(self.0.iter().map(|(pod, _)| pod.clone()).collect())
    }
}

#[async_trait]
impl PodDeleter for World {
    async fn remove(&self, pod: &PodRef, mode: Mode) -> Result<(), RemovalError> {
        println!("remove {pod} ({mode:?})");
        Ok(())
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let since = Timestamp::UNIX_EPOCH - SignedDuration::from_hours(1);
    let pod = |number: usize| {
        let pod = Pod::new(format!("consumer-{number}"), format!("uid-{number}")).with_namespace("streams");
        pod.with_owner(Owner::of_apps("StatefulSet", "consumer", "uid-of-the-set")).with_ready_since(since)
    };
    let lags = [9_000.0, 8_000.0, 900.0, 800.0, 700.0, 600.0, 90.0, 80.0];
    let world = World(lags.into_iter().enumerate().map(|(number, lag)| (pod(number), lag)).collect());
    let consumer = Workload { namespace: "streams".to_owned(), name: "consumer".to_owned() };
    // A dry run, as long as the mode is not set.
    let spec = CycleSpec::new("cycle-1", consumer);
    let end = cycle::run(&spec, &Ports::new(&world, &world, &world, &world)).await;
    println!("{}", end.outcome?.status());
    Ok(())
}
