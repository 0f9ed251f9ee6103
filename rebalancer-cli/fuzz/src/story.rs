//! What happens to a record, a line for each step: seconds since [`NOW`](crate::fleet::NOW), the step, its words.
//!
//! ```text
//!   0 begin 4 20          4 pods, with names of 20 characters
//!   5 finish unknown      what became of all of them: removed, unknown, blocked, rejected or spared
//!   9 end rebalanced      a cycle ended so; `end failed badly` is a failed one
//!   900 advance           time passes; may be negative
//!   900 reconcile 2       so many of them are still listed
//!   960 measure 0.4 1.5   the CV and max/mean now; nothing: they can't be read
//!   960 policy 900 3600 86400 12 3600 2 3
//!   960 forgive
//!   960 count 12 3 1 2    a cycle took so long, with so many errors and retries, and so long to decide
//!   960 save              written as JSON and read again
//! ```

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::{Indicator, Pod, Uid};
use rebalancer_core::history::{
    Breaker, Budget, Counters, CycleCost, CycleHealth, HistoryPolicy, HistoryPolicyError, Imbalance, Record,
    RemovalResult, Role, Rotation,
};
use rebalancer_core::port::{ApiErrors, RemovalError};
use rebalancer_core::unit::Ratio;
use rebalancer_kube::fuzzing;
use serde_json::Value;

use crate::fleet;

/// More steps bring nothing new.
const MOST_STEPS: usize = 60;

/// One step: when, what, and its words.
struct Step<'a> {
    now: Timestamp,
    what: &'a str,
    words: Vec<&'a str>,
}

/// Lets a story happen to a record, and panics when something happens that never may.
pub fn tell(record: &mut Record, story: &str) {
    let mut history_policy = HistoryPolicy::default();
    for (number, line) in story.lines().take(MOST_STEPS).enumerate() {
        let Some(step) = Step::read(line) else { continue };
        let before = record.counters().clone();
        step.happens(number, record, &mut history_policy);
        never_falls(&before, record.counters());
        look(record, step.now, &history_policy);
    }
    save(record);
}

/// Time on the clock, cut to what there is.
#[must_use]
pub fn time(seconds: i64) -> Timestamp {
    let since = fleet::NOW.checked_add(SignedDuration::from_secs(seconds));
    since.unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

impl<'a> Step<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let now = time(words.next()?.parse().ok()?);
        Some(Self { now, what: words.next()?, words: words.collect() })
    }

    fn word(&self, at: usize) -> &'a str {
        self.words.get(at).copied().unwrap_or_default()
    }

    fn number<T: FromStr + Default>(&self, at: usize) -> T {
        self.word(at).parse().unwrap_or_default()
    }

    fn seconds(&self, at: usize) -> SignedDuration {
        SignedDuration::from_secs(self.number(at))
    }

    fn happens(&self, number: usize, record: &mut Record, history_policy: &mut HistoryPolicy) {
        match self.what {
            "begin" => self.begin(number, record),
            "finish" => self.finish(record),
            "end" => {
                let end = if self.words.len() > 1 { CycleHealth::Failed } else { CycleHealth::Sound };
                record.cycle_ended(self.word(0), end, self.now, history_policy);
            }
            "advance" => {
                record.advance(self.now, history_policy);
                nothing_lies_ahead(record, self.now);
            }
            "reconcile" => drop(record.reconcile(&self.listed(record), self.now)),
            "measure" => drop(record.measure(self.now, history_policy, |_| self.spread()).cloned()),
            "policy" => *history_policy = self.history_policy(history_policy).unwrap_or(*history_policy),
            "forgive" => record.forgive(),
            "withdraw" => record.withdraw(self.word(0)),
            "degraded" => record.count_degraded([self.word(0)]),
            "count" => self.count(record),
            "save" => save(record),
            _ => {}
        }
    }

    fn count(&self, record: &mut Record) {
        let (errors, retries) = (self.number(1), self.number(2));
        let (prometheus, kubernetes) =
            (ApiErrors { errors, retries }, ApiErrors { errors: retries, retries: errors });
        record.count_cost(CycleCost { cycle: self.seconds(0), prometheus, kafka: prometheus, kubernetes });
        record.count_decision(Some("no_pods"), self.seconds(3));
    }

    fn begin(&self, number: usize, record: &mut Record) {
        let (count, length): (usize, usize) = (self.number(0), self.number(1));
        let name = |pod: usize| format!("{pod:0length$}", length = length.clamp(1, 300));
        let role = |pod: usize| if pod.is_multiple_of(2) { Role::Hot } else { Role::Cold };
        let pods = (0..count.min(50)).map(|pod| (fleet::pod_ref(&name(pod), &uid(number, pod)), role(pod)));
        let cycle = format!("cycle-{number}");
        let before = self.spread().unwrap_or(Imbalance { cv: Ratio::ZERO, max_to_mean: Ratio::ZERO });
        let predicted = Ratio::new(self.number(3)).ok();
        // One that does not fit must not be made, and nothing is remembered of it.
        if let Ok(rotation) = Rotation::intended(&cycle, self.now, Indicator::Lag, pods, before, predicted) {
            record.begin(rotation);
        }
    }

    fn finish(&self, record: &mut Record) {
        let Some(last) = record.rotations().last() else { return };
        let results: Vec<_> = last.pods.iter().map(|pod| self.result(pod.uid.clone())).collect();
        let cycle = last.cycle.clone();
        record.finish(&cycle, &results, self.now);
    }

    fn result(&self, uid: Uid) -> RemovalResult {
        let message = String::new();
        match self.word(0) {
            "removed" => RemovalResult::removed(uid),
            "unknown" => RemovalResult::failed(uid, &RemovalError::Unknown { message }),
            "blocked" => RemovalResult::failed(uid, &RemovalError::Blocked { message }),
            "rejected" => RemovalResult::failed(uid, &RemovalError::Rejected { message }),
            _ => RemovalResult::spared(uid),
        }
    }

    fn listed(&self, record: &Record) -> Vec<Pod> {
        let last = record.rotations().last().into_iter().flat_map(|rotation| &rotation.pods);
        let stay: usize = self.number(0);
        last.enumerate()
            .map(|(at, pod)| {
                fleet::one_pod(&pod.name, &if at < stay { pod.uid.to_string() } else { "another".to_owned() })
            })
            .collect()
    }

    /// The last two words, where they are numbers.
    fn spread(&self) -> Option<Imbalance> {
        let [.., cv, max] = self.words.as_slice() else { return None };
        let ratio = |word: &str| Ratio::new(word.parse().ok()?).ok();
        Some(Imbalance { cv: ratio(cv)?, max_to_mean: ratio(max)? })
    }

    fn history_policy(&self, base: &HistoryPolicy) -> Result<HistoryPolicy, HistoryPolicyError> {
        base.settling_for(self.seconds(0))?
            .opening_for(self.seconds(1), self.seconds(2))?
            .spending(Budget::new(self.number(3), self.seconds(4)).ok())
            .giving_up_after(self.number(5), self.number(6))
    }
}

fn uid(rotation: usize, pod: usize) -> String {
    format!("uid-{rotation}-{pod}")
}

/// What a cycle asks a record.
fn look(record: &Record, now: Timestamp, history_policy: &HistoryPolicy) {
    if let Some(pause) = record.pause(now, history_policy) {
        assert!(!pause.to_string().is_empty());
    }
    let budget = history_policy.budget().map(Budget::pods);
    assert!(record.allowance(now, history_policy) <= budget, "more is allowed than there is");
}

/// It comes back from its JSON as it was, in the room that it may take.
fn save(record: &mut Record) {
    let text = fuzzing::annotation(record).expect("a record fits into its annotation");
    let read = fuzzing::record(&text).expect("what was written can be read");
    assert_eq!(*record, read);
    *record = read;
}

fn never_falls(before: &Counters, after: &Counters) {
    let after = counts(after);
    for (name, count) in counts(before) {
        let now = after.iter().find(|(known, _)| *known == name).map_or(0, |(_, now)| *now);
        assert!(now >= count, "{name} fell from {count} to {now}");
    }
}

/// Every count by the counter's place and its name.
fn counts(counters: &Counters) -> Vec<(String, u64)> {
    let Counters { cycles, removed, refused, failed, rotations, breaker, degraded, .. } = counters;
    let Counters { holds, errors, retries, analysis, cycle, .. } = counters;
    let few = [cycles, removed, refused, failed, rotations, breaker, degraded, errors, retries];
    let few = few.into_iter().enumerate();
    let named = few
        .flat_map(|(place, tally)| tally.iter().map(move |(name, count)| (format!("{place} {name}"), count)));
    let holds = holds.iter().map(|(name, count)| (format!("hold {name}"), count));
    let durations = [("analysis", analysis), ("cycle", cycle)].into_iter();
    let durations = durations.flat_map(|(name, durations)| {
        let buckets = durations.buckets().map(move |(bound, count)| (format!("{name} {bound}"), count));
        buckets.chain([(name.to_owned(), durations.count())])
    });
    named.chain(holds).chain(durations).collect()
}

/// A clock that was ahead must not hold the fleet for longer than if it had just happened.
fn nothing_lies_ahead(record: &Record, now: Timestamp) {
    let value = serde_json::to_value(record).expect("a record is JSON");
    times(&value, &mut |name, at| assert!(name == "until" || at <= now, "{name} lies ahead of {now}: {at}"));
    if let Breaker::Open { until, .. } = record.breaker() {
        assert!(until <= time_after(now, 30), "open until {until}");
    }
}

fn time_after(now: Timestamp, days: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX)
}

/// Every time in the record, with the name of its field.
fn times(value: &Value, seen: &mut impl FnMut(&str, Timestamp)) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let ("at" | "since" | "until", Some(at)) = (name.as_str(), value.as_str()) {
                    seen(name, at.parse().expect("a time"));
                }
                times(value, seen);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| times(item, seen)),
        _ => {}
    }
}
