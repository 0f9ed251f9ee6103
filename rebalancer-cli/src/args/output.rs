//! How results are shown: for whom, and whether in colors.

use anstream::ColorChoice;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches};

/// How a plan is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// The same, with every pod and its reason.
    Wide,
    /// For machines.
    Json,
}

pub(super) fn wants_json(sub: &ArgMatches) -> bool {
    sub.get_one::<String>("output").is_some_and(|output| output == "json")
}

pub(super) fn how(sub: &ArgMatches) -> Output {
    match sub.get_one::<String>("output").map(String::as_str) {
        Some("json") => Output::Json,
        Some("wide") => Output::Wide,
        Some(_) | None => Output::Table,
    }
}

pub(super) fn output() -> Arg {
    Arg::new("output")
        .short('o')
        .long("output")
        .value_name("FORM")
        .value_parser(PossibleValuesParser::new(["table", "json"]))
        .default_value("table")
        .help("table for people, json for machines")
}

/// That of a plan, which may show every pod.
pub(super) fn output_of_plan() -> Arg {
    let forms = PossibleValuesParser::new(["table", "wide", "json"]);
    output()
        .value_parser(forms)
        .help("table for people, wide with every pod and its reason, json for machines")
}

pub(super) fn color(matches: &ArgMatches) -> ColorChoice {
    match matches.get_one::<String>("color").map(String::as_str) {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        Some(_) | None => ColorChoice::Auto,
    }
}

pub(super) fn color_argument() -> Arg {
    Arg::new("color")
        .long("color")
        .value_name("WHEN")
        .global(true)
        .value_parser(PossibleValuesParser::new(["auto", "always", "never"]))
        .default_value("auto")
        .help("Colors in texts for people. auto: on a terminal, unless NO_COLOR is set; CLICOLOR_FORCE=1 everywhere")
}
