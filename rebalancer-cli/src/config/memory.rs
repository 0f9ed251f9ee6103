//! Settings of what is remembered across runs.

use jiff::SignedDuration;
use rebalancer_core::history::{Budget, Patience, PatienceError};
use rebalancer_core::unit::{Percent, Share};

use super::parse::{self, Reader};
use super::problem::Given;

/// Whether there is a memory: `None` inside means none, by explicit choice.
pub(super) fn patience(
    reader: &mut Reader<'_>,
    minimum_age: Option<SignedDuration>,
) -> Option<Option<Patience>> {
    let lease = reader.required("RECORD_STORE", parse::one_of(&[("lease", true), ("none", false)]));
    let settle = reader.required("SETTLE_TIME", parse::duration);
    let effect = reader.required("MINIMUM_EFFECT_PERCENT", parse::quantity::<Percent>);
    let pods = reader.required("REMOVAL_BUDGET_PODS", parse::count);
    let window = reader.required("REMOVAL_BUDGET_WINDOW", parse::duration);
    let unhelpful = reader.required("BREAKER_UNHELPFUL_ROTATIONS", parse::positive);
    let failures = reader.required("BREAKER_FAILED_CYCLES", parse::positive);
    let first = reader.required("BREAKER_FIRST_PAUSE", parse::duration);
    let longest = reader.required("BREAKER_LONGEST_PAUSE", parse::duration);
    // Pods that are too young to be measured can't show what a rotation did.
    let settle = settle?.max(minimum_age.unwrap_or_default());
    let share = Share::new(effect?.get() / 100.0).ok()?;
    let budget = match pods? {
        0 => None,
        pods => Some(checked(reader, "REMOVAL_BUDGET_WINDOW", Budget::new(pods as u64, window?))?),
    };
    let limit = |count: std::num::NonZeroUsize| u32::try_from(count.get()).unwrap_or(u32::MAX);
    let patience = Patience::default().asking_for(share).spending(budget);
    let patience = checked(reader, "SETTLE_TIME", patience.settling_for(settle))?;
    let patience = checked(
        reader,
        "BREAKER_UNHELPFUL_ROTATIONS",
        patience.giving_up_after(limit(unhelpful?), limit(failures?)),
    )?;
    let patience = checked(reader, "BREAKER_LONGEST_PAUSE", patience.opening_for(first?, longest?))?;
    Some(lease?.then_some(patience))
}

fn checked<T>(reader: &mut Reader<'_>, name: &str, result: Result<T, PatienceError>) -> Option<T> {
    let given = reader.text(name).map_or(Given::Nothing, |text| Given::Value(text.to_owned()));
    result.map_err(|error| reader.problem(name, given, format!("another value: {error}"))).ok()
}
