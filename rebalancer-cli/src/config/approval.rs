//! Settings of whether somebody is asked first.

use jiff::SignedDuration;
use rebalancer_core::history::{Approval, ApprovalLimits};
use rebalancer_core::unit::Percent;

use super::parse::{self, Reader};
use super::problem::Given;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Approval,
}

/// Whether somebody must approve. A proposal is kept in the record, so there must be one.
pub(super) fn approval(reader: &mut Reader<'_>) -> Option<Approval> {
    let wanted = [("none", Wanted::Nothing), ("required", Wanted::Approval)];
    let wanted = reader.required("APPROVAL", parse::one_of(&wanted));
    let valid_for = reader.required("APPROVAL_VALID_FOR", parse::duration);
    let tolerance = reader.required("APPROVAL_TOLERANCE_PERCENT", parse::quantity::<Percent>);
    // A time has its own problem, whatever became of the other one.
    let any = tolerance.or_else(|| Percent::new(0.0).ok());
    let limits = valid_for.zip(any).and_then(|(valid_for, tolerance)| limits(reader, valid_for, tolerance));
    let limits = tolerance.and(limits);
    let is_kept = reader.text("RECORD_STORE").is_none_or(|store| store.trim() != "none");
    match (wanted?, is_kept) {
        (Wanted::Nothing, _) => limits.map(|_| Approval::NotRequired),
        (Wanted::Approval, true) => limits.map(Approval::Required),
        (Wanted::Approval, false) => {
            let expected = "none with RECORD_STORE=none: a proposal is kept in the record".to_owned();
            reader.problem("APPROVAL", Given::Value("required".to_owned()), expected);
            None
        }
    }
}

fn limits(reader: &mut Reader<'_>, valid_for: SignedDuration, tolerance: Percent) -> Option<ApprovalLimits> {
    let given = reader.text("APPROVAL_VALID_FOR").unwrap_or_default().to_owned();
    let expected = || "a time between 1s and 168h".to_owned();
    ApprovalLimits::new(valid_for, tolerance)
        .map_err(|_| reader.problem("APPROVAL_VALID_FOR", Given::Value(given), expected()))
        .ok()
}
