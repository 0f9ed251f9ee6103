//! Keeps a loop for each workload.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::history::Record;
use rebalancer_kube::{FleetWatch, Leadership};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{Instant, sleep_until};
use tracing::{error, info};

use super::board::{Board, Last, Terms};
use super::regrouped::regrouped;
use super::reload::Followed;
use super::rhythm::Rhythm;
use super::shared::{Around, Following, Shared};
use crate::adapters::Adapters;
use crate::config::problem::Problem;
use crate::config::{RunSettings, ServeSettings, WorkloadSettings};
use crate::interrupt::{Signals, Watch, led_by_another};
use crate::target::Target;

/// The most that a loop waits for its first lists.
const LONGEST_LIST: Duration = Duration::from_secs(10);
/// Between two looks for a cluster that is not configured.
pub(crate) const AGAIN: Duration = Duration::from_secs(60);
/// Between two looks at whether they are there.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the cycle of one workload, once.
#[async_trait(?Send)]
pub(crate) trait Cycle {
    async fn run(&self, adapters: &Adapters, run: RunSettings, watch: &Watch) -> (Last, Option<Record>);
}

/// What every loop shares.
pub(crate) struct Keeper<C> {
    pub(crate) settings: ServeSettings,
    pub(crate) board: Arc<Board>,
    pub(crate) signals: Signals,
    pub(crate) leadership: Option<watch::Receiver<Leadership>>,
    /// Between two looks for a cluster that is not configured.
    pub(crate) again: Duration,
    pub(crate) cycle: C,
}

/// One workload's loop.
struct Loop {
    stop: watch::Sender<bool>,
    ended: JoinHandle<()>,
    settings: Vec<crate::config::effective::Effective>,
}

impl<C: Cycle + 'static> Keeper<C> {
    /// Keeps these workloads, and those of each new version of the file, until the process is asked to end. Must be called
    /// in a `LocalSet`.
    pub(crate) async fn keep(
        self,
        workloads: Vec<WorkloadSettings>,
        file: Option<&str>,
        read: impl Fn() -> Result<Vec<WorkloadSettings>, Vec<Problem>>,
    ) {
        let keeper = Rc::new(self);
        let at_once = Rc::new(Semaphore::new(keeper.settings.at_once.get()));
        let mut file = Followed::new(file);
        let connections = Shared::default();
        let mut loops = BTreeMap::new();
        keeper.renew(&mut loops, workloads, &connections, &at_once).await;
        loop {
            let missing = loops.len() < keeper.board.places().len();
            tokio::select! {
                () = keeper.signals.wait() => break,
                // A cluster that is not configured may be so by now; others are left as they are.
                () = tokio::time::sleep(keeper.again), if missing => if let Ok(workloads) = read() {
                    keeper.renew(&mut loops, workloads, &connections, &at_once).await;
                },
                () = file.changed() => match read() {
                    Ok(workloads) => {
                        info!(event = "workloads_read", workloads = workloads.len(), "the file of workloads has changed");
                        keeper.board.reject(None);
                        keeper.renew(&mut loops, workloads, &connections, &at_once).await;
                    }
                    Err(problems) => keeper.rejected(&problems),
                },
            }
        }
        for (_, one) in loops {
            one.end().await;
        }
    }

    fn rejected(&self, problems: &[Problem]) {
        let said = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        error!(
            event = "workloads_rejected",
            problems = said,
            "the new version of the file of workloads can't be used; the one before counts"
        );
        self.board.reject(Some(said));
    }

    /// Ends loops of workloads that are not wanted as they are, and begins those that are not there. What did not change goes
    /// on as it is.
    async fn renew(
        self: &Rc<Self>,
        loops: &mut BTreeMap<Target, Loop>,
        workloads: Vec<WorkloadSettings>,
        connections: &Shared,
        at_once: &Rc<Semaphore>,
    ) {
        let wanted: BTreeMap<_, _> = workloads.into_iter().map(|one| (one.run.target(), one)).collect();
        let stays = |target: &Target, one: &Loop| {
            wanted.get(target).is_some_and(|wanted| wanted.effective == one.settings)
        };
        let gone: Vec<_> = loops
            .iter()
            .filter(|(target, one)| !stays(target, one))
            .map(|(target, _)| target.clone())
            .collect();
        for target in gone {
            if let Some(one) = loops.remove(&target) {
                one.end().await;
            }
            if !wanted.contains_key(&target) {
                self.board.leave(&target);
            }
        }
        let of = wanted.len();
        let fresh = wanted.into_iter().enumerate().filter(|(_, (target, _))| !loops.contains_key(target));
        let fresh: Vec<_> = fresh.collect();
        for (_, (target, one)) in &fresh {
            self.board.enter(target, Terms::from(&one.run));
        }
        connections.again();
        // Each begins as soon as its own cluster is there: the way to another may take a credential plugin its time.
        let begun = fresh.into_iter().map(async |(index, (target, one))| {
            let begun = self.begin(&target, one, (index, of), connections, at_once).await?;
            Some((target, begun))
        });
        loops.extend(join_all(begun).await.into_iter().flatten());
    }

    /// Begins the loop of a workload; `None` where its cluster is not configured: others are not to suffer from that.
    async fn begin(
        self: &Rc<Self>,
        target: &Target,
        one: WorkloadSettings,
        place: (usize, usize),
        connections: &Shared,
        at_once: &Rc<Semaphore>,
    ) -> Option<Loop> {
        let settings = one.effective.clone();
        let opened = tokio::select! {
            opened = connections.open(one) => opened,
            () = self.signals.wait() => return None,
        };
        let (adapters, around, run) = match opened {
            Ok(ready) => ready,
            Err(problem) => {
                let Target { cluster, workload } = target;
                error!(
                    event = "configuration_error",
                    cluster,
                    namespace = workload.namespace,
                    workload = workload.name,
                    error = problem,
                    "no cluster"
                );
                self.board.ended(target, Last::failed(problem), None);
                return None;
            }
        };
        let (stop, stopped) = watch::channel(false);
        let (keeper, at_once) = (Rc::clone(self), Rc::clone(at_once));
        let one = OneLoop { keeper, adapters, around, run, stopped, at_once };
        Some(Loop { stop, ended: spawn_local(one.go(place)), settings })
    }

    fn leads(&self) -> bool {
        self.leadership.as_ref().is_none_or(|leadership| leadership.borrow().leads())
    }
}

impl Loop {
    /// Lets the cycle in hand finish.
    async fn end(self) {
        self.stop.send_replace(true);
        if let Err(broken) = self.ended.await {
            error!(event = "loop_broken", error = %broken, "the loop of a workload broke");
        }
    }
}

/// The loop of one workload.
struct OneLoop<C> {
    keeper: Rc<Keeper<C>>,
    adapters: Adapters,
    around: Arc<Around>,
    run: RunSettings,
    stopped: watch::Receiver<bool>,
    at_once: Rc<Semaphore>,
}

impl<C: Cycle + 'static> OneLoop<C> {
    /// Until it is stopped. Only a leader watches: what a replica that stands by would see is of no use to anybody.
    async fn go(mut self, place: (usize, usize)) {
        while self.until_leading().await {
            let _around = self.around.follow();
            let _fleet =
                self.adapters.view.as_ref().map(|view| Following::of(view.follow(&self.around.over)));
            self.until_listed().await;
            self.cycles(place).await;
            self.change(|place| (place.listed, place.next) = (false, None));
        }
    }

    /// Cycles, for as long as this replica leads and nobody stops it.
    async fn cycles(&mut self, (index, of): (usize, usize)) {
        let ServeSettings { interval, shortest, .. } = self.keeper.settings;
        let rhythm = Rhythm { interval, shortest };
        let mut changes = self.adapters.view.as_ref().map(FleetWatch::changes);
        let mut due = rhythm.first(Instant::now(), index, of);
        let mut soonest = due;
        while self.until_due(due, soonest, &mut changes).await {
            let at_once = Rc::clone(&self.at_once);
            let Ok(_turn) = at_once.acquire().await else { return };
            if self.is_over() {
                return;
            }
            if let Some(changes) = &mut changes {
                changes.mark_unchanged();
            }
            let began = Instant::now();
            self.cycle(began).await;
            let ended = Instant::now();
            (due, soonest) = (rhythm.next(began, ended), rhythm.soonest(ended));
        }
    }

    async fn cycle(&self, began: Instant) {
        let listed = self.adapters.view.as_ref().is_none_or(FleetWatch::is_listed);
        self.change(|place| (place.running, place.listed, place.next) = (true, listed, None));
        let Keeper { signals, leadership, cycle, board, .. } = &*self.keeper;
        let watch = signals.until(began + self.run.timeout).led(leadership.clone());
        let (last, record) = cycle.run(&self.adapters, self.run.clone(), &watch).await;
        board.ended(&self.run.target(), last, record);
        self.change(|place| place.running = false);
    }

    /// Waits until the next cycle is due; a change makes it due sooner. `false`: there is none.
    async fn until_due(
        &mut self,
        due: Instant,
        soonest: Instant,
        changes: &mut Option<watch::Receiver<u64>>,
    ) -> bool {
        self.plan(due);
        let changed = async {
            match changes {
                // It fails when nobody tells of changes any more; then the time alone counts.
                Some(changes) => match changes.changed().await {
                    Ok(()) => sleep_until(soonest).await,
                    Err(_) => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        };
        let shortest = self.keeper.settings.shortest;
        let rebalanced = async {
            match &self.adapters.group {
                Some(group) => regrouped(group.side().source, shortest).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep_until(due) => true,
            () = changed => true,
            () = rebalanced => true,
            () = over(&self.keeper, &mut self.stopped) => false,
        }
    }

    /// Says when the next cycle is due, for people.
    fn plan(&self, due: Instant) {
        let left =
            SignedDuration::try_from(due.saturating_duration_since(Instant::now())).unwrap_or_default();
        let next = Timestamp::now().checked_add(left).ok();
        self.change(|place| place.next = next);
    }

    /// Waits until this replica leads. `false`: it is stopped.
    async fn until_leading(&mut self) -> bool {
        let leading = async {
            let Some(mut leadership) = self.keeper.leadership.clone() else { return };
            // It fails when nobody stands for election any more.
            if leadership.wait_for(Leadership::leads).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = leading => !self.keeper.signals.received() && !*self.stopped.borrow(),
            () = stopped(&self.keeper.signals, &mut self.stopped) => false,
        }
    }

    /// Waits for the first lists, but not for long: a cycle says best what is wrong with them.
    async fn until_listed(&mut self) {
        let Some(view) = &self.adapters.view else { return };
        let patience = sleep_until(Instant::now() + self.run.timeout.min(LONGEST_LIST));
        let listed = async {
            while !view.is_listed() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = listed => self.change(|place| place.listed = true),
            () = patience => {}
            () = over(&self.keeper, &mut self.stopped) => {}
        }
    }

    fn is_over(&self) -> bool {
        *self.stopped.borrow() || self.keeper.signals.received() || !self.keeper.leads()
    }

    fn change(&self, change: impl FnOnce(&mut super::board::Place)) {
        self.keeper.board.change(&self.run.target(), change);
    }
}

/// Waits until the loop is stopped, or this replica does not lead any more.
async fn over<C>(keeper: &Keeper<C>, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = stopped(&keeper.signals, stop) => {}
        () = led_by_another(keeper.leadership.clone()) => {}
    }
}

async fn stopped(signals: &Signals, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = signals.wait() => {}
        // Whoever could stop it is gone.
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

#[cfg(test)]
mod tests;
