//! Of several replicas one acts, whatever happens to them: they are stopped and continued, killed, and cut off from the API
//! server. Dry runs ask for the same evictions again and again, and hold no lock, so that only the election keeps replicas
//! apart.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::runtime::watcher::watch_object;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::serve::Watched;
use crate::harness::fleet::Fleet;
use crate::harness::proxy::{Pass, Proxy};
use crate::harness::serving::Serving;
use crate::harness::wait;

/// Evictions that came, each with the replica that asked and when.
type Evictions = Arc<Mutex<Vec<(String, Instant)>>>;

/// Who held the Lease, and since when, as it was seen.
type Terms = Arc<Mutex<Vec<(String, Instant)>>>;

/// Writes down who holds the Lease.
async fn look(api: Api<Lease>, terms: Terms) {
    let mut states = pin!(watch_object(api, "pod-rebalancer-leader"));
    while let Some(state) = states.next().await {
        let spec = state.ok().flatten().and_then(|lease| lease.spec);
        let Some(holder) = spec.and_then(|spec| spec.holder_identity) else { continue };
        let name = holder.split('_').next().unwrap().to_owned();
        let mut terms = terms.lock().unwrap();
        if terms.last().is_none_or(|(last, _)| *last != name) {
            terms.push((name, Instant::now()));
        }
    }
}

/// A replica behind a proxy of its own.
struct Replica {
    name: String,
    serving: Option<Serving>,
    proxy: Proxy,
    /// Nothing passes between it and the API server.
    cut: Arc<AtomicBool>,
    hold: Arc<Hold>,
    /// It acts as if nobody else did.
    unelected: bool,
}

/// Holds one answer back, once it is told of which path.
#[derive(Default)]
struct Hold {
    end: Mutex<Option<String>>,
    reached: Notify,
    open: Notify,
}

impl Hold {
    /// Holds this request back, if it is the one.
    async fn back(&self, path: &str) {
        let ours = self.end.lock().unwrap().take_if(|end| path.ends_with(&*end)).is_some();
        if ours {
            self.reached.notify_one();
            self.open.notified().await;
        }
    }
}

impl Replica {
    async fn start(watched: &Watched, name: &str, evictions: &Evictions) -> Self {
        let cut = Arc::new(AtomicBool::new(false));
        let hold = Arc::<Hold>::default();
        let (is_cut, whose, seen, held) =
            (Arc::clone(&cut), name.to_owned(), Arc::clone(evictions), Arc::clone(&hold));
        let proxy = Proxy::start(watched.fleet.plane, move |method, path| {
            let cut = is_cut.load(Ordering::SeqCst);
            if !cut && method == Method::POST && path.ends_with("/eviction") {
                seen.lock().unwrap().push((whose.clone(), Instant::now()));
            }
            let held = Arc::clone(&held);
            async move {
                if method == Method::GET {
                    held.back(&path).await;
                }
                match cut {
                    true => Pass::Answer(503, "cut off".to_owned()),
                    false => Pass::Forward,
                }
            }
        })
        .await;
        let mut replica = Self { name: name.to_owned(), serving: None, proxy, cut, hold, unelected: false };
        replica.begin(watched).await;
        replica
    }

    async fn begin(&mut self, watched: &Watched) {
        let Fleet { plane, token, .. } = &watched.fleet;
        let kubeconfig = plane.kubeconfig(&watched.fleet.file(&self.name), &self.proxy.url, token);
        let rebalancer =
            watched.rebalancer().kubeconfig(&kubeconfig).env("DRY_RUN", "true").env("HOSTNAME", &self.name);
        let rebalancer = rebalancer.env("LEADER_ELECTION", (!self.unelected).to_string());
        self.serving = Some(Serving::start(rebalancer).await);
    }

    fn serving(&self) -> &Serving {
        self.serving.as_ref().unwrap()
    }
}

/// What happens to the replica that leads.
#[derive(Debug, Clone, Copy)]
enum Mishap {
    Stopped,
    Killed,
    CutOff,
    CutOffAndStopped,
}

const MISHAPS: [Mishap; 4] = [Mishap::Stopped, Mishap::Killed, Mishap::CutOff, Mishap::CutOffAndStopped];

/// Two replicas for one fleet.
struct Pair {
    watched: Watched,
    replicas: [Replica; 2],
    evictions: Evictions,
    terms: Terms,
}

impl Pair {
    async fn start(number: usize) -> Self {
        let watched = Watched::start(&format!("pair-{number}")).await;
        let evictions = Evictions::default();
        let one = Replica::start(&watched, "one", &evictions).await;
        let other = Replica::start(&watched, "other", &evictions).await;
        let terms = Terms::default();
        tokio::spawn(look(watched.fleet.api(), Arc::clone(&terms)));
        Self { watched, replicas: [one, other], evictions, terms }
    }

    /// Waits until this replica, or any, has asked for an eviction after this moment. Returns which.
    async fn acts(&self, since: Instant, who: Option<usize>) -> usize {
        let acted = wait::until("an eviction", async || {
            let evictions = self.evictions.lock().unwrap();
            let late =
                evictions.iter().rev().take_while(|(_, at)| *at > since).map(|(whose, _)| whose.clone());
            let place =
                |whose: String| self.replicas.iter().position(|replica| replica.name == whose).unwrap();
            let acted = late.map(place).find(|acted| who.is_none_or(|who| who == *acted));
            acted.ok_or_else(|| self.told())
        });
        acted.await
    }

    /// Who led, and what the replicas logged last.
    fn told(&self) -> String {
        let last = |replica: &Replica| {
            let log = replica.serving().log();
            let lines: Vec<String> = log.iter().rev().take(12).rev().map(ToString::to_string).collect();
            format!("{}:\n{}", replica.name, lines.join("\n"))
        };
        format!("{:?}\n{}", self.terms.lock().unwrap(), self.replicas.each_ref().map(last).join("\n"))
    }

    async fn suffer(&mut self, mishap: Mishap) {
        let leader = self.acts(Instant::now(), None).await;
        let began = Instant::now();
        let replica = &self.replicas[leader];
        match mishap {
            Mishap::Stopped => replica.serving().signal("STOP").await,
            Mishap::CutOff => replica.cut.store(true, Ordering::SeqCst),
            Mishap::CutOffAndStopped => {
                replica.cut.store(true, Ordering::SeqCst);
                replica.serving().signal("STOP").await;
            }
            Mishap::Killed => self.replicas[leader].serving.as_mut().unwrap().kill().await,
        }
        self.acts(began, Some(1 - leader)).await;
        let Self { watched, replicas, .. } = self;
        let replica = &mut replicas[leader];
        match mishap {
            Mishap::Stopped => replica.serving().signal("CONT").await,
            Mishap::CutOff => replica.cut.store(false, Ordering::SeqCst),
            Mishap::CutOffAndStopped => {
                replica.serving().signal("CONT").await;
                replica.cut.store(false, Ordering::SeqCst);
            }
            Mishap::Killed => replica.begin(watched).await,
        }
    }

    /// Evictions that came from another replica than the one that held the Lease at that time. A holder is seen a moment after
    /// it became one.
    fn strays(&self) -> Vec<String> {
        let (evictions, terms) = (self.evictions.lock().unwrap(), self.terms.lock().unwrap());
        let of = |at: Instant| terms.iter().rev().find(|(_, from)| *from <= at).map(|(holder, _)| holder);
        let stray = |(whose, at): &&(String, Instant)| {
            let seen = [of(*at), of(*at + Duration::from_millis(500))];
            !seen.contains(&Some(whose))
        };
        evictions.iter().filter(stray).map(|(whose, at)| format!("{whose} at {at:?} in {terms:?}")).collect()
    }
}

/// So many mishaps, one after the other. Returns how many evictions and terms there were.
async fn suffered(number: usize, rounds: usize) -> (usize, usize) {
    let mut pair = Pair::start(number).await;
    for round in 0..rounds {
        pair.suffer(MISHAPS[(number + round) % MISHAPS.len()]).await;
    }
    assert_eq!(pair.strays(), [""; 0]);
    let (evictions, terms) = (pair.evictions.lock().unwrap().len(), pair.terms.lock().unwrap().len());
    (evictions, terms)
}

async fn all_suffer(pairs: usize, rounds: usize) {
    let suffered = join_all((0..pairs).map(|number| suffered(number, rounds))).await;
    let (evictions, terms) =
        suffered.iter().fold((0, 0), |(evictions, terms), (more, longer)| (evictions + more, terms + longer));
    eprintln!("{} mishaps, {terms} terms, {evictions} evictions", pairs * rounds);
    assert!(terms > pairs * rounds, "each mishap brought another leader");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn whatever_happens_to_the_leader_no_two_replicas_act() {
    all_suffer(4, 2).await;
}

/// The last thing before a removal is one more look at the pod. Whoever is stopped while it waits for that answer may wake up
/// when another has led for long.
#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_leader_that_sleeps_between_its_last_look_and_the_eviction_does_not_send_it() {
    let pair = Pair::start(100).await;
    let leader = pair.acts(Instant::now(), None).await;
    let replica = &pair.replicas[leader];
    let hottest = &pair.watched.before.0[0].name;
    *replica.hold.end.lock().unwrap() = Some(format!("/pods/{hottest}"));
    timeout(wait::PATIENCE, replica.hold.reached.notified()).await.expect("the last look");
    replica.serving().signal("STOP").await;
    pair.acts(Instant::now(), Some(1 - leader)).await;
    let cycles = replica.serving().events("cycle_finished").len();
    replica.hold.open.notify_one();
    replica.serving().signal("CONT").await;
    replica.serving().until("cycle_finished", cycles + 1).await;
    assert_eq!(pair.strays(), [""; 0]);
}

/// What the others find would be found.
#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_replica_that_acts_without_being_elected_is_found_out() {
    let mut pair = Pair::start(200).await;
    let leader = pair.acts(Instant::now(), None).await;
    pair.replicas[1 - leader].unelected = true;
    let Pair { watched, replicas, .. } = &mut pair;
    replicas[1 - leader].begin(watched).await;
    let since = Instant::now();
    for who in [0, 1] {
        pair.acts(since, Some(who)).await;
    }
    assert_ne!(pair.strays(), [""; 0]);
}

/// Long: left out of the suite.
#[tokio::test(flavor = "multi_thread")]
#[ignore]
async fn a_hundred_mishaps() {
    all_suffer(10, 10).await;
}
