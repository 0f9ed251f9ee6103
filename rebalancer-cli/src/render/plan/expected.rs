//! What is expected of a rotation, and in which terms: a CV that was measured and one that is worked out differ in basis.

use rebalancer_core::prediction::Prediction;
use rebalancer_core::report::{Decision, Expectation, Method, Report};

use crate::render::screen::Sheet;

/// Of the plan, or of the best batch that was found and not good enough.
pub(super) fn entries(sheet: &mut Sheet, report: &Report) {
    let label = match &report.decision {
        Decision::Rotate(plan) => {
            if let Expectation::EvenMixing(improvement) = &plan.expectation {
                sheet.entry("expected", &improvement.to_string());
                sheet.entry(
                    "",
                    "the CV that follows is not predicted: nothing tells who gets which partitions",
                );
            }
            "expected"
        }
        Decision::Balanced | Decision::Hold(_) => "best batch",
    };
    if let Some(prediction) = &report.prediction {
        sheet.entry(label, &prediction.to_string());
        if let Some(why) = basis(report, prediction) {
            sheet.entry("", &why);
        }
    }
    if let Some(carried) = &report.carried {
        sheet.entry("messages/s", &format!("{carried}; this is what Kafka itself shows right afterwards"));
    }
}

/// Why the CV before is not the one that was measured; `None` where nobody sees a difference.
fn basis(report: &Report, prediction: &Prediction) -> Option<String> {
    let ranked_by = match &report.decision {
        Decision::Rotate(plan) => Some(plan.indicator),
        Decision::Balanced | Decision::Hold(_) => None,
    };
    let judged = |seen: &&rebalancer_core::report::IndicatorReport| match ranked_by {
        Some(indicator) => seen.indicator == indicator,
        None => seen.out_of_balance,
    };
    let measured = report.indicators.iter().find(judged)?.distribution;
    let (seen, modeled) = (format!("{:.3}", measured.cv), format!("{:.3}", prediction.cv_before));
    let Method::Predict { members, .. } = &report.method else { return None };
    (seen != modeled).then(|| {
        format!(
            "CV {seen} is measured, over {} eligible pods. The prediction starts from {modeled}: what the partitions of \
             {members} members explain of it, without the noise of the measurement. So compare {:.3} with {modeled}, and \
             not with {seen}",
            measured.count, prediction.expected_cv
        )
    })
}
