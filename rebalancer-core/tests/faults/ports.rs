//! The ports of one process. Each call yields twice: before the API acts, and before the answer arrives. Between the two
//! halves anything may happen, and at each of them the process may die.

mod deleter;
mod group_lock;
mod inventory;
mod metrics;
mod rest;
mod store;
mod view;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rebalancer_core::fleet::Pod;

use crate::event::{Event, What};
use crate::poll::yield_once;
use crate::sim::Sim;

pub(crate) use group_lock::GroupPort;
pub(crate) use view::View;

#[derive(Clone)]
pub(crate) struct Port {
    sim: Arc<Mutex<Sim>>,
    process: usize,
    cycle: String,
    /// The fleet as this process listed it last.
    listed: Arc<Mutex<BTreeMap<String, Pod>>>,
}

/// Names of the two halves of a call.
#[derive(Debug, Clone, Copy)]
struct Call {
    before: &'static str,
    after: &'static str,
    /// It takes effect within its time, even if the process stands still.
    bound: bool,
}

/// Every call that a cycle makes.
pub(crate) const CALLS: [&str; 17] = [
    "taking the lock",
    "looking at the record",
    "reading loads",
    "reading earlier loads",
    "listing autoscalers",
    "reading the controller",
    "listing budgets",
    "listing pods",
    "writing the intent",
    "looking for other revisions",
    "counting a pod again",
    "reading a pod again",
    "a removal",
    "writing the end",
    "taking the group's lock",
    "looking at the group's lock",
    "giving the group's lock back",
];

macro_rules! call {
    ($name:literal) => {
        Call { before: concat!("before ", $name), after: concat!("after ", $name), bound: false }
    };
    ($name:literal, bound) => {
        Call { before: concat!("before ", $name), after: concat!("after ", $name), bound: true }
    };
}
use call;

impl Port {
    pub(crate) fn new(sim: Arc<Mutex<Sim>>, process: usize, cycle: String) -> Self {
        Self { sim, process, cycle, listed: Arc::default() }
    }

    fn sim(&self) -> MutexGuard<'_, Sim> {
        self.sim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call<T: Send>(&self, call: Call, effect: impl FnOnce(&mut Sim) -> T + Send) -> T {
        self.wait(call.before, call.bound).await;
        let answer = effect(&mut self.sim());
        self.wait(call.after, false).await;
        answer
    }

    async fn wait(&self, at: &'static str, bound: bool) {
        if let Some(process) = self.sim().processes.get_mut(self.process) {
            process.under_way.push(at);
            process.bound = bound;
        }
        yield_once().await;
        if let Some(process) = self.sim().processes.get_mut(self.process) {
            process.under_way.retain(|waited| *waited != at);
        }
    }

    fn tell(&self, sim: &mut Sim, what: What<'_>) {
        sim.tell(&Event { cycle: &self.cycle, what });
    }
}
