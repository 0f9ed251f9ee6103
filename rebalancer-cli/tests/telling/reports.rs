//! A report on several workloads is one file, and what can't be written is said.

use tokio::process::Command;

use crate::world::{Run, World};

async fn run(mut command: Command) -> Run {
    Run(command.output().await.unwrap())
}

#[tokio::test]
async fn a_plan_of_several_workloads_has_one_report_on_all_of_them() {
    let (world, folder) = (World::start().await, tempfile::tempdir().unwrap());
    let (list, file) = (folder.path().join("list.yaml"), folder.path().join("plan.html"));
    std::fs::write(&list, "workloads: [{DEPLOYMENT_NAME: consumer}, {DEPLOYMENT_NAME: consumer-2}]").unwrap();
    let mut command = world.rebalancer(
        &["plan", "--report", file.to_str().unwrap()],
        &[("WORKLOADS_FILE", list.to_str().unwrap()), ("CONTAINER_NAME", "consumer")],
    );
    command.env_remove("DEPLOYMENT_NAME");
    run(command).await.expect_exit(0);
    let html = std::fs::read_to_string(&file).unwrap();
    for title in ["<h1>Plan for shop/consumer</h1>", "<h1>Plan for shop/consumer-2</h1>"] {
        assert_eq!(html.matches(title).count(), 1, "{title}");
    }
}

#[tokio::test]
async fn a_report_that_can_not_be_written_fails_and_the_plan_is_shown_all_the_same() {
    let world = World::start().await;
    let command = world.rebalancer(&["plan", "--report", "/nonexistent/plan.html"], &[]);
    let run = run(command).await.expect_exit(1);
    assert_eq!(run.line("report_not_written")["file"], "/nonexistent/plan.html");
    assert!(String::from_utf8(run.0.stdout.clone()).unwrap().contains("rotate 2 of "));
}
