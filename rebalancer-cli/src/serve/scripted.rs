//! A board as it is after some hours of a simulated fleet, for tests.

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::cycle::{self, CycleSpec, GroupSide, MemorySettings, Ports};
use rebalancer_core::fleet::Workload;
use rebalancer_core::history::{Budget, HistoryPolicy, MemoryStore};
use rebalancer_core::policy::{Persistence, Policy};
use rebalancer_core::port::Mode;
use rebalancer_core::simulation::{Drift, Fleet, Shape, Spread};

use tokio::sync::OnceCell;

use super::board::{Board, Last, Place, Terms};
use crate::journal::TrailJournal;
use crate::target::Target;

/// From one cycle to the next.
const INTERVAL: SignedDuration = SignedDuration::from_mins(2);

/// A name that wants to be more than text.
pub(super) const HOSTILE: &str = "<script>alert('x')</script>\"&\u{1b}[0m";

pub(super) fn workload(namespace: &str, name: &str) -> Target {
    let workload = Workload { namespace: namespace.to_owned(), name: name.to_owned() };
    Target { cluster: None, workload }
}

/// A fleet that is uneven and drifts.
pub(super) fn uneven(pods: usize, seed: u64) -> Shape {
    Shape {
        pods,
        partitions: pods * 5,
        spread: Spread::LogNormal { sigma: 1.0 },
        drift: Drift { swing: 0.6, walk: 0.25, ..Drift::default() },
        kafka: true,
        seed,
        ..Shape::default()
    }
}

/// One that is even.
pub(super) fn even(pods: usize, seed: u64) -> Shape {
    let drift = Drift { swing: 0.1, walk: 0.02, ..Drift::default() };
    Shape { spread: Spread::LogNormal { sigma: 0.1 }, drift, ..uneven(pods, seed) }
}

/// Puts the cycles of a simulated fleet on the board, as if they were this workload's; gives the time after the last.
pub(super) async fn play(
    board: &Board,
    workload: &Target,
    shape: &Shape,
    cycles: usize,
    mode: Mode,
) -> Timestamp {
    let budget = Budget::new(12, SignedDuration::from_hours(1)).unwrap();
    let policy = HistoryPolicy::default().settling_for(SignedDuration::from_mins(10)).unwrap();
    let memory = MemorySettings { policy, ..MemorySettings::default() };
    let terms = Terms { dry_run: mode == Mode::DryRun, budget: Some(budget), ..Terms::default() };
    board.enter(workload, terms);
    let (fleet, store) = (Fleet::new(shape).unwrap(), MemoryStore::default());
    let mut policy = Policy::default();
    policy.balance.persistence = Persistence::NONE;
    for number in 0..cycles {
        let spec = CycleSpec::new(format!("cycle-{number}"), Fleet::workload())
            .with_policy(policy.clone())
            .with_memory(memory)
            .with_mode(mode);
        let (trail, question) = (TrailJournal::default(), fleet.question());
        let ports = Ports::new(&fleet, &fleet, &fleet, &fleet).with_store(&store).with_journal(&trail);
        let ports = match &question {
            Some(question) => ports.with_group(GroupSide { source: &fleet, question }),
            None => ports,
        };
        let end = cycle::run(&spec, &ports).await;
        let at = fleet.now();
        let mut trail = trail.entries();
        trail.iter_mut().for_each(|entry| entry.timestamp = at);
        let last = Last {
            ended_at: at,
            seconds: 1.5,
            status: end.outcome.as_ref().map_or("failed", |outcome| outcome.status()),
            problem: end.outcome.as_ref().err().map(ToString::to_string),
            report: end.report,
            trail,
            ..Last::failed(String::new())
        };
        board.ended(workload, last, end.record);
        board.change(workload, |place| {
            place.listed = true;
            place.next = Some(at + INTERVAL);
        });
        fleet.replace();
        fleet.advance(INTERVAL);
    }
    fleet.now() - INTERVAL + SignedDuration::from_secs(48)
}

/// Workloads of every kind. They are played once for all tests.
pub(super) async fn board() -> (Board, Timestamp) {
    static PLAYED: OnceCell<(Vec<Place>, Timestamp)> = OnceCell::const_new();
    let (places, at) = PLAYED.get_or_init(played).await;
    (Board::of(places.clone()), *at)
}

async fn played() -> (Vec<Place>, Timestamp) {
    let board = Board::new(None);
    let at = play(&board, &workload("shop", "orders-consumer"), &uneven(12, 3), 40, Mode::Real).await;
    play(&board, &workload("shop", "payments-consumer"), &even(8, 5), 40, Mode::Real).await;
    play(&board, &workload("shop", "search-indexer"), &uneven(10, 9), 40, Mode::DryRun).await;
    board.enter(&workload("stock", "not-yet"), Terms::default());
    let broken = workload("stock", HOSTILE);
    board.enter(&broken, Terms::default());
    let problem = format!("the metric server did not answer: {HOSTILE}");
    board.ended(&broken, Last { ended_at: at, ..Last::failed(problem) }, None);
    (board.places(), at)
}
