//! Loads that are expected over the horizon: what will pass holds, what lasts is acted on.

use jiff::SignedDuration;
use proptest::prelude::*;

use crate::audit::Violation;
use crate::fixture::{self, named, plan, policy, snapshot, violations};
use crate::fleet::Indicator;
use crate::planner::{Forecasted, outlook, to_forecast};
use crate::policy::{ForecastHorizon, Policy};
use crate::port::{HistoryGrid, SeriesForecast, SeriesOf, SeriesTrial};
use crate::report::{Decision, Hold, Spared, Verdict};
use crate::snapshot::{ForecastBy, NotForecast, Outlook, Snapshot};
use crate::unit::Load;

/// Two pods are hot above 1.05.
const NOW: [f64; 6] = [1.2, 1.1, 0.8, 0.6, 0.4, 0.3];
const TWO_HOURS: SignedDuration = SignedDuration::from_hours(2);

fn load(load: f64) -> Load {
    Load::new(load).unwrap()
}

fn looking_ahead() -> Policy {
    policy().with_horizon(ForecastHorizon::new(TWO_HOURS).ok())
}

/// A trial with these errors, of the forecast, of now and of a day ago.
fn tried(expected: f64, (forecast, as_now, as_a_day_ago): (f64, f64, f64)) -> SeriesForecast {
    SeriesForecast::Tried(SeriesTrial { expected, forecast, as_now, as_a_day_ago, trials: 12 })
}

fn judged(fleet: &Snapshot, came: &[SeriesForecast]) -> Outlook {
    let series: Vec<SeriesOf> = fleet.pods.iter().map(|pod| SeriesOf::Pod(pod.pod.name.clone())).collect();
    let grid = HistoryGrid { step: SignedDuration::from_mins(15), count: 1_632 };
    let (indicator, by) = (Indicator::Cpu, ForecastBy::Pods);
    outlook(fleet, Forecasted { indicator, horizon: TWO_HOURS, by, grid, series: &series }, came)
}

fn with_outlook(percent: Option<f64>, came: &[SeriesForecast]) -> Snapshot {
    let mut fleet = snapshot(&NOW, percent);
    fleet.outlook = Some(judged(&fleet, came));
    fleet
}

fn good(expected: &[f64]) -> Vec<SeriesForecast> {
    expected.iter().map(|expected| tried(*expected, (0.5, 1.0, 0.8))).collect()
}

fn removed(decision: &Decision) -> Vec<String> {
    match decision {
        Decision::Rotate(plan) => plan.removals.iter().map(|removal| removal.pod.name.clone()).collect(),
        Decision::Balanced | Decision::Hold(_) => panic!("{decision}"),
    }
}

#[test]
fn an_imbalance_that_is_expected_to_be_gone_holds_with_its_numbers() {
    let fleet = with_outlook(Some(70.0), &good(&[0.7, 0.8, 0.8, 0.6, 0.6, 0.7]));
    let report = plan(&fleet, &looking_ahead());
    let Decision::Hold(Hold::WillPass { max, expected_max, limit, .. }) = &report.decision else {
        panic!("{}", report.decision)
    };
    let said = [max, expected_max, limit].map(|load| format!("{:.2}", load.get()));
    assert_eq!(said, ["1.20", "0.80", "1.05"]);
    assert!(matches!(report.pods.iter().next().unwrap().verdict, Verdict::Spared(Spared::WillPass { .. })));
    assert!(report.forecast.unwrap().not_used.is_none());
}

#[test]
fn without_a_target_the_cv_over_the_horizon_decides() {
    let passes = with_outlook(None, &good(&[0.7, 0.8, 0.8, 0.6, 0.6, 0.7]));
    assert!(matches!(plan(&passes, &looking_ahead()).decision, Decision::Hold(Hold::WillPass { .. })));
    let lasts = with_outlook(None, &good(&[1.4, 1.0, 0.8, 0.6, 0.3, 0.3]));
    assert!(removed(&plan(&lasts, &looking_ahead()).decision).contains(&"p000".to_owned()));
}

#[test]
fn of_two_hot_pods_the_one_that_stays_hot_goes_and_the_coldest_then_goes_with_it() {
    // The second cools down; the coldest of now will be the busier one.
    let fleet = with_outlook(Some(70.0), &good(&[1.3, 0.5, 0.8, 0.6, 0.2, 0.9]));
    let one = looking_ahead().with_top_k(std::num::NonZeroUsize::MIN);
    let report = plan(&fleet, &one);
    assert_eq!(removed(&report.decision), ["p000", "p004"]);
    let Decision::Rotate(plan) = &report.decision else { panic!("{}", report.decision) };
    assert_eq!(plan.removals.iter().map(|removal| removal.load.get()).collect::<Vec<_>>(), [1.2, 0.4]);
    assert_eq!(violations(plan, &fleet, &one), []);
}

#[test]
fn a_pod_that_is_hot_only_later_is_no_candidate() {
    let fleet = with_outlook(Some(70.0), &good(&[1.3, 1.2, 1.4, 0.6, 0.4, 0.3]));
    assert!(!removed(&plan(&fleet, &looking_ahead()).decision).contains(&"p002".to_owned()));
}

#[test]
fn a_forecast_that_does_not_beat_both_is_not_used() {
    for errors in [(0.9, 1.0, 0.8), (0.9, 0.8, 1.0), (1.0, 1.0, 1.0)] {
        let came: Vec<_> = NOW.iter().map(|_| tried(0.5, errors)).collect();
        let fleet = with_outlook(Some(70.0), &came);
        assert_eq!(fleet.outlook.as_ref().unwrap().expected, Err(NotForecast::NotBetter));
        assert_eq!(removed(&plan(&fleet, &looking_ahead()).decision)[0], "p000");
    }
}

#[test]
fn of_a_series_that_does_not_beat_both_the_load_of_now_is_expected() {
    let mut came = good(&[0.5; 6]);
    came[0] = tried(0.5, (1.0, 0.9, 0.9));
    let fleet = with_outlook(Some(70.0), &came);
    let expected = fleet.expected(Indicator::Cpu).unwrap();
    assert_eq!([expected.pods["p000"], expected.pods["p001"]], [1.2, 0.5].map(load));
}

#[test]
fn a_history_that_is_broken_for_most_is_not_used_and_named() {
    let short = SeriesForecast::Short { readings: 40, required: 392 };
    let mut came = vec![short; 6];
    came[0] = tried(0.5, (0.5, 1.0, 0.8));
    let fleet = with_outlook(Some(70.0), &came);
    let outlook = fleet.outlook.as_ref().unwrap();
    assert_eq!(outlook.expected, Err(NotForecast::Broken));
    let since = fixture::NOW - SignedDuration::from_hours(10);
    assert_eq!(outlook.trials.unwrap().unbroken_since, Some(since));
    assert!(
        outlook
            .to_string()
            .contains(&format!("5 of 6 series have less than 98h without a gap, the shortest since {since}")),
        "{outlook}"
    );
    assert_eq!(removed(&plan(&fleet, &looking_ahead()).decision)[0], "p000");
}

#[test]
fn constant_series_neither_speak_for_a_forecast_nor_against_it() {
    let mut came = vec![tried(0.5, (0.0, 0.0, 0.0)); 6];
    assert_eq!(judged(&snapshot(&NOW, None), &came).expected, Err(NotForecast::NotBetter));
    came[0] = tried(0.5, (0.5, 1.0, 0.8));
    let outlook = judged(&snapshot(&NOW, None), &came);
    assert_eq!(outlook.expected.unwrap().pods["p000"], load(0.5));
}

#[test]
fn a_forecast_is_asked_for_only_where_it_is_wanted_and_there_is_an_imbalance() {
    let fleet = snapshot(&NOW, Some(70.0));
    assert_eq!(to_forecast(&fleet, &looking_ahead()), Some((Indicator::Cpu, ForecastBy::Pods)));
    assert_eq!(to_forecast(&fleet, &policy()), None);
    assert_eq!(to_forecast(&snapshot(&[0.5; 6], Some(70.0)), &looking_ahead()), None);
    let unconfirmed = looking_ahead().with_persistence(crate::policy::Persistence::default());
    assert_eq!(to_forecast(&fleet, &unconfirmed), None);
}

#[test]
fn the_audit_finds_a_plan_for_what_will_pass_and_one_by_an_unearned_forecast() {
    let lasting = with_outlook(Some(70.0), &good(&[1.3, 1.2, 0.8, 0.6, 0.4, 0.3]));
    let report = plan(&lasting, &looking_ahead());
    let Decision::Rotate(good_plan) = &report.decision else { panic!("{}", report.decision) };
    assert_eq!(violations(good_plan, &lasting, &looking_ahead()), []);
    let passing = with_outlook(Some(70.0), &good(&[0.7, 0.8, 0.8, 0.6, 0.6, 0.7]));
    let found = violations(good_plan, &passing, &looking_ahead());
    assert!(found.contains(&Violation::NotHot { pod: "p000".to_owned() }), "{found:?}");
    let mut unearned = lasting.clone();
    let trials = unearned.outlook.as_mut().and_then(|outlook| outlook.trials.as_mut()).unwrap();
    trials.forecast = trials.as_now;
    let unearned_by = Violation::UnearnedForecast { indicator: Indicator::Cpu };
    assert_eq!(violations(good_plan, &unearned, &looking_ahead()), std::slice::from_ref(&unearned_by));
    assert_eq!(violations(good_plan, &lasting, &policy()), [unearned_by]);
}

proptest! {
    /// Whatever is expected, a plan is clean under the audit, and every hot pod of it is hot now and then.
    #[test]
    fn every_plan_is_clean(
        now in prop::collection::vec(0.0_f64..2.0, 4..12),
        later in prop::collection::vec(0.0_f64..2.0, 12),
        percent in prop::option::of(30.0_f64..90.0),
    ) {
        let mut fleet = snapshot(&now, percent);
        let came = good(&later[..named(&now).len()]);
        fleet.outlook = Some(judged(&fleet, &came));
        let report = plan(&fleet, &looking_ahead());
        if let Decision::Rotate(plan) = &report.decision {
            prop_assert_eq!(violations(plan, &fleet, &looking_ahead()), vec![]);
        }
    }
}
