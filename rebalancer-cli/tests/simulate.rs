//! `rebalancer simulate` through the built binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::collections::BTreeSet;
use std::process::{Command, Output};

fn simulate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rebalancer"))
        .arg("simulate")
        .args(arguments)
        .env_clear()
        .output()
        .unwrap()
}

fn stdout(arguments: &[&str]) -> String {
    let output = simulate(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// As if the screen had room for everything.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The line that begins with these words, in columns.
fn columns<'a>(text: &'a str, words: &[&str]) -> Vec<&'a str> {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines
        .into_iter()
        .find(|line| line.starts_with(words))
        .unwrap_or_else(|| panic!("no {words:?} in\n{text}"))
}

#[test]
fn the_rule_of_the_group_is_named_whatever_it_is() {
    for (options, rule) in [
        (&["--assignor", "range"][..], "range; replacements join after the removed pods have left"),
        (&["--timing", "all-at-once"], "removed pods leave and replacements join in one rebalance"),
        (&["--static-members"], "static members, back before their session times out"),
        (&["--assignor", "uniform"], "assignor: uniform"),
    ] {
        let text = stdout(options);
        assert!(in_one_line(&text).contains(rule), "{rule} is not in\n{text}");
    }
}

#[test]
fn rotating_outliers_changes_nothing_under_range_and_says_that_it_was_useless() {
    let text = stdout(&["--assignor", "range", "--rebalance-strategy", "rotate-outliers", "--cycles", "5"]);
    let last = text.trim_end().lines().last().unwrap();
    let words: Vec<&str> = last.split_whitespace().collect();
    assert_eq!(words[1], words[3], "the CV did not change: {last}");
    assert!(words[5] != "0" && last.contains(&format!("{} of them useless", words[5])), "{last}");
}

#[test]
fn what_is_not_as_in_the_simplest_fleet_is_said() {
    let text = stdout(&[
        "--distribution=hot",
        "--hot-partitions=5",
        "--topics=4",
        "--slow-nodes=0.25",
        "--noise=0.1",
        "--delay=1",
        "--drift=0.3",
        "--rollout-every=4",
        "--cycles=5",
    ]);
    for part in [
        "160 partitions of 4 topics with equal loads, but 5 with 8 times as much",
        "loads swing by 0.3 a day",
        "on 0.25 of the nodes a message costs 2 times as much CPU",
        "readings are off by 0.1",
        "readings are 1 cycles old",
        "a rollout after every 4 cycles",
        "a rollout replaced all pods",
        "in 5 cycles",
    ] {
        assert!(in_one_line(&text).contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_comparison_has_a_row_for_each_seed_and_strategy_and_one_for_all_seeds() {
    let text = stdout(&["--compare", "--seeds", "2", "--seed", "3", "--cycles", "10"]);
    let removals =
        |first: &str, strategy| -> usize { columns(&text, &[first, strategy])[8].parse().unwrap() };
    for strategy in ["rotate-outliers", "predict"] {
        assert_eq!(removals("3", strategy) + removals("4", strategy), removals("all", strategy), "{text}");
    }
}

#[test]
fn the_suite_counts_every_fleet_under_both_strategies_and_sums_up() {
    let text = stdout(&["--suite=slow-node,range"]);
    for fleet in ["slow-node (improvable)", "range (hopeless)"] {
        let below = text.split_once(fleet).unwrap_or_else(|| panic!("no {fleet} in\n{text}")).1;
        for (line, strategy) in below.lines().skip(1).zip(["rotate-outliers", "predict"]) {
            assert!(line.trim_start().starts_with(strategy), "{line}");
        }
    }
    let range = columns(text.split_once("range (hopeless)").unwrap().1, &["rotate-outliers"]);
    assert_eq!(
        (range[1], range[7]),
        (range[3], range[9]),
        "as uneven as before, and all of it useless: {text}"
    );
    let sum = format!("hopeless fleets: predict 0 removals; rotate-outliers {} removals", range[7]);
    for line in ["improvable fleets: predict ", &sum, "predicted improvement"] {
        assert!(in_one_line(&text).contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn options_that_contradict_each_other_are_refused_with_exit_code_2() {
    for options in [
        &["--suite", "--pods", "5"][..],
        &["--suite", "--compare"],
        &["--suite", "no-such-fleet"],
        &["--suite", "--rebalance-strategy", "predict"],
        &["--compare", "--rebalance-strategy", "predict"],
        &["--seeds", "3"],
        &["--distribution", "zipf", "--sigma", "1"],
        &["--exponent", "1"],
        &["--hot-times", "3"],
        &["--slow-factor", "3"],
        &["--static-members", "--timing", "all-at-once"],
        &["--assignor", "stickiest"],
        &["--topics", "200"],
        &["--noise", "NaN"],
        &["--distribution", "hot", "--hot-partitions", "161"],
    ] {
        assert_eq!(simulate(options).status.code(), Some(2), "{options:?}");
    }
}

#[test]
fn a_picture_that_cant_be_written_is_a_failure() {
    let output = simulate(&["--picture", "/nonexistent/folder/picture.svg"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/folder/picture.svg"));
}

/// Draws a picture with these options.
fn picture(options: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("picture.svg");
    let file = file.to_str().unwrap();
    stdout(&[options, &["--picture", file]].concat());
    std::fs::read_to_string(file).unwrap()
}

/// Every tag is closed in order, and every value is quoted: what this drawing library could get wrong.
fn assert_well_formed(svg: &str) {
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect("each tag ends");
        assert!(!text.contains('"') && tag.matches('"').count() % 2 == 0, "{tag}");
        let name = tag.split_whitespace().next().unwrap();
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(svg.starts_with("<svg ") && open.is_empty(), "{open:?} are not closed");
}

/// Lines of pods in a color.
fn lines(svg: &str, color: &str) -> usize {
    let line =
        |tag: &&str| tag.starts_with("polyline") && tag.contains(color) && tag.contains("opacity=\"0.75\"");
    svg.split('<').filter(line).count()
}

#[test]
fn a_picture_is_a_well_formed_svg_with_a_line_for_each_pod_that_ever_was() {
    let options = ["--rebalance-strategy", "rotate-outliers", "--cycles", "4"];
    let svg = picture(&options);
    assert_well_formed(&svg);
    let text = stdout(&options);
    let removed: usize = text.lines().last().unwrap().split_whitespace().nth(5).unwrap().parse().unwrap();
    assert_eq!((lines(&svg, "#80868B"), lines(&svg, "#008370")), (20, removed));
    for part in ["rotate-outliers: CV ", "20 pods", "cycles", "CPU of each pod, in cores", "removed as hot"] {
        assert!(svg.contains(part), "{part}");
    }
}

#[test]
fn a_comparison_draws_both_strategies_one_above_the_other() {
    let svg = picture(&["--compare", "--seeds", "1", "--cycles", "5"]);
    assert_well_formed(&svg);
    let heights: BTreeSet<bool> =
        ["rotate-outliers: CV ", "predict: CV "].map(|title| svg.contains(title)).into();
    assert_eq!((heights, lines(&svg, "#80868B")), (BTreeSet::from([true]), 40));
}
