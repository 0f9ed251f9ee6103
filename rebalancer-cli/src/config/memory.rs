//! Settings of what is remembered across runs.

use jiff::SignedDuration;
use rebalancer_core::history::{Budget, HistoryPolicy, HistoryPolicyError};
use rebalancer_core::unit::{Percent, Share};

use super::parse::{self, Expected, Reader};
use super::problem::Given;
use super::resolve::Purpose;

/// No pause of a breaker may be longer.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whether there is a memory: `None` inside means none, by explicit choice.
pub(super) fn history_policy(
    reader: &mut Reader<'_>,
    minimum_age: Option<SignedDuration>,
    purpose: Purpose,
) -> Option<Option<HistoryPolicy>> {
    let lease = reader.required("RECORD_STORE", parse::one_of(&[("lease", true), ("none", false)]));
    let settle = reader.required("SETTLE_TIME", parse::duration);
    let effect = reader.required("MINIMUM_EFFECT_PERCENT", parse::quantity::<Percent>);
    let pods = reader.required("REMOVAL_BUDGET_PODS", budget_pods);
    let window = reader.required("REMOVAL_BUDGET_WINDOW", parse::duration);
    let unhelpful = reader.required("BREAKER_UNHELPFUL_ROTATIONS", parse::positive);
    let failures = reader.required("BREAKER_FAILED_CYCLES", parse::positive);
    let first = reader.required("BREAKER_FIRST_PAUSE", parse::duration);
    let longest = reader.required("BREAKER_LONGEST_PAUSE", parse::duration);
    // Pods that are too young to be measured can't show what a rotation did.
    let given = settle;
    let settle = settle.map(|settle| settle.max(minimum_age.unwrap_or_default()));
    let blamed = if settle == given { "SETTLE_TIME" } else { "MINIMUM_POD_AGE" };
    let base = HistoryPolicy::default();
    // Each part is checked before any is given up on, so that all problems are found.
    let settled = settle.and_then(|settle| checked(reader, blamed, base.settling_for(settle)));
    let budget = window.zip(pods).and_then(|(window, pods)| match pods {
        None => Some(None),
        Some(pods) => checked(reader, "REMOVAL_BUDGET_WINDOW", Budget::new(pods as u64, window)).map(Some),
    });
    let opening = first.zip(longest).and_then(|(first, longest)| {
        checked(reader, "BREAKER_LONGEST_PAUSE", base.opening_for(first, longest))
    });
    let limit = |count: std::num::NonZeroUsize| u32::try_from(count.get()).unwrap_or(u32::MAX);
    let (unhelpful, failures) = (limit(unhelpful?), limit(failures?));
    let share = Share::new(effect?.get() / 100.0).ok()?;
    let (settle, (first, longest)) = (settled.and(settle)?, opening.and(first.zip(longest))?);
    // Who only answers may have other settings than the run, and must not cut its pause short.
    let longest = match purpose {
        Purpose::Cycle => longest,
        Purpose::Record => LONGEST_PAUSE,
    };
    let history_policy = base.asking_for(share).spending(budget?).settling_for(settle).ok()?;
    let history_policy =
        history_policy.giving_up_after(unhelpful, failures).ok()?.opening_for(first, longest).ok()?;
    Some(lease?.then_some(history_policy))
}

/// How many pods; `None` for no budget. A budget of 0 pods holds every rotation.
fn budget_pods(text: &str) -> Result<Option<usize>, Expected> {
    if parse::text(text)?.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    parse::count(text).map(Some).map_err(|expected| format!("{expected}, or none for no budget"))
}

fn checked<T>(reader: &mut Reader<'_>, name: &str, result: Result<T, HistoryPolicyError>) -> Option<T> {
    let given = reader.text(name).map_or(Given::Nothing, |text| Given::Value(text.to_owned()));
    result.map_err(|error| reader.problem(name, given, format!("another value: {error}"))).ok()
}
