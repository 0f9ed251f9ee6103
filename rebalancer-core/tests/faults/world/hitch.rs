//! What happens to the fleet by itself or is done by others, and how all of that ends.

use jiff::{SignedDuration, Timestamp};
use rand::RngExt as _;
use rand::rngs::ChaCha8Rng;
use rand::seq::IteratorRandom as _;
use rebalancer_core::fleet::Phase;

use super::{Life, World};
use crate::fault::Hitch;

const OUT: [(&str, &str); 4] = [
    ("pod-rebalancer.io/opt-out", "true"),
    ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
    ("descheduler.alpha.kubernetes.io/prefer-no-eviction", ""),
    ("karpenter.sh/do-not-disrupt", "true"),
];

impl World {
    pub(crate) fn suffer(&mut self, hitch: Hitch, random: &mut ChaCha8Rng) {
        match hitch {
            Hitch::PodUnready => self.one(random, |life, now, random| {
                (life.pod.ready, life.pod.ready_since) = (false, Some(now));
                life.ready_at = Some(now + SignedDuration::from_secs(random.random_range(20..300)));
            }),
            Hitch::PodFailed => self.one(random, |life, now, _| {
                (life.pod.phase, life.pod.ready, life.pod.ready_since) = (Phase::Failed, false, Some(now));
                life.gone_at = Some(now + SignedDuration::from_secs(40));
            }),
            Hitch::PodDrained => self.drain(random),
            Hitch::PodReborn => self.reborn(random),
            Hitch::PodOptedOut => self.one(random, |life, _, random| {
                if let Some((name, value)) = OUT.iter().choose(random) {
                    life.pod.annotations.insert((*name).to_owned(), (*value).to_owned());
                }
            }),
            Hitch::PodRaised => self.one(random, |life, _, _| life.pod.priority = Some(2_000_000_000)),
            Hitch::WorkloadOptedOut => self.opt_out_or_in(),
            Hitch::Rollout => {
                self.workload.revision += 1;
                self.workload.status_is_current = false;
            }
            Hitch::Scaling => self.scale(random),
            Hitch::AutoscalerWaits => {
                if let Some(scaler) = &mut self.autoscaler {
                    scaler.wants_fewer = !scaler.wants_fewer;
                }
            }
            Hitch::BudgetTightened => self.tighten(random),
            Hitch::BudgetStatusStale => {
                self.budgets
                    .iter_mut()
                    .for_each(|budget| budget.status_is_current = !budget.status_is_current);
            }
        }
        self.meet(random);
    }

    /// Everything that others did is undone or comes to its end; loads stay as uneven as they are.
    pub(crate) fn calm_down(&mut self) {
        for life in self.pods.values_mut() {
            OUT.iter().for_each(|(name, _)| drop(life.pod.annotations.remove(*name)));
            life.pod.priority = Some(0);
        }
        self.workload.annotations.remove(OUT[0].0);
        for budget in &mut self.budgets {
            budget.status_is_current = true;
        }
        if let Some(scaler) = &mut self.autoscaler {
            scaler.wants_fewer = false;
        }
    }

    fn one(&mut self, random: &mut ChaCha8Rng, change: impl FnOnce(&mut Life, Timestamp, &mut ChaCha8Rng)) {
        let serving = self.pods.values_mut().filter(|life| life.pod.is_serving());
        if let Some(life) = serving.choose(random) {
            change(life, self.now, random);
        }
    }

    /// Only a StatefulSet's pods come back under their names.
    fn reborn(&mut self, random: &mut ChaCha8Rng) {
        let serving = self.serving().map(|pod| pod.name.clone()).choose(random);
        let number = |name: &str| name.rsplit_once('-').and_then(|(_, number)| number.parse().ok());
        if let Some((name, ordinal)) = serving.and_then(|name| Some((name.clone(), number(&name)?)))
            && self.workload.stateful
        {
            self.pods.remove(&name);
            self.start(ordinal, random);
        }
    }

    fn drain(&mut self, random: &mut ChaCha8Rng) {
        let serving = self.pods.values().filter(|life| life.pod.is_serving());
        if let Some(name) = serving.map(|life| life.pod.name.clone()).choose(random) {
            self.end(&name, SignedDuration::from_secs(10));
        }
    }

    fn opt_out_or_in(&mut self) {
        let (name, value) = OUT[0];
        if self.workload.annotations.remove(name).is_none() {
            self.workload.annotations.insert(name.to_owned(), value.to_owned());
        }
    }

    /// The autoscaler decides first; the controller follows at its next look, or at the one after.
    fn scale(&mut self, random: &mut ChaCha8Rng) {
        let by = random.random_range(1..=2);
        let more = random.random_bool(0.5) || self.workload.desired <= 5;
        let desired = if more { self.workload.desired + by } else { self.workload.desired - by };
        let desired = desired.min(16);
        if let Some(scaler) = &mut self.autoscaler {
            (scaler.desired, scaler.last_scaled_at) = (desired, Some(self.now));
        }
        self.workload.desired = desired;
        self.workload.status_is_current = random.random_bool(0.5);
    }

    fn tighten(&mut self, random: &mut ChaCha8Rng) {
        let serving = self.serving().count();
        for budget in &mut self.budgets {
            budget.keeps = serving.saturating_sub(random.random_range(0..=3));
        }
    }
}
