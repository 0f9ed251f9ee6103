//! The log: documented events, levels that mean something, the cycle's id everywhere, colors only for eyes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio::process::Command;

use crate::world::{Run, SECRET, World};

const DOCUMENT: &str = include_str!("../../../docs/observability.md");
/// What every line has, and what the lines of a cycle have.
const OF_EACH: [&str; 5] = ["timestamp", "level", "target", "event", "message"];
const OF_A_CYCLE: [&str; 4] = ["name", "namespace", "workload", "cycle_id"];

/// The levels and the fields of each event, as the document has them.
fn documented() -> BTreeMap<&'static str, (BTreeSet<&'static str>, BTreeSet<&'static str>)> {
    let section = DOCUMENT.split("\n## Log events\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    let names = |cell: &'static str| cell.split(", ").map(|name| name.trim_matches('`')).collect();
    cells.map(|cells| (cells[0].trim_end_matches('`'), (names(cells[1]), names(cells[2])))).collect()
}

#[tokio::test]
async fn every_line_is_a_documented_event_at_its_level_with_its_fields_and_the_cycle() {
    let documented = documented();
    let dead = [("PROMETHEUS_ENDPOINT", "http://127.0.0.1:1"), ("PROMETHEUS_TIMEOUT", "2s")];
    let dry = [("DRY_RUN", "true"), ("KUBE_EVENTS", "false")];
    for (variables, code) in [(&[][..], 0), (&dry, 0), (&dead, 1)] {
        let variables: Vec<_> = variables.iter().copied().chain([("LOG_LEVEL", "debug")]).collect();
        let run = World::start().await.cycle(&variables).await.expect_exit(code);
        let cycle = run.line("cycle_started")["cycle_id"].clone();
        for line in run.log() {
            let (levels, fields) = &documented[line["event"].as_str().unwrap()];
            let level = line["level"].as_str().unwrap().to_ascii_lowercase();
            assert!(levels.contains(level.as_str()), "{line}");
            for field in line.as_object().unwrap().keys().map(String::as_str) {
                let common = OF_EACH.contains(&field) || OF_A_CYCLE.contains(&field);
                assert!(common || fields.contains(field), "{field} of {line}");
            }
            assert_eq!(line["cycle_id"], cycle, "{line}");
            assert!(OF_EACH.iter().chain(&OF_A_CYCLE).all(|field| !line[*field].is_null()), "{line}");
        }
    }
}

#[tokio::test]
async fn info_is_one_screen_and_debug_has_each_query_each_request_and_each_pod() {
    let world = World::start().await;
    let run = world.cycle(&[]).await.expect_exit(0);
    assert!(run.log().len() <= 24, "{}", run.stderr());
    assert!(run.log().iter().all(|line| line["level"] != "DEBUG"), "{}", run.stderr());

    let world = World::start().await;
    let run = world.cycle(&[("LOG_LEVEL", "debug")]).await.expect_exit(0);
    let of =
        |event: &str| -> Vec<Value> { run.log().into_iter().filter(|line| line["event"] == event).collect() };
    let text = |line: &Value, field: &str| line[field].as_str().unwrap_or_default().to_owned();
    assert!(of("metrics_query").iter().any(|line| {
        text(line, "query") == "cpu" && text(line, "promql").contains("container_cpu_usage_seconds_total")
    }));
    assert!(of("metrics_answer").iter().all(|line| line["bytes"].is_u64() && line["seconds"].is_f64()));
    let requests = of("kubernetes_request");
    assert!(requests.iter().all(|line| {
        line["status"].is_u64()
            && line["bytes"].is_u64()
            && line["seconds"].is_f64()
            && line["verb"].is_string()
    }));
    let evictions = requests.iter().filter(|line| text(line, "path").ends_with("/eviction"));
    assert_eq!(evictions.count(), world.gone().len());
    let pods = of("pod_judged");
    assert_eq!(pods.len(), 6);
    assert!(pods.iter().all(|line| line["cpu"].is_f64() && line["verdict"].is_string()), "{pods:?}");
    assert!(!run.stderr().contains(SECRET));
    assert_eq!(world.events(), 3, "two pods and the workload");
}

#[tokio::test]
async fn a_failure_has_its_cycle_s_id_at_every_level() {
    for level in ["debug", "info", "warn", "error"] {
        let variables = [
            ("PROMETHEUS_ENDPOINT", "http://127.0.0.1:1"),
            ("PROMETHEUS_TIMEOUT", "200ms"),
            ("LOG_LEVEL", level),
        ];
        let run = World::start().await.cycle(&variables).await.expect_exit(1);
        let end = run.line("cycle_finished");
        assert_eq!(end["cycle_id"].as_str().map(str::len), Some(36), "{level}: {end}");
        assert_eq!((&end["namespace"], &end["workload"]), (&"shop".into(), &"consumer".into()));
    }
}

#[tokio::test]
async fn what_gets_no_answer_is_told_too() {
    let brief = [("LOG_LEVEL", "debug"), ("KUBE_TIMEOUT", "300ms"), ("PROMETHEUS_TIMEOUT", "300ms")];
    for (path, event) in [("/horizontalpodautoscalers", "kubernetes_request"), ("/query", "metrics_answer")] {
        let world = World::start().await;
        world.silence(path);
        let run = world.cycle(&brief).await.expect_exit(1);
        let lines = run.log().into_iter().filter(|line| line["event"] == event);
        let unanswered: Vec<Value> = lines.filter(|line| line["error"].is_string()).collect();
        assert!(unanswered.iter().any(|line| line["status"].is_null()), "{event} in:\n{}", run.stderr());
    }
}

#[tokio::test]
async fn an_object_that_could_not_be_asked_for_is_neither_found_nor_missing() {
    let brief = [("LOG_LEVEL", "debug"), ("KUBE_TIMEOUT", "300ms")];
    let asked = |run: &Run| {
        let of_deployment =
            |line: &Value| line["event"] == "kubernetes_get" && line["resource"] == "deployments.apps";
        run.log().into_iter().find(of_deployment).unwrap()
    };
    let world = World::start().await;
    world.silence("/deployments/consumer");
    let line = asked(&world.cycle(&brief).await.expect_exit(1));
    assert!(line["found"].is_null() && line["error"].is_string(), "{line}");
    let line = asked(&World::start().await.cycle(&[("LOG_LEVEL", "debug")]).await.expect_exit(0));
    assert!(line["found"] == true && line["error"].is_null(), "{line}");
}

/// The run on a terminal of its own, with what it writes to both outputs.
async fn on_a_terminal(world: &World, variables: &[(&str, &str)]) -> String {
    let program = world.rebalancer(&[], variables);
    let program = program.as_std();
    // script(1) of util-linux gives the program a terminal.
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", env!("CARGO_BIN_EXE_rebalancer"), "/dev/null"]);
    script.env_clear().env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh");
    script.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let run = Run(script.kill_on_drop(true).stdin(std::process::Stdio::null()).output().await.unwrap());
    assert!(run.0.status.success(), "{run:?}", run = String::from_utf8_lossy(&run.0.stdout));
    String::from_utf8(run.0.stdout).unwrap()
}

#[tokio::test]
async fn text_has_colors_on_a_terminal_and_nowhere_else() {
    let text = ("LOG_FORMAT", "text");
    let colored = on_a_terminal(&World::start().await, &[text, ("TERM", "xterm")]).await;
    assert!(colored.contains('\u{1b}') && colored.contains("decided"), "{colored}");
    for plain in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let seen = on_a_terminal(&World::start().await, &[text, plain]).await;
        assert!(!seen.contains('\u{1b}') && seen.contains("decided"), "{plain:?}: {seen}");
    }
    let run = World::start().await.cycle(&[text, ("TERM", "xterm")]).await.expect_exit(0);
    assert!(
        !run.stderr().contains('\u{1b}') && run.stderr().contains(": decided event=decision "),
        "{}",
        run.stderr()
    );
}
