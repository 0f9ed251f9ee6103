//! What was decided about each pod. A strategy says something of a few pods; what is said of the rest follows from what was
//! measured.

use std::collections::BTreeMap;

use super::candidates::{Candidates, Eligible, JudgedPods};
use super::measure::Measurements;
use super::raised::Raised;
use crate::policy::Persistence;
use crate::report::{Judged, PodReports, Spared, Verdict};

/// What a strategy says of single pods, by their places in the snapshot.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    said: BTreeMap<usize, Verdict>,
    /// Pods were ranked by the indicator that raised the imbalance.
    ranked: bool,
}

impl Verdicts {
    /// Every other pod with a load was ranked, and neither end was reached.
    pub(super) fn of_ranked() -> Self {
        Self { said: BTreeMap::new(), ranked: true }
    }

    /// Says this of a pod, in place of what was said before.
    pub(super) fn say(&mut self, index: usize, verdict: Verdict) {
        self.said.insert(index, verdict);
    }

    /// Says this of a pod that is not chosen.
    pub(super) fn spare(&mut self, index: usize, why: Spared) {
        self.say(index, Verdict::Spared(why));
    }

    /// Says of pods that are hot only now that they are.
    pub(super) fn spare_passing(&mut self, raised: &Raised<'_>, persistence: Persistence) {
        let (windows, required) = (persistence.windows(), persistence.required());
        for (&pod, &hot_in) in &raised.passing {
            self.spare(pod, Spared::NotPersistent { hot_in, windows, required });
        }
        for (&pod, &why) in &raised.unlike {
            self.spare(pod, why);
        }
    }

    /// Marks each selected pod as held with the plan.
    pub(super) fn hold(&mut self) {
        for verdict in self.said.values_mut() {
            if let Verdict::Chosen(choice) = verdict {
                *verdict = Verdict::Spared(Spared::Held(*choice));
            }
        }
    }

    /// One entry for every pod of the snapshot, in its order.
    pub(super) fn complete(self, candidates: Candidates<'_>, measured: Option<&Measurements>) -> PodReports {
        let Candidates { snapshot, pods: JudgedPods { eligible, vetoes, .. }, .. } = candidates;
        let mut eligible = eligible.iter();
        let raised = measured.filter(|_| self.ranked).and_then(Raised::unconfirmed);
        let judged = snapshot.pods.iter().zip(vetoes).map(|(observed, veto)| {
            let verdict = veto.map_or_else(
                || Verdict::Spared(unsaid(eligible.next(), &snapshot.readable, measured, raised.as_ref())),
                Verdict::Vetoed,
            );
            Judged { score: measured.and_then(|measured| measured.score(&observed.loads)), verdict }
        });
        let mut judged: Vec<Judged> = judged.collect();
        for (index, said) in self.said {
            match judged.get_mut(index).map(|judged| &mut judged.verdict) {
                Some(verdict @ (Verdict::Chosen(_) | Verdict::Spared(_))) => *verdict = said,
                Some(Verdict::Vetoed(_)) | None => {}
            }
        }
        PodReports::new(snapshot.pods.clone(), judged)
    }
}

/// What is said of an eligible pod of which the strategy said nothing.
fn unsaid(
    pod: Option<&Eligible>,
    readable: &[crate::fleet::Indicator],
    measured: Option<&Measurements>,
    raised: Option<&Raised<'_>>,
) -> Spared {
    let (Some(pod), Some(_)) = (pod, measured) else { return Spared::NothingToDo };
    match raised.filter(|raised| pod.loads.get(raised.report.indicator).is_some()) {
        Some(raised) => raised.candidate_role(pod).1,
        None if readable.iter().any(|&indicator| pod.loads.get(indicator).is_none()) => Spared::NoSample,
        None => Spared::NothingToDo,
    }
}
