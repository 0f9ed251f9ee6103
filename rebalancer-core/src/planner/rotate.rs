//! *Rotate outliers*: the hottest pods above the limit and the coldest ones.

use std::cmp::Ordering;

use super::raised::Raised;
use super::{Fleet, removal, set};
use crate::planner::outlier::{self, Candidate, Rotation};
use crate::report::{Decision, Expectation, Hold, IndicatorReport, Plan, Spared, Verdict};
use crate::unit::Load;

/// One hot and one cold pod.
const SMALLEST_ROTATION: usize = 2;

impl Fleet<'_> {
    pub(super) fn rotate(&self, raised: &Raised<'_>, verdicts: &mut [Verdict]) -> Decision {
        let mut candidates = Vec::with_capacity(self.eligible.len());
        for pod in self.eligible.iter().filter(|pod| !raised.is_passing(pod.index)) {
            let Some((load, limit)) = raised.load_of(pod) else { continue };
            let (score, (end, unchosen)) = (raised.seen.score(&pod.loads), raised.end_of(pod));
            candidates.push(Candidate { index: pod.index, load, limit, score, end });
            set(verdicts, pod.index, Verdict::Spared(unchosen));
        }
        let mut rotation = outlier::choose(candidates, self.policy.top_k.get());
        for candidate in &rotation.not_hot {
            set(verdicts, candidate.index, Verdict::Spared(Spared::NotHot { limit: candidate.limit }));
        }
        raised.mark_passing(verdicts, self.policy.persistence);
        let decision = match self.gate(&mut rotation, raised.report, verdicts) {
            Ok(plan) => Decision::Rotate(plan),
            Err(hold) => Decision::Hold(hold),
        };
        let planned = matches!(decision, Decision::Rotate(_));
        for (candidate, choice) in rotation.in_turn() {
            let verdict =
                if planned { Verdict::Chosen(choice) } else { Verdict::Spared(Spared::Held(choice)) };
            set(verdicts, candidate.index, verdict);
        }
        decision
    }

    /// Trims the rotation to what may go, and asks whether it is worth it.
    fn gate(
        &self,
        rotation: &mut Rotation,
        raised: &IndicatorReport,
        verdicts: &mut [Verdict],
    ) -> Result<Plan, Hold> {
        if rotation.hot.is_empty() {
            let max = Load::new(raised.distribution.max).unwrap_or(Load::MAX);
            let limit = raised.limit.hot_above();
            return Err(Hold::NoHotPod { indicator: raised.indicator, max, limit });
        }
        let removable = self.removable(SMALLEST_ROTATION)?;
        let mut trimmed = rotation.trim(removable);
        let both = !rotation.cold.is_empty();
        trimmed.extend(rotation.fit(&self.room));
        for (candidate, choice) in trimmed {
            set(verdicts, candidate.index, Verdict::Spared(Spared::Trimmed(choice)));
        }
        if let (true, Some(tightest)) =
            (rotation.hot.is_empty() || rotation.cold.is_empty() && both, self.room.tightest())
        {
            return Err(tightest);
        }
        let improvement = rotation.improvement();
        let minimum = self.policy.minimum_improvement;
        // Loads that are too large to be added up bring what is no number, and is no improvement.
        let enough = improvement.percent.partial_cmp(&minimum.get()) == Some(Ordering::Greater);
        if rotation.cold.is_empty() || !enough {
            return Err(Hold::SmallImprovement { improvement, minimum });
        }
        let removals = rotation.in_turn().filter_map(|(candidate, choice)| {
            self.snapshot
                .pods
                .get(candidate.index)
                .map(|pod| removal(pod, raised.indicator, candidate.load, choice))
        });
        Ok(Plan {
            indicator: raised.indicator,
            expectation: Expectation::EvenMixing(improvement),
            removals: removals.collect(),
        })
    }
}
