//! The past behind the cycle's ports.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::counterfactual::{Counterfactual, not_known};
use super::lag::{self, LagCourse};
use super::{BacktestSpec, LagSeen, Moment, NotKnown, PartitionUnit, Seen, fleet};
use crate::fleet::{Claims, Indicator, Pod, PodRef, Samples, Uid};
use crate::group::{GroupModel, assumed, infer};
use crate::history::Constraints;
use crate::planner::measure;
use crate::port::{
    Clock, Inventory, InventoryError, MetricsError, MetricsSource, Mode, PastReading, PodDeleter, Readings,
    RemovalError,
};
use crate::report::Limit;
use crate::snapshot::{ObservedPod, Snapshot};
use crate::stats::Distribution;
use crate::unit::Load;

/// The fleet of the past, and what became of it here.
pub(super) struct World<'a> {
    spec: &'a BacktestSpec,
    history: &'a [Moment],
    /// Pods of each moment.
    fleets: Vec<Vec<Pod>>,
    indicator: Option<Indicator>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    place: usize,
    /// Pods that were removed in this cycle.
    leaving: Vec<Uid>,
    /// `None` until the first rotation: until then this is the past.
    other: Option<Counterfactual>,
    /// What would have been read since then, by moment.
    readings: BTreeMap<usize, Readings>,
    /// The pods of the last moment that is known.
    pods: Vec<Pod>,
    /// What would have been is not known any more.
    ended: bool,
    unknown: BTreeSet<NotKnown>,
    /// Lag since the first rotation; `None` where it is not known (any more).
    lag: Option<LagCourse>,
    /// Pods of the past that were removed here.
    removed: BTreeSet<Uid>,
}

impl<'a> World<'a> {
    pub(super) fn new(spec: &'a BacktestSpec, history: &'a [Moment]) -> Self {
        let mut unknown = not_told(history);
        unknown.extend(spec.unknown.iter().copied());
        let state = State { unknown, ..State::default() };
        let readable = |moment: &Moment| {
            let loads = &moment.readings.loads;
            let usable = |(indicator, loads): (&Indicator, &Result<Samples, _>)| {
                loads.as_ref().is_ok_and(|loads| !loads.is_empty()).then_some(*indicator)
            };
            loads.iter().find_map(usable)
        };
        Self {
            spec,
            history,
            fleets: fleet::of(history, &spec.subject.workload),
            indicator: history.iter().find_map(readable),
            state: Mutex::new(state),
        }
    }

    pub(super) const fn indicator(&self) -> Option<Indicator> {
        self.indicator
    }

    pub(super) fn unknown(&self) -> Vec<NotKnown> {
        self.state().unknown.iter().copied().collect()
    }

    pub(super) fn at(&self) -> Timestamp {
        let place = self.state().place;
        self.history.get(place).map_or(Timestamp::MIN, |moment| moment.at)
    }

    /// Goes on to this moment.
    pub(super) fn go_to(&self, place: usize) {
        let mut state = self.state();
        state.place = place;
        self.work_out(&mut state);
    }

    /// What was removed is replaced, and the group comes to rest; it is seen at the next moment.
    pub(super) fn settle(&self) {
        let mut state = self.state();
        let leaving = std::mem::take(&mut state.leaving);
        if leaving.is_empty() {
            return;
        }
        let place = state.place;
        let Some((snapshot, model)) = self.snapshot(place).and_then(|snapshot| {
            let model = self.models(&snapshot).into_values().next()?;
            Some((snapshot, model))
        }) else {
            return;
        };
        if state.other.is_none() {
            if self.spec.unit == PartitionUnit::Produced {
                state.lag = LagCourse::of(&model, &snapshot);
            }
            if state.lag.is_some() {
                state.unknown.insert(NotKnown::Pauses);
            }
            let Ok(inference) = infer(&model, self.spec.policy.group.assignor) else { return };
            let timing = assumed(&snapshot, &self.spec.policy.group, &Constraints::default()).timing;
            if model.members.iter().any(|member| member.id.is_none()) {
                state.unknown.insert(NotKnown::MemberIds);
            }
            if inference.rules().len() > 1 {
                state.unknown.insert(NotKnown::Assignor);
            }
            state.other = Some(Counterfactual::of(&model, &snapshot, inference.assignor(), timing));
        }
        let now = snapshot.taken_at;
        if let Some(other) = &mut state.other {
            let gone = other.replace(&leaving, now);
            state.removed.extend(gone);
        }
    }

    /// What would be read at this moment, once the group has a course of its own.
    fn work_out(&self, state: &mut State) {
        let place = state.place;
        let (Some(moment), Some(fleet)) = (self.history.get(place), self.fleets.get(place)) else { return };
        let Some(mut other) = state.other.take() else { return };
        let snapshot = self.snapshot(place);
        let models = snapshot.as_ref().map(|snapshot| self.models(snapshot)).unwrap_or_default();
        let lag = state.lag.take();
        let readings = match (snapshot, models.values().next()) {
            (Some(snapshot), Some(model)) => match other.go_on(model, &snapshot) {
                Ok(()) => {
                    state.lag = lag.and_then(|lag| self.lag_on(lag, &other, model, &snapshot, place));
                    state.pods = other.pods(fleet);
                    other.readings(&models, &snapshot, &moment.readings)
                }
                Err(super::counterfactual::OtherTopics) => {
                    state.unknown.insert(NotKnown::Topics);
                    (state.ended, state.pods) = (true, Vec::new());
                    return;
                }
            },
            (_, _) => nothing_known(&moment.readings),
        };
        state.readings.insert(place, readings);
        state.other = Some(other);
    }

    /// The past at this moment.
    fn snapshot(&self, place: usize) -> Option<Snapshot> {
        let (moment, pods) = (self.history.get(place)?, self.fleets.get(place)?);
        self.assembled(moment.at, pods.clone(), self.readings_of(moment))
    }

    /// The past at this moment, where who holds what and what it costs is known.
    pub(super) fn modeled(&self, place: usize) -> Option<Snapshot> {
        self.snapshot(place).filter(|snapshot| !self.models(snapshot).is_empty())
    }

    fn assembled(&self, at: Timestamp, pods: Vec<Pod>, readings: Readings) -> Option<Snapshot> {
        let subject = &self.spec.subject;
        Snapshot::assemble(subject.workload.clone(), at, pods, Ok(Vec::new()), &subject.hpa_prefix, readings)
            .ok()
    }

    /// Series that say whose they are by UID are nobody's where UIDs are not known.
    fn readings_of(&self, moment: &Moment) -> Readings {
        let mut readings = moment.readings.clone();
        if moment.pods.is_none() {
            readings.claims.clear();
        }
        readings
    }

    /// The models of the indicators that partition loads explain, when the group's rule is known.
    fn models(&self, snapshot: &Snapshot) -> BTreeMap<Indicator, GroupModel> {
        let models = snapshot.readable.iter().filter_map(|&indicator| {
            let model = GroupModel::of(snapshot, indicator).ok()?;
            infer(&model, self.spec.policy.group.assignor).ok()?;
            Some((indicator, model))
        });
        models.collect()
    }

    /// What a rotation does now can be worked out.
    pub(super) fn can_go_on(&self) -> bool {
        let (place, ended) = {
            let state = self.state();
            (state.place, state.ended)
        };
        !ended && self.modeled(place).is_some()
    }

    /// How even the fleet was, and how even it would have been.
    pub(super) fn seen(&self) -> [Option<(Seen, Samples)>; 2] {
        let (place, readings, pods, ended) = {
            let state = self.state();
            (state.place, state.readings.get(&state.place).cloned(), state.pods.clone(), state.ended)
        };
        let Some(snapshot) = self.snapshot(place) else { return [None, None] };
        let was = self.even(&snapshot);
        match readings {
            _ if ended => [was, None],
            None => [was.clone(), was],
            Some(readings) => {
                let would = self.assembled(snapshot.taken_at, pods, readings);
                [was, would.and_then(|snapshot| self.even(&snapshot))]
            }
        }
    }

    /// Over all own pods that serve and have a sample.
    fn even(&self, snapshot: &Snapshot) -> Option<(Seen, Samples)> {
        let indicator = self.indicator?;
        let serving = snapshot.pods.iter().filter(|seen| seen.own && seen.pod.is_serving());
        let loaded = serving.filter_map(|seen| Some((seen, seen.loads.get(indicator)?)));
        let loaded: Vec<(&ObservedPod, Load)> = loaded.collect();
        let loads: Vec<(Load, _)> = loaded.iter().map(|(seen, load)| (*load, seen.cpu_request)).collect();
        let measured = Distribution::of(loads.iter().map(|(load, _)| *load))?;
        let reports = measure(snapshot, &self.spec.policy);
        let limit =
            reports.into_iter().find(|report| report.indicator == indicator).map(|report| report.limit);
        let by_mean =
            Load::new(measured.mean * self.spec.policy.balance.tolerance.get()).unwrap_or(Load::MAX);
        let is_above = |(load, request): &&(Load, _)| match limit {
            Some(limit @ Limit::Target { .. }) => *load > limit.for_request(*request),
            Some(Limit::Variance { .. }) | None => *load > by_mean,
        };
        let above = loads.iter().filter(is_above).count();
        let seen = Seen { cv: measured.cv, max_to_mean: measured.max_to_mean, above, pods: measured.count };
        Some((seen, loaded.into_iter().map(|(seen, load)| (seen.pod.name.clone(), load)).collect()))
    }

    /// The pods that are there now.
    fn pods_now(&self) -> Vec<Pod> {
        let state = self.state();
        let mut pods = match (&state.other, self.fleets.get(state.place)) {
            (None, Some(fleet)) => fleet.clone(),
            (Some(_), _) | (None, None) => state.pods.clone(),
        };
        pods.retain(|pod| !state.leaving.contains(&pod.uid));
        pods
    }

    /// Lag one step later.
    fn lag_on(
        &self,
        mut lag: LagCourse,
        other: &Counterfactual,
        model: &GroupModel,
        snapshot: &Snapshot,
        place: usize,
    ) -> Option<LagCourse> {
        let before = self.snapshot(place.checked_sub(1)?)?;
        let seconds = snapshot.taken_at.duration_since(before.taken_at).as_secs_f64();
        let had = lag::samples(&before);
        let flows = lag::flows(&had, model, snapshot, seconds, self.spec.behind)?;
        lag.step(&other.queues(), model, snapshot, &flows, seconds);
        Some(lag)
    }

    /// Lag of the pods at this moment.
    pub(super) fn lag(&self) -> Option<LagSeen> {
        let state = self.state();
        let snapshot = self.snapshot(state.place)?;
        let lags = lag::samples(&snapshot);
        if lags.is_empty() {
            return None;
        }
        let is_behind = |lag: f64| lag > self.spec.behind;
        let behind: Vec<&Uid> = lags.iter().filter(|(_, lag)| is_behind(**lag)).map(|(uid, _)| uid).collect();
        let would = match (&state.other, &state.lag) {
            (None, _) => Some(behind.len()),
            (Some(other), Some(course)) => {
                let queues = other.queues();
                Some(queues.iter().filter(|pod| is_behind(course.of_pod(&pod.holds))).count())
            }
            (Some(_), None) => None,
        };
        let removed = behind.iter().filter(|uid| state.removed.contains(**uid)).count();
        Some(LagSeen { was: behind.len(), removed, would })
    }

    /// What is read at a moment.
    fn read_at(&self, place: usize) -> Option<Readings> {
        let state = self.state();
        let moment = self.history.get(place)?;
        Some(state.readings.get(&place).cloned().unwrap_or_else(|| self.readings_of(moment)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing is known of what would have been at a time of which the past tells too little.
fn nothing_known(was: &Readings) -> Readings {
    Readings {
        loads: was.loads.keys().map(|&indicator| (indicator, Err(not_known(indicator.name())))).collect(),
        claims: BTreeMap::new(),
        cpu_requests: was.cpu_requests.clone(),
        hpas: was.hpas.clone(),
        partitions: Some(Err(not_known("the partitions' load"))),
    }
}

/// What the past does not tell.
fn not_told(history: &[Moment]) -> BTreeSet<NotKnown> {
    let mut unknown = BTreeSet::from([NotKnown::Marks, NotKnown::Scaling, NotKnown::ReadySince]);
    if history.iter().any(|moment| moment.pods.is_none() && fleet::has_samples(moment)) {
        unknown.insert(NotKnown::Pods);
    }
    let told = |moment: &Moment| matches!(&moment.readings.partitions, Some(Ok(partitions)) if !partitions.is_empty());
    if !history.iter().any(told) {
        unknown.insert(NotKnown::Partitions);
    }
    unknown
}

#[async_trait]
impl MetricsSource for World<'_> {
    async fn read(&self, _at: Timestamp) -> Readings {
        let place = self.state().place;
        self.read_at(place).unwrap_or_else(Readings::none)
    }

    async fn past(
        &self,
        indicator: Indicator,
        at: Timestamp,
        step: SignedDuration,
        count: usize,
    ) -> Result<Vec<PastReading>, MetricsError> {
        let earlier = (1..).take(count).map(|back: i32| {
            let then = step.checked_mul(back).and_then(|back| at.checked_sub(back).ok());
            let place =
                then.and_then(|then| self.history.binary_search_by_key(&then, |moment| moment.at).ok());
            let Some(mut readings) = place.and_then(|place| self.read_at(place)) else {
                return Ok(PastReading::default());
            };
            let claims: Claims = readings.claims.remove(&indicator).unwrap_or_default();
            let samples = readings.loads.remove(&indicator).unwrap_or_else(|| Ok(Samples::new()))?;
            Ok(PastReading { samples, claims })
        });
        earlier.collect()
    }
}

impl Clock for World<'_> {
    fn now(&self) -> Timestamp {
        self.at()
    }
}

#[async_trait]
impl Inventory for World<'_> {
    async fn pods(&self) -> Result<Vec<Pod>, InventoryError> {
        Ok(self.pods_now())
    }
}

#[async_trait]
impl PodDeleter for World<'_> {
    async fn remove(&self, pod: &PodRef, mode: Mode) -> Result<(), RemovalError> {
        match mode {
            Mode::DryRun => {}
            Mode::Real => self.state().leaving.push(pod.uid.clone()),
        }
        Ok(())
    }
}
