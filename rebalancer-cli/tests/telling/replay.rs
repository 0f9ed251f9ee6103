//! A plan that is saved is made again anywhere, without a server; and what is written for machines has the shape of
//! docs/schema.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use boon::{Compiler, Schemas};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::world::{Run, SECRET, World};

/// Checks a document against a file of docs/schema.
#[track_caller]
fn has_the_shape_of(schema: &str, document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema").join(schema);
    let text: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for key in document.as_object().unwrap().keys() {
        assert!(text["properties"].get(key).is_some(), "{schema} has no {key}");
    }
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let address = format!("http://schema/{schema}");
    compiler.add_resource(&address, text).unwrap();
    let index = compiler.compile(&address, &mut schemas).unwrap();
    if let Err(error) = schemas.validate(document, index) {
        panic!("{schema}: {error:#}\n{document:#}");
    }
}

async fn run(mut command: Command) -> Run {
    Run(command.output().await.unwrap())
}

/// Nothing but the file: no setting, no cluster, no metric server.
async fn replayed(file: &Path, more: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rebalancer"));
    command.args(["plan", "--replay"]).arg(file).args(more).env_clear();
    run(command).await
}

fn document(run: &Run) -> Value {
    serde_json::from_slice(&run.0.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr()))
}

/// The file that a plan of this world saves, and what it printed.
async fn saved(folder: &Path) -> (std::path::PathBuf, Value) {
    let world = World::start().await;
    let file = folder.join("plan.saved");
    let arguments = ["plan", "--output", "json", "--save", file.to_str().unwrap()];
    let run = run(world.rebalancer(&arguments, &[])).await.expect_exit(0);
    let plan = document(&run);
    assert_eq!(plan["decision"]["rotate"]["indicator"], "cpu", "{plan:#}");
    (file, plan)
}

fn changed(file: &Path, change: impl FnOnce(&mut Value)) {
    let mut saved: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    change(&mut saved);
    std::fs::write(file, saved.to_string()).unwrap();
}

#[tokio::test]
async fn a_saved_plan_is_made_again_without_any_server_or_setting() {
    let folder = tempfile::tempdir().unwrap();
    let (file, plan) = saved(folder.path()).await;
    let again = document(&replayed(&file, &["--output", "json"]).await.expect_exit(0));
    let mut expected = plan.clone();
    expected["replayed"] = json!({"saved_by": again["replayed"]["saved_by"], "same": true,
        "saved_summary": plan["summary"], "other_pods": []});
    assert_eq!(again, expected);
    has_the_shape_of("plan.json", &plan);
    has_the_shape_of("plan.json", &again);
    let table = replayed(&file, &[]).await.expect_exit(0);
    let text = String::from_utf8(table.0.stdout.clone()).unwrap();
    assert!(text.contains("decided the same when this was saved"), "{text}");
    assert!(plan["pods"].as_array().unwrap().iter().all(|pod| pod["reason"].is_string()), "{plan:#}");
}

#[tokio::test]
async fn the_file_is_its_owners_alone_and_no_secret_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = saved(folder.path()).await;
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains(SECRET) && !text.contains("127.0.0.1"), "{text}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}

#[tokio::test]
async fn another_decision_than_the_saved_one_has_its_own_exit_code_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (file, plan) = saved(folder.path()).await;
    // As if this version took more for balanced than the other.
    changed(&file, |saved| {
        saved["policy"]["balance"]["variance_thresholds"] = json!({"cpu": 9.0});
        saved["program"] = json!("0.0.9");
    });
    let run = replayed(&file, &[]).await.expect_exit(3);
    let line = run.line("replay_differs");
    assert_eq!((&line["saved_by"], &line["saved"]), (&json!("0.0.9"), &plan["summary"]));
    let now = line["now"].as_str().unwrap();
    assert!(now.starts_with("hold: metrics incomplete: 0 of 6 eligible pods have a memory sample"), "{now}");
    let text = String::from_utf8(run.0.stdout.clone()).unwrap();
    assert!(text.contains("version 0.0.9 decided otherwise when this was saved: rotate 2 pods"), "{text}");
}

#[tokio::test]
async fn a_file_that_is_broken_is_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = saved(folder.path()).await;
    changed(&file, |saved| saved["policy"]["selection"]["top_k"] = json!(0));
    let error = replayed(&file, &[]).await.expect_exit(2).line("replay_failed")["error"].clone();
    assert!(error.as_str().unwrap().starts_with("at policy.selection.top_k: "), "{error}");
    let missing = replayed(&folder.path().join("none"), &[]).await.expect_exit(2).line("replay_failed");
    assert!(missing["error"].as_str().unwrap().starts_with("it can't be read: "), "{missing}");
}

#[tokio::test]
async fn a_file_that_can_not_be_written_fails_and_the_plan_is_shown_all_the_same() {
    let world = World::start().await;
    let run = run(world.rebalancer(&["plan", "--save", "/nonexistent/plan"], &[])).await.expect_exit(1);
    assert_eq!(run.line("plan_not_saved")["file"], "/nonexistent/plan");
    assert!(String::from_utf8(run.0.stdout.clone()).unwrap().contains("rotate 2 of "));
}

#[tokio::test]
async fn of_several_workloads_the_file_has_a_line_each() {
    let (world, folder) = (World::start().await, tempfile::tempdir().unwrap());
    let (list, file) = (folder.path().join("list.yaml"), folder.path().join("plans"));
    std::fs::write(&list, "workloads: [{DEPLOYMENT_NAME: consumer}, {DEPLOYMENT_NAME: consumer-2}]").unwrap();
    let mut command = world.rebalancer(
        &["plan", "--save", file.to_str().unwrap()],
        &[("WORKLOADS_FILE", list.to_str().unwrap()), ("CONTAINER_NAME", "consumer")],
    );
    command.env_remove("DEPLOYMENT_NAME");
    run(command).await.expect_exit(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2);
    let again = replayed(&file, &["--output", "json"]).await.expect_exit(0);
    let names: Vec<Value> = String::from_utf8(again.0.stdout.clone())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["workload"]["name"].clone())
        .collect();
    assert_eq!(names, ["consumer", "consumer-2"]);
}

#[tokio::test]
async fn the_audit_trail_and_a_check_have_the_shape_of_their_schemas() {
    let world = World::start().await;
    let checked = run(world.rebalancer(&["check", "--output", "json"], &[])).await;
    has_the_shape_of("check.json", &document(&checked));
    let cycle = world.cycle(&[]).await.expect_exit(0);
    let audit: Vec<Value> = cycle.log().into_iter().filter(|line| line["audit_schema"].is_number()).collect();
    assert_eq!(audit.len(), 4, "{}", cycle.stderr());
    audit.iter().for_each(|line| has_the_shape_of("audit.json", line));
}
