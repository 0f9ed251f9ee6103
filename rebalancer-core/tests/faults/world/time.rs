//! What time does: pods become Ready and go, the controller makes new ones, a rollout makes its way, the group meets.

use jiff::{SignedDuration, Timestamp};
use rand::rngs::ChaCha8Rng;
use rebalancer_core::fleet::Phase;

use super::{Life, World, is_own};

/// Controllers look once in so much time.
const LOOK: SignedDuration = SignedDuration::from_secs(20);

impl World {
    pub(crate) fn advance(&mut self, to: Timestamp, random: &mut ChaCha8Rng) {
        while self.now < to {
            self.now = to.min(self.now + LOOK);
            self.tick(random);
        }
    }

    /// What is due now.
    pub(super) fn tick(&mut self, random: &mut ChaCha8Rng) {
        let now = self.now;
        self.pods.retain(|_, life| life.gone_at.is_none_or(|at| at > now));
        for life in self.pods.values_mut() {
            life.become_ready(now);
        }
        self.workload.status_is_current = true;
        self.replace(random);
        self.roll();
        self.meet(random);
    }

    /// Traffic moves to other partitions.
    pub(crate) fn shift_traffic(&mut self, random: &mut ChaCha8Rng) {
        self.group.shift(random);
        self.group.measure(self.now);
    }

    pub(crate) fn meet(&mut self, random: &mut ChaCha8Rng) {
        let members = self.pods.values().filter(|life| is_own(&life.pod) && life.pod.is_serving());
        self.group.meet(members.map(|life| life.pod.name.as_str()), self.now, random);
    }

    /// Makes what is missing and ends what is too much.
    fn replace(&mut self, random: &mut ChaCha8Rng) {
        if self.workload.stateful {
            for ordinal in 0..self.workload.desired {
                if !self.pods.contains_key(&format!("{}-{ordinal}", super::NAME)) {
                    self.start(ordinal, random);
                }
            }
        } else {
            let alive = self.active().filter(|life| life.pod.phase != Phase::Failed).count();
            for ordinal in alive..self.workload.desired {
                self.start(ordinal, random);
            }
        }
        while let Some(name) = self.surplus() {
            self.end(&name, SignedDuration::from_secs(10));
        }
    }

    fn surplus(&self) -> Option<String> {
        let alive = || self.active().filter(|life| life.pod.phase != Phase::Failed);
        if alive().count() <= self.workload.desired {
            return None;
        }
        let ordinal = |life: &&Life| {
            life.pod.name.rsplit_once('-').and_then(|(_, number)| number.parse::<usize>().ok())
        };
        alive().max_by_key(|life| (!life.pod.ready, ordinal(life))).map(|life| life.pod.name.clone())
    }

    /// A rollout ends one old pod at a time, when all others are Ready.
    fn roll(&mut self) {
        let new = self.workload.revision;
        let all_ready = self.active().all(|life| life.pod.ready);
        let old = self.active().filter(|life| life.revision < new).map(|life| life.pod.name.clone()).last();
        if let Some(name) = old.filter(|_| all_ready) {
            self.end(&name, SignedDuration::from_secs(5));
        }
    }

    /// A pod is on its way out from now on.
    pub(super) fn end(&mut self, name: &str, grace: SignedDuration) {
        let now = self.now;
        if let Some(life) = self.pods.get_mut(name)
            && !life.pod.terminating
        {
            life.pod.terminating = true;
            life.gone_at = Some(now + grace);
        }
    }
}

impl Life {
    fn become_ready(&mut self, now: Timestamp) {
        if self.ready_at.take_if(|at| *at <= now).is_some() && !self.pod.terminating {
            (self.pod.phase, self.pod.ready, self.pod.ready_since) = (Phase::Running, true, Some(now));
        }
    }
}
