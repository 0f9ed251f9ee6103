//! The options of `rebalancer backtest`: which past, how often, and which settings are compared.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Error, value_parser};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use crate::config::parse;
use crate::config::variable;

/// Which past, and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PastRequest {
    pub(crate) json: bool,
    pub(crate) from: When,
    pub(crate) to: When,
    /// From one cycle to the next.
    pub(crate) every: SignedDuration,
    /// Settings with the values that are compared.
    pub(crate) sweep: Vec<(String, Vec<String>)>,
    /// Where answers are kept.
    pub(crate) cache: Option<PathBuf>,
    /// The most values that may be read.
    pub(crate) points: usize,
    /// A pod with more messages of lag is behind.
    pub(crate) lag: u32,
    /// Where to write a report.
    pub(crate) report: Option<PathBuf>,
}

/// A time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Ago(SignedDuration),
    At(Timestamp),
}

impl When {
    /// The time, seen from now; `None` before all time.
    pub(crate) fn seen_from(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Ago(ago) => now.checked_sub(ago).ok(),
            Self::At(at) => Some(at),
        }
    }
}

/// Messages of lag, where nobody says how many are too many.
const BEHIND: u32 = 1_000;

/// So many combinations of settings are compared at most.
const MOST_RUNS: usize = 64;

impl PastRequest {
    /// All options.
    pub(crate) fn arguments() -> Vec<Arg> {
        let option = |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
        vec![
            option("from", "TIME").required(true).value_parser(when).help("Begin so long ago, such as 7d, or at this time"),
            option("to", "TIME").default_value("now").value_parser(when).help("End so long ago, or at this time"),
            option("every", "DURATION")
                .default_value("10m")
                .value_parser(every)
                .help("Time from one cycle to the next, as in the CronJob's schedule"),
            option("sweep", "SETTING=A,B")
                .action(ArgAction::Append)
                .help("Compare these values of a setting, such as REBALANCE_TOP_K_PODS=1,2,3; may be given several times"),
            option("cache", "FOLDER")
                .value_parser(value_parser!(PathBuf))
                .help("Keep answers of the metric server and of Kafka in this folder, so that a run that was stopped goes on"),
            option("lag", "MESSAGES")
                .default_value("1000")
                .value_parser(value_parser!(u32))
                .help("A pod with more lag than this is behind: its hours are counted"),
            option("points", "N")
                .default_value("20000000")
                .value_parser(value_parser!(usize))
                .help("Stop with an error when more values than this come"),
        ]
    }

    /// Reads them.
    ///
    /// # Errors
    /// A sweep that is none.
    pub(crate) fn read(matches: &ArgMatches, json: bool) -> Result<Self, Error> {
        let when = |name| matches.get_one::<When>(name).copied().unwrap_or(When::Ago(SignedDuration::ZERO));
        let sweep = matches.get_many::<String>("sweep").unwrap_or_default();
        let sweep: Vec<(String, Vec<String>)> = sweep.map(|text| swept(text)).collect::<Result<_, _>>()?;
        let runs: usize = sweep.iter().map(|(_, values)| values.len()).product();
        if runs > MOST_RUNS {
            return Err(wrong(&format!("{runs} combinations of --sweep are more than {MOST_RUNS}")));
        }
        Ok(Self {
            json,
            from: when("from"),
            to: when("to"),
            every: matches
                .get_one::<SignedDuration>("every")
                .copied()
                .unwrap_or(SignedDuration::from_mins(10)),
            sweep,
            cache: matches.get_one::<PathBuf>("cache").cloned(),
            points: matches.get_one::<usize>("points").copied().unwrap_or(usize::MAX),
            lag: matches.get_one::<u32>("lag").copied().unwrap_or(BEHIND),
            report: matches.get_one::<PathBuf>("report").cloned(),
        })
    }

    /// Every combination of the settings; one without any where nothing is compared.
    pub(crate) fn combinations(&self) -> Vec<BTreeMap<String, String>> {
        let mut all = vec![BTreeMap::new()];
        for (name, values) in &self.sweep {
            let with = |settings: &BTreeMap<String, String>| {
                let each = values.iter().map(|value| {
                    let mut settings = settings.clone();
                    settings.insert(name.clone(), value.clone());
                    settings
                });
                each.collect::<Vec<_>>()
            };
            all = all.iter().flat_map(with).collect();
        }
        all
    }
}

fn wrong(message: &str) -> Error {
    Error::raw(ErrorKind::InvalidValue, format!("{message}\n"))
}

fn swept(text: &str) -> Result<(String, Vec<String>), Error> {
    let Some((name, values)) = text.split_once('=') else {
        return Err(wrong(&format!("--sweep needs SETTING=A,B, not '{text}'")));
    };
    let name = name.trim().to_ascii_uppercase().replace('-', "_");
    if !variable::find(&name).is_some_and(|variable| variable.decides()) {
        return Err(wrong(&format!(
            "--sweep compares settings of what is decided and guarded; '{name}' is none"
        )));
    }
    let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
    match values.iter().any(String::is_empty) {
        true => Err(wrong(&format!("--sweep {name} has an empty value"))),
        false => Ok((name, values)),
    }
}

fn when(text: &str) -> Result<When, String> {
    if text == "now" {
        return Ok(When::Ago(SignedDuration::ZERO));
    }
    let expected =
        || "so long ago, such as 7d or 12h, a time such as 2026-01-31T08:00:00Z, or now".to_owned();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(When::At(at));
    }
    let span = text.parse::<Span>().map_err(|_| expected())?;
    let ago = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| expected())?;
    if ago.is_negative() { Err(expected()) } else { Ok(When::Ago(ago)) }
}

fn every(text: &str) -> Result<SignedDuration, String> {
    let every = parse::duration(text)?;
    match every >= SHORTEST && every.subsec_nanos() == 0 {
        true => Ok(every),
        false => Err("whole seconds, at least 1m".to_owned()),
    }
}

const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_so_long_ago_or_itself() {
        assert_eq!(when("7d"), Ok(When::Ago(SignedDuration::from_hours(168))));
        assert_eq!(when("1d 12h"), Ok(When::Ago(SignedDuration::from_hours(36))));
        assert_eq!(when("now"), Ok(When::Ago(SignedDuration::ZERO)));
        assert_eq!(when("1970-01-01T00:00:00Z"), Ok(When::At(Timestamp::UNIX_EPOCH)));
        for nonsense in ["7", "-7d", "yesterday", "1 month"] {
            assert!(when(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn a_sweep_has_every_combination() {
        let two = swept("rebalance-top-k-pods=1,2").unwrap();
        let one = swept("TOLERANCE_MULTIPLIER= 1.2").unwrap();
        let request = PastRequest {
            json: false,
            from: When::Ago(SignedDuration::ZERO),
            to: When::Ago(SignedDuration::ZERO),
            every: SHORTEST,
            sweep: vec![two, one],
            cache: None,
            points: 1,
            lag: BEHIND,
            report: None,
        };
        let shown: Vec<String> =
            request.combinations().iter().map(|settings| format!("{settings:?}")).collect();
        assert_eq!(
            shown,
            [
                r#"{"REBALANCE_TOP_K_PODS": "1", "TOLERANCE_MULTIPLIER": "1.2"}"#,
                r#"{"REBALANCE_TOP_K_PODS": "2", "TOLERANCE_MULTIPLIER": "1.2"}"#
            ]
        );
    }

    #[test]
    fn only_what_decides_is_compared() {
        for nonsense in
            ["PROMETHEUS_ENDPOINT=a,b", "NONSENSE=1", "TOLERANCE_MULTIPLIER", "TOLERANCE_MULTIPLIER=1,,2"]
        {
            assert!(swept(nonsense).is_err(), "{nonsense}");
        }
    }
}
