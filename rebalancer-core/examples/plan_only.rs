//! A decision on data in memory: no ports, no runtime.
#![allow(clippy::print_stdout, reason = "an example shows its result")]

use rebalancer_core::fleet::Owner;
use rebalancer_core::jiff::{SignedDuration, Timestamp};
use rebalancer_core::unit::{Cores, Load};
use rebalancer_core::{Constraints, Indicator, Pod, Policy, Snapshot, plan};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now: Timestamp = "2026-01-01T12:00:00Z".parse()?;
    let mut fleet = Snapshot::builder("streams", "consumer", now);
    for (number, cores) in [1.9, 1.7, 0.8, 0.6, 0.4, 0.3, 0.3, 0.2].into_iter().enumerate() {
        let pod = Pod::new(format!("consumer-7d4b9c-{number}"), format!("uid-{number}"))
            .with_owner(Owner::of_apps("ReplicaSet", "consumer-7d4b9c", "uid-of-the-set"))
            .with_ready_since(now - SignedDuration::from_hours(1))
            .with_cpu_request(Cores::new(1.0)?);
        fleet = fleet.pod(pod, [(Indicator::Cpu, Load::new(cores)?)]);
    }
    let report = plan(&fleet.build()?, &Policy::default(), &Constraints::default());
    println!("{}", report.decision);
    for pod in &report.pods {
        println!("{}: {}", pod.pod.name, pod.verdict);
    }
    assert_eq!(report.decision.name(), "rotate");
    Ok(())
}
