//! The options of `rebalancer simulate`. They say what is *true* in the simulated world; what the planner takes for
//! true is said by its settings, as in a real cluster.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, RangedI64ValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Error, value_parser};
use rebalancer_core::assignor::Assignor;
use rebalancer_core::policy::Timing;
use rebalancer_core::simulation::{Drift, Metrics, Nodes, Shape, Spread, suite};

use rebalancer_core::simulation::suite::Case;

/// What to simulate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Simulation {
    pub(crate) shape: Shape,
    /// Stop after this many cycles.
    pub(crate) cycles: usize,
    pub(crate) scope: Scope,
    /// Where to draw a picture.
    pub(crate) picture: Option<PathBuf>,
    /// Where to write a report.
    pub(crate) report: Option<PathBuf>,
}

/// How much of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scope {
    /// One fleet, the strategy of the policy, step by step.
    Fleet,
    /// Both strategies over fleets of this many seeds.
    Compare { seeds: u64 },
    /// Fleets of the standard suite.
    Suite(Vec<Case>),
}

/// Options that make a fleet; the standard suite has its own.
const FLEET: [&str; 25] = [
    "pods",
    "partitions",
    "topics",
    "distribution",
    "sigma",
    "exponent",
    "hot-partitions",
    "hot-times",
    "drift",
    "week",
    "trend",
    "walk",
    "assignor",
    "timing",
    "static-members",
    "told",
    "rollout-every",
    "slow-nodes",
    "slow-factor",
    "noise",
    "delay",
    "seed",
    "cycles",
    "compare",
    "picture",
];

/// Each option that shapes one distribution, and which one.
const OF_DISTRIBUTION: [(&str, &str); 4] =
    [("sigma", "log-normal"), ("exponent", "zipf"), ("hot-partitions", "hot"), ("hot-times", "hot")];

/// Settings that a comparison sets itself.
const STRATEGY: &str = "REBALANCE_STRATEGY";
/// Settings that the suite takes from its fleets.
const OF_SUITE: [&str; 3] = [STRATEGY, "KAFKA_STATIC_MEMBERSHIP", "KAFKA_REPLACEMENT_TIMING"];

impl Simulation {
    /// All options.
    pub(crate) fn arguments() -> Vec<Arg> {
        [load(), group(), world(), extent()].concat()
    }

    /// Reads them.
    ///
    /// # Errors
    /// Options that contradict each other in a way that clap does not know by itself.
    pub(crate) fn read(matches: &ArgMatches) -> Result<Self, Error> {
        let distribution = text(matches, "distribution");
        for (option, needed) in OF_DISTRIBUTION {
            if given(matches, option) && distribution != needed {
                let message = format!("--{option} needs --distribution {needed}, which is {distribution}\n");
                return Err(Error::raw(ErrorKind::ArgumentConflict, message));
            }
        }
        Ok(Self {
            shape: shape(matches),
            cycles: count(matches, "cycles"),
            scope: scope(matches),
            picture: matches.get_one("picture").cloned(),
            report: matches.get_one("report").cloned(),
        })
    }
}

const LOAD: &str = "The simulated load";
const GROUP: &str = "The simulated consumer group (the truth; what the planner believes is set by --kafka-*)";
const WORLD: &str = "The simulated cluster";
const EXTENT: &str = "The simulation";

fn option(name: &'static str, heading: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("N").default_value(default).help(help).help_heading(heading)
}

fn up_to(most: i64) -> RangedI64ValueParser<u32> {
    value_parser!(u32).range(1..=most)
}

fn load() -> Vec<Arg> {
    let number = |name, default, help| option(name, LOAD, default, help);
    let real = |name, default, help| number(name, default, help).value_parser(value_parser!(f64));
    vec![
        number("pods", "20", "Pods").value_parser(up_to(100_000)),
        number("partitions", "160", "Partitions of all topics together").value_parser(up_to(1_000_000)),
        number("topics", "1", "Topics").value_parser(up_to(10_000)),
        number("distribution", "log-normal", "How load is distributed over partitions")
            .value_name("NAME")
            .value_parser(PossibleValuesParser::new(["log-normal", "zipf", "equal", "hot"])),
        real("sigma", "1.0", "log-normal: standard deviation of the logarithm"),
        real("exponent", "0.6", "zipf: the r-th partition has 1/r^N of the first one's load"),
        number("hot-partitions", "16", "hot: how many partitions are hot").value_parser(value_parser!(u32)),
        real("hot-times", "8", "hot: how many times the others' load they have"),
        real("drift", "0", "Each partition rises and falls by this share once a day, each at its own time"),
        real("week", "0", "The same once a week"),
        real("trend", "0", "Each partition grows or shrinks by up to this share a day, each by its own"),
        real("walk", "0", "Standard deviation of a random walk's step in an hour, of the logarithm"),
    ]
}

fn group() -> Vec<Arg> {
    vec![
        option("assignor", GROUP, "cooperative-sticky", "The assignor of the simulated group")
            .value_name("NAME")
            .value_parser(PossibleValuesParser::new(Assignor::ALL.map(Assignor::name))),
        option(
            "timing",
            GROUP,
            "leave-then-join",
            "Whether replacements join after the removed pods have left, or in the same rebalance",
        )
        .value_name("NAME")
        .value_parser(PossibleValuesParser::new(Timing::ALL.map(Timing::name))),
        Arg::new("static-members")
            .long("static-members")
            .action(ArgAction::SetTrue)
            .conflicts_with("timing")
            .help("Pods of a StatefulSet with a group.instance.id, back before their session times out")
            .help_heading(GROUP),
        Arg::new("told")
            .long("told")
            .action(ArgAction::SetTrue)
            .help("Kafka can be asked: it tells the assignor, the members' ids and what was produced to each partition")
            .help_heading(GROUP),
    ]
}

fn world() -> Vec<Arg> {
    let real = |name, default, help| option(name, WORLD, default, help).value_parser(value_parser!(f64));
    vec![
        Arg::new("rollout-every")
            .long("rollout-every")
            .value_name("N")
            .value_parser(up_to(10_000))
            .help("After every N cycles all pods are replaced")
            .help_heading(WORLD),
        real("slow-nodes", "0", "The share of nodes on which the same messages cost more CPU"),
        real("slow-factor", "2", "How many times as much CPU they cost there").requires("slow-nodes"),
        real("noise", "0", "Standard deviation of a reading's error, of the logarithm"),
        option("delay", WORLD, "0", "Readings are N cycles old").value_parser(value_parser!(u32)),
    ]
}

fn extent() -> Vec<Arg> {
    let number = |name, default, help| option(name, EXTENT, default, help);
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help).help_heading(EXTENT)
    };
    vec![
        number("seed", "7", "The same seed makes the same fleet").value_parser(value_parser!(u64)),
        number("cycles", "20", "Stop after this many cycles").value_parser(up_to(10_000)),
        switch("compare", "Both strategies over several seeds, side by side").conflicts_with(STRATEGY),
        number("seeds", "5", "With --compare: this many seeds, from --seed on")
            .value_parser(value_parser!(u64).range(1..=1_000))
            .requires("compare"),
        Arg::new("suite")
            .long("suite")
            .value_name("FLEETS")
            .num_args(0..=1)
            .value_delimiter(',')
            .default_missing_values(suite::cases().iter().map(|case| case.name))
            .value_parser(PossibleValuesParser::new(suite::cases().iter().map(|case| case.name)))
            .hide_possible_values(true)
            .conflicts_with_all(FLEET.into_iter().chain(["seeds"]).chain(OF_SUITE))
            .help("The standard suite under both strategies: all of its fleets, or those named, as in a,b,c")
            .help_heading(EXTENT),
        Arg::new("picture")
            .long("picture")
            .value_name("FILE.svg")
            .value_parser(value_parser!(PathBuf))
            .help("Draws the load of each pod over time; with --compare, of the first seed")
            .help_heading(EXTENT),
    ]
}

fn shape(matches: &ArgMatches) -> Shape {
    Shape {
        pods: count(matches, "pods"),
        partitions: count(matches, "partitions"),
        topics: count(matches, "topics"),
        spread: spread(matches),
        drift: Drift {
            swing: real(matches, "drift"),
            week: real(matches, "week"),
            trend: real(matches, "trend"),
            walk: real(matches, "walk"),
        },
        assignor: assignor(matches),
        timing: timing(matches),
        static_members: matches.get_flag("static-members"),
        kafka: matches.get_flag("told"),
        rollout_every: NonZeroUsize::new(count(matches, "rollout-every")),
        nodes: Nodes {
            slow_share: real(matches, "slow-nodes"),
            cost_factor: real(matches, "slow-factor"),
            ..Nodes::default()
        },
        metrics: Metrics { noise: real(matches, "noise"), delay: count(matches, "delay") },
        seed: matches.get_one("seed").copied().unwrap_or_default(),
        ..Shape::default()
    }
}

fn spread(matches: &ArgMatches) -> Spread {
    match text(matches, "distribution") {
        "zipf" => Spread::Zipf { exponent: real(matches, "exponent") },
        "equal" => Spread::Equal,
        "hot" => {
            Spread::Hot { partitions: count(matches, "hot-partitions"), times: real(matches, "hot-times") }
        }
        _ => Spread::LogNormal { sigma: real(matches, "sigma") },
    }
}

fn assignor(matches: &ArgMatches) -> Assignor {
    let name = text(matches, "assignor");
    Assignor::ALL.into_iter().find(|known| known.name() == name).unwrap_or(Assignor::CooperativeSticky)
}

fn timing(matches: &ArgMatches) -> Timing {
    let name = text(matches, "timing");
    Timing::ALL.into_iter().find(|known| known.name() == name).unwrap_or(Timing::LeaveThenJoin)
}

fn scope(matches: &ArgMatches) -> Scope {
    if let Some(names) = matches.get_many::<String>("suite") {
        let names: Vec<&String> = names.collect();
        let named = |case: &Case| names.iter().any(|name| *name == case.name);
        Scope::Suite(suite::cases().into_iter().filter(named).collect())
    } else if matches.get_flag("compare") {
        Scope::Compare { seeds: matches.get_one("seeds").copied().unwrap_or(1) }
    } else {
        Scope::Fleet
    }
}

fn given(matches: &ArgMatches, name: &str) -> bool {
    matches.value_source(name) == Some(ValueSource::CommandLine)
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

fn real(matches: &ArgMatches, name: &str) -> f64 {
    matches.get_one(name).copied().unwrap_or_default()
}

fn count(matches: &ArgMatches, name: &str) -> usize {
    matches.get_one::<u32>(name).and_then(|number| usize::try_from(*number).ok()).unwrap_or_default()
}
