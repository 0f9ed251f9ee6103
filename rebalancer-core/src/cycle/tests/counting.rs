//! What a cycle counts, and the record that it hands out for those who show it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::history::{HistoryPolicy, MemoryStore, Peeked, Record, StateStore as _};
use crate::port::ApiErrors;

/// An inventory that fails once more each time the fleet is listed, and has failed before.
struct Failing<'a>(&'a Fleet, AtomicU64);

#[async_trait]
impl Inventory for Failing<'_> {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.pods().await
    }
    async fn hpas(&self) -> Result<Vec<Hpa>, InventoryError> {
        self.0.hpas().await
    }
    async fn owner(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
    ) -> Result<Option<Controller>, InventoryError> {
        self.0.owner(api_version, kind, name).await
    }
    async fn budgets(&self) -> Result<Vec<DisruptionBudget>, InventoryError> {
        self.0.budgets().await
    }
    async fn pod(&self, name: &str) -> Result<Option<Pod>, InventoryError> {
        self.0.pod(name).await
    }
    fn errors(&self) -> ApiErrors {
        ApiErrors { errors: self.1.load(Ordering::Relaxed), retries: 0 }
    }
}

async fn one(fleet: &Fleet, store: &MemoryStore, mode: Mode) -> CycleEnd {
    one_by(policy(), fleet, store, mode).await
}

async fn one_by(policy: Policy, fleet: &Fleet, store: &MemoryStore, mode: Mode) -> CycleEnd {
    let inventory = Failing(fleet, AtomicU64::new(5));
    let (lock_for, one_removal) = (SignedDuration::from_mins(1), SignedDuration::from_secs(1));
    let memory = MemorySettings { policy: HistoryPolicy::default(), lock_for, one_removal };
    let spec = CycleSpec::new(format!("cycle-{mode:?}"), Fleet::workload())
        .with_policy(policy)
        .with_mode(mode)
        .with_memory(memory);
    run(&spec, &Ports::new(fleet, &inventory, fleet, fleet).with_store(store)).await
}

async fn stored(fleet: &Fleet, store: &MemoryStore) -> Record {
    let Peeked { record, .. } = store.peek(fleet.now()).await.unwrap();
    record
}

#[tokio::test]
async fn a_cycle_hands_out_the_record_that_it_wrote() {
    let (fleet, _) = uneven().await;
    let store = MemoryStore::default();
    let CycleEnd { outcome, record, .. } = one(&fleet, &store, Mode::Real).await;
    let Ok(Outcome::Acted { pods, .. }) = outcome else { panic!("{outcome:?}") };
    let record = record.unwrap();
    assert_eq!(record, stored(&fleet, &store).await);
    let counters = record.counters();
    assert_eq!(counters.cycles.iter().collect::<Vec<_>>(), [("rebalanced", 1)]);
    let removed: u64 = counters.removed.iter().map(|(_, count)| count).sum();
    assert_eq!(removed, pods.len() as u64);
    assert_eq!((counters.analysis.count(), counters.cycle.count()), (1, 1));
}

#[tokio::test]
async fn only_what_went_wrong_during_the_cycle_is_counted_to_it() {
    let (fleet, _) = uneven().await;
    let store = MemoryStore::default();
    let record = one(&fleet, &store, Mode::Real).await.record.unwrap();
    let listed = record.counters().errors.get("kubernetes");
    assert_eq!(
        listed, 2,
        "the fleet is listed for the decision, and, as nobody owns it, to see whether it rolls"
    );
    assert_eq!(record.counters().errors.get("prometheus"), 0);
}

#[tokio::test]
async fn a_dry_run_counts_nothing_and_hands_out_what_it_read() {
    let (fleet, _) = uneven().await;
    let store = MemoryStore::default();
    let first = one(&fleet, &store, Mode::Real).await.record.unwrap();
    let end = one(&fleet, &store, Mode::DryRun).await;
    assert!(end.outcome.is_ok());
    assert_eq!(end.record, Some(first));
}

#[tokio::test]
async fn a_cycle_that_holds_is_counted_with_its_reason() {
    let (fleet, _) = uneven().await;
    let store = MemoryStore::default();
    let cautious = policy().with_minimum_pods(1000);
    let record = one_by(cautious, &fleet, &store, Mode::Real).await.record.unwrap();
    assert_eq!(record.counters().holds.iter().collect::<Vec<_>>(), [("too_few_pods", 1)]);
    assert_eq!(record.counters().cycles.get("held"), 1);
}
